package frontiertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"trawl/frontier"
)

// adopt gives a lease of the model the token that the store gave it.
func (m *Model) adopt(l frontier.Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byName[l.Host].last.token = l.Token
}

// wait is how long at most nothing can happen that matters to a worker.
func (m *Model) wait(worker string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nextEvent(m.now(), worker)
}

// again sends the last ack of a lease once more, or a longer one from the same place.
func (p *player) again(o op) error {
	if len(p.leases) == 0 {
		return nil
	}
	h := p.leases[int(o.a)%len(p.leases)]
	if h.before.Settled == h.Settled {
		return nil
	}
	old := &held{Lease: h.before}
	r := h.last
	if o.b%2 == 0 && h.Settled < len(h.Items) {
		r.Outcomes = append(slices.Clip(r.Outcomes), p.outcome(o, 0))
	}
	if o.b%8 < 2 {
		r.Found = append(slices.Clip(r.Found), entries(2, o.c, o.b)...)
	}
	p.sayf("again")
	err := p.report(old, r)
	h.Settled = max(h.Settled, old.Settled)
	return err
}

func (p *player) release(o op) error {
	if len(p.leases) == 0 {
		return nil
	}
	r := frontier.Report{Release: o.b%2 == 0, Failures: int(o.c % 3)} // else it only extends
	return p.report(p.leases[int(o.a)%len(p.leases)], r)
}

// reopen kills the process. Who was seeding died with it. Whether a store still knows the leases that were ended
// properly is its own business, so they are forgotten here, unless the store keeps all of them.
func (p *player) reopen() {
	p.sayf("reopen")
	for _, name := range []string{"seeder 0", "seeder 1"} {
		_ = p.hold(name, 0) // a failure shows up in the counts
	}
	p.f = p.store.Reopen()
	if p.store.KeepsLeases {
		return
	}
	p.leases = slices.DeleteFunc(p.leases, func(h *held) bool { return !p.model.lives(h.Lease) })
	p.model = p.model.Reopen()
}

// lives tells whether a lease is still good.
func (m *Model) lives(l frontier.Lease) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.byName[l.Host]
	return h.lent() && h.last.token == l.Token
}

func (p *player) setState(s frontier.State) error {
	k, ok := p.f.(frontier.Keeper)
	if !ok {
		return nil
	}
	p.sayf("state %s", s)
	return errors.Join(k.SetState(p.T.Context(), s), p.model.SetState(p.T.Context(), s))
}

func (p *player) setLimit(pages int64) error {
	k, ok := p.f.(frontier.Keeper)
	if !ok {
		return nil
	}
	p.policy.MaxPages = pages
	p.sayf("max pages %d", pages)
	return errors.Join(k.SetPolicy(p.T.Context(), p.policy), p.model.SetPolicy(p.T.Context(), p.policy))
}

func (p *player) hold(name string, d time.Duration) error {
	h, ok := p.f.(frontier.Holder)
	if !ok {
		return nil
	}
	p.sayf("hold by %s for %v", name, d)
	return errors.Join(h.Hold(p.T.Context(), name, d), p.model.Hold(p.T.Context(), name, d))
}

// cancelled calls the store with a context that has ended. The model is not told.
func (p *player) cancelled() error {
	p.sayf("calls with a cancelled context")
	var l frontier.Lease
	if n := len(p.leases); n > 0 {
		l = p.leases[n-1].Lease
	}
	for name, err := range calls(cancelled(p.T.Context()), p.f, &l) {
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	return nil
}

// drain runs the crawl to its end, without limits: then each URL that was ever seen is settled.
func (p *player) drain() error {
	p.sayf("drain")
	if err := errors.Join(p.setState(frontier.Running), p.setLimit(0), p.hold("seeder 0", 0), p.hold("seeder 1", 0)); err != nil {
		return err
	}
	p.leases = nil
	_, unlimited := p.f.(frontier.Keeper)
	for range 1000 {
		p.serial++
		n, err := p.lend(frontier.LeaseRequest{Worker: "last", ID: fmt.Sprint(p.serial), Hosts: 8, Batch: 8, TTL: ttl})
		if err != nil {
			return err
		}
		for _, h := range p.leases {
			r := frontier.Report{Outcomes: slices.Repeat([]frontier.Outcome{{Verdict: frontier.Done}}, len(h.Items))}
			if err := errors.Join(p.report(h, r), p.compare()); err != nil {
				return err
			}
		}
		p.leases = nil
		s, err := p.f.Stats(p.T.Context())
		switch {
		case err != nil:
			return fmt.Errorf("stats: %w", err)
		case s.Drained && (s.Seen == s.Settled() || !unlimited):
			return nil
		case s.Drained:
			return fmt.Errorf("drained with URLs left: %+v", s)
		case n == 0:
			p.clock.Advance(p.model.wait("last"))
		}
	}
	return errors.New("the crawl does not end")
}
