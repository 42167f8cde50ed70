package frontiertest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

func deadStaysDead(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	r := report(frontier.Dead, frontier.Dead, frontier.Done)
	r.Outcomes[0].Reason, r.Outcomes[0].Detail = "dns", "no such host"
	r.Outcomes[1].Reason = "timeout"
	r.Outcomes[2].Found = pages(hostA, 0, 0, 3)
	x.ack(x.one(3, hostA, "/0", "/1", "/2"), r)
	x.push(0, pages(hostA, 0, 0, 3)...)
	x.over()
	x.reopen()
	x.push(0, pages(hostA, 0, 0, 3)...)
	x.over()
	s := x.stats()
	if want := map[frontier.Reason]int64{"dns": 1, "timeout": 1}; !maps.Equal(s.DeadFor, want) || s.Dead != 2 || s.Done != 1 {
		t.Errorf("stats: %+v, want dead for %v", s, want)
	}
}

func drainedExactly(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.over()
	x.push(1, pages(hostA, 0, 0, 1)...)
	l := x.one(1, hostA, "/0")
	x.none() // lent
	r := report(frontier.Retry)
	r.Outcomes[0].After = time.Minute
	x.ack(l, r)
	l = x.rests(time.Minute) // delayed
	found := report(frontier.Done)
	found.Outcomes[0].Found = pages(hostB, 0, 0, 1)
	x.ack(l, found)
	x.settle(x.one(1, hostB, "/0"), frontier.Done) // queued by the ack that settled the last one
	x.over()
	x.push(1, pages(hostA, 0, 1, 1)...)
	x.settle(x.one(1, hostA, "/1"), frontier.Refused)
	x.over()

	x.hold("one", time.Minute)
	x.hold("two", time.Hour)
	x.none()
	x.hold("two", 0)
	x.none()
	x.clock.Advance(time.Minute - time.Millisecond)
	x.none()
	x.hold("one", time.Minute) // anew
	x.clock.Advance(time.Minute - time.Millisecond)
	x.none()
	x.clock.Advance(time.Millisecond)
	x.over()
	x.hold("one", 0)
	x.over()
}

func maxPagesIsExact(t *testing.T, open Open) {
	policy := frontier.Policy{MaxPages: 5}
	x := start(t, open, policy)
	x.push(12, slices.Concat(pages(hostA, 0, 0, 4), pages(hostB, 0, 0, 4), pages(hostC, 0, 0, 4))...)
	lent, _, err := x.f.Lease(t.Context(), x.request(3, 4))
	if n := items(lent); err != nil || n != 5 {
		t.Fatalf("lent %d URLs, %v; want 5", n, err)
	}
	x.none()

	// Two are not settled after all, and one worker dies: as many are lent again.
	for i := range lent {
		if len(lent[i].Items) == 4 {
			x.settle(&lent[i], frontier.Done, frontier.Refused, frontier.Retry, frontier.Dead)
		}
	}
	x.clock.Advance(ttl)
	rounds := 0
	for s := x.stats(); s.Settled() < 5; s = x.stats() {
		lent, _, err := x.f.Lease(t.Context(), x.request(3, 4))
		if n := int64(items(lent)); err != nil || n == 0 || n > 5-s.Settled() {
			t.Fatalf("%d settled, lent %d URLs, %v", s.Settled(), n, err)
		}
		for i := range lent {
			x.settle(&lent[i], slices.Repeat([]frontier.Verdict{frontier.Done}, len(lent[i].Items))...)
		}
		if rounds++; rounds > 5 {
			t.Fatal("the limit is not reached")
		}
	}
	x.over()
	x.hold("seeds", time.Hour) // the limit is reached, whoever is seeding
	x.over()
	if s := x.stats(); s.Settled() != 5 || s.Queued != 6 {
		t.Errorf("stats at the limit: %+v", s)
	}
	x.push(1, pages(hostB, 0, 4, 1)...)
	x.over()

	policy.MaxPages = 7
	x.setPolicy(policy)
	lent, _, err = x.f.Lease(t.Context(), x.request(9, 4))
	if n := items(lent); err != nil || n != 2 {
		t.Fatalf("after raising the limit by 2: lent %d URLs, %v", n, err)
	}
}

// items counts the URLs of leases.
func items(leases []frontier.Lease) (n int) {
	for _, l := range leases {
		n += len(l.Items)
	}
	return n
}

func statesAreObeyed(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(4, pages(hostA, 0, 0, 4)...)
	l := x.one(3, hostA, "/0", "/1", "/2")
	x.set(frontier.Paused)
	x.push(1, pages(hostB, 0, 0, 1)...)
	r := report(frontier.Done, frontier.Retry)
	r.Outcomes[1].After = time.Second
	x.ack(l, r)
	x.none()
	x.clock.Advance(ttl)
	x.none() // and takes back what its worker left
	if s := x.stats(); s.State != frontier.Paused || s.Reclaimed != 1 || s.Delayed != 0 || s.Queued != 4 {
		t.Errorf("stats while paused: %+v", s)
	}
	x.set(frontier.Running)
	lent := x.lease(2, 9)
	x.settle(&lent[0], frontier.Done)
	x.settle(&lent[1], frontier.Done)

	l = x.one(9, hostA, "/3", "/1")
	x.push(1, pages(hostB, 0, 1, 1)...)
	x.set(frontier.Stopping)
	x.none() // not over while a host is lent
	x.settle(l, frontier.Done)
	x.none()
	x.ack(l, frontier.Report{Release: true})
	x.over()
	x.set(frontier.Running)
	x.lease(2, 9)
	x.set(frontier.Stopping)
	x.clock.Advance(ttl) // their worker died: that must not keep the crawl from ending
	x.over()
	if s := x.stats(); s.Queued != 2 || s.Reclaimed != 3 || s.State != frontier.Stopping {
		t.Errorf("stats after a stop: %+v", s)
	}
}

func statsAddUp(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{MaxHostQueue: 8})
	want := frontier.Stats{State: frontier.Running, Drained: true}
	check := func(what string) {
		t.Helper()
		if d := diff(x.stats(), want); d != "" {
			t.Fatalf("stats after %s: %s", what, d)
		}
	}
	check("opening")
	x.push(8, append(pages(hostA, 1, 0, 7), pages(hostB, 0, 0, 2)...)...)
	want.Drained, want.Seen, want.Queued, want.Hosts = false, 8, 8, 2
	want.Refused = map[frontier.Reason]int64{frontier.HostQueueCap: 1}
	check("a push")
	lent := x.lease(2, 5)
	want.Queued, want.Leased, want.HostsLeased = 1, 7, 2
	check("a lease")
	r := report(frontier.Done, frontier.Dead, frontier.Retry, frontier.Refused)
	r.Outcomes[2].After = time.Second
	r.Outcomes[0].Found = append(pages(hostA, 0, 0, 2), pages(hostC, 0, 0, 3)...)
	x.ack(&lent[0], r)
	want.Queued, want.Leased, want.Delayed, want.Done, want.Dead = 4, 3, 1, 1, 1
	want.Seen, want.Hosts, want.Retries = 10, 3, 1
	want.Refused["test"] = 1
	want.DeadFor = map[frontier.Reason]int64{"test": 1}
	check("an ack")
	x.ack(&lent[1], frontier.Report{Release: true})
	want.Queued, want.Leased, want.HostsLeased = 6, 1, 1
	check("a release")
	x.clock.Advance(ttl)
	x.set(frontier.Paused)
	x.none()
	want.State = frontier.Paused
	want.Queued, want.Leased, want.HostsLeased, want.Delayed, want.Reclaimed = 8, 0, 0, 0, 1
	check("an expiry")
	x.reopen()
	check("reopening")
}

func stateSurvives(t *testing.T, open Open) {
	policy := frontier.DefaultPolicy()
	policy.MaxPages, policy.Delay, policy.Exclude = 100, 0, []string{"/private/"}
	x := start(t, open, policy)
	seeds := pages(hostA, 0, 0, 2)
	seeds[0].Seed, seeds[1].Seed, seeds[1].Sitemap = true, true, true
	x.push(5, append(seeds, pages(hostA, 1, 2, 3)...)...)
	made := x.crawl()
	l := x.one(3, hostA, "/0", "/1", "/2")
	r := report(frontier.Done, frontier.Retry, frontier.Dead)
	r.Outcomes[1].After = time.Minute
	r.Outcomes[0].Found = pages(hostB, 3, 0, 1)
	x.ack(l, r)
	policy.MaxHostPages = 5
	x.setPolicy(policy)
	x.set(frontier.Paused)

	before := x.stats()
	for range 2 {
		x.reopen()
		x.unchanged(before)
	}
	made.Policy = policy
	got := x.crawl()
	if got.ID != made.ID || !got.Created.Equal(made.Created) || !reflect.DeepEqual(got.Policy, policy) {
		t.Errorf("crawl after reopening: %+v, want %+v", got, made)
	}
	x.seeded(seeds)
	x.set(frontier.Running)
	x.push(0, append(seeds, pages(hostA, 0, 2, 4)...)...) // all known; the fifth of them over the cap
	lent := x.lease(2, 9)
	if it := lent[0].Items[0]; it.Depth != 1 || it.Via != string(hostA)+"/" || it.Priority != 1 || it.Attempt != 0 {
		t.Errorf("lent after reopening: %s", describe(lent[0]))
	}
	x.settle(&lent[0], frontier.Done, frontier.Done)
	x.settle(&lent[1], frontier.Done)
	retried := x.rests(time.Minute)
	if it := retried.Items[0]; it.Entry != seeds[1] || it.Attempt != 1 {
		t.Errorf("retried after reopening: %s", describe(*retried))
	}

	x.reopen() // with a host lent
	if x.store.KeepsLeases {
		x.settle(retried, frontier.Done)
	} else {
		x.lost(retried, report(frontier.Done))
		l = x.one(9, hostA, "/1")
		if l.Items[0].Attempt != 2 || x.stats().Reclaimed != 1 {
			t.Errorf("lent when the process died: %s", describe(*l))
		}
		x.settle(l, frontier.Done)
	}
	x.over()
	x.closes()
}

// crawl reads what the store knows of its crawl.
func (x *fixture) crawl() frontier.Crawl {
	x.Helper()
	c, err := x.keeper().Crawl(x.Context())
	if err != nil {
		x.Fatalf("crawl: %v", err)
	}
	return c
}

// seeded wants these seeds, in any order, and that the reader can stop early.
func (x *fixture) seeded(want []frontier.Entry) {
	x.Helper()
	got := map[frontier.URL]frontier.Entry{}
	err := x.keeper().Seeds(x.Context(), 0, func(e frontier.Entry) bool {
		got[e.URL] = e
		return true
	})
	if err != nil || len(got) != len(want) {
		x.Fatalf("seeds: %d, %v; want %d", len(got), err, len(want))
	}
	for _, e := range want {
		if g := got[e.URL]; !g.Seed || g.Sitemap != e.Sitemap {
			x.Fatalf("%s is no such seed any more: %+v", e.URL, g)
		}
	}
	calls := 0
	err = x.keeper().Seeds(x.Context(), 0, func(frontier.Entry) bool { calls++; return false })
	if err != nil || calls != 1 {
		x.Fatalf("stopped after the first seed: %d calls, %v", calls, err)
	}
}

// closes closes the store, which then refuses every call.
func (x *fixture) closes() {
	x.Helper()
	if err := x.f.Close(); err != nil {
		x.Fatalf("close: %v", err)
	}
	for name, err := range calls(x.Context(), x.f, new(frontier.Lease)) {
		if !errors.Is(err, frontier.ErrClosed) {
			x.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}

// calls calls every method but Close, and returns their errors.
func calls(ctx context.Context, f frontier.Frontier, l *frontier.Lease) map[string]error {
	_, push := f.Push(ctx, pages(hostC, 0, 0, 2))
	_, _, lease := f.Lease(ctx, frontier.LeaseRequest{Worker: "w", ID: "new", Hosts: 9, Batch: 9, TTL: ttl})
	_, stats := f.Stats(ctx)
	errs := map[string]error{"Push": push, "Lease": lease, "Ack": f.Ack(ctx, l, report(frontier.Done)), "Stats": stats}
	if h, ok := f.(frontier.Holder); ok {
		errs["Hold"] = h.Hold(ctx, "me", time.Hour)
	}
	if k, ok := f.(frontier.Keeper); ok {
		_, errs["Crawl"] = k.Crawl(ctx)
		errs["SetPolicy"] = k.SetPolicy(ctx, frontier.Policy{MaxPages: 1})
		errs["SetState"] = k.SetState(ctx, frontier.Stopping)
		errs["Seeds"] = k.Seeds(ctx, 0, func(frontier.Entry) bool { return true })
	}
	callPowers(ctx, f, l, errs)
	return errs
}

func callPowers(ctx context.Context, f frontier.Frontier, l *frontier.Lease, errs map[string]error) {
	if w, ok := f.(frontier.Fleet); ok {
		_, errs["Beat"] = w.Beat(ctx, frontier.Member{Name: "w"})
		_, errs["Members"] = w.Members(ctx)
		errs["Leave"] = w.Leave(ctx, "w")
	}
	if in, ok := f.(frontier.Inspector); ok {
		_, _, errs["Host"] = in.Host(ctx, hostA)
		errs["Hosts"] = in.Hosts(ctx, func(frontier.HostStats) bool { return true })
		errs["Dead"] = in.Dead(ctx, func(frontier.DeadURL) bool { return true })
		_, errs["Refused"] = in.Refused(ctx)
	}
	if m, ok := f.(frontier.Mender); ok {
		_, errs["Retry"] = m.Retry(ctx, "", "")
		_, errs["Check"] = m.Check(ctx, true)
	}
	if m, ok := f.(frontier.Memory); ok {
		errs["Remember"] = m.Remember(ctx, l, []byte("late"))
		_, _, errs["Recall"] = m.Recall(ctx, hostA)
	}
	if e, ok := f.(frontier.Exporter); ok {
		errs["Export"] = e.Export(ctx, func(*frontier.Part) error { return nil })
	}
}

func cancelledSettlesNothing(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(5, append(pages(hostA, 0, 0, 3), pages(hostB, 0, 0, 2)...)...)
	l := &x.lease(1, 2)[0]
	before := x.stats()
	for name, err := range calls(cancelled(t.Context()), x.f, l) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	x.unchanged(before)
	if l.Settled != 0 {
		t.Error("the lease was moved on")
	}
	x.settle(l, frontier.Done)
	x.lease(1, 9)
}
