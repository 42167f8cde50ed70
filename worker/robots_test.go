package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/frontier/disk"
)

// memory is a frontier.Memory whose calls a test can fail and count.
type memory struct {
	*journal
	frontier.Memory
	fail func(method string) error // nil: none fails

	recalls, notes atomic.Int32
}

func (m *memory) Recall(ctx context.Context, h frontier.Host) ([]byte, time.Duration, error) {
	m.recalls.Add(1)
	if m.fail != nil {
		if err := m.fail("recall"); err != nil {
			return nil, 0, err
		}
	}
	return m.Memory.Recall(ctx, h)
}

func (m *memory) Remember(ctx context.Context, l *frontier.Lease, note []byte) error {
	m.notes.Add(1)
	if m.fail != nil {
		if err := m.fail("remember"); err != nil {
			return err
		}
	}
	return m.Memory.Remember(ctx, l, note)
}

func (m *memory) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if m.fail != nil && len(r.Found) > 0 {
		if err := m.fail("announce"); err != nil {
			return err
		}
	}
	return m.journal.Ack(ctx, l, r)
}

// remembers gives the crawl a memory.
func (x *trial) remembers() *memory {
	m := &memory{journal: x.journal, Memory: x.model}
	x.cfg.Frontier = m
	return m
}

// withRobots answers robots.txt with what file returns, and all else with nothing.
func withRobots(file func() string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			_, _ = io.WriteString(rw, file())
			return
		}
		empty(rw, r)
	}
}

// asked is how often a host was asked for a path.
func (w *web) asked(host, path string) (n int) {
	for _, r := range w.log().Requests(host) {
		if r.Path == path {
			n++
		}
	}
	return n
}

func TestAFleetAsksForRobotsOnceInACacheTime(t *testing.T) {
	const cache = 10 * time.Minute
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changed atomic.Bool
		p := policy(func(p *frontier.Policy) { p.RobotsCache, p.Delay = cache, 2*time.Second })
		x := newTrial(t, p, withRobots(func() string {
			if changed.Load() {
				return "User-agent: *\nDisallow: /forbidden\n"
			}
			return ""
		}))
		defer x.close()
		store := x.onDisk()
		var hosts []string
		var list []frontier.Entry
		for h := range 6 {
			hosts = append(hosts, fmt.Sprintf("h%d.test", h))
			for i := range 500 { // 1000 s
				u := mustParse(x, fmt.Sprintf("http://%s/%d", hosts[h], i))
				if i%2 > 0 {
					u = mustParse(x, fmt.Sprintf("http://%s/forbidden/%d", hosts[h], i))
				}
				x.cfg.Plan.Scope.Add(u)
				list = append(list, frontier.Entry{URL: u, Seed: true})
			}
		}
		if _, err := store.Push(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		time.AfterFunc(cache/2, func() { changed.Store(true) })
		x.runFleet(3, store)
		for _, host := range hosts {
			x.onceInACacheTime(host, begin, cache)
		}
		s, err := store.Stats(t.Context())
		if want := int64(6 * 90); err != nil || s.Refused[frontier.ByRobots] < want {
			t.Errorf("%d URLs were refused, want %d at least: %v", s.Refused[frontier.ByRobots], want, err)
		}
	})
}

// onDisk puts a store of its own in the place of the model: one that keeps notes on virtual time.
func (x *trial) onDisk() *disk.Store {
	x.Helper()
	store, err := disk.Open(x.TempDir(), disk.Config{Policy: &x.cfg.Plan.Policy, Now: time.Now})
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = store.Close() })
	x.journal.Frontier = store
	return store
}

// runFleet crawls with so many workers, each with a cache of its own.
func (x *trial) runFleet(n int, store frontier.Memory) {
	x.Helper()
	var fleet sync.WaitGroup
	for i := range n {
		cfg, plan := x.cfg, *x.cfg.Plan
		robots, err := crawler.NewRobots(x.fetcher, crawler.RobotsConfig{Token: "trawl", Keep: plan.Policy.RobotsCache})
		if err != nil {
			x.Fatal(err)
		}
		plan.Robots = robots
		cfg.Plan, cfg.Name, cfg.Batch, cfg.Concurrency = &plan, fmt.Sprintf("w%d", i), 2, 3
		cfg.Frontier = &memory{journal: x.journal, Memory: store}
		fleet.Go(func() {
			if err := Run(x.Context(), cfg); err != nil {
				x.Errorf("run: %v", err)
			}
		})
	}
	fleet.Wait()
}

// onceInACacheTime checks when a host's robots.txt was asked for, and that the second one was obeyed from then on.
func (x *trial) onceInACacheTime(host string, begin time.Time, cache time.Duration) {
	x.Helper()
	var asked []time.Time
	for _, r := range x.web.log().Requests(host) {
		switch {
		case r.Path == "/robots.txt":
			asked = append(asked, r.Start)
		case len(asked) > 1 && strings.HasPrefix(r.Path, "/forbidden"):
			x.Errorf("%s%s was asked for %v after what forbids it", host, r.Path, r.Start.Sub(asked[1]))
		}
	}
	if len(asked) != 2 || asked[1].Sub(asked[0]) < cache || asked[1].Sub(asked[0]) > cache+time.Minute {
		x.Errorf("%s: asked at %v after %v", host, asked, begin)
	}
}

func TestARestartAsksForNoRobots(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), withRobots(func() string { return "User-agent: *\nDisallow: /1\nCrawl-delay: 3" }), func(x *trial) {
		m := x.remembers()
		x.obeyRobots()
		x.seed("http://a.test/0")
		x.run()
		x.obeyRobots()
		x.seed("http://a.test/1", "http://a.test/2")
		x.run()
		if n := x.web.asked("a.test", "/robots.txt"); n != 1 || m.recalls.Load() != 2 || m.notes.Load() != 1 {
			x.Errorf("asked %d times, %d notes, recalled %d times", n, m.notes.Load(), m.recalls.Load())
		}
		if x.web.asked("a.test", "/1") > 0 || x.web.asked("a.test", "/2") != 1 {
			x.Error("the note is not obeyed")
		}
	})
}

func TestAMemoryThatCannotBeReachedIsWaitedFor(t *testing.T) {
	for _, method := range []string{"recall", "remember"} {
		t.Run(method, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
				m := x.remembers()
				x.obeyRobots()
				x.seed("http://a.test/0")
				begin := time.Now()
				m.fail = func(called string) error {
					if called == method && time.Since(begin) < 5*time.Minute {
						return fmt.Errorf("no route: %w", frontier.ErrUnavailable)
					}
					return nil
				}
				if took := x.run(); took < 5*time.Minute || took > 6*time.Minute {
					x.Errorf("took %v", took)
				}
				x.settled(1, 0)
				if n := x.web.asked("a.test", "/robots.txt"); n != 1 {
					x.Errorf("asked %d times", n)
				}
			})
		})
	}
}

func TestANoteUnderALostLeaseEndsTheVisit(t *testing.T) {
	inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
		m := x.remembers()
		x.obeyRobots()
		x.seed("http://a.test/0")
		m.fail = func(called string) error {
			if called != "remember" {
				return nil
			}
			if x.web.asked("a.test", "/0") > 0 {
				x.Error("a page was asked for first")
			}
			if m.notes.Load() == 1 {
				return frontier.ErrLeaseLost
			}
			return nil
		}
		if took := x.run(); took < time.Minute { // until the lease is over: it is not given back
			x.Errorf("took %v", took)
		}
		x.settled(1, 0)
	})
}

func TestRobotsAreNotRememberedBeforeTheirSitemapsAreKnown(t *testing.T) {
	file := func() string { return "Sitemap: http://a.test/sitemap.txt" }
	inBubble(t, frontier.DefaultPolicy(), withRobots(file), func(x *trial) {
		m := x.remembers()
		x.obeyRobots()
		x.seed("http://a.test/0")
		announced := 0
		m.fail = func(called string) error {
			switch {
			case called == "announce":
				if announced++; announced == 1 {
					return frontier.ErrLeaseLost
				}
			case called == "remember" && announced < 2:
				x.Error("remembered first")
			}
			return nil
		}
		x.run()
		if n := x.web.asked("a.test", "/robots.txt"); n != 1 || m.notes.Load() != 1 || x.web.asked("a.test", "/sitemap.txt") != 1 {
			x.Errorf("asked %d times; %d notes", n, m.notes.Load())
		}
	})
}

func TestAMemoryThatFailsForGoodEndsTheWorker(t *testing.T) {
	for _, method := range []string{"recall", "remember"} {
		t.Run(method, func(t *testing.T) {
			inBubble(t, frontier.DefaultPolicy(), empty, func(x *trial) {
				m := x.remembers()
				x.obeyRobots()
				x.seed("http://a.test/0")
				m.fail = func(called string) error {
					if called == method {
						return errGone
					}
					return nil
				}
				if err := x.work(x.Context()); !errors.Is(err, errGone) || !strings.Contains(err.Error(), "a.test") {
					x.Errorf("run: %v", err)
				}
			})
		})
	}
}

func TestAnOldNoteServesWhileTheHostDoesNotAnswer(t *testing.T) {
	var down atomic.Bool
	answer := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" && down.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		withRobots(func() string { return "User-agent: *\nDisallow: /1" })(rw, r)
	}
	inBubble(t, frontier.DefaultPolicy(), answer, func(x *trial) {
		m := x.remembers()
		x.obeyRobots()
		x.seed("http://a.test/0")
		x.run()
		down.Store(true)
		time.Sleep(20 * time.Hour)
		x.obeyRobots() // with nothing in memory
		x.seed("http://a.test/1", "http://a.test/2")
		x.run()
		x.settled(2, 0)
		if n := x.web.asked("a.test", "/robots.txt"); n < 2 || m.notes.Load() != 1 || x.web.asked("a.test", "/1") > 0 {
			x.Errorf("asked %d times; %d notes", n, m.notes.Load())
		}
	})
}

func TestAHostWhoseRobotsLeadToADeadHostIsPutOff(t *testing.T) {
	var moved atomic.Bool
	inBubble(t, frontier.DefaultPolicy(), func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" && !moved.Load() {
			http.Redirect(rw, r, "http://gone.test/robots.txt", http.StatusFound)
		}
	}, func(x *trial) {
		x.web.refuse = func(addr string) error {
			if strings.HasPrefix(addr, "gone.test:") {
				return &crawler.Error{Kind: crawler.KindNoHost, Err: errors.New("no such host")}
			}
			return nil
		}
		x.obeyRobots()
		x.seed(urls("a.test", 3)...)
		time.AfterFunc(5*time.Second, func() { moved.Store(true) })
		x.run()
		x.settled(3, 0)
	})
}
