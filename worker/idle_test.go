package worker

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"trawl/frontier"
)

// resting is a web whose host a.test answers a path with a Retry-After, for as long as that lasts.
func resting(path string, pause time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "a.test" && r.URL.Path == path && time.Since(bubbleBegan) < pause:
			rw.Header().Set("Retry-After", fmt.Sprint(int(pause.Seconds())))
			rw.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/robots.txt":
			http.NotFound(rw, r)
		default:
			empty(rw, r)
		}
	}
}

// idles wants a run to end because of hosts that rest, and returns how long it took and until when they do.
func (x *trial) idles() (took time.Duration, until time.Time) {
	x.Helper()
	began := time.Now()
	err := Run(x.Context(), x.cfg)
	var idle *IdleError
	if !errors.As(err, &idle) {
		x.Fatalf("run: %v", err)
	}
	return time.Since(began), idle.Until
}

func TestAWorkerEndsWhenNothingIsDueForTooLongAndLeavesTheHostAlone(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"for a page": "/3", "for robots.txt": "/robots.txt"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), resting(path, 24*time.Hour), func(x *trial) {
				x.obeyRobots()
				x.cfg.MaxIdle = 10 * time.Minute
				all := append(urls("a.test", 10), urls("b.test", 30)...)
				x.seed(all...)
				took, until := x.idles()
				if took > 40*time.Second { // those of the other host, a second apart
					x.Errorf("ended after %v", took)
				}
				if due := until.Sub(bubbleBegan); due < 24*time.Hour || due > 24*time.Hour+time.Minute {
					x.Errorf("due after %v", due)
				}
				if s := x.stats(); s.Done < 30 || s.Dead > 0 || s.Seen != 40 {
					x.Errorf("%+v", s)
				}
				asked := x.web.log().Total()
				if took, again := x.idles(); took > 0 || again.Sub(until).Abs() > time.Millisecond || x.web.log().Total() != asked {
					x.Errorf("again: ended after %v, due at %v and not %v, %d requests", took, again, until, x.web.log().Total()-asked)
				}
				time.Sleep(time.Until(until))
				x.run()
				x.settled(40, 0)
				if gap := apart(x, path); gap < 24*time.Hour {
					x.Errorf("asked again after %v", gap)
				}
			})
		})
	}
}

// apart is the time from the request for a path of a.test to the next request.
func apart(x *trial, path string) time.Duration {
	requests := x.web.log().Requests("a.test")
	for i, r := range requests {
		if r.Path == path && i+1 < len(requests) {
			return requests[i+1].Start.Sub(r.End)
		}
	}
	x.Errorf("%s was asked for last, or never", path)
	return 0
}

func TestAWorkerWaitsForPausesThatItMayWaitFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pause, limit, delay time.Duration
	}{
		"no limit":                         {24 * time.Hour, 0, time.Second},
		"a longer limit":                   {5 * time.Minute, 10 * time.Minute, time.Second},
		"a delay is no pause":              {time.Second, time.Minute, time.Hour},
		"and lets others rest for as long": {time.Hour, time.Minute, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay = test.delay })
			inBubble(t, p, resting("/3", test.pause), func(x *trial) {
				x.cfg.MaxIdle = test.limit
				x.seed(urls("a.test", 6)...)
				x.run()
				x.settled(6, 0)
			})
		})
	}
}

func TestAWorkerThatIsIdleWaitsForWhoStillSeeds(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), resting("/0", 24*time.Hour), func(x *trial) {
		x.cfg.MaxIdle = 30 * time.Second
		x.seed(urls("a.test", 1)...)
		if err := x.model.Hold(x.Context(), "seeds", time.Hour); err != nil {
			x.Fatal(err)
		}
		time.AfterFunc(20*time.Minute, func() {
			x.seed(urls("b.test", 3)...)
			if err := x.model.Hold(x.Context(), "seeds", 0); err != nil {
				x.Error(err)
			}
		})
		if took, _ := x.idles(); took < 20*time.Minute || took > 21*time.Minute || x.stats().Done != 3 {
			x.Errorf("ended after %v: %+v", took, x.stats())
		}
	})
}

func TestAWorkerThatIsIdleBeginsWhenItHearsOfNewURLs(t *testing.T) {
	const late = 1500 * time.Millisecond
	inBubble(t, frontier.DefaultPolicy(), func(http.ResponseWriter, *http.Request) {}, func(x *trial) {
		news := make(chan struct{}, 1)
		x.cfg.News = news
		if err := x.model.Hold(x.Context(), "seeds", time.Hour); err != nil {
			x.Fatal(err)
		}
		time.AfterFunc(late, func() {
			x.seed("http://a.test/")
			news <- struct{}{}
			if err := x.model.Hold(x.Context(), "seeds", 0); err != nil {
				x.Error(err)
			}
		})
		if took := x.run(); took != late || x.stats().Done != 1 {
			x.Errorf("ended after %v: %+v", took, x.stats())
		}
	})
}

// A page that is under way may lead to hosts that can be asked, whenever it ends.
func TestAWorkerIsNotIdleWhileAPageIsUnderWay(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.Scope = time.Hour, frontier.ScopeAny })
	rests := resting("/0", 24*time.Hour)
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "b.test" {
			after(30*time.Minute, pages(map[string]string{"b.test/0": link("http://c.test/1")}))(rw, r)
			return
		}
		rests(rw, r)
	}
	inBubble(t, p, answer, func(x *trial) {
		x.cfg.MaxIdle = time.Minute
		x.seed("http://a.test/0", "http://b.test/0")
		if took, _ := x.idles(); took < 30*time.Minute || took > 31*time.Minute || x.stats().Done != 2 {
			x.Errorf("ended after %v: %+v", took, x.stats())
		}
	})
}
