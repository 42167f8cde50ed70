package worker

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/crawler/webtest"
	"trawl/frontier"
)

func TestRequestsToAHostAreApartByTheDelayAndOneAtATime(t *testing.T) {
	latencies := []time.Duration{0, 300 * time.Millisecond, 2500 * time.Millisecond}
	var n atomic.Int64
	answer := func(rw http.ResponseWriter, r *http.Request) {
		after(latencies[n.Add(1)%3], empty)(rw, r)
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.seed(urls("a.test", 30)...)
		took := x.run()
		x.settled(30, 0)
		log := x.web.log()
		if gap, _ := log.MinGap("a.test"); gap < time.Second {
			x.Errorf("smallest gap %v", gap)
		}
		if most := log.MaxConcurrent("a.test"); most != 1 {
			x.Errorf("%d requests at once", most)
		}
		if took > 55*time.Second { // a third of the gaps are of 1 s, the others at most of that or the latency
			x.Errorf("took %v", took)
		}
	})
}

func TestRequestsToAHostRunSideBySideAsThePolicyAllows(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay = 4, 200*time.Millisecond })
	inBubble(t, p, after(time.Second, empty), func(x *trial) {
		x.seed(urls("a.test", 60)...)
		took := x.run()
		log := x.web.log()
		if gap, _ := log.MinGap("a.test"); gap < p.Delay {
			x.Errorf("smallest gap %v", gap)
		}
		if most := log.MaxConcurrent("a.test"); most != 4 {
			x.Errorf("%d requests at once", most)
		}
		if took > 25*time.Second { // 4 in a second
			x.Errorf("took %v", took)
		}
	})
}

func TestACrawlDelayIsKeptAndReportedBeforeTheFirstPage(t *testing.T) {
	for asked, want := range map[string]time.Duration{"0.2": time.Second, "5": 5 * time.Second, "4000": 30 * time.Second} {
		t.Run(asked, func(t *testing.T) {
			var x *trial
			var reported atomic.Bool
			answer := func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/robots.txt" {
					fmt.Fprintf(rw, "User-agent: trawl\nCrawl-delay: %s\n", asked)
					return
				}
				x.journal.mu.Lock()
				defer x.journal.mu.Unlock()
				if slices.ContainsFunc(x.journal.reports, func(r frontier.Report) bool { return r.Delay == want }) {
					reported.Store(true)
				}
				if !reported.Load() && want != time.Second {
					t.Errorf("%s was asked for before the delay was reported", r.URL)
				}
				empty(rw, r)
			}
			inBubble(t, frontier.DefaultPolicy(), answer, func(trial *trial) {
				x = trial
				x.obeyRobots()
				x.seed(urls("a.test", 5)...)
				x.run()
				x.settled(5, 0)
				// The robots.txt counts: the first page comes a whole gap after it.
				if gap, _ := x.web.log().MinGap("a.test"); gap < want {
					x.Errorf("smallest gap %v, want %v", gap, want)
				}
				// An answer tells that its request had arrived: the slack is not kept on top.
				if gap, _ := x.web.log().Pages().MinGap("a.test"); gap > want+slack/2 {
					x.Errorf("smallest gap between pages %v, want %v", gap, want)
				}
			})
		})
	}
}

func TestTheWorkerNeverHasMoreRequestsUnderWayThanItsConcurrency(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay = 3, 0 })
	var n atomic.Int64
	answer := func(rw http.ResponseWriter, r *http.Request) {
		after(time.Duration(n.Add(1)%7)*30*time.Millisecond, empty)(rw, r)
	}
	inBubble(t, p, answer, func(x *trial) {
		x.cfg.Concurrency = 8
		x.obeyRobots() // whose requests count
		for i := range 40 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 5)...)
		}
		x.run()
		x.settled(200, 0)
		if x.web.mostOpen != 8 {
			x.Errorf("%d requests at once", x.web.mostOpen)
		}
	})
}

func TestASlowHostDoesNotStallTheOthers(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		latency := 50 * time.Millisecond
		if r.Host == "slow.test" {
			latency = 25 * time.Second
		}
		after(latency, empty)(rw, r)
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.cfg.Concurrency = 4
		x.seed(urls("slow.test", 8)...)
		for i := range 9 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 20)...)
		}
		begin := time.Now()
		x.run()
		for i := range 9 {
			all := x.web.log().Requests(fmt.Sprintf("h%d.test", i))
			if last := all[len(all)-1].End.Sub(begin); last > 30*time.Second { // 20 are the least
				x.Errorf("host %d took %v", i, last)
			}
		}
	})
}

// Pages are acked in order, and keep their places until then: those behind a slow one must not pile up.
func TestASlowPageDoesNotTakeThePlacesOfOtherHosts(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay = 2, 0 })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		latency := 50 * time.Millisecond
		if strings.HasPrefix(r.Host, "slow") && r.URL.Path == "/0" {
			latency = 15 * time.Second
		}
		after(latency, empty)(rw, r)
	}
	inBubble(t, p, answer, func(x *trial) {
		x.cfg.Concurrency = 32
		for i := range 3 {
			x.seed(urls(fmt.Sprintf("slow%d.test", i), 60)...)
		}
		for i := range 10 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 100)...)
		}
		begin := time.Now()
		x.run()
		for i := range 10 {
			all := x.web.log().Requests(fmt.Sprintf("h%d.test", i))
			if last := all[len(all)-1].End.Sub(begin); last > 6*time.Second { // 2.5 are the least
				x.Errorf("host %d took %v", i, last)
			}
		}
	})
}

func TestMoreHostsThanPlacesAreAllCrawledAtTheirOwnPace(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), after(20*time.Millisecond, empty), func(x *trial) {
		x.cfg.Concurrency = 10
		for i := range 100 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 10)...)
		}
		took := x.run()
		x.settled(1000, 0)
		if took > 15*time.Second { // 10 are the least; one host after the other in 10 places took 100
			x.Errorf("took %v", took)
		}
		if host, gap := x.web.log().Worst(); gap < time.Second {
			x.Errorf("smallest gap %v, of %s", gap, host)
		}
	})
}

func TestAVisitThatWaitsLeavesWhenItsPlaceIsWanted(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Scope = frontier.ScopeAny })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/robots.txt" && r.Host == "lazy.test":
			_, _ = io.WriteString(rw, "User-agent: *\nCrawl-delay: 14\n")
			return
		case r.URL.Path == "/":
			time.Sleep(4 * time.Second)
		}
		pages(map[string]string{
			"busy.test/0": link("http://c.test/", "http://d.test/", "http://e.test/", "http://f.test/", "http://g.test/", "http://h.test/"),
		})(rw, r)
	}
	inBubble(t, p, answer, func(x *trial) {
		x.cfg.Concurrency = 3
		x.obeyRobots()
		x.seed("http://lazy.test/0", "http://lazy.test/1", "http://busy.test/0")
		begin := time.Now()
		x.run()
		x.settled(9, 0)
		for _, host := range []string{"c.test", "d.test", "e.test", "f.test", "g.test", "h.test"} {
			// In the two places that lazy.test leaves, the last would be asked after 10 s.
			if wait := x.web.log().Pages().Requests(host)[0].Start.Sub(begin); wait > 8*time.Second {
				x.Errorf("%s was kept waiting for %v", host, wait)
			}
		}
	})
}

func TestRequestsThatAreNeverSentKeepThePaceToo(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		var dialled []time.Time
		x.web.refuse = func(string) error {
			dialled = append(dialled, time.Now())
			return &crawler.Error{Kind: crawler.KindNoHost, Err: errors.New("no such host")}
		}
		x.seed(urls("a.test", 5)...)
		x.run()
		x.settled(0, 5)
		for i := range 4 {
			if gap := dialled[i+1].Sub(dialled[i]); gap < time.Second {
				x.Errorf("tried again after %v", gap)
			}
		}
	})
}

func TestAPauseHoldsWhateverElseIsUnderWay(t *testing.T) {
	busy := func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/0":
			time.Sleep(500 * time.Millisecond)
			rw.Header().Set("Retry-After", "10") // short enough to be waited for
			rw.WriteHeader(http.StatusTooManyRequests)
		case "/1":
			time.Sleep(time.Second)
		}
	}
	p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay, p.Retries = 2, 0, 0 })
	test := func(concurrency int, next string) func(*testing.T) {
		return func(t *testing.T) {
			inBubble(t, p, busy, func(x *trial) {
				x.cfg.Concurrency = concurrency
				x.seed(urls("a.test", 3)...)
				x.run()
				x.settled(2, 1)
				all := x.web.log().Requests("a.test")
				i := slices.IndexFunc(all, func(r webtest.Request) bool { return r.Path == next })
				if pause := all[i].Start.Sub(all[0].End); pause < 10*time.Second {
					x.Errorf("%s was asked for after %v", next, pause)
				}
			})
		}
	}
	t.Run("an answer that comes later", test(8, "/2"))
	t.Run("a request that waits for its place", test(1, "/1"))
}

// Not parallel: it counts goroutines.
func TestThousandsOfHostsAreAskedAtOnceAndNoGoroutineIsLeft(t *testing.T) {
	const hosts = 5000
	before := runtime.NumGoroutine()
	bubble(t, frontier.DefaultPolicy(), after(time.Second, empty), func(x *trial) {
		x.cfg.Concurrency = hosts
		x.cfg.Frontier = x.model // which is slow enough without a journal
		x.cfg.Sink = nowhere{}
		for i := range hosts {
			x.seed(fmt.Sprintf("http://h%d.test/", i))
		}
		took := x.run()
		var stacks strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
			x.Fatal(err)
		}
		if all := stacks.String(); strings.Contains(all, "worker.(*visit)") || strings.Contains(all, "worker.(*worker)") {
			x.Errorf("left running:\n%s", all)
		}
		x.settled(hosts, 0)
		if x.web.mostOpen != hosts {
			x.Errorf("%d requests at once", x.web.mostOpen)
		}
		if took > 4*time.Second {
			x.Errorf("took %v", took)
		}
	})
	end := time.Now().Add(10 * time.Second) // what has been waited for takes a moment to be gone
	for now := runtime.NumGoroutine(); now > before; now = runtime.NumGoroutine() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", now, before)
		}
		runtime.Gosched()
	}
}

func TestBackoffDoublesFromOneSecondToFiveMinutes(t *testing.T) {
	t.Parallel()
	want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}
	for n, seconds := range want {
		if got := backoff(n); got != seconds*time.Second {
			t.Errorf("backoff(%d) = %v", n, got)
		}
	}
	if backoff(1000) != backoffMax {
		t.Error("a large attempt number overflows")
	}
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		d := jitter(time.Minute)
		low, high = min(low, d), max(high, d)
	}
	if low < 45*time.Second || high > 75*time.Second || high-low < 20*time.Second {
		t.Errorf("jitter of a minute: from %v to %v", low, high)
	}
}
