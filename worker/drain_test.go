package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
)

// given wants that nothing is lent and that no URL has cost an attempt.
func (x *trial) given() {
	x.Helper()
	s := x.stats()
	if s.Leased+s.HostsLeased+s.Retries+s.Reclaimed > 0 {
		x.Errorf("after the end: %+v", s)
	}
	time.Sleep(time.Hour) // all hosts have rested
	leases, _, err := x.model.Lease(x.Context(), frontier.LeaseRequest{Worker: "other", Hosts: 100, Batch: 100, TTL: time.Minute})
	if err != nil && !errors.Is(err, frontier.ErrDrained) {
		x.Fatal(err)
	}
	for _, l := range leases {
		for _, it := range l.Items {
			if it.Attempt > 0 {
				x.Errorf("%s has cost an attempt", it.URL)
			}
		}
		if err := x.model.Ack(x.Context(), &l, frontier.Report{Release: true}); err != nil {
			x.Fatal(err)
		}
	}
}

// finish crawls what is left, and wants each URL to have been asked for once, those in more excepted.
func (x *trial) finish(all []string, more map[string]bool) {
	x.Helper()
	x.cfg.Drain = nil
	x.run()
	x.settled(int64(len(all)), 0)
	log := x.web.log()
	for _, url := range all {
		if n := log.Count(url); n != 1 && !more[url] {
			x.Errorf("%s was asked for %d times", url, n)
		}
	}
}

func TestDrainingFinishesPagesUnderWayAndGivesTheRestBack(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost = 2 })
	inBubble(t, p, after(1700*time.Millisecond, empty), func(x *trial) {
		var all []string
		for i := range 5 {
			all = append(all, urls(fmt.Sprintf("h%d.test", i), 20)...)
		}
		x.cfg.Concurrency = 3
		x.seed(all...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		begin := time.Now()
		time.AfterFunc(5200*time.Millisecond, func() { close(drain) })
		if took := x.run(); took < 5200*time.Millisecond || took > 6900*time.Millisecond {
			x.Errorf("took %v", took)
		}
		if late := x.journal.leased.Sub(begin); late > 5200*time.Millisecond {
			x.Errorf("asked for hosts at %v", late)
		}
		for i := range 5 {
			for _, r := range x.web.log().Requests(fmt.Sprintf("h%d.test", i)) {
				if late := r.Start.Sub(begin); late > 5200*time.Millisecond {
					x.Errorf("sent a request at %v", late)
				}
			}
		}
		x.given()
		x.finish(all, nil)
	})
}

func TestDrainingEndsAVisitThatWaits(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay = 10 * time.Second })
	inBubble(t, p, empty, func(x *trial) {
		x.seed(urls("a.test", 3)...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		time.AfterFunc(2500*time.Millisecond, func() { close(drain) })
		if took := x.run(); took != 2500*time.Millisecond {
			x.Errorf("took %v", took)
		}
		x.given()
	})
}

func TestDrainingEndsAWorkerThatHasNothingToDo(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		if err := x.model.Hold(x.Context(), "seeds", time.Hour); err != nil {
			x.Fatal(err)
		}
		drain := make(chan struct{})
		x.cfg.Drain = drain
		time.AfterFunc(1500*time.Millisecond, func() { close(drain) })
		if took := x.run(); took != 1500*time.Millisecond {
			x.Errorf("took %v", took)
		}
	})
}

func TestPagesUnderWayAtTheEndOfTheGracePeriodAreGivenBack(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.PerHost = 90*time.Second, 3 })
	inBubble(t, p, after(50*time.Second, empty), func(x *trial) {
		all := append(urls("a.test", 5), urls("b.test", 2)...)
		x.seed(all...)
		drain := make(chan struct{})
		x.cfg.Drain, x.cfg.Grace = drain, 10*time.Second
		begin := time.Now()
		time.AfterFunc(2500*time.Millisecond, func() { close(drain) })
		if err := x.work(x.Context()); !errors.Is(err, ErrGrace) || time.Since(begin) != 12500*time.Millisecond {
			x.Errorf("run: %v, after %v", err, time.Since(begin))
		}
		if s := x.stats(); s.Settled() > 0 {
			x.Errorf("after the end: %+v", s)
		}
		x.given()
		x.finish(all, map[string]bool{
			"http://a.test/0": true, "http://a.test/1": true, "http://a.test/2": true,
			"http://b.test/0": true, "http://b.test/1": true,
		})
	})
}

func TestACancelledCrawlEndsAtOnceAndLosesNothing(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), after(2*time.Second, empty), func(x *trial) {
		all := append(urls("a.test", 10), urls("b.test", 10)...)
		x.seed(all...)
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(x.Context())
		begin := time.Now()
		time.AfterFunc(7*time.Second, func() { cancel(why) })
		if err := x.work(ctx); !errors.Is(err, why) || time.Since(begin) != 7*time.Second {
			x.Errorf("run: %v, after %v", err, time.Since(begin))
		}
		synctest.Wait() // servers have seen that nobody listens: a request is in the log once it is over
		cut := map[string]bool{}
		for _, url := range all {
			cut[url] = len(x.journal.verdicts(url)) == 0 && x.web.log().Count(url) > 0
		}
		x.given()
		x.finish(all, cut)
	})
}

func TestDrainingDuringAnOutageDoesNotWaitForItsEndToLease(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.seed("http://a.test/")
		var plan []frontiertest.Fault
		for call := 1; call <= 100; call++ {
			plan = append(plan, frontiertest.Fault{Method: "Lease", Call: call})
		}
		x.cfg.Frontier = frontiertest.Flaky(x.journal, plan...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		time.AfterFunc(3*time.Second, func() { close(drain) })
		if took := x.run(); took != 3*time.Second {
			x.Errorf("took %v", took)
		}
	})
}

// The waits between the redirects of a robots.txt end early then, and no request may follow.
func TestDrainingEndsTheSearchForARobotsTxt(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay = 10 * time.Second })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, r.URL.Path+"x", http.StatusFound)
	}
	inBubble(t, p, answer, func(x *trial) {
		drain := make(chan struct{})
		x.cfg.Drain = drain
		x.seed("http://a.test/")
		time.AfterFunc(12*time.Second, func() { close(drain) })
		x.run()
		if n := x.web.log().Total(); n != 2 {
			x.Errorf("%d requests, want those at 0 s and 10 s", n)
		}
	})
}
