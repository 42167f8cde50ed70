package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// health is how a host fares: how often in a row it failed, and the delay that suits it.
type health struct {
	mu       sync.Mutex
	failures int           // requests in a row
	base     time.Duration // the least delay: the policy's, or what robots.txt asks for
	delay    time.Duration // the one kept now; base, unless it adapts
}

// Bounds of a delay that adapts.
const (
	adaptLoad = 2 // so many times the latency: the host is idle for half of the time at least
	adaptMost = time.Minute
	adaptStep = time.Second // a host that fails gets a delay of as much at least
)

func (h *health) failed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures++
	return h.failures
}

func (h *health) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failures
}

// adapt moves the delay after an answer, or the lack of one, that took so long. Trouble doubles it, and nothing but a
// good answer shortens it: halfway at a time, so that one quick page among slow ones does not count for much.
func (h *health) adapt(took time.Duration, trouble bool) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if trouble {
		h.delay = max(2*h.delay, adaptStep)
	} else {
		h.delay = (h.delay + max(adaptLoad*took, h.base)) / 2
	}
	h.delay = max(h.base, min(h.delay, adaptMost))
	return h.delay
}

// rebase sets the least delay. One that had adapted stays, if it is more.
func (h *health) rebase(base time.Duration, adapts bool) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base = base
	if h.delay < base || !adapts {
		h.delay = base
	}
	return h.delay
}

// feel takes note of how the host answered, or did not. trouble: the host is to blame rather than the page.
func (v *visit) feel(resp *crawler.Response, took time.Duration) {
	if resp != nil && !overloaded(resp.Status) {
		v.health.mu.Lock()
		v.health.failures = 0
		v.health.mu.Unlock()
	}
	if !v.plan.Policy.Adaptive {
		return
	}
	trouble := resp == nil || overloaded(resp.Status) || resp.Status >= 500
	v.pace.setDelay(v.health.adapt(took, trouble))
}

// isDown tells whether the host failed too often in a row to be asked again.
func (v *visit) isDown() bool {
	limit := v.plan.Policy.HostFailures
	return limit > 0 && v.health.count() >= limit
}

// giveUp settles what is left of a host that is down, without a request: so its line is dead, a batch at a time, and
// says why. Its failures stay with the host, until trawl retry-dead forgets them.
func (v *visit) giveUp(ctx context.Context) {
	if !v.isDown() {
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
