package main

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/worker"
)

// planner makes plans: of what the frontier keeps of the crawl, and of what this process was told. Only replan makes them,
// never twice at once, so seeds and fetchers need no lock.
type planner struct {
	store  frontier.Keeper
	config crawler.Config // what is not of the policy
	named  *hostSet       // hosts that the user named: not subject to the guard

	seeds    int64              // so many of the frontier's are in the scope
	fetchers []*crawler.Fetcher // all that were made: visits of an earlier plan may still use theirs

	mu    sync.Mutex
	crawl frontier.Crawl // as it was seen last
	plan  *worker.Plan
}

// newPlanner makes the first plan.
func newPlanner(ctx context.Context, store frontier.Keeper, config crawler.Config) (*planner, error) {
	p := &planner{store: store, config: config, named: &hostSet{}, plan: &worker.Plan{}}
	p.config.Named = p.named.has
	if _, _, err := p.replan(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// latest is the crawl as it was seen last.
func (p *planner) latest() frontier.Crawl {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crawl
}

func (p *planner) current() *worker.Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan
}

// accept notes that the user named a URL, before the frontier knows it.
func (p *planner) accept(u frontier.URL) {
	p.current().Scope.Add(u)
	p.named.add(u.Host())
}

// replan is worker.Config.Replan.
func (p *planner) replan(ctx context.Context) (*worker.Plan, int64, error) {
	// Before the seeds: one that comes while they are read raises the version once more, and is read then.
	crawl, err := p.store.Crawl(ctx)
	if err != nil {
		return nil, 0, err
	}
	if crawl.Run != p.latest().Run { // it may have lost its last moments, and seeds have other numbers now
		p.seeds = 0
	}
	plan, err := p.makePlan(ctx, p.current(), crawl.Policy)
	if err != nil {
		return nil, 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crawl, p.plan = crawl, plan
	return plan, crawl.Version, nil
}

// makePlan is the plan of a policy: as much of the old one as still fits, or just that. The zero Plan fits nothing.
func (p *planner) makePlan(ctx context.Context, old *worker.Plan, policy frontier.Policy) (*worker.Plan, error) {
	plan := *old
	plan.Policy = policy
	if old.Scope == nil || !sameScope(old.Policy, policy) {
		var err error
		if plan.Scope, err = frontier.NewScope(policy); err != nil {
			return nil, usageError{err}
		}
		p.seeds = 0
	}
	if err := p.readSeeds(ctx, plan.Scope); err != nil {
		if plan.Scope != old.Scope {
			p.seeds = 0 // those that were read are in a scope that nobody will use
		}
		return nil, err
	}
	if old.Fetch == nil || !sameRequests(old.Policy, policy) {
		fetcher, err := p.newFetcher(policy)
		if err != nil {
			return nil, err
		}
		plan.Fetch, plan.Robots = fetcher, nil // the cache asks by the fetcher that it was made with
	}
	if old.Policy.RobotsCache != policy.RobotsCache {
		plan.Robots = nil
	}
	if err := p.setRobots(&plan); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(old.Policy, policy) && old.Scope != nil {
		return old, nil // only the scope grew: visits by it go on
	}
	return &plan, nil
}

// readSeeds widens the scope by the seeds that the frontier has got since the last time.
func (p *planner) readSeeds(ctx context.Context, scope *frontier.Scope) error {
	return p.store.Seeds(ctx, p.seeds, func(e frontier.Entry) bool {
		scope.Add(e.URL)
		if e.Via == "" { // else a seed redirected there: the user did not name it, so the guard is for it too
			p.named.add(e.URL.Host())
		}
		p.seeds++
		return true
	})
}

// newFetcher makes a fetcher of a policy and of what only this process was told: proxy, headers, cookies. Earlier ones stay
// open until the end, for visits that still use them.
func (p *planner) newFetcher(policy frontier.Policy) (*crawler.Fetcher, error) {
	config := p.config
	config.UserAgent = cmp.Or(policy.UserAgent, "trawl/"+version()) // a crawl can be made without
	config.Timeout, config.MaxBody = policy.Timeout, policy.MaxBody
	var err error
	if config.AllowNet, err = policy.Networks(); err != nil {
		return nil, err
	}
	fetcher, err := crawler.New(config)
	if err != nil {
		return nil, err
	}
	p.fetchers = append(p.fetchers, fetcher)
	return fetcher, nil
}

// setRobots gives a plan its cache of robots.txt, if it has none, or takes it away.
func (p *planner) setRobots(plan *worker.Plan) (err error) {
	switch {
	case plan.Policy.IgnoreRobots:
		plan.Robots = nil
	case plan.Robots == nil:
		plan.Robots, err = crawler.NewRobots(p.fetchers[len(p.fetchers)-1], crawler.RobotsConfig{
			Token: token, Keep: plan.Policy.RobotsCache,
		})
	}
	return err
}

// close ends all that was made for plans. It is called once nothing is fetched any more.
func (p *planner) close() {
	for _, f := range p.fetchers {
		f.Close()
	}
	p.fetchers = nil
}

// sameScope tells whether two policies judge links alike.
func sameScope(a, b frontier.Policy) bool {
	return a.Scope == b.Scope && a.Depth == b.Depth && slices.Equal(a.Include, b.Include) && slices.Equal(a.Exclude, b.Exclude) &&
		a.MaxPathDepth == b.MaxPathDepth && a.MaxPathRepeats == b.MaxPathRepeats
}

// sameRequests tells whether two policies send requests alike.
func sameRequests(a, b frontier.Policy) bool {
	return a.UserAgent == b.UserAgent && a.Timeout == b.Timeout && a.MaxBody == b.MaxBody && slices.Equal(a.AllowNet, b.AllowNet)
}
