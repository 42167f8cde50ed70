package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// amnesia is a crawl of a small synthetic web on a server that comes back, again and again, as it was a moment ago: what a
// log that is written each second makes of a crash, and a replica that lags behind of a failover.
type amnesia struct {
	*testing.T
	ctx   context.Context
	acked atomic.Int64 // calls
	lost  atomic.Int64 // leases
	awake atomic.Bool  // it forgets no more
}

const (
	amnesiaPages = 3000
	amnesiaHosts = 12
)

func (x *amnesia) page(n int) frontier.Entry {
	return frontier.Entry{URL: host(n % amnesiaHosts).URL(fmt.Sprintf("/%d", n))}
}

// links of a page lead to two that nothing else may lead to, and to some that many others know.
func (x *amnesia) links(path string) (list []frontier.Entry) {
	var n int
	fmt.Sscanf(path, "/%d", &n)
	rng, count := rand.New(rand.NewPCG(uint64(n), 7)), 6
	if n%97 == 3 {
		count = 700 // more than one script takes
	}
	for i := range count {
		if own := 2*n + i + 1; i < 2 && own < amnesiaPages {
			list = append(list, x.page(own))
		} else {
			list = append(list, x.page(rng.IntN(amnesiaPages)))
		}
	}
	return list
}

func TestAServerThatForgetsItsLatestMoments(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	x := &amnesia{T: t, ctx: ctx}
	r := redistest.Start(t, redistest.Options{})
	cfg := redis.Config{Policy: new(frontier.Policy), Crawl: "amnesia", Create: true}
	first := join(t, r, cfg)
	push(t, first, 1, []frontier.Entry{x.page(0)})
	if err := first.Client().Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for w := range 3 {
		s := join(t, r, cfg)
		for g := range 2 {
			workers.Go(func() { x.work(s, fmt.Sprintf("worker-%d-%d", w, g)) })
		}
	}
	x.forget(r)
	workers.Wait()
	var st frontier.Stats
	if err := eventually(func() (err error) { st, err = first.Stats(t.Context()); return err }); err != nil {
		t.Fatal(err)
	}
	if !st.Drained || st.Seen != amnesiaPages || st.Done != amnesiaPages || x.lost.Load() == 0 {
		t.Errorf("%d leases lost; stats: %+v", x.lost.Load(), st)
	}
	fsck(t, first, "amnesia")
}

// forget has the server forget, eight times, after some acks what it learnt in some acks before.
func (x *amnesia) forget(r *redistest.Server) {
	defer x.awake.Store(true)
	rng := rand.New(rand.NewPCG(1, 99))
	for range 8 {
		x.await(rng.Int64N(60))
		if err := r.Client(x.T).Save(x.ctx).Err(); err != nil {
			x.Error(err)
			return
		}
		x.await(rng.Int64N(100))
		if err := r.Restart(); err != nil {
			x.Error(err)
			return
		}
	}
}

// await waits for so many acks more.
func (x *amnesia) await(acks int64) {
	for want := x.acked.Load() + acks; x.acked.Load() < want && x.ctx.Err() == nil; {
		x.pause()
	}
}

func (x *amnesia) pause() {
	select {
	case <-time.After(3 * time.Millisecond):
	case <-x.ctx.Done():
	}
}

func (x *amnesia) work(s *redis.Store, name string) {
	rng := rand.New(rand.NewPCG(3, uint64(name[7])*16+uint64(name[9])))
	for x.ctx.Err() == nil {
		leases, _, err := s.Lease(x.ctx, frontier.LeaseRequest{
			Worker: name, ID: fmt.Sprintf("%012d", rng.Uint64()), Hosts: 2, Batch: 1 + rng.IntN(12), TTL: 500 * time.Millisecond,
		})
		switch {
		case errors.Is(err, frontier.ErrDrained) && x.awake.Load():
			return
		case err != nil && !errors.Is(err, frontier.ErrUnavailable) && !errors.Is(err, frontier.ErrDrained) && x.ctx.Err() == nil:
			x.Errorf("lease: %v", err)
			return
		case len(leases) == 0:
			x.pause()
		}
		for i := range leases {
			x.visit(s, &leases[i], rng)
		}
	}
}

// visit acks the pages of a lease, some at a time, until it has none or is lost.
func (x *amnesia) visit(s *redis.Store, l *frontier.Lease, rng *rand.Rand) {
	for l.Settled < len(l.Items) && x.ctx.Err() == nil {
		var r frontier.Report
		for _, it := range l.Items[l.Settled : l.Settled+1+rng.IntN(min(3, len(l.Items)-l.Settled))] {
			r.Outcomes = append(r.Outcomes, frontier.Outcome{Verdict: frontier.Done, Found: x.links(it.URL.Path())})
		}
		err := s.Ack(x.ctx, l, r)
		for errors.Is(err, frontier.ErrUnavailable) {
			x.pause()
			err = s.Ack(x.ctx, l, r)
		}
		switch {
		case errors.Is(err, frontier.ErrLeaseLost):
			x.lost.Add(1)
			return
		case err != nil:
			if x.ctx.Err() == nil {
				x.Errorf("ack: %v", err)
			}
			return
		}
		x.acked.Add(1)
	}
}
