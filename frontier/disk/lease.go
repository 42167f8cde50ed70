package disk

import (
	"context"
	"math"
	"strconv"
	"time"

	"trawl/frontier"
)

// lease is a lent host.
type lease struct {
	host     *host
	worker   string
	version  int64  // of the crawl
	grant    *grant // nil: the request had no id
	token    string
	chunks   []*chunk // the chunk of each lent URL
	settled  int
	ttl      time.Duration
	deadline int64 // acks move it on; Store.leases is put right when the earlier one has passed
	over     bool  // given back, when acks that are sent again still find it, or expired
}

// request identifies a LeaseRequest that carried an id.
type request struct{ worker, id string }

// grant is what such a request was answered with: for as long as one of its leases lives, a repeat is answered alike.
type grant struct {
	request
	leases []*lease
	live   int
}

// living are the leases of a grant that are not over.
func (g *grant) living() (leases []*lease) {
	if g == nil {
		return nil
	}
	for _, l := range g.leases {
		if !l.over {
			leases = append(leases, l)
		}
	}
	return leases
}

func (h *host) live() bool { return h.lease != nil && !h.lease.over }

// perLevel counts URLs by priority. The lent ones of a host are the first ones of their line, at each priority.
type perLevel [frontier.MaxPriority + 1]int

// lent counts the URLs of h that are lent and not settled.
func (h *host) lent() (n perLevel) {
	if h.live() {
		for _, c := range h.lease.chunks[h.lease.settled:] {
			n[c.priority]++
		}
	}
	return n
}

// Lease implements frontier.Frontier.
func (s *Store) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	if err := s.begin(ctx); err != nil {
		return nil, 0, err
	}
	granted := s.asked[request{r.Worker, r.ID}].living()
	if len(granted) == 0 {
		granted = s.lend(r)
	}
	if len(granted) == 0 {
		defer s.leave() // nothing is lent, so no commit is waited for
		if s.drained() {
			return nil, 0, frontier.ErrDrained
		}
		return nil, s.untilNext(), s.err // lend may have failed to read paths
	}
	out := make([]frontier.Lease, len(granted))
	for i, l := range granted {
		out[i] = s.describe(l)
	}
	return out, 0, s.end()
}

// lend makes leases of due hosts.
func (s *Store) lend(r frontier.LeaseRequest) (granted []*lease) {
	if s.state != frontier.Running {
		return nil
	}
	for len(granted) < r.Hosts && s.credit(1) > 0 {
		h, ok := s.nextHost()
		if !ok {
			break
		}
		l := s.lendHost(h, s.credit(r.Batch), r)
		if l == nil {
			break
		}
		granted = append(granted, l)
	}
	if r.ID != "" && len(granted) > 0 {
		s.remember(&grant{request{r.Worker, r.ID}, granted, len(granted)})
	}
	return granted
}

// nextHost takes the next host that is due out of its line: by turns one that answered the last time and a stranger. There
// can be any number of either, and a few of the others are not to wait for all of them.
func (s *Store) nextHost() (*host, bool) {
	for _, line := range [...]int{s.turn, 1 - s.turn} {
		if h, ok := s.ready[line].pop(s.clock); ok {
			h.ready = false
			s.turn = 1 - line
			return h, true
		}
	}
	return nil, false
}

// credit is how many of n URLs may be lent: as max-pages lets, and a single one while the store is cautious. Those that are
// lent may all be settled, so max-pages counts them: that keeps it exact.
func (s *Store) credit(n int) int {
	if s.cautious {
		n = min(n, 1-int(s.stats.Leased))
	}
	limit := s.crawl.Policy.MaxPages
	if limit <= 0 {
		return n
	}
	return int(max(0, min(int64(n), limit-s.stats.Settled()-s.stats.Leased)))
}

// lendHost lends the first n URLs of h's line; nil when they cannot be read.
func (s *Store) lendHost(h *host, n int, r frontier.LeaseRequest) *lease {
	if h.probation {
		n = min(n, 1)
	}
	s.tokens++ // from 1 on in each process: the nonce keeps apart what different ones lent
	l := &lease{host: h, worker: r.Worker, version: s.crawl.Version, ttl: r.TTL, deadline: s.after(r.TTL)}
	l.token = strconv.FormatUint(s.tokens, 10) + "." + s.nonce
	for p := range h.lines {
		for c := h.lines[p].head; c != nil && len(l.chunks) < n; c = c.behind {
			if !s.readPaths(c) {
				return nil
			}
			for i := c.settled; i < c.n && len(l.chunks) < n; i++ {
				l.chunks = append(l.chunks, c)
			}
		}
	}
	h.lease = l
	s.leases.push(l.deadline, l)
	s.stats.Queued -= int64(len(l.chunks))
	s.stats.Leased += int64(len(l.chunks))
	s.stats.HostsLeased++
	s.batch.touch(h)
	return l
}

// describe is the lease as its owner sees it: what is not settled yet.
func (s *Store) describe(l *lease) frontier.Lease {
	out := frontier.Lease{Host: l.host.name, Token: l.token, TTL: l.ttl, Delay: s.delay(l.host), Settled: l.settled, Version: l.version,
		Failures: l.host.failures}
	out.Items = make([]frontier.Item, len(l.chunks))
	at, i := (*chunk)(nil), 0
	for k := l.settled; k < len(l.chunks); k++ {
		if c := l.chunks[k]; c != at { // of each chunk the first unsettled ones are lent
			at, i = c, c.settled
		}
		out.Items[k] = at.item(i)
		i++
	}
	return out
}

// finish ends a lease: what is not settled is in line again.
func (s *Store) finish(l *lease) {
	left := int64(len(l.chunks) - l.settled)
	s.stats.Leased -= left
	s.stats.Queued += left
	s.stats.HostsLeased--
	l.over = true
	for _, c := range l.chunks[l.settled:] { // so that they can be spilled
		c.paths = nil
		s.batch.change(c)
	}
	l.chunks = nil
	s.forgetGrant(l.grant)
	s.batch.touch(l.host)
	s.makeReady(l.host)
}

// remember keeps a grant for a repeat of its request.
func (s *Store) remember(g *grant) {
	s.asked[g.request] = g
	for _, l := range g.leases {
		l.grant = g
	}
}

// forgetGrant counts a lease of a grant that is over, and forgets the grant with the last one.
func (s *Store) forgetGrant(g *grant) {
	if g == nil {
		return
	}
	if g.live--; g.live == 0 {
		delete(s.asked, g.request)
	}
}

// reclaimExpired takes back the hosts whose lease has run out.
func (s *Store) reclaimExpired() {
	for {
		l, ok := s.leases.pop(s.clock)
		switch {
		case !ok:
			return
		case l.over:
		case l.deadline > s.clock: // extended since
			s.leases.push(l.deadline, l)
		default:
			// Its owner may have started a request up to TTL*2/3 after it was last heard of.
			rest := l.deadline - int64(l.ttl/3) + int64(s.delay(l.host))
			l.host.next = max(l.host.next, rest)
			s.cutOff(l.host, l.host.lent(), len(l.chunks) == 1) // before finish: lent asks the live lease
			s.finish(l)
			l.host.lease = nil // not even a repeated ack knows it any more
		}
	}
}

// cutOff counts the death of a worker that held URLs of h: an attempt each, and suspicion. A URL that was lent alone is
// given up the third time.
func (s *Store) cutOff(h *host, lent perLevel, alone bool) {
	h.probation = true
	s.stats.Reclaimed++
	s.batch.touch(h)
	for p, n := range lent {
		first := h.lines[p].head
		for c := first; c != nil && n > 0; c = c.behind {
			for i := c.settled; i < c.n && n > 0; i++ {
				c.tried(i)
				n--
			}
			s.batch.change(c)
		}
		if alone && lent[p] > 0 {
			s.strike(h, first)
		}
	}
}

// strike counts against the first URL of a chunk that it may have killed its worker.
func (s *Store) strike(h *host, c *chunk) {
	if c.strikes(c.settled)+1 < maxStrikes {
		c.strike(c.settled)
	} else {
		s.poison(h, c)
	}
}

// poison gives up the first URL of a chunk, which was lent alone.
func (s *Store) poison(h *host, c *chunk) {
	if !s.readPaths(c) {
		return
	}
	s.bury(h, c.item(c.settled), frontier.Outcome{Reason: frontier.Poison, Detail: "its worker died each of the three times it was lent alone"})
	s.settleFirst(h, c)
	if h.live() {
		h.lease.settled++
		s.stats.Leased--
	} else {
		s.stats.Queued--
	}
}

// queueDue puts retries whose time has come at the end of their line.
func (s *Store) queueDue() {
	for {
		c, ok := s.delayed.pop(s.clock)
		if !ok {
			return
		}
		s.stats.Delayed--
		s.stats.Queued++
		c.host.delayed--
		s.rejoin(c)
	}
}

// rejoin puts a retry at the end of its line, under a new id, since ids order the line when it is read from the file.
func (s *Store) rejoin(c *chunk) {
	if c.stored {
		s.batch.erased = append(s.batch.erased, c.id)
		c.stored = false
	}
	s.ids++
	c.id, c.due = s.ids, 0
	c.host.lines[c.priority].push(c)
	s.batch.change(c)
	s.makeReady(c.host)
}

// longestWait is how long a worker is told to wait at most while seeds are to come, or nothing is known of what is.
const longestWait = time.Second

// untilNext is how long nothing can become due; at least a moment, for a call that asked for no hosts.
func (s *Store) untilNext() time.Duration {
	at := int64(math.MaxInt64)
	for _, line := range s.ready {
		if t, ok := line.next(); ok && s.state == frontier.Running && s.credit(1) > 0 {
			if t <= s.clock {
				t = s.clock + int64(time.Millisecond)
			}
			at = min(at, t)
		}
	}
	for _, next := range []func() (int64, bool){s.delayed.next, s.nextDeadline} {
		if t, ok := next(); ok {
			at = min(at, t)
		}
	}
	soon := s.clock + int64(longestWait)
	for _, t := range s.held {
		if t > s.clock {
			at = min(at, t, soon)
		}
	}
	if s.state != frontier.Running || at == math.MaxInt64 {
		at = min(at, soon)
	}
	return time.Duration(at - s.clock)
}

// nextDeadline is that of the first lease that is not over. Acks may have moved it on: then a worker asks once too often.
func (s *Store) nextDeadline() (at int64, ok bool) {
	for {
		if at, ok = s.leases.next(); !ok || !s.leases.heap[0].v.over {
			return at, ok
		}
		s.leases.pop(at)
	}
}

// drained tells whether the crawl is over.
func (s *Store) drained() bool {
	if s.stats.Leased > 0 {
		return false
	}
	if s.state == frontier.Stopping {
		return true
	}
	if p := s.crawl.Policy.MaxPages; p > 0 && s.stats.Settled() >= p {
		return true
	}
	return s.stats.Queued+s.stats.Delayed == 0 && !s.isHeld()
}

func (s *Store) isHeld() bool {
	for name, until := range s.held {
		if until > s.clock {
			return true
		}
		delete(s.held, name)
	}
	return false
}
