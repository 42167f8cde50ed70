package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// health is how a host fares: how often in a row it failed.
type health struct {
	mu       sync.Mutex
	failures int       // requests in a row; -1: whether it answers is not known
	told     int       // of them, in the latest ack or when the host was lent
	counted  time.Time // when the latest was
}

// failed counts a failure of a request that began at a time. Requests that were under way together fail together: they
// count as one.
func (h *health) failed(began time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !began.Before(h.counted) {
		h.failures = max(h.failures, 0) + 1
		h.counted = time.Now()
	}
	return h.failures
}

func (h *health) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = 0
}

// news is what an ack says of the failures: nothing, if there are as many as its frontier knows. Somebody may have made it
// forget them meanwhile.
func (h *health) news() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures == h.told {
		return -1
	}
	h.told = h.failures
	return h.failures
}

func (h *health) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failures
}

// feel takes note of how the host answered, or did not. What is wrong with a page that it began to answer is no failure of
// the host.
func (v *visit) feel(resp *crawler.Response, err error, took time.Duration) {
	status := statusOf(resp, err)
	if status > 0 && !overloaded(status) {
		v.health.answered()
		v.w.network.answered()
		v.meet(true)
	}
	if v.plan.Policy.Adaptive && !isOurs(err) {
		v.pace.adapt(took, status == 0 || overloaded(status) || status >= 500)
	}
}

// statusOf is the status of an answer, also of one whose body failed; 0: there was none.
func statusOf(resp *crawler.Response, err error) int {
	var e *crawler.Error
	switch {
	case resp != nil:
		return resp.Status
	case errors.As(err, &e):
		return e.Status
	}
	return 0
}

// isOurs tells a failure that says nothing about the host: nothing was asked of it, or what it said was too much for us.
func isOurs(err error) bool {
	var e *crawler.Error
	if !errors.As(err, &e) {
		return err != nil
	}
	switch e.Kind {
	case crawler.KindMemory, crawler.KindURL, crawler.KindAddress, crawler.KindDecode:
		return true
	}
	return false
}

// network is what a worker can tell of its own. When none of several hosts answers any more, it is not they who fail.
type network struct {
	mu      sync.Mutex
	failing map[frontier.Host]struct{} // since the latest answer of any host
}

// severalHosts that fail, and none that answers: it is our own network.
const severalHosts = 4

func (n *network) answered() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.failing)
}

// failed notes that a host failed, and tells whether that is to be held against it.
func (n *network) failed(h frontier.Host) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing == nil {
		n.failing = map[frontier.Host]struct{}{}
	}
	if len(n.failing) < severalHosts {
		n.failing[h] = struct{}{}
	}
	return len(n.failing) < severalHosts
}

// isDown tells whether the host failed too often in a row to be asked again.
func (v *visit) isDown() bool {
	limit := v.plan.Policy.HostFailures
	return limit > 0 && v.health.count() >= limit
}

// giveUp settles what is left of a host that is down, without a request: so its line is dead, a batch at a time, and
// says why. Its failures stay with the host, until trawl retry-dead forgets them.
func (v *visit) giveUp(ctx context.Context) {
	if !v.isDown() || ctx.Err() != nil || v.isLost() {
		return
	}
	why := fmt.Sprintf("%d requests in a row failed", v.health.count())
	if v.trouble != "" {
		why += "; the latest: " + v.trouble
	}
	for i := v.taken; i < len(v.pages); i++ {
		if !v.settle(ctx, i, v.dead(&v.l.Items[i], frontier.HostDown, why)) {
			return
		}
	}
}
