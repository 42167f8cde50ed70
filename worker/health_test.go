package worker

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestAHostThatKeepsFailingIsSetBackAndThenGivenUp(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.HostFailures = 0, 6 })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "a.test" {
			reset(rw, r)
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		x.seed(append(urls("a.test", 100), urls("b.test", 3)...)...)
		x.run()
		x.settled(3, 100)
		asked := x.web.log().Requests("a.test")
		if len(asked) != 6 {
			x.Fatalf("%d requests to a host that fails, want 6", len(asked))
		}
		for n, r := range asked[1:] {
			if gap, want := r.Start.Sub(asked[n].End), backoff(n); gap < want*3/4 {
				x.Errorf("failure %d: asked again after %v, want about %v", n+1, gap, want)
			}
		}
		if s := x.stats(); s.DeadFor[frontier.HostDown] != 100 {
			x.Errorf("given up: %v", s.DeadFor)
		}
		for _, url := range urls("a.test", 100) {
			r := x.journal.record(url)
			if r == nil || r.Error == nil || r.Error.Kind != "host-down" || !strings.HasPrefix(r.Error.Detail, "6 failures in a row; the latest: reset: ") {
				x.Fatalf("%s: record %+v", url, r)
			}
		}
	})
}

func TestOneAnswerEndsARowOfFailures(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.HostFailures, p.Retries = 0, 3, 0 })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "2") {
			reset(rw, r)
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		x.seed("http://a.test/1", "http://a.test/01", "http://a.test/2", "http://a.test/3", "http://a.test/03", "http://a.test/02")
		x.run()
		x.settled(2, 4)
		if s := x.stats(); s.DeadFor[frontier.HostDown] != 0 {
			x.Errorf("given up: %v", s.DeadFor)
		}
	})
}

func TestAHostIsNeverGivenUpIfThePolicySaysSo(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.HostFailures, p.Retries = 0, 0, 1 })
	inBubble(t, p, reset, func(x *trial) {
		x.seed(urls("a.test", 8)...)
		x.run()
		x.settled(0, 8)
		if n := len(x.web.log().Requests("a.test")); n != 16 {
			x.Errorf("%d requests, want 16", n)
		}
	})
}

// gaps are the times between the starts of requests to a host.
func (x *trial) gaps(host string) (list []time.Duration) {
	all := x.web.log().Requests(host)
	for i := 1; i < len(all); i++ {
		list = append(list, all[i].Start.Sub(all[i-1].Start))
	}
	return list
}

func TestAnAdaptiveDelayFollowsTheLatency(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Adaptive = true })
	latency := func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "slow.test" {
			time.Sleep(4 * time.Second)
		}
	}
	inBubble(t, p, latency, func(x *trial) {
		x.seed(append(urls("slow.test", 30), urls("quick.test", 30)...)...)
		x.run()
		x.settled(60, 0)
		if last := x.gaps("slow.test")[28]; last < 7*time.Second || last > 9*time.Second {
			x.Errorf("a host that takes 4 s is asked every %v, want about 8 s", last)
		}
		if last := x.gaps("quick.test")[28]; last < time.Second || last > 1500*time.Millisecond {
			x.Errorf("a host that answers at once is asked every %v, want 1 s", last)
		}
	})
}

func TestErrorsSlowAnAdaptiveCrawlDownAndNeverUp(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Adaptive, p.Retries = true, 0 })
	n := 0
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if n++; n <= 4 {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		x.seed(urls("a.test", 20)...)
		x.run()
		x.settled(16, 4)
		gaps := x.gaps("a.test")
		for i := 1; i < 4; i++ {
			if gaps[i] < gaps[i-1]*3/2 {
				x.Errorf("after error %d: %v, before it %v", i+1, gaps[i], gaps[i-1])
			}
		}
		if last := gaps[18]; last > 2*time.Second {
			x.Errorf("good answers bring the delay back to %v, want 1 s", last)
		}
	})
}

func TestWantOfMemoryIsNotTheHostsFault(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.Retries, p.HostFailures = 0, 2, 1 })
	inBubble(t, p, empty, func(x *trial) {
		x.cfg.Plan.Fetch = failing{x.fetcher, &crawler.Error{Kind: crawler.KindMemory, Err: errors.New("none left")}}
		x.seed(first, second)
		begin := time.Now()
		x.run()
		x.settled(1, 1)
		if pause := x.web.log().Requests("a.test")[0].Start.Sub(begin); pause > 0 {
			x.Errorf("the host rested for %v", pause)
		}
		if s := x.stats(); s.DeadFor["memory"] != 1 {
			x.Errorf("given up: %v", s.DeadFor)
		}
	})
}

func TestRequestsThatFailTogetherAreOneFailure(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.PerHost, p.HostFailures = 0, 16, 3 })
	var begin time.Time
	answer := func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(100 * time.Millisecond)
		if time.Since(begin) < time.Second {
			reset(rw, r)
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		begin = time.Now()
		x.seed(urls("a.test", 100)...)
		x.run()
		x.settled(100, 0)
	})
}

// TestPagesThatStallCostNoneOfTheOthers has two of three: never as many in a row as a host may fail, until they are alone.
func TestPagesThatStallCostNoneOfTheOthers(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.HostFailures, p.Retries, p.Timeout = 0, 3, 0, 5*time.Second })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if n, err := strconv.Atoi(r.URL.Path[1:]); err != nil || n%3 == 0 {
			return
		}
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
	inBubble(t, p, answer, func(x *trial) {
		x.seed(urls("a.test", 40)...)
		x.run()
		x.settled(14, 26)
	})
}

func TestRulesThatExpireWithinAVisitAreAskedForAgain(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.RobotsCache = 4 * time.Second })
	forbids := false
	answer := func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/robots.txt" && forbids:
			_, _ = rw.Write([]byte("User-agent: *\nDisallow: /\n"))
		case r.URL.Path == "/2":
			forbids = true
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		robots, err := crawler.NewRobots(x.fetcher, crawler.RobotsConfig{Token: "trawl", Keep: p.RobotsCache})
		if err != nil {
			x.Fatal(err)
		}
		x.cfg.Plan.Robots = robots
		x.seed(urls("a.test", 30)...)
		x.run()
		pages := x.web.log().Pages().Requests("a.test")
		if n := len(pages); n < 3 || n > 8 {
			x.Errorf("%d pages were asked for; after the third all were forbidden, and rules serve for 4 s", n)
		}
	})
}

// TestAHostWhoseBodiesStallIsGivenUp has one that is only slow too, whose pages die each for itself.
func TestAHostWhoseBodiesStallIsGivenUp(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.Timeout = 0, 10*time.Second })
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		piece := []byte("x")
		if r.Host == "b.test" {
			piece = make([]byte, 16<<10)
		}
		for r.Context().Err() == nil {
			if _, err := rw.Write(piece); err != nil {
				return
			}
			_ = http.NewResponseController(rw).Flush() // it fails when nobody listens any more
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
			}
		}
	}
	inBubble(t, p, answer, func(x *trial) {
		x.seed(append(urls("a.test", 100), urls("b.test", 5)...)...)
		x.run()
		x.settled(0, 105)
		if n := len(x.web.log().Requests("a.test")); n != p.HostFailures {
			x.Errorf("%d requests", n)
		}
		if s := x.stats(); s.DeadFor[frontier.HostDown] != 100 || s.DeadFor["timeout"] != 5 {
			x.Errorf("given up: %v", s.DeadFor)
		}
	})
}
