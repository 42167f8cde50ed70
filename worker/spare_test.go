package worker

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trawl/frontier"
)

// A page comes a delay after the robots.txt, which has expired by then.
func TestADelayThatIsLongerThanRulesServeDoesNotKeepPagesFromBeingFetched(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			rw.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(rw, "User-agent: *\nCrawl-delay: 3600")
		}
	}
	p := policy(func(p *frontier.Policy) { p.MaxCrawlDelay = 2 * time.Hour })
	inBubble(t, p, answer, func(x *trial) {
		x.remembers()
		x.obeyRobots()
		x.seed(urls("a.test", 3)...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		stop := time.AfterFunc(24*time.Hour, func() { close(drain) })
		defer stop.Stop()
		x.run()
		x.settled(3, 0)
		if n := x.web.asked("a.test", "/robots.txt"); n != 3 { // one for each page, as its rules do not serve for two
			x.Errorf("robots.txt was asked for %d times", n)
		}
		if gap, _ := x.web.log().MinGap("a.test"); gap < time.Hour {
			x.Errorf("smallest gap %v", gap)
		}
	})
}

// With many more hosts than places, in a fleet, a host's turn comes when its rules have expired.
func TestHostsWhoseTurnComesRarelyAreAskedForPagesToo(t *testing.T) {
	const hosts = 100
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := policy(func(p *frontier.Policy) { p.RobotsCache = 5 * time.Second })
		x := newTrial(t, p, after(time.Second, withRobots(func() string { return "" })))
		defer x.close()
		store := x.onDisk()
		x.cfg.Frontier = struct {
			*memory
			frontier.Fleet
		}{&memory{journal: x.journal, Memory: store}, x.model}
		x.obeyRobots()
		x.cfg.Concurrency = 8
		var list []frontier.Entry
		for i := range hosts {
			for _, url := range urls(fmt.Sprintf("h%d.test", i), 3) {
				u := mustParse(x, url)
				x.cfg.Plan.Scope.Add(u)
				list = append(list, frontier.Entry{URL: u, Seed: true})
			}
		}
		if _, err := store.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		drain := make(chan struct{})
		x.cfg.Drain = drain
		stop := time.AfterFunc(5*time.Minute, func() { close(drain) })
		defer stop.Stop()
		took := x.run()
		asked := 0
		for i := range hosts {
			asked += x.web.asked(fmt.Sprintf("h%d.test", i), "/robots.txt")
		}
		if s, err := store.Stats(t.Context()); s.Done != 3*hosts || err != nil {
			t.Errorf("%d pages: %v", s.Done, err)
		}
		if asked > 3*hosts || took > 2*time.Minute { // 75 s are the least for as many requests
			t.Errorf("robots.txt was asked for %d times in %v", asked, took)
		}
	})
}

func TestRulesThatExpiredServeForNoSecondPage(t *testing.T) {
	var changed atomic.Bool
	p := policy(func(p *frontier.Policy) { p.RobotsCache, p.Delay = 10*time.Second, 20*time.Second })
	inBubble(t, p, withRobots(func() string {
		if changed.Swap(true) {
			return "User-agent: *\nDisallow: /"
		}
		return ""
	}), func(x *trial) {
		m := x.remembers()
		x.obeyRobots()
		x.seed(urls("a.test", 3)...)
		for range 2 {
			drain := make(chan struct{})
			x.cfg.Drain = drain
			time.AfterFunc(25*time.Second, func() { close(drain) })
			x.run()
			x.obeyRobots() // as another worker
		}
		x.saw("a.test", "/0")
		if m.notes.Load() != 3 { // asked, used, asked again
			x.Errorf("%d notes", m.notes.Load())
		}
		drain := make(chan struct{})
		x.cfg.Drain = drain
		stop := time.AfterFunc(time.Hour, func() { close(drain) })
		defer stop.Stop()
		x.run()
		x.refused(map[frontier.Reason]int64{frontier.ByRobots: 2})
	})
}
