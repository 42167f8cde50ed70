package frontiertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"trawl/frontier"
)

// Fault is one failure of a frontier, as a broken connection makes it.
type Fault struct {
	Method string // Push, Lease, Ack or Stats
	Call   int    // which call of the method fails; 1 is the first
	After  bool   // it took effect, and only the reply was lost; else it never arrived
}

// Flaky returns a frontier that does what f does, but fails as planned, with frontier.ErrUnavailable. It is a Holder, a
// Keeper and a Memory if f is all of them, and knows a Fleet if f does that too; these powers do not fail.
func Flaky(f frontier.Frontier, plan ...Fault) frontier.Frontier {
	faulty := &flaky{Frontier: f, plan: plan, calls: map[string]int{}}
	holder, holds := f.(frontier.Holder)
	keeper, keeps := f.(frontier.Keeper)
	memory, remembers := f.(frontier.Memory)
	fleet, knows := f.(frontier.Fleet)
	switch {
	case !holds || !keeps || !remembers:
		return faulty
	case !knows:
		return struct {
			*flaky
			frontier.Holder
			frontier.Keeper
			frontier.Memory
		}{faulty, holder, keeper, memory}
	}
	return struct {
		*flaky
		frontier.Holder
		frontier.Keeper
		frontier.Memory
		frontier.Fleet
	}{faulty, holder, keeper, memory, fleet}
}

type flaky struct {
	frontier.Frontier
	plan []Fault

	mu    sync.Mutex
	calls map[string]int
}

// call counts a call of a method, and makes it unless it is to fail before.
func (f *flaky) call(method string, do func() error) error {
	f.mu.Lock()
	f.calls[method]++
	n := f.calls[method]
	f.mu.Unlock()
	failure := fmt.Errorf("%s, call %d: planned: %w", method, n, frontier.ErrUnavailable)
	if slices.Contains(f.plan, Fault{method, n, false}) {
		return failure
	}
	if err := do(); err != nil {
		return err
	}
	if slices.Contains(f.plan, Fault{method, n, true}) {
		return failure
	}
	return nil
}

func (f *flaky) Push(ctx context.Context, entries []frontier.Entry) (added int, err error) {
	err = f.call("Push", func() (err error) {
		added, err = f.Frontier.Push(ctx, entries)
		return err
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func (f *flaky) Lease(ctx context.Context, r frontier.LeaseRequest) (leases []frontier.Lease, wait time.Duration, err error) {
	err = f.call("Lease", func() (err error) {
		leases, wait, err = f.Frontier.Lease(ctx, r)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return leases, wait, nil
}

func (f *flaky) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	moved := *l // the caller's lease moves on only with a reply
	err := f.call("Ack", func() error { return f.Frontier.Ack(ctx, &moved, r) })
	if err == nil {
		*l = moved
	}
	return err
}

func (f *flaky) Stats(ctx context.Context) (s frontier.Stats, err error) {
	err = f.call("Stats", func() (err error) {
		s, err = f.Frontier.Stats(ctx)
		return err
	})
	if err != nil {
		return frontier.Stats{}, err
	}
	return s, nil
}
