package worker

import (
	"context"
	"errors"
	"time"

	"trawl/frontier"
)

// How long to wait before a store that could not be reached is called again: at first, and at most. The latter, or a
// sixth of a lease's life if that is less, is what a worker idles when a failover is over, and for how long a lease that
// is to be extended may have to wait.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
)

// insist makes a call of the frontier, and makes it again for as long as the store cannot be reached: every method may
// be called again with the same arguments, also when it took effect and only the reply was lost. Once ctx has ended or
// enough is closed there is one last try; only then can the error be that the store cannot be reached.
func (w *worker) insist(ctx context.Context, enough <-chan struct{}, call func() error) error {
	c := caller{w: w}
	for wait := retryFirst; ; wait = min(2*wait, retryMost, w.lifetime()/6) {
		over := ended(ctx.Done()) || ended(enough)
		err := call()
		c.note(err)
		if !unreachable(err) || over {
			return err
		}
		t := time.NewTimer(jitter(wait))
		select {
		case <-t.C:
		case <-enough:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// unreachable tells whether a call failed for now. A call that ran into our own deadline counts: see attempt.
func unreachable(err error) bool {
	return errors.Is(err, frontier.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// attempt is the context of one call of the frontier: none takes longer than the lease it is about would last.
func (w *worker) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.lifetime()/2)
}

// lastWithin is how long a call may take that goes on when its context has ended: the process is to end.
const lastWithin = 3 * time.Second

// lastAttempt is attempt for a call that is to be made in any case, also when ctx has ended: then within lastWithin.
func (w *worker) lastAttempt(ctx context.Context) (context.Context, context.CancelFunc) {
	last, cancel := w.attempt(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWithin, cancel) })
	return last, func() { stop(); cancel() }
}

// caller is somebody who calls the frontier until it is reached.
type caller struct {
	w       *worker
	failing bool
}

// note logs the beginning and the end of an outage, whoever notices it first, and nothing in between. It lasts while
// somebody's calls fail: those of others may get through, as when a store has no room for what is new alone.
func (c *caller) note(err error) {
	down := unreachable(err)
	if errors.Is(err, context.Canceled) || c.failing == down {
		return
	}
	c.failing = down
	switch {
	case down && c.w.failing.Add(1) == 1:
		c.w.Log.Warn("frontier cannot be reached; trying again", "err", err)
	case !down && c.w.failing.Add(-1) == 0:
		c.w.Log.Info("frontier can be reached again")
	}
}

// ended tells whether a channel is closed.
func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
