package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// calls counts the calls of scripts, and holds the first of them up until all are wanted.
type calls struct {
	mu   sync.Mutex
	n    int
	wait chan struct{}
}

func (*calls) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (*calls) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (c *calls) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.mu.Lock()
		c.n++
		first := c.n == 1
		c.mu.Unlock()
		if first {
			<-c.wait
		}
		return next(ctx, cmd)
	}
}

func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestAcksThatWaitGoTogether(t *testing.T) {
	t.Parallel()
	const hosts = 40
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	for h := range hosts {
		push(t, s, 2, []frontier.Entry{{URL: host(h).URL("/0")}, {URL: host(h).URL("/1")}})
	}
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: hosts, Batch: 2, TTL: time.Minute})
	if err != nil || len(leases) != hosts {
		t.Fatalf("%d leases, %v", len(leases), err)
	}
	stale := leases[7]
	stale.Token = "1.stale"
	c := &calls{wait: make(chan struct{})}
	s.Client().AddHook(c)
	var acks sync.WaitGroup
	errs := make([]error, hosts)
	for i := range leases {
		l := &leases[i]
		if i == 7 {
			l = &stale
		}
		report := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}}
		acks.Go(func() { errs[i] = s.Ack(t.Context(), l, report) })
	}
	if err := eventually(func() error {
		if n := s.Waiting(); n < hosts-16 {
			return fmt.Errorf("%d acks wait", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	close(c.wait)
	acks.Wait()
	for i, err := range errs {
		if lost := errors.Is(err, frontier.ErrLeaseLost); err != nil && i != 7 || lost != (i == 7) {
			t.Errorf("ack %d: %v", i, err)
		}
	}
	if n := c.count(); n > 5 {
		t.Errorf("%d acks took %d calls", hosts, n)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Done != hosts-1 || st.Leased != hosts+1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestAnAckThatIsCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	push(t, s, 2, []frontier.Entry{{URL: host(0).URL("/")}, {URL: host(1).URL("/")}})
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 2, Batch: 1, TTL: time.Minute})
	if err != nil || len(leases) != 2 {
		t.Fatalf("%d leases, %v", len(leases), err)
	}
	c := &calls{wait: make(chan struct{})}
	s.Client().AddHook(c)
	report := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}}
	var first sync.WaitGroup
	first.Go(func() {
		if err := s.Ack(t.Context(), &leases[0], report); err != nil {
			t.Error(err)
		}
	})
	if err := eventually(func() error {
		if c.count() == 0 {
			return errors.New("the first is not on its way")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Ack(ctx, &leases[1], report); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ack: %v", err)
	}
	close(c.wait)
	first.Wait()
	if st, err := s.Stats(t.Context()); err != nil || st.Done != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func host(n int) frontier.Host { return frontier.Host(fmt.Sprintf("https://h%d.test", n)) }
