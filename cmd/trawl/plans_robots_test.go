package main

import (
	"testing"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/frontier/frontiertest"
)

func TestAChangeOfHowRobotsAreReadTakesEffect(t *testing.T) {
	t.Parallel()
	policy := frontier.DefaultPolicy()
	store := frontiertest.NewModel(policy, time.Now)
	p, err := newPlanner(t.Context(), store, crawler.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for _, test := range []struct {
		name   string
		change func(*frontier.Policy)
		kept   bool // what is known of robots.txt
	}{
		{"another limit", func(p *frontier.Policy) { p.MaxPages++ }, true},
		{"another cache time", func(p *frontier.Policy) { p.RobotsCache /= 2 }, false},
		{"another delay", func(p *frontier.Policy) { p.Delay *= 2 }, true},
		{"robots.txt ignored", func(p *frontier.Policy) { p.IgnoreRobots = true }, false},
		{"and obeyed again", func(p *frontier.Policy) { p.IgnoreRobots = false }, false},
	} {
		before := p.current().Robots
		test.change(&policy)
		if err := store.SetPolicy(t.Context(), policy); err != nil {
			t.Fatal(err)
		}
		plan, _, err := p.replan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if (plan.Robots == before) != test.kept || (plan.Robots == nil) != policy.IgnoreRobots {
			t.Errorf("%s: kept %v, none %v", test.name, plan.Robots == before, plan.Robots == nil)
		}
	}
}
