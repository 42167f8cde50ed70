package worker

import (
	"context"
	"fmt"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// Plan is what a worker goes by. It does not change but for its scope, which grows with new seeds; a change of policy
// makes another plan.
type Plan struct {
	Policy frontier.Policy
	Scope  *frontier.Scope
	Fetch  Fetcher
	Robots *crawler.Robots // nil: robots.txt is not asked
}

// delay is that of a host which asks for one.
func (p *Plan) delay(asked time.Duration) time.Duration {
	return max(p.Policy.Delay, min(asked, p.Policy.MaxCrawlDelay))
}

// batch is how many URLs of a host to lease at a time: what can be fetched in 10 s.
func (c *Config) batch(p frontier.Policy) int {
	if c.Batch > 0 {
		return c.Batch
	}
	n := 32
	if p.Delay > 0 {
		n = min(n, 1+int(10*time.Second/p.Delay))
	}
	return max(n, 2*p.PerHost)
}

// ttl is how long to lease hosts: for three requests at least.
func (c *Config) ttl(p frontier.Policy) time.Duration { return max(c.TTL, 3*p.Timeout) }

// lifetime is that of the leases asked for now.
func (w *worker) lifetime() time.Duration { return w.ttl(w.plan.Load().Policy) }

// catchUp brings the plan up to date, if the frontier shows another version of the crawl than it is of. It is called
// before any visit begins that was lent at that version: a page settles once, and links to a host that was seeded
// meanwhile would be refused for ever. A version can also go back, when a store lost its last moments.
func (w *worker) catchUp(ctx context.Context, version int64) error {
	if w.Replan == nil || version == w.version.Load() {
		return nil
	}
	w.replans.Lock()
	defer w.replans.Unlock()
	if version == w.version.Load() {
		return nil
	}
	return w.insist(ctx, w.Drain, func() error {
		ctx, cancel := w.attempt(ctx)
		defer cancel()
		plan, version, err := w.Replan(ctx)
		if err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		w.version.Store(version)
		if w.plan.Swap(plan) != plan {
			w.Log.Info("the crawl's policy was changed", "version", version)
		}
		return nil
	})
}
