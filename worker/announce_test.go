package worker

import (
	"fmt"
	"testing"
	"time"

	"trawl/frontier"
)

// announced counts the acks that made sitemaps known which a robots.txt names.
func (x *trial) announced() (n int) {
	for _, r := range x.journal.reports {
		if len(r.Found) > 0 && r.Found[0].Sitemap && len(r.Outcomes) == 0 {
			n++
		}
	}
	return n
}

// asked wants the robots.txt of a host asked for so often, and its sitemaps announced once.
func (x *trial) askedAndAnnounced(host string, asked int) {
	x.Helper()
	if n := x.web.asked(host, "/robots.txt"); n != asked {
		x.Errorf("robots.txt of %s was asked for %d times, want %d", host, n, asked)
	}
	if n := x.announced(); n != 1 {
		x.Errorf("sitemaps were announced %d times", n)
	}
}

func TestSitemapsThatARunningCrawlComesToWantAreReadWithoutAskingAgain(t *testing.T) {
	web := files(map[string]string{"a.test/robots.txt": "Sitemap: /s.xml", "a.test/s.xml": urlset("http://a.test/listed")})
	p := policy(func(p *frontier.Policy) { p.Sitemaps = false })
	wanted := p
	wanted.Sitemaps = true
	want := func(x *trial) {
		if err := x.model.SetPolicy(x.Context(), wanted); err != nil {
			x.Error(err)
		}
	}
	t.Run("under way", func(t *testing.T) {
		inBubble(t, p, web, func(x *trial) {
			x.follow(never)
			x.asFleet()
			x.obeyRobots()
			x.seed(urls("a.test", 30)...)
			time.AfterFunc(10*time.Second, func() { want(x) })
			x.run()
			x.settled(32, 0)
			x.askedAndAnnounced("a.test", 1)
		})
	})
	t.Run("by another worker", func(t *testing.T) {
		inBubble(t, p, web, func(x *trial) {
			m := x.remembers()
			x.obeyRobots()
			x.seed("http://a.test/0")
			x.run()
			want(x)
			x.cfg.Plan.Policy = wanted
			for i := range 3 { // the others after it have nothing to announce
				x.obeyRobots()
				x.seed(fmt.Sprintf("http://a.test/later/%d", i))
				x.run()
			}
			x.settled(6, 0)
			x.askedAndAnnounced("a.test", 1)
			if m.notes.Load() != 2 {
				x.Errorf("%d notes", m.notes.Load())
			}
		})
	})
}

// b.test is asked for a sitemap of a.test first, and is seeded then.
func TestAHostThatComesIntoScopeHasItsSitemapsRead(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), files(map[string]string{
		"a.test/robots.txt": "Sitemap: http://b.test/of-a.xml",
		"b.test/robots.txt": "Sitemap: /own.xml",
		"b.test/of-a.xml":   urlset("http://a.test/1"),
		"b.test/own.xml":    urlset("http://b.test/2"),
	}), func(x *trial) {
		x.remembers()
		x.obeyRobots()
		x.seed("http://a.test/")
		x.run()
		x.saw("b.test", "/of-a.xml")
		x.seed("http://b.test/")
		x.run()
		x.saw("b.test", "/of-a.xml", "/", "/own.xml", "/2")
		if n := x.web.asked("b.test", "/robots.txt"); n != 1 {
			x.Errorf("asked for %d times", n)
		}
		if n := x.announced(); n != 2 { // one of each host
			x.Errorf("sitemaps were announced %d times", n)
		}
	})
}

func TestSitemapsAreAnnouncedForEachHostThatSharesARobots(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/robots.txt": "-> http://b.test/robots.txt",
		"b.test/robots.txt": "Sitemap: /s.xml",
		"a.test/s.xml":      urlset("http://a.test/1"),
		"b.test/s.xml":      urlset("http://b.test/1"),
	}), func(x *trial) {
		x.obeyRobots()
		x.seed("http://b.test/")
		x.run()
		x.saw("b.test", "/", "/s.xml", "/1")
		x.seed("http://a.test/")
		x.run()
		x.saw("a.test", "/", "/s.xml", "/1")
	})
}
