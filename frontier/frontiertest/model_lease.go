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

// longestWait is how long a worker is told to wait at most while others may push.
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
		items := m.apart(r.Worker, h.head(int(n)))
		if len(items) == 0 {
			continue
		}
		h.probation = h.probation || m.fleet && items[0].suspect()
		lent = append(lent, m.grant(h, items, r))
		budget -= int64(len(items))
	}
	wait := m.nextEvent(now, r.Worker)
	if m.fleet || m.state != frontier.Running || m.isHeld(now) {
		wait = min(wait, longestWait)
	}
	return lent, wait, nil
}

// isHeld tells whether somebody is seeding.
func (m *Model) isHeld(now int64) bool {
	for _, until := range m.holds {
		if until > now {
			return true
		}
	}
	return false
}

// suspect tells whether one more strike is the end of a URL.
func (u *link) suspect() bool { return u.strikes == maxStrikes-1 }

// apart is the first of these URLs that a worker may hold together. A suspect is lent alone, and to a worker that holds no
// other one: its death then blames nobody else.
func (m *Model) apart(worker string, items []*link) []*link {
	for i, u := range items {
		switch {
		case !m.fleet || !u.suspect():
		case i > 0:
			return items[:i]
		case m.holdsSuspect(worker):
			return nil
		default:
			return items[:1]
		}
	}
	return items
}

func (m *Model) holdsSuspect(worker string) bool {
	return slices.ContainsFunc(m.hosts, func(h *host) bool {
		return h.lent() && h.last.worker == worker && slices.ContainsFunc(h.last.items[h.last.settled:], (*link).suspect)
	})
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

// due is the hosts that can be lent now, in the order they should be: by turns one that answered the last time and a
// stranger. There can be any number of either, and a few of the others are not to wait for all of them.
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
	if first != nil {
		return due
	}
	var lines [2][]*host
	for _, h := range due {
		line := 0
		if h.isStranger() != m.strangerFirst {
			line = 1
		}
		lines[line] = append(lines[line], h)
	}
	return byTurns(lines[0], lines[1])
}

func byTurns(a, b []*host) (both []*host) {
	for len(a) > 0 && len(b) > 0 {
		both = append(both, a[0], b[0])
		a, b = a[1:], b[1:]
	}
	return slices.Concat(both, a, b)
}

// grant lends a host.
func (m *Model) grant(h *host, items []*link, r frontier.LeaseRequest) frontier.Lease {
	m.serial++
	h.turn, m.strangerFirst = m.serial, !h.isStranger()
	h.last = &lease{
		token: fmt.Sprintf("token-%d", m.serial), worker: r.Worker, id: r.ID,
		items: items, ttl: millis(r.TTL), deadline: m.now() + millis(r.TTL), version: m.crawl.Version, lives: true,
	}
	move(items, leased)
	return m.show(h)
}

// show is the lease of a host as its owner sees it.
func (m *Model) show(h *host) frontier.Lease {
	l := frontier.Lease{
		Host: h.name, Token: h.last.token, Settled: h.last.settled, Version: h.last.version,
		TTL:   time.Duration(h.last.ttl) * time.Millisecond,
		Delay: time.Duration(m.delayOf(h)) * time.Millisecond, Failures: h.failures,
	}
	for _, u := range h.last.items {
		l.Items = append(l.Items, u.Item)
	}
	return l
}

// nextEvent is the time until Lease can answer a worker differently, if nobody calls anything else: a host has rested, a
// retry is due, a lease expires, the last hold ends.
func (m *Model) nextEvent(now int64, worker string) time.Duration {
	if m.state == frontier.Paused {
		return math.MaxInt64
	}
	at := int64(math.MaxInt64)
	lends := m.state == frontier.Running && m.budget() > 0
	for _, h := range m.hosts {
		switch {
		case h.lent():
			at = min(at, h.last.deadline)
		case lends && len(m.apart(worker, h.head(1))) > 0:
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
