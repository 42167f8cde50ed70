package frontiertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

// changeRaisesVersion: what workers must know before they go on raises the version, and nothing else does.
func changeRaisesVersion(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	latest := x.crawl().Version
	raised := func(what string) {
		t.Helper()
		if v := x.crawl().Version; v <= latest {
			t.Fatalf("version %d after %s, %d before", v, what, latest)
		}
		latest = x.crawl().Version
	}
	same := func(what string) {
		t.Helper()
		if v := x.crawl().Version; v != latest {
			t.Fatalf("version %d after %s, %d before", v, what, latest)
		}
	}
	x.setPolicy(frontier.Policy{MaxPages: 100})
	raised("another policy")
	x.set(frontier.Paused)
	raised("a pause")
	x.set(frontier.Running)
	raised("its end")
	x.push(2, pages(hostA, 0, 0, 2)...)
	same("a push without seeds")
	l := x.one(2, hostA, "/0", "/1")
	if l.Version != latest {
		t.Errorf("a lease of version %d, want %d", l.Version, latest)
	}
	seed := frontier.Entry{URL: hostB.URL("/"), Seed: true}
	x.push(1, seed)
	raised("a seed")
	x.push(0, seed)
	same("a seed that was known")
	r := report(frontier.Done)
	r.Outcomes[0].Found = pages(hostA, 0, 2, 2)
	x.ack(l, r)
	same("links")
	r.Outcomes[0].Found = []frontier.Entry{{URL: hostC.URL("/"), Via: l.Items[1].URL.String(), Seed: true}}
	x.ack(l, r)
	raised("a seed that redirected")
	x.reopen()
	same("reopening")
	for _, l := range x.lease(3, 9) {
		if l.Version != latest {
			t.Errorf("a lease of version %d, want %d", l.Version, latest)
		}
	}
	if f, ok := x.f.(frontier.Fleet); ok {
		if v, err := f.Beat(t.Context(), frontier.Member{Name: "w"}); err != nil || v != latest {
			t.Errorf("beat: version %d, %v; want %d", v, err, latest)
		}
	}
}

// membersComeAndGo: a worker is known from its first beat until it leaves, or has been silent for an hour.
func membersComeAndGo(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	two := frontier.Member{
		Name: "two", Machine: "m", PID: 7, Program: "trawl 1", Started: x.clock.Now().Add(-time.Minute), Hosts: 1, Pages: 2, Errors: 3,
	}
	x.members()
	x.beat(two)
	x.beat(frontier.Member{Name: "three"})
	x.clock.Advance(time.Hour - time.Second)
	one := frontier.Member{Name: "one", Machine: "n"}
	x.beat(one)
	two.Pages++
	x.beat(two)
	x.members("one", "three", "two")
	if x.store.KeepsLeases {
		x.reopen()
	}
	got := x.members("one", "three", "two")
	if !got[2].Beat.Equal(x.clock.Now()) || !got[2].Started.Equal(two.Started) {
		t.Errorf("beat at %v, started %v; want %v, %v", got[2].Beat, got[2].Started, x.clock.Now(), two.Started)
	}
	got[2].Beat, got[2].Started = two.Beat, two.Started
	if got[2] != two {
		t.Errorf("member %+v, want %+v", got[2], two)
	}
	x.clock.Advance(2 * time.Second)
	x.members("one", "two") // the third has been silent for more than an hour
	for range 2 {
		if err := x.fleet().Leave(t.Context(), "two"); err != nil {
			t.Fatalf("leave: %v", err)
		}
		x.members("one")
	}
	if s := x.stats(); !s.Drained {
		t.Error("members keep a crawl open")
	}
}

func (x *fixture) beat(m frontier.Member) {
	x.Helper()
	if _, err := x.fleet().Beat(x.Context(), m); err != nil {
		x.Fatalf("beat: %v", err)
	}
}

func (x *fixture) members(want ...string) []frontier.Member {
	x.Helper()
	list, err := x.fleet().Members(x.Context())
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
	}
	if err != nil || !slices.Equal(names, want) {
		x.Fatalf("members %v, %v; want %v", names, err, want)
	}
	return list
}

// inspectionAgrees: the counts of all hosts sum up to those of the crawl, and each dead URL says why it is.
func inspectionAgrees(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	if got := x.hosts(); len(got) != 0 {
		t.Errorf("hosts of an empty crawl: %v", got)
	}
	x.push(9, slices.Concat(pages(hostA, 0, 0, 5), pages(hostB, 3, 0, 3), pages(hostC, 0, 0, 1))...)
	lent := x.lease(3, 2) // C, A, B
	r := report(frontier.Done, frontier.Dead)
	r.Outcomes[1].Reason, r.Outcomes[1].Detail = "dns", "no such host"
	r.Next, r.Delay, r.Failures = 5*time.Second, 2*time.Second, 3
	x.ack(&lent[1], r)
	later := report(frontier.Retry)
	later.Outcomes[0].After = time.Minute
	x.clock.Advance(time.Second)
	x.ack(&lent[2], later)
	now := x.clock.Now()

	got := x.hosts()
	want := map[frontier.Host]frontier.HostStats{
		hostA: {Queued: 3, Done: 1, Dead: 1, Next: now.Add(4 * time.Second), Delay: 2 * time.Second, Failures: 3},
		hostB: {Queued: 1, Delayed: 1, Leased: 1, Worker: "w", Until: now.Add(ttl)},
		hostC: {Leased: 1, Worker: "w", Until: now.Add(ttl - time.Second), Failures: -1},
	}
	for h, w := range want {
		w.Host = h
		if d := diffHosts(got[h], w, now); d != "" {
			t.Error(d)
		}
	}
	x.died("https://a.test/1 dns no such host")
	x.reopen()
	x.hosts()

	x.clock.Advance(time.Minute)
	l := x.lease(3, 1)
	x.settle(&l[2], frontier.Dead)
	x.settle(&l[0], frontier.Dead)
	x.hosts()
	x.died("https://a.test/1 dns no such host", l[2].Items[0].URL.String()+" test ", l[0].Items[0].URL.String()+" test ")
	x.looksOnly()
}

// hosts looks at all hosts, and wants their sum to be the crawl's counts.
func (x *fixture) hosts() map[frontier.Host]frontier.HostStats {
	x.Helper()
	in, all := x.inspector(), map[frontier.Host]frontier.HostStats{}
	var sum frontier.Stats
	err := in.Hosts(x.Context(), func(h frontier.HostStats) bool {
		if _, twice := all[h.Host]; twice {
			x.Errorf("%s is told twice", h.Host)
		}
		all[h.Host] = h
		sum.Hosts++
		sum.Queued, sum.Delayed, sum.Leased = sum.Queued+h.Queued, sum.Delayed+h.Delayed, sum.Leased+h.Leased
		sum.Done, sum.Dead = sum.Done+h.Done, sum.Dead+h.Dead
		if h.Leased > 0 {
			sum.HostsLeased++
		}
		one, ok, err := in.Host(x.Context(), h.Host) // a store does not mind being called from here
		if d := diffHosts(one, h, x.clock.Now()); err != nil || !ok || d != "" {
			x.Errorf("%s alone: %v, %v%s", h.Host, ok, err, d)
		}
		return true
	})
	if err != nil {
		x.Fatalf("hosts: %v", err)
	}
	s := x.stats()
	sum.State, sum.Drained, sum.Seen, sum.Retries, sum.Reclaimed = s.State, s.Drained, s.Seen, s.Retries, s.Reclaimed
	sum.Refused, sum.DeadFor = s.Refused, s.DeadFor
	if d := diff(sum, s); d != "" {
		x.Fatalf("sum of the hosts: %s", d)
	}
	if _, ok, err := in.Host(x.Context(), "https://unknown.test"); ok || err != nil {
		x.Errorf("a host nobody knows: %v, %v", ok, err)
	}
	return all
}

// died wants these dead URLs, each with its reason and detail, in this order.
func (x *fixture) died(want ...string) {
	x.Helper()
	var got []string
	err := x.inspector().Dead(x.Context(), func(d frontier.DeadURL) bool {
		if d.Via != string(d.URL.Host())+"/" || d.At.After(x.clock.Now()) || d.At.Before(x.clock.Now().Add(-time.Hour)) {
			x.Errorf("dead: %+v", d)
		}
		got = append(got, d.URL.String()+" "+string(d.Reason)+" "+d.Detail)
		return true
	})
	if err != nil || !slices.Equal(got, want) {
		x.Fatalf("dead %q, %v; want %q", got, err, want)
	}
}

// looksOnly wants that a look can end early, and call the store that it looks into.
func (x *fixture) looksOnly() {
	x.Helper()
	in, before := x.inspector(), x.stats()
	calls := 0
	once := func() bool {
		calls++
		x.unchanged(before)
		_, err := x.f.Push(x.Context(), nil)
		if err != nil {
			x.Error(err)
		}
		return false
	}
	err := errors.Join(
		in.Hosts(x.Context(), func(frontier.HostStats) bool { return once() }),
		in.Dead(x.Context(), func(frontier.DeadURL) bool { return once() }))
	if err != nil || calls != 2 {
		x.Errorf("stopped after the first: %d calls, %v", calls, err)
	}
	for _, err := range []error{
		in.Hosts(cancelled(x.Context()), func(frontier.HostStats) bool { return true }),
		in.Dead(cancelled(x.Context()), func(frontier.DeadURL) bool { return true }),
	} {
		if !errors.Is(err, context.Canceled) {
			x.Errorf("with a cancelled context: %v", err)
		}
	}
}
