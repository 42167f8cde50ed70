package frontiertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"trawl/frontier"
)

// Model is a frontier in maps and slices: the simplest program that holds the laws, and so their exact meaning. It is
// what the stores are compared with, and it serves the tests of workers. It is not fast: most calls look at every URL.
//
// Time is counted in whole milliseconds. What time brings (leases that expire, retries that fall due) happens at the
// beginning of every Push, Lease and Ack, in that order, in every state of the crawl; Stats only counts.
type Model struct {
	*world
	closed bool // under world.mu
}

var (
	_ frontier.Frontier = (*Model)(nil)
	_ frontier.Holder   = (*Model)(nil)
	_ frontier.Keeper   = (*Model)(nil)
	_ frontier.Fleet    = (*Model)(nil)

	_ frontier.Memory    = (*Model)(nil)
	_ frontier.Inspector = (*Model)(nil)
	_ frontier.Mender    = (*Model)(nil)
)

// NewModel makes an empty frontier that reads the time from now.
func NewModel(p frontier.Policy, now func() time.Time) *Model {
	return &Model{world: &world{
		clock:   now,
		crawl:   frontier.Crawl{ID: "model", Name: "model", Created: now(), Policy: p},
		state:   frontier.Running,
		byName:  map[frontier.Host]*host{},
		seen:    map[string]*link{},
		holds:   map[string]int64{},
		members: map[string]frontier.Member{},
		refused: map[frontier.Reason]int64{}, examples: map[frontier.Reason][]string{},
		deadFor: map[frontier.Reason]int64{},
	}}
}

// Reopen closes m and returns the frontier that a new process finds. All leases have expired with the old one, whose
// last request may have started just now. A URL that killed it was lent alone only if nothing else was lent at all;
// so, when nothing was settled in its life, the new one is cautious: it lends one URL at a time until one is settled.
func (m *Model) Reopen() *Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	now := m.pass()
	var lent []*host
	for _, h := range m.hosts {
		if h.lent() {
			lent = append(lent, h)
		}
	}
	for _, h := range lent {
		m.expire(h, now, len(lent) == 1 && len(h.last.items) == 1)
	}
	m.cautious = len(lent) > 0 && !m.progress
	m.progress = false
	return &Model{world: m.world}
}

// enter begins a call.
func (m *Model) enter(ctx context.Context) (leave func(), err error) {
	m.mu.Lock()
	err = ctx.Err()
	if m.closed {
		err = frontier.ErrClosed
	}
	if err != nil {
		m.mu.Unlock()
		return nil, err
	}
	return m.mu.Unlock, nil
}

// Push implements frontier.Frontier.
func (m *Model) Push(ctx context.Context, entries []frontier.Entry) (added int, err error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	m.pass()
	return m.acceptAll(entries), nil
}

// Lease implements frontier.Frontier.
func (m *Model) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	return m.lend(ctx, r, nil)
}

// Ack implements frontier.Frontier.
func (m *Model) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	now := m.pass()
	h := m.byName[l.Host]
	if h == nil || h.last == nil || h.last.token != l.Token {
		return frontier.ErrLeaseLost
	}
	from, to, cur := l.Settled, l.Settled+len(r.Outcomes), h.last
	switch {
	case to <= cur.settled && (to > from || !cur.lives): // sent again: it has all been done
		if cur.lives { // but links may have been found since
			m.acceptAll(r.Found)
		}
		l.Settled = to
		return nil
	case !cur.lives:
		return frontier.ErrLeaseLost
	case from > cur.settled || to > len(cur.items):
		return fmt.Errorf("ack of URLs %d to %d, where %d of %d are settled", from, to, cur.settled, len(cur.items))
	}
	fresh := r.Outcomes[min(cur.settled-from, len(r.Outcomes)):]
	if slices.ContainsFunc(fresh, func(o frontier.Outcome) bool { return o.Verdict < frontier.Done || o.Verdict > frontier.Refused }) {
		return errors.New("ack without a verdict")
	}
	m.acceptAll(r.Found)
	for _, o := range fresh {
		m.settle(h, cur.items[cur.settled], o)
		cur.settled++
		h.probation, m.cautious, m.progress = false, false, true // the worker lives
	}
	h.next = max(h.next, now+millis(r.Next))
	if r.Delay > 0 {
		h.delay = millis(r.Delay)
	}
	if r.Failures >= 0 && to >= cur.settled { // or else it was overtaken
		h.failures = r.Failures
	}
	cur.deadline = now + cur.ttl
	if r.Release || cur.settled == len(cur.items) {
		cur.lives = false
		move(cur.items[cur.settled:], queued)
	}
	l.Settled = to
	return nil
}

// Stats implements frontier.Frontier.
func (m *Model) Stats(ctx context.Context) (frontier.Stats, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return frontier.Stats{}, err
	}
	defer leave()
	n := m.count()
	s := frontier.Stats{
		State: m.state, Drained: m.drained(), Seen: int64(len(m.seen)),
		Queued: n[queued], Delayed: n[delayed], Leased: n[leased], Done: n[done], Dead: n[dead],
		Hosts: int64(len(m.hosts)), Retries: m.retries, Reclaimed: m.reclaimed,
		Refused: maps.Clone(m.refused), DeadFor: maps.Clone(m.deadFor),
	}
	for _, h := range m.hosts {
		if h.lent() {
			s.HostsLeased++
		}
	}
	return s, nil
}

// Close implements frontier.Frontier.
func (m *Model) Close() error {
	leave, err := m.enter(context.Background())
	if err != nil {
		return err
	}
	defer leave()
	m.closed = true
	return nil
}

// Hold implements frontier.Holder.
func (m *Model) Hold(ctx context.Context, name string, ttl time.Duration) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.holds[name] = m.now() + millis(ttl)
	return nil
}

// Crawl implements frontier.Keeper.
func (m *Model) Crawl(ctx context.Context) (frontier.Crawl, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return frontier.Crawl{}, err
	}
	defer leave()
	return m.crawl, nil
}

// SetPolicy implements frontier.Keeper.
func (m *Model) SetPolicy(ctx context.Context, p frontier.Policy) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.crawl.Policy = p
	m.crawl.Version++
	return nil
}

// SetState implements frontier.Keeper.
func (m *Model) SetState(ctx context.Context, s frontier.State) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.state = s
	m.crawl.Version++
	return nil
}

// Seeds implements frontier.Keeper.
func (m *Model) Seeds(ctx context.Context, first int64, yield func(frontier.Entry) bool) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	seeds := slices.Clone(m.seeds[min(int(first), len(m.seeds)):]) // yield may call m
	leave()
	for _, u := range seeds {
		if !yield(u) {
			break
		}
	}
	return nil
}
