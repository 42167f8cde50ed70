package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
)

// outage is a store that cannot be reached for a while, or fails for good.
type outage struct {
	frontier.Frontier
	from, to time.Time
	err      error  // nil: ErrUnavailable
	hang     bool   // calls are not refused but get no answer until their deadline
	good     func() // told when an ack is sent that arrives
}

func (o *outage) fails(ctx context.Context) error {
	now := time.Now()
	switch {
	case now.Before(o.from) || !now.Before(o.to):
		return nil
	case o.hang:
		<-ctx.Done()
		return ctx.Err()
	case o.err != nil:
		return o.err
	}
	return fmt.Errorf("dial: %w", frontier.ErrUnavailable)
}

func (o *outage) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	if err := o.fails(ctx); err != nil {
		return nil, 0, err
	}
	return o.Frontier.Lease(ctx, r)
}

func (o *outage) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if err := o.fails(ctx); err != nil {
		return err
	}
	if o.good != nil {
		o.good()
	}
	return o.Frontier.Ack(ctx, l, r)
}

// breaks makes the store fail from so long from now until so long from now.
func (x *trial) breaks(from, to time.Duration) *outage {
	o := &outage{Frontier: x.journal, from: time.Now().Add(from), to: time.Now().Add(to)}
	x.cfg.Frontier = o
	return o
}

// thief is a store that takes one lease away.
type thief struct {
	frontier.Frontier
	host   frontier.Host
	at     int // which of its acks comes too late
	mu     sync.Mutex
	acks   int
	victim string // token
	when   time.Time
}

func (s *thief) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	s.mu.Lock()
	if l.Host == s.host && s.victim == "" {
		if s.acks++; s.acks == s.at {
			s.victim, s.when = l.Token, time.Now()
		}
	}
	taken := l.Token == s.victim
	s.mu.Unlock()
	if taken {
		return fmt.Errorf("ack: %w", frontier.ErrLeaseLost)
	}
	return s.Frontier.Ack(ctx, l, r)
}

func TestALostLeaseEndsTheVisitAndLosesNothing(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.PerHost = 10*time.Second, 2 })
	inBubble(t, p, after(100*time.Millisecond, empty), func(x *trial) {
		store := &thief{Frontier: x.journal, host: "http://a.test", at: 3}
		x.cfg.Frontier = store
		x.seed(append(urls("a.test", 10), urls("b.test", 30)...)...)
		x.run()
		x.settled(40, 0)
		if s := x.stats(); s.Reclaimed != 1 {
			x.Errorf("stats %+v", s)
		}
		for _, r := range x.web.log().Requests("a.test") {
			if late := r.Start.Sub(store.when); late > 0 && late < x.cfg.ttl(x.cfg.Plan.Policy)-2*time.Second {
				x.Errorf("%s was asked for %v after the lease was lost", r.Path, late)
			}
		}
		all := x.web.log().Requests("b.test")
		if took := all[len(all)-1].Start.Sub(all[0].Start); len(all) != 30 || took > 35*time.Second {
			x.Errorf("the other host: %d requests in %v", len(all), took)
		}
	})
}

func TestNoRequestStartsInTheLastThirdOfALease(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout = 5 * time.Second })
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("the store hangs: %v", hang), func(t *testing.T) {
			inBubble(t, p, empty, func(x *trial) {
				x.cfg.Batch, x.cfg.Concurrency, x.cfg.TTL = 1000, 1000, time.Minute
				x.seed(urls("a.test", 150)...)
				store := x.breaks(10500*time.Millisecond, 200*time.Second)
				store.hang = hang
				var last time.Time
				store.good = func() {
					if time.Now().Before(store.from) {
						last = time.Now()
					}
				}
				x.run()
				x.settled(150, 0)
				meanwhile := 0
				for _, r := range x.web.log().Requests("a.test") {
					since := r.Start.Sub(last)
					if since > 0 && r.Start.Before(store.to) {
						meanwhile++
					}
					if since > 40*time.Second && r.Start.Before(store.to) {
						x.Errorf("%s was asked for %v after the last ack", r.Path, since)
					}
				}
				if meanwhile < 35 { // it goes on as long as it may
					x.Errorf("%d requests during the outage", meanwhile)
				}
			})
		})
	}
}

func TestALeaseLivesThroughALongWait(t *testing.T) {
	inBubble(t, hasty, empty, func(x *trial) {
		x.journal.slowWrite = 500 * time.Second // a disk that stalls, say: more than five lifetimes of a lease
		x.seed(urls("a.test", 3)...)
		x.run()
		x.settled(3, 0)
		if s := x.stats(); s.Reclaimed > 0 || x.web.log().Total() != 3 {
			x.Errorf("stats %+v, %d requests", s, x.web.log().Total())
		}
	})
}

func TestALeaseLivesOneMinuteOrLongerThanThreeRequests(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{0: time.Minute, time.Second: time.Minute, 30 * time.Second: 90 * time.Second} {
		p := frontier.Policy{Timeout: timeout}
		c := Config{}.withDefaults()
		if got := c.ttl(p); got != want {
			t.Errorf("timeout %v: TTL %v, want %v", timeout, got, want)
		}
		c.TTL = time.Second
		if got := c.ttl(p); got < 3*timeout {
			t.Errorf("timeout %v: TTL %v", timeout, got)
		}
	}
}

func TestACallWhoseReplyIsLostIsMadeAgainAndNothingHappensTwice(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("it took effect: %v", lost), func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.PerHost, p.Delay, p.Depth = 2, 100*time.Millisecond, 1 })
			inBubble(t, p, pages(manyPages()), func(x *trial) {
				var plan []frontiertest.Fault
				for call := 1; call < 200; call++ {
					if call%3 > 0 {
						plan = append(plan, frontiertest.Fault{Method: "Ack", Call: call, After: lost})
						plan = append(plan, frontiertest.Fault{Method: "Lease", Call: call, After: lost})
					}
				}
				x.journal.Frontier = frontiertest.Flaky(x.model, plan...)
				x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
				x.run()
				x.settled(40, 0)
				if s := x.stats(); s.Reclaimed+s.Retries > 0 || x.web.log().Total() != 40 || len(x.journal.records) != 40 {
					x.Errorf("stats %+v, %d requests, %d records", s, x.web.log().Total(), len(x.journal.records))
				}
				// Of a host's last ack it may remain unknown that it arrived: see frontier.ErrLeaseLost.
				if totals := x.cfg.Tally.Totals(); totals.Done > 40 || totals.Done < 40 && !lost {
					x.Errorf("totals %+v", totals)
				}
			})
		})
	}
}

// manyPages are ten pages on each of two hosts, each with a child.
func manyPages() map[string]string {
	all := map[string]string{}
	for i := range 10 {
		for _, host := range []string{"a.test", "b.test"} {
			path := fmt.Sprintf("/%d", i)
			all[host+path], all[host+path+"/child"] = link(path+"/child"), ""
		}
	}
	return all
}

// counter is a log handler that counts by level.
type counter struct {
	mu     sync.Mutex
	counts map[slog.Level]int
}

func (c *counter) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c *counter) WithGroup(string) slog.Handler                { return c }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[r.Level]++
	return nil
}

func TestAnOutageIsLoggedOnceAndOutlived(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		log := &counter{counts: map[slog.Level]int{}}
		x.cfg.Log = slog.New(log)
		for i := range 20 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 30)...)
		}
		x.breaks(5500*time.Millisecond, 45*time.Second)
		took := x.run()
		x.settled(600, 0)
		if s := x.stats(); s.Reclaimed+s.Retries > 0 || x.web.log().Total() != 600 {
			x.Errorf("stats %+v, %d requests", s, x.web.log().Total())
		}
		if log.counts[slog.LevelWarn] != 1 || log.counts[slog.LevelInfo] != 1 {
			x.Errorf("logged %v", log.counts)
		}
		if took > 80*time.Second {
			x.Errorf("took %v", took)
		}
	})
}

// cramped is a store that has no room for links until a time.
type cramped struct {
	frontier.Frontier
	to time.Time
}

func (s *cramped) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	for _, o := range r.Outcomes {
		if len(o.Found) > 0 && time.Now().Before(s.to) {
			return frontier.ErrUnavailable
		}
	}
	return s.Frontier.Ack(ctx, l, r)
}

func TestLeasesOutliveAStoreThatHasNoRoomForLinks(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout, p.Delay, p.Depth = time.Second, 100*time.Millisecond, 1 })
	for _, ttl := range []time.Duration{3 * time.Second, time.Minute} {
		t.Run(ttl.String(), func(t *testing.T) {
			inBubble(t, p, pages(manyPages()), func(x *trial) {
				log := &counter{counts: map[slog.Level]int{}}
				x.cfg.Log, x.cfg.TTL = slog.New(log), ttl
				x.cfg.Frontier = &cramped{x.journal, time.Now().Add(30 * ttl)}
				x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
				x.run()
				x.settled(40, 0)
				if s := x.stats(); s.Reclaimed > 0 || x.web.log().Total() != 40 {
					x.Errorf("stats %+v, %d requests", s, x.web.log().Total())
				}
				if log.counts[slog.LevelWarn] != 1 || log.counts[slog.LevelInfo] != 1 {
					x.Errorf("logged %v", log.counts)
				}
			})
		})
	}
}

func TestTheStoreIsCalledAgainAfterLongerAndLongerWaits(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.seed("http://a.test/")
		store := &timed{Frontier: x.journal, left: 12}
		x.cfg.Frontier = store
		x.run()
		x.settled(1, 0)
		wait := retryFirst
		for i := range 12 {
			gap := store.calls[i+1].Sub(store.calls[i])
			if gap < wait*3/4 || gap > wait*5/4 {
				x.Errorf("call %d: after %v, want about %v", i+1, gap, wait)
			}
			wait = min(2*wait, retryMost)
		}
	})
}

// timed is a store whose first leases fail, and which notes when it was asked for them.
type timed struct {
	frontier.Frontier
	left  int
	calls []time.Time
}

func (s *timed) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	s.calls = append(s.calls, time.Now())
	if s.left--; s.left >= 0 {
		return nil, 0, frontier.ErrUnavailable
	}
	return s.Frontier.Lease(ctx, r)
}

// full is a store that has nothing to lend any more.
type full struct{ frontier.Frontier }

func (full) Lease(context.Context, frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	return nil, 0, frontier.ErrFull
}

func TestALeaseThatFailsForGoodEndsTheCrawl(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.cfg.Frontier = full{x.journal}
		x.seed("http://a.test/")
		if err := x.work(x.Context()); !errors.Is(err, frontier.ErrFull) {
			x.Errorf("run: %v", err)
		}
	})
}

func TestAStoreThatFailsForGoodEndsTheCrawl(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), after(2*time.Second, empty), func(x *trial) {
		x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
		store := x.breaks(5*time.Second, time.Hour)
		store.err = frontier.ErrFull
		begin := time.Now()
		if err := x.work(x.Context()); !errors.Is(err, frontier.ErrFull) || time.Since(begin) > 8*time.Second {
			x.Errorf("run: %v, after %v", err, time.Since(begin))
		}
		x.cfg.Frontier = x.journal
		time.Sleep(time.Hour) // the leases that could not be given back expire
		x.run()
		x.settled(20, 0)
	})
}

func TestACrawlCanBeEndedDuringAnOutage(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Timeout = 10 * time.Second })
	for name, hang := range map[string]bool{"the store refuses": false, "the store hangs": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, p, empty, func(x *trial) {
				x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
				x.breaks(5500*time.Millisecond, 10*time.Minute).hang = hang
				drain := make(chan struct{})
				x.cfg.Drain, x.cfg.Grace = drain, 20*time.Second
				begin := time.Now()
				time.AfterFunc(10*time.Second, func() { close(drain) })
				if err := x.work(x.Context()); !errors.Is(err, ErrGrace) || time.Since(begin) > 130*time.Second {
					x.Errorf("run: %v, after %v", err, time.Since(begin))
				}
				time.Sleep(time.Hour)
				x.cfg.Drain, x.cfg.Frontier = nil, x.journal
				x.run()
				x.settled(20, 0)
			})
		})
	}
}

// All places can be taken by pages of leases that are lost: they are not waited for.
func TestWorkGoesOnWhenAllPlacesWereOfLostLeases(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		x.cfg.Concurrency = 4
		for i := range 3 {
			x.seed(urls(fmt.Sprintf("h%d.test", i), 40)...)
		}
		x.breaks(5500*time.Millisecond, 200*time.Second)
		x.run()
		x.settled(120, 0)
		if s := x.stats(); s.Reclaimed == 0 {
			x.Errorf("no lease was lost: %+v", s)
		}
	})
}
