package disk

import (
	"context"
	"fmt"
	"time"

	"trawl/frontier"
)

// Ack implements frontier.Frontier.
func (s *Store) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	err := s.report(l, r)
	if committed := s.end(); committed != nil { // it says more: the store is of no use any more
		return committed
	}
	if err == nil {
		l.Settled += len(r.Outcomes)
	}
	return err
}

// report applies an ack, or as much of it as an earlier copy of it has not.
func (s *Store) report(l *frontier.Lease, r frontier.Report) error {
	h := s.hosts[l.Host]
	if h == nil || h.lease == nil || h.lease.token != l.Token {
		return fmt.Errorf("%s: %w", l.Host, frontier.ErrLeaseLost)
	}
	held := h.lease
	before := held.settled - l.Settled // outcomes that an earlier copy settled
	switch {
	case before < 0:
		return fmt.Errorf("ack %s: %d URLs are settled, not %d", l.Host, held.settled, l.Settled)
	case before >= len(r.Outcomes) && (len(r.Outcomes) > 0 || held.over): // sent again: it has all been done
		if !held.over { // but links may have been found since
			s.accept(r.Found)
		}
		return nil
	case held.over:
		return fmt.Errorf("%s: %w", l.Host, frontier.ErrLeaseLost)
	case before+len(held.chunks)-held.settled < len(r.Outcomes):
		return fmt.Errorf("ack %s: %d outcomes for %d URLs", l.Host, len(r.Outcomes), len(held.chunks)-l.Settled)
	}
	fresh := r.Outcomes[min(before, len(r.Outcomes)):]
	if before > len(r.Outcomes) { // it was overtaken
		r.Failures = -1
	}
	// Before anything is changed: an ack is taken whole or not at all.
	for i := range fresh {
		if v := fresh[i].Verdict; v < frontier.Done || v > frontier.Refused {
			return fmt.Errorf("ack %s: outcome %d has no verdict", l.Host, i)
		}
	}
	s.accept(r.Found)
	for i := range fresh {
		s.settle(held, &fresh[i])
	}
	s.pace(h, &r)
	held.deadline = s.after(held.ttl)
	if r.Release || held.settled == len(held.chunks) {
		s.finish(held)
	}
	s.batch.touch(h)
	return nil
}

// pace notes what an ack says of its host.
func (s *Store) pace(h *host, r *frontier.Report) {
	h.next = max(h.next, s.after(r.Next)) // a pause that was asked for before stays
	if r.Delay > 0 {
		h.delay = int64(r.Delay)
	}
	if r.Failures >= 0 {
		h.failures = r.Failures
	}
}

// settle ends the loan of the next URL of a lease.
func (s *Store) settle(l *lease, o *frontier.Outcome) {
	h, c := l.host, l.chunks[l.settled]
	it := c.item(c.settled)
	switch o.Verdict {
	case frontier.Done:
		h.done++
		s.stats.Done++
	case frontier.Dead:
		s.bury(h, it, *o)
	case frontier.Refused:
		s.forget(s.print(it.URL))
		h.accepted--
		s.refuse(o.Reason, 1, it.URL.String())
	case frontier.Retry:
		s.retry(c, o.After)
	}
	s.settleFirst(h, c) // after retry, which reads the path, and before accept: the room that is left in line is for links
	l.settled++
	s.stats.Leased--
	h.probation, s.cautious = false, false // one URL came through, so it is not they that kill
	if !s.progress {
		s.progress, s.batch.meta = true, true
	}
	s.accept(o.Found)
	for _, r := range o.Refused {
		s.refuse(r.Reason, r.Count, r.Example)
	}
}

// settleFirst takes the first URL of h, which is in c, out of its line. URLs are settled in the order in which they were
// lent, so c is at the head of its line, also when some of a higher priority came meanwhile: they are in another.
func (s *Store) settleFirst(h *host, c *chunk) {
	c.settled++
	h.waiting--
	if c.settled == c.n {
		h.lines[c.priority].pop()
		s.inRAM -= int64(len(c.text))
		c.text, c.paths, c.gone = nil, nil, true // the batch still has it, to delete its row
	}
	s.batch.change(c)
}

// bury makes a URL dead.
func (s *Store) bury(h *host, it frontier.Item, o frontier.Outcome) {
	h.dead++
	s.stats.Dead++
	s.stats.DeadFor[o.Reason]++
	s.batch.dead = append(s.batch.dead, deadURL{Item: it, reason: o.Reason, detail: o.Detail, at: s.clock})
}

// retry makes the first unsettled URL of a chunk one of its own, which joins its line when it is due.
func (s *Store) retry(from *chunk, after time.Duration) {
	s.ids++
	c := &chunk{origin: from.origin, id: s.ids, tries: []byte{0}}
	c.add(from.paths[from.settled])
	c.seal()
	s.inRAM += int64(len(c.text))
	if from.tries != nil {
		c.tries[0] = from.tries[from.settled]
	}
	c.tried(0)
	c.host.waiting++
	s.stats.Retries++
	s.batch.change(c)
	if after > 0 {
		c.due = s.after(after)
		s.stats.Delayed++
		c.host.delayed++
		s.delayed.push(c.due, c)
		return
	}
	s.stats.Queued++
	c.host.lines[c.priority].push(c) // finish makes the host ready: it is lent now
}
