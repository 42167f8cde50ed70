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
	crowded  bool      // that it answers is not told: see traps.isCrowded
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

// giveUp counts more failures than a host may have: see visit.giveUp.
func (h *health) giveUp(limit int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = max(h.failures, limit+1)
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
	if h.failures == h.told || h.crowded && h.told < 0 && h.failures == 0 {
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

// isStrange tells whether the host did not answer the last time, or counts as one that did not.
func (h *health) isStrange() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.crowded || h.failures != 0
}

// feel takes note of how the host answered, or did not. What is wrong with a page that it began to answer is no failure of
// the host.
func (v *visit) feel(resp *crawler.Response, err error, took time.Duration) {
	status := statusOf(resp, err)
	if status > 0 {
		v.w.network.answered()
	}
	if status > 0 && !overloaded(status) && !isStalled(err) {
		v.health.answered()
		v.w.places.note(v.l.Host, took)
	}
	if v.plan.Policy.Adaptive && !isOurs(err) {
		v.pace.adapt(took, status == 0 || overloaded(status) || status >= 500)
	}
}

// stalled is less than comes within a timeout from a server that is only slow.
const stalled = 64 << 10

// isStalled tells a body that did not come to its end in time, because hardly anything came.
func isStalled(err error) bool {
	var e *crawler.Error
	return errors.As(err, &e) && e.Kind == crawler.KindTimeout && e.Status > 0 && e.Got < stalled
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
	case crawler.KindMemory, crawler.KindProxy, crawler.KindURL, crawler.KindAddress, crawler.KindDecode:
		return true
	}
	return false
}

// hostFailed counts a failure of the host, by a request that began at a time, and tells how long it is to rest; not
// counted: it may well be our own network.
func (v *visit) hostFailed(began time.Time, why string) (pause time.Duration, counted bool) {
	defer func() { v.w.Tally.hostRests(v.l.Host, why, pause) }()
	outage := v.w.network.failed(v.l.Host, v.health.count() == 0)
	v.w.Log.Debug("host failed", "host", v.l.Host, "err", why, "own network", outage > 0)
	if outage > 0 {
		v.w.trouble.note(v.l.Host, why, 0)
		if v.w.network.isNews() {
			v.w.Log.Warn("no host answers any more: waiting for the network", "latest", v.l.Host, "err", why)
		}
		return untilBack(outage), false
	}
	row := v.health.failed(began)
	v.w.trouble.note(v.l.Host, why, row)
	pause = jitter(backoff(max(0, row-1)))
	if v.isDown() { // nobody is to ask it any more
		pause = 0
	}
	return pause, true
}

// proxyFailed takes note of a failure of the proxy, and tells how long the host is to rest. No host is to blame for it. If
// nothing was answered before, somebody made a mistake; else the proxy is waited for, though not for ever.
func (v *visit) proxyFailed(err *crawler.Error) (pause time.Duration) {
	outage, worked := v.w.network.proxyFailed()
	switch {
	case !worked || outage > longestOutage:
		v.w.fail(fmt.Errorf("nothing can be fetched: %w", err.Err))
	case v.w.network.isNews():
		v.w.Log.Warn("the proxy fails: waiting for it", "err", err.Err)
	}
	return untilBack(outage)
}

// untilBack is how long a host rests while it is not the host that fails, but something of ours, for so long already.
func untilBack(outage time.Duration) time.Duration {
	return jitter(min(max(outage, backoffBase), backoffMax))
}

// network is what a worker can tell of its own. When several hosts that answered before fail, and none answers any more,
// it is not they who fail.
type network struct {
	mu      sync.Mutex
	failing map[frontier.Host]struct{} // hosts that had answered, since the latest answer of any
	since   time.Time                  // the first of them failed
	proxy   time.Time                  // since when the proxy fails; zero: it does not
	worked  bool                       // something was answered
	told    bool                       // somebody was told of the outage
}

const (
	// severalHosts that fail, and none that answers: it is our own network,
	severalHosts = 4
	// but not for longer. They may be gone for good, as those of one machine, and crawls are to end.
	longestOutage = 30 * time.Minute
)

// answered notes an answer, whatever it says: the network works, and the proxy if there is one.
func (n *network) answered() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.failing)
	n.proxy, n.worked, n.told = time.Time{}, true, false
}

// proxyFailed tells for how long the proxy has been failing, and whether it ever worked.
func (n *network) proxyFailed() (outage time.Duration, worked bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proxy.IsZero() {
		n.proxy = time.Now()
	}
	return time.Since(n.proxy), n.worked
}

// isNews tells, once in an outage, that nobody was told of it.
func (n *network) isNews() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	told := n.told
	n.told = true
	return !told
}

// failed notes that a host failed that had answered before, or had not. If that is not to be held against it, it tells for
// how long our own network has been failing.
func (n *network) failed(h frontier.Host, known bool) (outage time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.failing) == 0 {
		n.failing, n.since = map[frontier.Host]struct{}{}, time.Now()
	}
	if known && len(n.failing) < severalHosts {
		n.failing[h] = struct{}{}
	}
	if outage = time.Since(n.since); len(n.failing) < severalHosts || outage > longestOutage {
		return 0
	}
	return max(outage, 1)
}

// isDown tells whether the host failed too often in a row to be asked again.
func (v *visit) isDown() bool {
	limit := v.plan.Policy.HostFailures
	return limit > 0 && v.health.count() >= limit
}

// tooMuch gives the host up, and says why, if it asks to be left alone for longer than it may; else it says nothing.
func (v *visit) tooMuch(asked time.Duration) string {
	p := &v.plan.Policy
	if p.HostFailures <= 0 || p.MaxRetryAfter <= 0 || asked <= p.MaxRetryAfter {
		return ""
	}
	v.health.giveUp(p.HostFailures)
	return fmt.Sprintf("; asks to be left alone for %v, longer than --max-retry-after", asked.Round(time.Second))
}

// giveUp settles what is left of a host that is down, without a request: so its line is dead, a batch at a time, and
// says why. Its failures stay with the host, until trawl retry-dead forgets them.
func (v *visit) giveUp(ctx context.Context) {
	if !v.isDown() || ctx.Err() != nil || v.isLost() {
		return
	}
	why := fmt.Sprintf("%d failures in a row", v.health.count())
	switch trouble, _ := v.w.trouble.latest(v.l.Host); {
	case trouble == "":
	case v.health.count() > v.plan.Policy.HostFailures: // see health.giveUp
		why = trouble
	default:
		why += "; the latest: " + trouble
	}
	for i := v.acked; i < len(v.pages); i++ {
		if v.pages[i] == nil && !v.settle(ctx, i, v.dead(&v.l.Items[i], frontier.HostDown, why)) {
			return
		}
	}
}
