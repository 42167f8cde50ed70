package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"trawl/frontier"
)

// manyHosts is a sitemap with pages of other hosts.
var manyHosts = urlset("http://a.test/1", "https://cdn.test/2", "http://b.test/3", "http://c.test/4", "http://a.test:81/5")

func TestASitemapSpeaksForItsOwnHostAndThoseThatNameIt(t *testing.T) {
	inBubble(t, everywhere, files(map[string]string{
		"a.test/robots.txt": "Sitemap: http://cdn.test/s.xml",
		"b.test/robots.txt": "Sitemap: http://cdn.test/s.xml#x",
		"cdn.test/s.xml":    manyHosts,
	}), func(x *trial) {
		robots := x.obeyRobots()
		if _, err := robots.Get(x.Context(), "http://b.test", func(context.Context, string) error { return nil }); err != nil {
			x.Fatal(err)
		}
		x.seed("http://a.test/")
		x.run()
		x.refused(map[frontier.Reason]int64{frontier.SitemapHost: 2})
		x.saw("a.test", "/", "/1")
		x.saw("b.test", "/3")
	})
}

func TestASitemapThatNobodyNamesSpeaksForItsOwnHostAlone(t *testing.T) {
	inBubble(t, everywhere, files(map[string]string{"cdn.test/s.xml": manyHosts}), func(x *trial) {
		x.obeyRobots()
		x.seedSitemap("http://cdn.test/s.xml")
		x.run()
		x.refused(map[frontier.Reason]int64{frontier.SitemapHost: 4})
	})
}

func TestAHostOutOfScopeThatKeepsASitemapIsAskedForNoOther(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/robots.txt":   "Sitemap: http://cdn.test/s.xml",
		"cdn.test/robots.txt": "Sitemap: /own.xml",
		"cdn.test/s.xml":      urlset("http://a.test/1", "http://cdn.test/2"),
	}), func(x *trial) {
		x.obeyRobots()
		x.seed("http://a.test/")
		x.run()
		x.saw("a.test", "/", "/1")
		x.saw("cdn.test", "/s.xml")
		x.refused(map[frontier.Reason]int64{frontier.OutOfScope: 1})
	})
}

func TestSitemapsThatTheUserNamedMaySpeakForSeededHosts(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{"cdn.test/s.xml": urlset("http://a.test/1", "http://b.test/2")}), func(x *trial) {
		x.seed("http://a.test/")
		x.seedSitemap("http://cdn.test/s.xml")
		x.run()
		x.saw("a.test", "/", "/1")
		x.refused(map[frontier.Reason]int64{frontier.SitemapHost: 1})
	})
}

// A note of another worker tells as much as a robots.txt that was read here.
func TestASitemapSpeaksForHostsOfWhichANoteNamesIt(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/robots.txt": "Sitemap: http://cdn.test/s.xml",
		"b.test/robots.txt": "Sitemap: http://cdn.test/s.xml",
		"c.test/robots.txt": "Sitemap: http://cdn.test/other.xml",
		"cdn.test/s.xml":    manyHosts,
	}), func(x *trial) {
		m := x.remembers()
		x.cfg.Plan.Policy.Sitemaps = false
		x.obeyRobots()
		x.seed("http://b.test/", "http://c.test/")
		x.run()
		x.cfg.Plan.Policy.Sitemaps = true
		x.obeyRobots()
		x.seed("http://a.test/")
		begin := time.Now()
		m.fail = func(called string) error {
			if called == "recall" && len(x.visited("cdn.test")) > 0 && time.Since(begin) < time.Minute {
				return frontier.ErrUnavailable
			}
			return nil
		}
		x.run()
		x.saw("a.test", "/", "/1")
		x.saw("b.test", "/", "/3")
		x.saw("c.test", "/")
		x.refused(map[frontier.Reason]int64{frontier.SitemapHost: 2, frontier.OutOfScope: 1}) // c.test, a.test:81; cdn.test
		if n := x.web.asked("b.test", "/robots.txt"); n != 1 {
			x.Errorf("b.test was asked for its robots.txt %d times", n)
		}
	})
}

func TestNotesAreLookedForOfSomeHostsOfASitemap(t *testing.T) {
	var pages []string
	for i := range 3 * mostVouched {
		pages = append(pages, fmt.Sprintf("http://h%d.test/", i))
	}
	for scope, want := range map[frontier.ScopeRule]int{frontier.ScopeAny: mostVouched, frontier.ScopeHost: 0} {
		t.Run(string(scope), func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay, p.Scope = 0, scope })
			inBubble(t, p, files(map[string]string{"cdn.test/s.xml": urlset(append(pages, pages...)...)}), func(x *trial) {
				m := x.remembers()
				x.obeyRobots()
				x.seedSitemap("http://cdn.test/s.xml")
				x.run()
				x.refused(map[frontier.Reason]int64{frontier.SitemapHost: int64(2 * len(pages))})
				if n := int(m.recalls.Load()) - 1; n != want { // one of its own
					x.Errorf("%d notes were looked for, want %d", n, want)
				}
			})
		})
	}
}
