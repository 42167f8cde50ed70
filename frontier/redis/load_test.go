package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// load is a crawl under way: some push, some fetch. They repeat each call until it is answered, as workers do, and count
// what was acknowledged.
type load struct {
	*testing.T
	s      *redis.Store
	cancel context.CancelFunc
	group  sync.WaitGroup

	pushed, acked, unsure atomic.Int64
	begun                 atomic.Int64 // when the latest call that was answered began (ns)
	longest               atomic.Int64 // that a call was repeated (ns)

	mu   sync.Mutex
	list []frontier.Entry // acknowledged
}

const (
	loadPushers = 4
	loadWorkers = 4
	loadHosts   = 40
)

// startLoad puts a crawl under load. The others are its store's.
func startLoad(t *testing.T, s *redis.Store) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{T: t, s: s, cancel: cancel}
	for p := range loadPushers {
		l.group.Go(func() { l.push(ctx, p) })
	}
	for w := range loadWorkers {
		l.group.Go(func() { l.work(ctx, fmt.Sprint("w", w)) })
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

// insist repeats a call until it is answered. It makes calls also when the load is to end, else nobody would know what
// became of the last one.
func (l *load) insist(call func(ctx context.Context) error) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for {
		tried := time.Now()
		err := call(ctx)
		if !errors.Is(err, frontier.ErrUnavailable) {
			raise(&l.begun, tried.UnixNano())
			raise(&l.longest, int64(time.Since(begun)))
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// raise makes a number at least n.
func raise(number *atomic.Int64, n int64) {
	for old := number.Load(); n > old && !number.CompareAndSwap(old, n); old = number.Load() {
	}
}

func (l *load) push(ctx context.Context, p int) {
	for n := 0; ctx.Err() == nil; n++ {
		host := frontier.Host(fmt.Sprintf("https://h%d.test", n%loadHosts))
		var list []frontier.Entry
		for i := range 5 {
			list = append(list, frontier.Entry{URL: host.URL(fmt.Sprintf("/%d/%d/%d", p, n, i))})
		}
		if err := l.insist(func(ctx context.Context) error { _, err := l.s.Push(ctx, list); return err }); err != nil {
			l.Errorf("push: %v", err)
			return
		}
		l.pushed.Add(int64(len(list)))
		l.mu.Lock()
		l.list = append(l.list, list...)
		l.mu.Unlock()
	}
}

func (l *load) work(ctx context.Context, name string) {
	for n := 0; ctx.Err() == nil; n++ {
		r := frontier.LeaseRequest{Worker: name, ID: fmt.Sprint(n), Hosts: 2, Batch: 5, TTL: time.Minute}
		var held []frontier.Lease
		err := l.insist(func(ctx context.Context) (err error) { held, _, err = l.s.Lease(ctx, r); return err })
		if err != nil && !errors.Is(err, frontier.ErrDrained) {
			l.Errorf("lease: %v", err)
			return
		}
		for i := range held {
			l.settle(&held[i])
		}
	}
}

// settle acknowledges the URLs of a lease in two steps.
func (l *load) settle(lease *frontier.Lease) {
	for lease.Settled < len(lease.Items) {
		half := (len(lease.Items) - lease.Settled + 1) / 2
		r := frontier.Report{Outcomes: make([]frontier.Outcome, half)}
		for i := range r.Outcomes {
			r.Outcomes[i].Verdict = frontier.Done
		}
		err := l.insist(func(ctx context.Context) error { return l.s.Ack(ctx, lease, r) })
		switch {
		case errors.Is(err, frontier.ErrLeaseLost): // the first call may have arrived, and the host be lent anew
			l.unsure.Add(int64(half))
			return
		case err != nil:
			l.Errorf("ack: %v", err)
			return
		}
		l.acked.Add(int64(half))
	}
}

// wait waits until so many more URLs were pushed and settled.
func (l *load) wait(n int64) {
	l.Helper()
	pushed, acked := l.pushed.Load()+n, l.acked.Load()+n
	err := eventually(func() error {
		if l.pushed.Load() < pushed || l.acked.Load() < acked {
			return fmt.Errorf("no progress: %d pushed, want %d; %d settled, want %d", l.pushed.Load(), pushed, l.acked.Load(), acked)
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

// recover waits until a call is answered that began after a fault, and tells how long after.
func (l *load) recover(fault time.Time) time.Duration {
	l.Helper()
	err := eventually(func() error {
		if l.begun.Load() < fault.UnixNano() {
			return errors.New("no call is answered")
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	l.wait(100)
	return time.Since(fault)
}

// check ends the load, and compares the crawl with what was acknowledged.
func (l *load) check() {
	l.Helper()
	l.stop()
	st, err := l.s.Stats(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	pushed, acked, unsure := l.pushed.Load(), l.acked.Load(), l.unsure.Load()
	l.Logf("%d URLs pushed, %d settled, %d perhaps; the longest call took %v", pushed, acked, unsure, time.Duration(l.longest.Load()))
	if st.Seen != pushed {
		l.Errorf("%d URLs seen, %d pushed", st.Seen, pushed)
	}
	if st.Done < acked || st.Done > acked+unsure {
		l.Errorf("%d URLs done, %d settled and %d perhaps", st.Done, acked, unsure)
	}
	for at := 0; at < len(l.list); at += 500 {
		if n, err := l.s.Push(l.Context(), l.list[at:min(at+500, len(l.list))]); err != nil || n != 0 {
			l.Errorf("%d of 500 acknowledged URLs were new, %v", n, err)
		}
	}
}
