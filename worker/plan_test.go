package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"trawl/frontier"
)

// follow lets the worker make new plans of what the model keeps. The calls fail as fails says.
func (x *trial) follow(fails func() error) {
	plan, seeds := x.cfg.Plan, int64(0)
	x.cfg.Replan = func(ctx context.Context) (*Plan, int64, error) {
		if err := fails(); err != nil {
			return nil, 0, err
		}
		crawl, err := x.model.Crawl(ctx)
		if err != nil {
			return nil, 0, err
		}
		if !reflect.DeepEqual(crawl.Policy, plan.Policy) {
			changed := *plan
			changed.Policy = crawl.Policy
			plan = &changed
		}
		return plan, crawl.Version, x.model.Seeds(ctx, seeds, func(e frontier.Entry) bool {
			plan.Scope.Add(e.URL)
			seeds++
			return true
		})
	}
}

func never() error { return nil }

// asFleet makes the worker a member of the model's fleet.
func (x *trial) asFleet() {
	x.cfg.Frontier = struct {
		*journal
		frontier.Fleet
	}{x.journal, x.model}
}

// elsewhere pushes seeds as another process does.
func (x *trial) elsewhere(urls ...string) {
	for _, url := range urls {
		e := frontier.Entry{URL: mustParse(x, url), Seed: true}
		if _, err := x.model.Push(x.Context(), []frontier.Entry{e}); err != nil {
			x.Error(err)
		}
	}
}

func TestPagesThatAreLentAfterASeedKnowItsHost(t *testing.T) {
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, link("http://b.test"+r.RequestURI))
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		x.follow(never)
		x.cfg.Batch = 1
		x.seed(urls("a.test", 20)...)
		begin := time.Now()
		time.AfterFunc(10500*time.Millisecond, func() { x.elsewhere("http://b.test/") })
		x.run()
		for i, r := range x.web.log().Requests("a.test") {
			followed := x.web.log().Count("http://b.test"+r.Path) == 1
			if after := r.Start.Sub(begin) > 10500*time.Millisecond; followed != after {
				x.Errorf("page %d, asked for after %v: its link was followed: %v", i, r.Start.Sub(begin), followed)
			}
		}
	})
}

func TestAChangeOfPolicyReachesVisitsUnderWay(t *testing.T) {
	for name, after := range map[string]time.Duration{"slower": 4 * time.Second, "faster": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay = time.Second })
			inBubble(t, p, empty, func(x *trial) {
				x.follow(never)
				x.asFleet()
				x.cfg.Batch = 100
				x.seed(urls("a.test", 60)...)
				begin := time.Now()
				p.Delay = after
				time.AfterFunc(20500*time.Millisecond, func() {
					if err := x.model.SetPolicy(x.Context(), p); err != nil {
						x.Error(err)
					}
				})
				x.run()
				x.settled(60, 0)
				all := x.web.log().Requests("a.test")
				for i := 1; i < len(all); i++ {
					at, gap := all[i-1].Start.Sub(begin), all[i].Start.Sub(all[i-1].Start)
					if at > 25500*time.Millisecond && (gap < after || gap > after+50*time.Millisecond) {
						x.Errorf("a gap of %v after %v", gap, at)
					}
				}
				if s := x.stats(); len(all) != 60 || s.Retries+s.Reclaimed > 0 {
					x.Errorf("%d requests, stats %+v", len(all), s)
				}
			})
		})
	}
}

func TestNewSeedsDoNotEndVisitsUnderWay(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.follow(never)
		x.asFleet()
		x.cfg.Batch = 100
		x.seed(urls("a.test", 30)...)
		for i := range 10 {
			at := time.Duration(i)*2*time.Second + time.Second/2
			time.AfterFunc(at, func() { x.elsewhere(fmt.Sprintf("http://b%d.test/", i)) })
		}
		x.run()
		x.settled(40, 0)
		for _, r := range x.journal.reports {
			if r.Release {
				x.Error("a host was given back")
			}
		}
	})
}

// slowLease is a store that takes a second to lend.
type slowLease struct{ frontier.Frontier }

func (s slowLease) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	time.Sleep(time.Second)
	return s.Frontier.Lease(ctx, r)
}

// The new plan can come so late that the leases it was made for have expired: then not even robots.txt may be asked for.
func TestNoVisitBeginsBeforeItsPlanNorUnderAnExpiredLease(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		end, planned := time.Now().Add(10*time.Minute), time.Time{}
		x.obeyRobots()
		x.cfg.Frontier = slowLease{x.journal}
		x.follow(func() error {
			if time.Now().Before(end) {
				return fmt.Errorf("planned: %w", frontier.ErrUnavailable)
			}
			if planned.IsZero() {
				planned = time.Now()
			}
			return nil
		})
		x.seed(append(urls("a.test", 3), urls("b.test", 3)...)...)
		x.run()
		x.settled(6, 0)
		log := x.web.log()
		for _, host := range []string{"a.test", "b.test"} {
			for _, r := range log.Requests(host) {
				if early := planned.Add(time.Second).Sub(r.Start); early > 0 {
					x.Errorf("%s%s was asked for %v before a lease that lives", host, r.Path, early)
				}
			}
		}
		if log.Total() != 8 {
			x.Errorf("%d requests", log.Total())
		}
	})
}

func TestAPlanThatCannotBeMadeEndsTheCrawlAndGivesTheHostsBack(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		broken := errors.New("a policy of the future")
		x.follow(func() error { return broken })
		x.seed(urls("a.test", 3)...)
		if err := x.work(x.Context()); !errors.Is(err, broken) {
			x.Errorf("run: %v", err)
		}
		if n := x.web.log().Total(); n > 0 {
			x.Errorf("%d requests", n)
		}
		x.given()
	})
}

func TestAWorkerThatIsToldToEndWhileItCannotPlanGivesTheHostsBack(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.follow(func() error { return frontier.ErrUnavailable })
		x.seed(urls("a.test", 3)...)
		drain := make(chan struct{})
		x.cfg.Drain = drain
		time.AfterFunc(20*time.Second, func() { close(drain) })
		if took := x.run(); took != 20*time.Second {
			x.Errorf("took %v", took)
		}
		x.given()
	})
}
