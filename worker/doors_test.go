package worker

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// leading answers for robots.txt of every host but one with a redirect to that one, and lets another handler do the rest.
func leading(host string, answer http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if name, _, _ := strings.Cut(r.Host, ":"); r.URL.Path == "/robots.txt" && name != host {
			http.Redirect(rw, r, "http://"+host+"/rules/"+r.Host, http.StatusFound)
			return
		}
		answer(rw, r)
	}
}

func TestHostsThatLeadToOneForRobotsLoseNoPage(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" && r.Host != "victim.test" {
			http.Redirect(rw, r, "http://victim.test/"+r.Host, http.StatusFound)
			return
		}
		empty(rw, r)
	}
	inBubble(t, policy(func(p *frontier.Policy) { p.Retries = 0 }), answer, func(x *trial) {
		x.remembers()
		x.obeyRobots()
		for i := range 40 {
			x.seed(fmt.Sprintf("http://h%d.test/", i))
		}
		took := x.run()
		x.settled(40, 0)
		log := x.web.log()
		if gap, _ := log.MinGap("victim.test"); gap < time.Second || len(log.Requests("victim.test")) != 40 {
			x.Errorf("%d requests to where they lead, %v apart", len(log.Requests("victim.test")), gap)
		}
		if took > 5*time.Minute {
			x.Errorf("took %v", took)
		}
	})
}

// apart checks that requests to a host had a gap and came one at a time, and that so many were sent on behalf of others.
func (x *trial) apart(host string, gap time.Duration, guests int) {
	x.Helper()
	log, n := x.web.log(), 0
	for _, r := range log.Requests(host) {
		if strings.HasPrefix(r.Path, "/rules/") {
			n++
		}
	}
	if n != guests {
		x.Errorf("%s was asked %d times for the rules of others, want %d", host, n, guests)
	}
	if least, _ := log.MinGap(host); least < gap {
		x.Errorf("smallest gap %v, want %v", least, gap)
	}
	if most := log.MaxConcurrent(host); most != 1 {
		x.Errorf("%d requests at once", most)
	}
}

func TestAHostThatIsVisitedKeepsItsPaceWhileOthersLeadThere(t *testing.T) {
	for _, c := range []struct {
		law     string
		answer  http.HandlerFunc
		perHost int
		gap     time.Duration
		most    time.Duration // for all
	}{
		{"the policy's", empty, 1, time.Second, 45 * time.Second},
		{"of answers that take longer", after(1700*time.Millisecond, empty), 1, time.Second, 90 * time.Second},
		{"with several lanes", after(10*time.Millisecond, empty), 3, time.Second, 45 * time.Second},
		{"its own", withRobots(func() string { return "User-agent: *\nCrawl-delay: 7" }), 1, 7 * time.Second, 5 * time.Minute},
	} {
		t.Run(c.law, func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.PerHost = c.perHost })
			inBubble(t, p, leading("b.test", c.answer), func(x *trial) {
				x.remembers()
				x.obeyRobots()
				x.cfg.Batch = 4 // so the visits are many
				x.seed(urls("b.test", 20)...)
				for i := range 5 {
					x.seed(fmt.Sprintf("http://a%d.test/", i))
				}
				if took := x.run(); took > c.most {
					x.Errorf("took %v", took)
				}
				x.settled(25, 0)
				x.apart("b.test", c.gap, 5)
			})
		})
	}
}

func TestAVisitBeginsAGapAfterAGuestLeft(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Scope = frontier.ScopeAny })
	for name, at := range map[string]time.Duration{"while it is there": 600 * time.Millisecond, "just after": 900 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, p, func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "text/html")
				switch {
				case r.Host == "a.test" && r.URL.Path == "/robots.txt":
					time.Sleep(1500 * time.Millisecond)
					http.Redirect(rw, r, "http://b.test/rules/", http.StatusFound)
				case r.URL.Path == "/rules/":
					time.Sleep(200 * time.Millisecond)
				case r.Host == "c.test" && r.URL.Path == "/": // asked for after a second
					time.Sleep(at)
					_, _ = io.WriteString(rw, link("http://b.test/0"))
				}
			}, func(x *trial) {
				x.obeyRobots()
				x.seed("http://a.test/", "http://c.test/")
				x.run()
				x.settled(3, 0)
				x.apart("b.test", time.Second, 1)
			})
		})
	}
}

func TestAGuestWaitsForAGapButNotForAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doors{names: map[string]*door{}}
		p := newPace(20*time.Second, 20*time.Second)
		d.enter("http://a.test:81", p)
		if !p.claim() {
			t.Fatal("no request may be sent")
		}
		p.answered(p.sent())
		p.drop()
		if wait := d.take("a.test", time.Second); wait > 0 {
			t.Fatalf("turned away for %v", wait)
		}
		if p.claim() {
			t.Error("a request may be sent before the guest's")
		}
		if wait, ok := d.ready("a.test"); wait != 20*time.Second || !ok {
			t.Errorf("is to wait %v: %v", wait, ok)
		}
		p.rest(time.Hour)
		if wait, ok := d.ready("a.test"); wait != time.Hour || ok {
			t.Errorf("is to wait %v: %v", wait, ok)
		}
		d.dismiss("a.test", false)
		for i := range 3 {
			if wait, want := d.take("a.test", time.Second), time.Hour+time.Duration(i)*time.Minute; wait != want {
				t.Errorf("turned away for %v, want %v", wait, want)
			}
		}
	})
}

func TestDoorsAtWhichNothingHappensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doors{names: map[string]*door{}}
		visited := newPace(time.Second, time.Second)
		d.enter("http://visited.test", visited)
		d.take("guest.test", time.Second)
		for i := range 100_000 {
			h, p := frontier.Host(fmt.Sprintf("http://h%d.test", i)), newPace(time.Second, time.Second)
			d.enter(h, p)
			p.hold()
			d.leave(h, p)
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		if n := len(d.names); n > 2000 {
			t.Errorf("%d names are known", n)
		}
		if len(d.names["visited.test"].paces) != 1 || !d.names["guest.test"].guest {
			t.Error("those that are in use are not known")
		}
	})
}

// What a worker of the fleet was told by a host is not asked for again by another, whose host leads there.
func TestNobodyIsAGuestForWhatIsNoted(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/robots.txt":
		case r.Host == "b.test":
			_, _ = io.WriteString(rw, "User-agent: *\nDisallow: /1")
		default:
			http.Redirect(rw, r, "http://b.test/robots.txt", http.StatusFound)
		}
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.remembers()
		x.obeyRobots()
		x.seed("http://b.test/0")
		x.run()
		x.obeyRobots() // as another worker, which knows nothing
		x.seed(urls("a.test", 3)...)
		x.run()
		x.settled(3, 0)
		if n := x.web.asked("b.test", "/robots.txt"); n != 1 || x.web.asked("a.test", "/robots.txt") != 1 {
			x.Errorf("asked %d times", n)
		}
		if x.web.asked("a.test", "/1") > 0 || x.web.asked("a.test", "/2") != 1 {
			x.Error("the note is not obeyed")
		}
	})
}

func TestNobodyIsAGuestWhereAPauseIsKept(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), leading("b.test", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/0" && r.Host == "b.test" {
			rw.Header().Set("Retry-After", "60")
			rw.WriteHeader(http.StatusTooManyRequests)
		}
	}), func(x *trial) {
		x.follow(never)
		x.asFleet()
		x.obeyRobots()
		x.cfg.Plan.Policy.Retries = 0
		x.seed("http://b.test/0", "http://b.test/1")
		for i := range 5 {
			time.AfterFunc(time.Duration(5+i)*time.Second, func() { x.elsewhere(fmt.Sprintf("http://a%d.test/", i)) })
		}
		x.run()
		x.settled(6, 1)
		all := x.web.log().Requests("b.test") // robots.txt, /0, and then
		if pause := all[2].Start.Sub(all[1].End); pause < time.Minute {
			x.Errorf("asked for %s after %v", all[2].Path, pause)
		}
		x.apart("b.test", time.Second, 5)
	})
}

func TestAPauseThatAGuestIsToldBindsAll(t *testing.T) {
	var told atomic.Bool
	inBubble(t, frontier.DefaultPolicy(), leading("b.test", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/rules/") && !told.Swap(true) {
			rw.Header().Set("Retry-After", "60")
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}), func(x *trial) {
		x.obeyRobots()
		x.seed(urls("b.test", 10)...)
		for i := range 5 {
			x.seed(fmt.Sprintf("http://a%d.test/", i))
		}
		x.run()
		x.settled(15, 0)
		all := x.web.log().Requests("b.test")
		for i, r := range all {
			if strings.HasPrefix(r.Path, "/rules/") { // the first
				if pause := all[i+1].Start.Sub(r.End); pause < time.Minute {
					x.Errorf("asked for %s after %v", all[i+1].Path, pause)
				}
				break
			}
		}
		x.apart("b.test", time.Second, 6)
	})
}

func TestHostsThatLeadToEachOtherAreRead(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		other := map[string]string{"a.test": "b.test", "b.test": "a.test"}[r.Host]
		switch {
		case r.URL.Path == "/robots.txt":
			http.Redirect(rw, r, "http://"+other+"/1", http.StatusFound)
		case r.URL.Path == "/1":
			http.Redirect(rw, r, "http://"+other+"/2", http.StatusFound)
		case r.URL.Path == "/2":
			http.Redirect(rw, r, "/3", http.StatusFound)
		default:
			empty(rw, r)
		}
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.obeyRobots()
		x.seed("http://a.test/", "http://b.test/")
		if took := x.run(); took > 3*time.Minute {
			x.Errorf("took %v", took)
		}
		x.settled(2, 0)
		x.apart("a.test", time.Second, 0)
		x.apart("b.test", time.Second, 0)
	})
}

// As from http to https. The second time its delay is longer than a guest is patient.
func TestAHostThatLeadsToAnotherOfItsNameKeepsItsGap(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/robots.txt" && r.Host == "a.test":
			http.Redirect(rw, r, "http://a.test:81/robots.txt", http.StatusFound)
		case r.URL.Path == "/robots.txt":
			_, _ = io.WriteString(rw, "User-agent: *\nCrawl-delay: 20")
		}
	}
	p := policy(func(p *frontier.Policy) { p.RobotsCache = 5 * time.Minute })
	inBubble(t, p, answer, func(x *trial) {
		x.follow(never)
		x.asFleet()
		x.obeyRobots()
		x.cfg.Forever = true
		drain := make(chan struct{})
		x.cfg.Drain = drain
		x.seed("http://a.test/")
		begin := time.Now()
		time.AfterFunc(10*time.Minute, func() { x.elsewhere("http://a.test/2") })
		time.AfterFunc(15*time.Minute, func() { close(drain) })
		x.run()
		x.settled(2, 0)
		late := x.web.log().Requests("a.test")[2:]
		late = append(late, x.web.log().Requests("a.test:81")[1:]...)
		for i := range late {
			late[i].Host = "both"
		}
		if gap, _ := webtest.NewLog(late...).MinGap("both"); len(late) != 3 || gap < 20*time.Second {
			x.Errorf("%d requests, %v apart", len(late), gap)
		}
		if took := late[1].Start.Sub(begin); took > 11*time.Minute {
			x.Errorf("the page was asked for after %v", took)
		}
	})
}
