package redis_test

import (
	"context"
	"fmt"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// meter measures the arguments of calls.
type meter struct{ sent int }

func (meter) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (meter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (m *meter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		m.sent += len(cmd.Args())
		return next(ctx, cmd)
	}
}

// found acks the next page of a lease with links, and returns how many arguments that took.
func (m *meter) found(t *testing.T, s *redis.Store, l *frontier.Lease, links []frontier.Entry) int {
	t.Helper()
	m.sent = 0
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done, Found: links})
	return m.sent
}

func metered(t *testing.T, p *frontier.Policy) (*redis.Store, *meter) {
	s := crawl(t, address, redis.Config{Policy: p})
	m := new(meter)
	s.Client().AddHook(m)
	return s, m
}

func TestKnownLinksAreNotOfferedAgain(t *testing.T) {
	t.Parallel()
	s, m := metered(t, new(frontier.Policy))
	push(t, s, 4, pages(0, 4))
	l := leaseOne(t, s, 4)
	m.found(t, s, l, pages(100, 200)) // the first ack of all finds out about the server
	if n := m.found(t, s, l, pages(200, 300)); n < 200 {
		t.Errorf("100 new links took %d arguments", n)
	}
	if n := m.found(t, s, l, append(pages(100, 300), pages(300, 301)...)); n > 40 {
		t.Errorf("one new link among 200 that are known took %d arguments", n)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 4+201 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestLinksKeptOutAreOfferedAgain(t *testing.T) {
	t.Parallel()
	s, _ := metered(t, &frontier.Policy{MaxHostQueue: 4})
	push(t, s, 4, pages(0, 4))
	for range 3 { // each makes room for one
		ack(t, s, leaseOne(t, s, 1), frontier.Outcome{Verdict: frontier.Done, Found: pages(4, 10)})
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 7 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestForgottenURLsAreOfferedAgain(t *testing.T) {
	t.Parallel()
	s, _ := metered(t, new(frontier.Policy))
	push(t, s, 1, pages(0, 1))
	ack(t, s, leaseOne(t, s, 1), frontier.Outcome{Verdict: frontier.Done, Found: pages(1, 3)})
	l := leaseOne(t, s, 2)
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Refused, Reason: frontier.ByRobots})
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done, Found: pages(1, 2)})
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 3 || st.Queued != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// A server that comes back without what it acknowledged last is what a failover to a replica that lags behind looks like
// too. The page's ack is gone with its links, so the page is fetched again: all its links have to reach the store then.
func TestWhatAServerLostIsOfferedAgain(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("to the worker that comes first: %v", first), func(t *testing.T) {
			t.Parallel()
			r := redistest.Start(t, redistest.Options{})
			cfg := redis.Config{Policy: new(frontier.Policy), Crawl: "lossy", Create: true}
			s, other := join(t, r, cfg), join(t, r, cfg)
			push(t, s, 3, pages(0, 3))
			l := leaseOne(t, s, 3)
			ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
			if err := s.Client().Save(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			again, links := *l, frontier.Outcome{Verdict: frontier.Done, Found: pages(10, 30)}
			ack(t, s, l, links)
			if err := r.Restart(); err != nil {
				t.Fatal(err)
			}
			if !first {
				if err := eventually(func() error { return other.Hold(t.Context(), "me", 0) }); err != nil {
					t.Fatal(err)
				}
			}
			report := frontier.Report{Outcomes: []frontier.Outcome{links}}
			if err := eventually(func() error { return s.Ack(t.Context(), &again, report) }); err != nil {
				t.Fatal(err)
			}
			if st, err := s.Stats(t.Context()); err != nil || st.Seen != 23 || st.Done != 2 {
				t.Errorf("stats: %+v, %v", st, err)
			}
		})
	}
}

// join opens a crawl as one of several processes.
func join(t *testing.T, r *redistest.Server, cfg redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), r.URL(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
