package frontiertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"trawl/frontier"
)

// Beat implements frontier.Fleet.
func (m *Model) Beat(ctx context.Context, who frontier.Member) (version int64, err error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	who.Beat = m.clock()
	m.members[who.Name] = who
	return m.crawl.Version, nil
}

// Leave implements frontier.Fleet.
func (m *Model) Leave(ctx context.Context, name string) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	delete(m.members, name)
	return nil
}

// Members implements frontier.Fleet.
func (m *Model) Members(ctx context.Context) ([]frontier.Member, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	list := slices.Collect(maps.Values(m.members))
	list = slices.DeleteFunc(list, func(who frontier.Member) bool { return m.clock().Sub(who.Beat) > time.Hour })
	slices.SortFunc(list, func(a, b frontier.Member) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Remember implements frontier.Memory.
func (m *Model) Remember(ctx context.Context, l *frontier.Lease, note []byte) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.pass()
	h := m.byName[l.Host]
	switch {
	case len(note) > frontier.MaxNote:
		return fmt.Errorf("note on %s: %d bytes, more than %d", l.Host, len(note), frontier.MaxNote)
	case h == nil || !h.lent() || h.last.token != l.Token:
		return frontier.ErrLeaseLost
	}
	h.note, h.noted = append([]byte{}, note...), m.now()
	return nil
}

// Recall implements frontier.Memory.
func (m *Model) Recall(ctx context.Context, name frontier.Host) ([]byte, time.Duration, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	h := m.byName[name]
	if h == nil || h.note == nil {
		return nil, 0, nil
	}
	age := time.Duration(m.now()-h.noted) * time.Millisecond
	return append([]byte{}, h.note...), max(age, 0), nil
}

// Hosts implements frontier.Inspector.
func (m *Model) Hosts(ctx context.Context, yield func(frontier.HostStats) bool) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	var list []frontier.HostStats
	for _, h := range m.hosts {
		list = append(list, m.inspect(h))
	}
	leave() // yield may call m
	for _, h := range list {
		if !yield(h) {
			break
		}
	}
	return nil
}

// Host implements frontier.Inspector.
func (m *Model) Host(ctx context.Context, name frontier.Host) (frontier.HostStats, bool, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return frontier.HostStats{}, false, err
	}
	defer leave()
	h := m.byName[name]
	if h == nil {
		return frontier.HostStats{}, false, nil
	}
	return m.inspect(h), true, nil
}

// inspect counts a host's URLs.
func (w *world) inspect(h *host) frontier.HostStats {
	var n [places]int64
	for _, u := range w.seen {
		if u.URL.Host() == h.name {
			n[u.in]++
		}
	}
	s := frontier.HostStats{
		Host: h.name, Queued: n[queued], Delayed: n[delayed], Leased: n[leased], Done: n[done], Dead: n[dead],
		Delay: time.Duration(h.delay) * time.Millisecond, Failures: h.failures,
	}
	if h.next > 0 {
		s.Next = time.UnixMilli(h.next)
	}
	if h.lent() {
		s.Worker, s.Until = h.last.worker, time.UnixMilli(h.last.deadline)
	}
	return s
}

// Dead implements frontier.Inspector.
func (m *Model) Dead(ctx context.Context, yield func(frontier.DeadURL) bool) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	var list []frontier.DeadURL
	for _, u := range m.dead {
		list = append(list, frontier.DeadURL{URL: u.URL, Via: u.Via, Reason: u.why, Detail: u.detail, At: time.UnixMilli(u.died)})
	}
	leave()
	for _, u := range list {
		if !yield(u) {
			break
		}
	}
	return nil
}

// Refused implements frontier.Inspector.
func (m *Model) Refused(ctx context.Context) (map[frontier.Reason][]string, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	examples := map[frontier.Reason][]string{}
	for why, list := range m.examples {
		examples[why] = slices.Clone(list)
	}
	return examples, nil
}

// Retry implements frontier.Mender.
func (m *Model) Retry(ctx context.Context, name frontier.Host, why frontier.Reason) (n int64, err error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	m.dead = slices.DeleteFunc(m.dead, func(u *link) bool {
		if name != "" && u.URL.Host() != name || why != "" && u.why != why {
			return false
		}
		m.deadFor[u.why]--
		u.in, u.Attempt, u.strikes = queued, 0, 0
		u.Generation++
		h := m.byName[u.URL.Host()]
		h.failures = -1
		h.line[u.Priority] = append(h.line[u.Priority], u)
		n++
		return true
	})
	return n, nil
}

// Check implements frontier.Mender. There is nothing that it could repair.
func (m *Model) Check(ctx context.Context, _ bool) (findings []string, err error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	inLine := map[*link]bool{}
	for _, h := range m.hosts {
		for _, u := range slices.Concat(append(h.line[:], h.delayed)...) {
			if inLine[u] || m.seen[u.URL.Key()] != u || u.in > leased {
				findings = append(findings, fmt.Sprintf("%s is in line, and should not be", u.URL))
			}
			inLine[u] = true
		}
	}
	for _, u := range m.seen {
		if u.in <= leased && !inLine[u] {
			findings = append(findings, fmt.Sprintf("%s is lost", u.URL))
		}
	}
	return findings, nil
}

// moved is what becomes of a crawl that is exported and imported: suspicions and notes are left behind.
func (m *Model) moved(fleet bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fleet = fleet
	m.progress, m.cautious = false, false
	for _, h := range m.hosts {
		h.probation, h.last, h.note = false, nil, nil
		for _, u := range slices.Concat(append(h.line[:], h.delayed)...) {
			u.strikes = 0
		}
	}
}
