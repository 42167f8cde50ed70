package worker

import (
	"context"
	"fmt"
	"os"
	"time"

	"trawl/frontier"
)

// beatEvery is how often a worker of a fleet tells that it lives, and learns of changes while it leases nothing.
const beatEvery = 2 * time.Second

// leaveWithin bounds the farewell: a store that is out of reach forgets the worker by itself.
const leaveWithin = 2 * time.Second

// join makes the worker a member of its fleet, if the frontier knows fleets, until ctx ends.
func (w *worker) join(ctx context.Context) {
	fleet, ok := w.Frontier.(frontier.Fleet)
	if !ok {
		return
	}
	m := frontier.Member{Name: w.Name, PID: os.Getpid(), Program: w.Program, Started: time.Now()}
	m.Machine, _ = os.Hostname()      // empty if it has none
	tick := time.NewTicker(beatEvery) // which drops ticks while a beat is under way
	defer tick.Stop()
	c := caller{w: w}
	for over := false; !over; {
		c.tellFleet(ctx, fleet, m)
		select {
		case <-tick.C:
		case <-ctx.Done():
			over = true
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := fleet.Leave(ctx, w.Name); err != nil {
		w.Log.Debug("the fleet was not told that this worker ends", "err", err)
	}
}

// tellFleet sends one beat. One that does not arrive is not repeated: the next one says more.
func (c *caller) tellFleet(ctx context.Context, fleet frontier.Fleet, m frontier.Member) {
	w := c.w
	t := w.Tally.Totals()
	m.Hosts, m.Pages, m.Errors = w.busy(), t.Settled, t.Errors()
	version, err := w.beatOnce(ctx, fleet, m)
	c.note(err)
	if err == nil {
		err = w.catchUp(ctx, version)
	}
	if err != nil && !unreachable(err) && ctx.Err() == nil {
		w.fail(fmt.Errorf("beat: %w", err))
	}
}

func (w *worker) beatOnce(ctx context.Context, fleet frontier.Fleet, m frontier.Member) (version int64, err error) {
	ctx, cancel := w.attempt(ctx)
	defer cancel()
	return fleet.Beat(ctx, m)
}
