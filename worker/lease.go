package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trawl/frontier"
)

// ack sends a report; the caller has the turn. It returns false when the lease is lost or the store failed.
func (v *visit) ack(ctx context.Context, r frontier.Report) bool {
	if v.lost {
		return false
	}
	r.Next, r.Delay, r.Failures = max(0, v.pace.left()), v.delay, v.health.news()
	if v.plan.Policy.Adaptive {
		r.Delay = max(v.pace.gap(), 1)
	}
	sent := time.Now() // the first time: an ack that is sent again may have extended the lease then
	err := v.w.insist(ctx, nil, func() error {
		err := v.sendAck(ctx, r)
		if errors.Is(err, frontier.ErrUnavailable) && len(r.Outcomes)+len(r.Found) > 0 {
			v.keep(ctx)
		}
		return err
	})
	if err == nil {
		v.renew(sent)
		return true
	}
	v.lost = true
	v.end()
	if errors.Is(err, frontier.ErrLeaseLost) {
		v.w.Log.Debug("lease lost", "host", v.l.Host)
	} else {
		v.w.fail(fmt.Errorf("ack: %w", err))
	}
	return false
}

// sendAck sends a report once.
func (v *visit) sendAck(ctx context.Context, r frontier.Report) error {
	// What is on the disk is to be acked, also when the crawl has just been told to stop.
	ctx, cancel := v.w.lastAttempt(ctx)
	defer cancel()
	l := v.l
	l.Settled = v.acked
	return v.w.Frontier.Ack(ctx, &l, r)
}

// keep extends the lease, if that is due, while an ack does not get through: the store may have no room for its links,
// and all else goes on. Without it the host would go from hand to hand, and each time its pages would be fetched again,
// until they seem to be poison.
func (v *visit) keep(ctx context.Context) {
	if sent := time.Now(); v.isDue() && v.sendAck(ctx, frontier.Report{Next: max(0, v.pace.left()), Failures: -1}) == nil {
		v.renew(sent)
	}
}

// renew notes that an ack arrived that was sent at a time.
func (v *visit) renew(sent time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if sent.After(v.renewed) {
		v.renewed = sent
	}
}

// isDue tells whether no ack has extended the lease for a third of its life.
func (v *visit) isDue() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return elapsed(v.renewed) > v.l.TTL/3 && v.acked < len(v.pages)
}

// late tells whether a request that is sent now could outlive the lease. The caller holds mu.
func (v *visit) late() bool {
	return elapsed(v.renewed) > min(v.l.TTL*2/3, v.l.TTL-v.plan.Policy.Timeout)
}

// elapsed is how long ago something was, by the clock that shows more: one stands still while a machine is suspended, the
// other can be put back.
func elapsed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// isLost tells whether nothing can be acked any more.
func (v *visit) isLost() bool {
	v.acks.take()
	defer v.acks.yield()
	return v.lost
}

// isLate is late for those who do not hold mu.
func (v *visit) isLate() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.late()
}

// extend keeps the lease while there is nothing to ack.
func (v *visit) extend(ctx context.Context) {
	if !v.acks.try() { // an ack is under way, which extends it too
		return
	}
	defer v.acks.yield()
	if v.isDue() {
		v.ack(ctx, frontier.Report{})
	}
}

// giveBack returns the host, if anything of the lease is left, and frees what pages that came to nothing still hold.
func (v *visit) giveBack(ctx context.Context) {
	v.acks.take()
	defer v.acks.yield()
	if v.acked < len(v.pages) {
		v.ack(ctx, frontier.Report{Release: true})
	}
	v.lost = true // for an extend that comes late
	for _, seat := range v.seats {
		seat.leave()
	}
}
