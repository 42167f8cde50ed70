package frontiertest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"trawl/frontier"
)

// longestWait is how long a worker is told to wait at most: others may push meanwhile.
const longestWait = time.Second

// lend is Lease. The hosts in first, as far as they are due, go before all others: which of the due hosts are lent is
// the store's own choice, and that is how the model is told of it.
func (m *Model) lend(ctx context.Context, r frontier.LeaseRequest, first []frontier.Host) ([]frontier.Lease, time.Duration, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	now := m.pass()
	if again := m.repeat(r); len(again) > 0 {
		return again, 0, nil
	}
	if m.drained() {
		return nil, 0, frontier.ErrDrained
	}
	var lent []frontier.Lease
	budget := m.budget()
	for _, h := range m.due(now, first) {
		if len(lent) >= r.Hosts || budget == 0 {
			break
		}
		n := min(int64(r.Batch), budget)
		if h.probation {
			n = min(n, 1)
		}
		lent = append(lent, m.grant(h, h.head(int(n)), r))
		budget -= int64(len(h.last.items))
	}
	return lent, min(longestWait, m.nextEvent(now)), nil
}

// repeat is the leases that this same request was answered with, as far as they live.
func (m *Model) repeat(r frontier.LeaseRequest) (again []frontier.Lease) {
	if r.ID == "" {
		return nil
	}
	for _, h := range m.hosts {
		if h.lent() && h.last.worker == r.Worker && h.last.id == r.ID {
			again = append(again, m.show(h))
		}
	}
	return again
}

// due is the hosts that can be lent now, in the order they should be.
func (m *Model) due(now int64, first []frontier.Host) (due []*host) {
	if m.state != frontier.Running {
		return nil
	}
	for _, h := range m.hosts {
		if !h.lent() && h.next <= now && len(h.head(1)) > 0 {
			due = append(due, h)
		}
	}
	rank := func(h *host) int {
		if i := slices.Index(first, h.name); i >= 0 {
			return i - len(first)
		}
		return h.turn
	}
	slices.SortFunc(due, func(a, b *host) int { return cmp.Compare(rank(a), rank(b)) })
	return due
}

// grant lends a host.
func (m *Model) grant(h *host, items []*link, r frontier.LeaseRequest) frontier.Lease {
	m.serial++
	h.turn = m.serial
	h.last = &lease{
		token: fmt.Sprintf("token-%d", m.serial), worker: r.Worker, id: r.ID,
		items: items, ttl: millis(r.TTL), deadline: m.now() + millis(r.TTL), lives: true,
	}
	move(items, leased)
	return m.show(h)
}

// show is the lease of a host as its owner sees it.
func (m *Model) show(h *host) frontier.Lease {
	l := frontier.Lease{
		Host: h.name, Token: h.last.token, Settled: h.last.settled,
		TTL:   time.Duration(h.last.ttl) * time.Millisecond,
		Delay: time.Duration(m.delayOf(h)) * time.Millisecond,
	}
	for _, u := range h.last.items {
		l.Items = append(l.Items, u.Item)
	}
	return l
}

// nextEvent is the time until Lease can answer differently, if nobody calls anything else: a host has rested, a retry
// is due, a lease expires, the last hold ends.
func (m *Model) nextEvent(now int64) time.Duration {
	if m.state == frontier.Paused {
		return math.MaxInt64
	}
	at := int64(math.MaxInt64)
	lends := m.state == frontier.Running && m.budget() > 0
	for _, h := range m.hosts {
		switch {
		case h.lent():
			at = min(at, h.last.deadline)
		case lends && len(h.head(1)) > 0:
			at = min(at, h.next)
		case lends && len(h.delayed) > 0:
			at = min(at, max(h.next, h.delayed[0].due))
		}
	}
	if n := m.count(); n[queued]+n[delayed]+n[leased] == 0 {
		over := slices.Max(append(slices.Collect(maps.Values(m.holds)), now))
		if over > now {
			at = min(at, over)
		}
	}
	if at == math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(max(at-now, 1)) * time.Millisecond
}
