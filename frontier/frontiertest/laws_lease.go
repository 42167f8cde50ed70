package frontiertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

func leaseIsExclusive(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(6, append(pages(hostA, 0, 0, 4), pages(hostB, 0, 0, 2)...)...)
	r := x.request(5, 2)
	lent := x.ask(r)
	if len(lent) != 2 || lent[0].Host == lent[1].Host || lent[0].Token == lent[1].Token {
		t.Fatalf("lent: %+v", lent)
	}
	x.none()
	x.push(1, pages(hostA, 0, 4, 1)...)
	x.none()

	// A request whose reply was lost is answered with the same leases, and only with those that live.
	before := x.stats()
	x.same(x.ask(r), lent)
	other := r
	other.Worker = "another"
	if got := x.ask(other); len(got) > 0 {
		t.Errorf("the same request of another worker was lent %s", got[0].Host)
	}
	x.unchanged(before)
	settled := report(frontier.Done)
	settled.Failures = -1
	x.ack(&lent[0], settled)
	x.same(x.ask(r), lent)
	ended := lent[1]
	for ended.Settled < len(ended.Items) {
		x.settle(&ended, frontier.Done)
	}
	x.same(x.ask(r), lent[:1])

	for i := len(lent[0].Items) - lent[0].Settled; i > 0; i-- {
		x.none()
		x.settle(&lent[0], frontier.Done)
	}
	again := x.one(9, hostA, "/2", "/3", "/4")
	if again.Token == lent[0].Token || again.Token == lent[1].Token {
		t.Error("a token was given twice")
	}
}

// ask is a lease request that must succeed; its leases are sorted by host.
func (x *fixture) ask(r frontier.LeaseRequest) []frontier.Lease {
	x.Helper()
	lent, _, err := x.f.Lease(x.Context(), r)
	if err != nil {
		x.Fatalf("lease: %v", err)
	}
	slices.SortFunc(lent, func(a, b frontier.Lease) int { return cmpHosts(a.Host, b.Host) })
	return lent
}

// same wants the leases that were lent before. What their settled items say is of no concern.
func (x *fixture) same(got, want []frontier.Lease) {
	x.Helper()
	if len(got) != len(want) {
		x.Fatalf("asked again: %d hosts, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Token != w.Token || g.Settled != w.Settled || len(g.Items) != len(w.Items) || describe(g) != describe(w) {
			x.Fatalf("asked again:\n got %s\nwant %s", describe(g), describe(w))
		}
	}
}

// rests wants hostA not lent until just before d has passed, and then lent.
func (x *fixture) rests(d time.Duration) *frontier.Lease {
	x.Helper()
	for _, step := range []time.Duration{0, d / 2, d - d/2 - time.Millisecond} {
		x.clock.Advance(step)
		x.none()
	}
	x.clock.Advance(time.Millisecond)
	return &x.lease(1, 1)[0]
}

func hostRests(t *testing.T, open Open) {
	const delay = 5 * time.Second
	begin := func(t *testing.T) *fixture {
		x := start(t, open, frontier.Policy{Delay: delay})
		x.push(9, pages(hostA, 0, 0, 9)...)
		return x
	}
	next := func(d time.Duration) frontier.Report {
		r := report(frontier.Done)
		r.Next = d
		return r
	}
	t.Run("after the last URL of a batch", func(t *testing.T) {
		x := begin(t)
		x.ack(x.one(1, hostA, "/0"), next(delay)) // a host that was never asked is due at once
		x.rests(delay)
	})
	t.Run("after a release", func(t *testing.T) {
		x := begin(t)
		l := x.one(3, hostA, "/0", "/1", "/2")
		x.ack(l, next(time.Minute))
		x.ack(l, frontier.Report{Next: time.Second, Release: true}) // a shorter rest does not end a longer one
		x.rests(time.Minute)
	})
	t.Run("after its worker died", func(t *testing.T) {
		x := begin(t)
		x.one(3, hostA, "/0", "/1", "/2")
		// The dead worker may have started a request as late as two thirds into the lease.
		x.rests(ttl*2/3 + delay)
	})
	t.Run("after its worker died in a pause", func(t *testing.T) {
		x := begin(t)
		x.ack(x.one(3, hostA, "/0", "/1", "/2"), next(time.Minute))
		x.clock.Advance(ttl)
		x.rests(time.Minute - ttl)
	})
	t.Run("after reopening", func(t *testing.T) {
		x := begin(t)
		x.ack(x.one(1, hostA, "/0"), next(time.Minute))
		x.clock.Advance(time.Second)
		x.reopen()
		x.rests(time.Minute - time.Second)
	})
	t.Run("after the process died with it", func(t *testing.T) {
		x := begin(t)
		x.ack(x.one(3, hostA, "/0", "/1", "/2"), frontier.Report{Delay: 2 * delay})
		x.clock.Advance(time.Second)
		x.reopen()
		if x.store.KeepsLeases {
			x.clock.Advance(-time.Second)
			x.rests(ttl*2/3 + 2*delay)
			return
		}
		x.rests(2 * delay)
	})
	t.Run("as long as its own delay says", func(t *testing.T) { ownDelay(begin(t), delay) })
}

// ownDelay changes the delay of a host whose policy says usual.
func ownDelay(x *fixture, usual time.Duration) {
	l := x.one(1, hostA, "/0")
	for _, c := range []struct{ set, want time.Duration }{
		{0, usual}, {time.Minute, time.Minute}, {0, time.Minute}, {time.Second, usual},
	} {
		r := report(frontier.Done)
		r.Delay = c.set
		x.ack(l, r)
		x.reopen()
		if l = &x.lease(1, 1)[0]; l.Delay != c.want {
			x.Fatalf("own delay set to %v: lent with %v, want %v", c.set, l.Delay, c.want)
		}
	}
}

func expiredComesBack(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(5, pages(hostA, 0, 0, 5)...)
	l := x.one(4, hostA, "/0", "/1", "/2", "/3")
	x.clock.Advance(ttl - time.Millisecond)
	x.settle(l, frontier.Done) // extends
	x.clock.Advance(ttl - time.Millisecond)
	x.settle(l) // an ack of nothing extends too
	x.clock.Advance(ttl - time.Millisecond)
	x.none()
	x.clock.Advance(time.Millisecond)

	again := x.one(4, hostA, "/1") // one at a time, until it is known that a worker survives it
	if again.Items[0].Attempt != 1 || again.Token == l.Token {
		t.Errorf("came back with attempt %d", again.Items[0].Attempt)
	}
	if s := x.stats(); s.Reclaimed != 1 || s.Done != 1 || s.Leased != 1 || s.Queued != 3 || s.HostsLeased != 1 {
		t.Errorf("stats after an expiry: %+v", s)
	}
	x.lost(l, report(frontier.Done))
	x.settle(again, frontier.Done)
	rest := x.one(4, hostA, "/2", "/3", "/4")
	for i, want := range []int{1, 1, 0} {
		if got := rest.Items[i].Attempt; got != want {
			t.Errorf("%s: attempt %d, want %d", rest.Items[i].URL, got, want)
		}
	}
	x.settle(rest, frontier.Done, frontier.Done, frontier.Done)
	x.over()
}

func staleTokenIsRefused(t *testing.T, open Open) {
	all := report(frontier.Done, frontier.Dead)
	all.Outcomes[0].Found = pages(hostB, 0, 0, 3)
	all.Outcomes[1].Refused = []frontier.Refusal{{Reason: frontier.TooDeep, Count: 1}}
	begin := func(t *testing.T) (*fixture, *frontier.Lease) {
		x := start(t, open, frontier.Policy{})
		x.push(2, pages(hostA, 0, 0, 2)...)
		return x, x.one(2, hostA, "/0", "/1")
	}
	t.Run("never given", func(t *testing.T) {
		x, l := begin(t)
		for _, token := range []string{"", "1", l.Token + "x"} {
			forged := *l
			forged.Token = token
			x.lost(&forged, all)
		}
		elsewhere := *l
		elsewhere.Host = hostB
		x.lost(&elsewhere, all)
		x.ack(l, all)
	})
	t.Run("expired, nobody looked", func(t *testing.T) {
		x, l := begin(t)
		x.clock.Advance(ttl)
		if err := x.f.Ack(t.Context(), l, all); !errors.Is(err, frontier.ErrLeaseLost) {
			t.Fatalf("ack at the deadline: %v, want ErrLeaseLost", err)
		}
		if s := x.stats(); s.Seen != 2 || s.Done+s.Dead != 0 || len(s.Refused) > 0 {
			t.Errorf("a late ack changed something: %+v", s)
		}
	})
	t.Run("expired and lent again", func(t *testing.T) {
		x, l := begin(t)
		x.clock.Advance(ttl)
		again := x.one(2, hostA, "/0")
		x.lost(l, all)
		x.lost(l, frontier.Report{})              // no extension
		x.lost(l, frontier.Report{Release: true}) // no release
		x.settle(again, frontier.Done)
		x.lost(l, all)
	})
	t.Run("released", func(t *testing.T) {
		x, l := begin(t)
		x.ack(l, frontier.Report{Release: true})
		x.lost(l, all)
		x.one(2, hostA, "/0", "/1")
		x.lost(l, frontier.Report{Release: true})
	})
}

func releaseIsFree(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	l := x.one(2, hostA, "/0", "/1")
	r := report(frontier.Done)
	r.Release = true
	x.ack(l, r)
	for range 4 { // alone, and more often than poison would survive
		l = x.one(1, hostA, "/1")
		x.ack(l, frontier.Report{Release: true})
		x.push(1, pages(hostA, 0, 10+x.ids, 1)...) // stays behind
	}
	if got := x.lease(1, 1)[0].Items[0]; got.Attempt != 0 || got.URL.Path() != "/1" {
		t.Errorf("after releases %s is lent with attempt %d", got.URL, got.Attempt)
	}
	if s := x.stats(); s.Reclaimed != 0 || s.Dead != 0 || s.Retries != 0 {
		t.Errorf("stats after releases: %+v", s)
	}
}

func retryWaits(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	l := x.one(2, hostA, "/0", "/1")
	was := l.Items[0]
	r := report(frontier.Retry)
	r.Outcomes[0].After = 5 * time.Second
	x.ack(l, r)
	if s := x.stats(); s.Delayed != 1 || s.Retries != 1 || s.Leased != 1 {
		t.Errorf("stats after a retry: %+v", s)
	}
	x.clock.Advance(5 * time.Second)
	x.settle(l, frontier.Done) // the retry fell due while its host was lent: it joins the end of the line
	l = x.one(9, hostA, "/2", "/0")
	was.Attempt = 1
	if l.Items[1] != was {
		t.Errorf("came back as %+v, want %+v", l.Items[1], was)
	}
	r = report(frontier.Done, frontier.Retry)
	r.Outcomes[1].After = time.Minute
	x.ack(l, r)
	l = x.rests(time.Minute)
	if l.Items[0].Attempt != 2 {
		t.Errorf("after two retries: attempt %d", l.Items[0].Attempt)
	}
	x.settle(l, frontier.Retry) // now
	x.settle(x.one(1, hostA, "/0"), frontier.Done)
	if s := x.stats(); s.Retries != 3 || s.Done != 3 {
		t.Errorf("stats after three retries: %+v", s)
	}
	x.over()
}

func lineIsOrdered(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	for _, p := range []frontier.Priority{2, 0, 3, 1} {
		x.push(2, pages(hostA, p, int(p)*10, 2)...)
	}
	x.push(1, pages(hostA, 0, 2, 1)...)
	l := x.one(4, hostA, "/0", "/1", "/2", "/10")
	x.push(2, append(pages(hostA, 1, 12, 1), pages(hostA, 0, 3, 1)...)...)
	x.ack(l, frontier.Report{Outcomes: report(frontier.Done, frontier.Retry, frontier.Done).Outcomes, Release: true})
	// Within a level: what was lent, what came later, what is tried again.
	x.one(99, hostA, "/3", "/1", "/10", "/11", "/12", "/20", "/21", "/30", "/31")
}

func nobodyStarves(t *testing.T, open Open) {
	const hosts, rounds = 8, 20
	x := start(t, open, frontier.Policy{})
	last := map[frontier.Host]int{} // turn in which a host was lent
	for i := range hosts {
		h := frontier.Host(fmt.Sprintf("https://h%d.test", i))
		x.push(rounds*hosts, pages(h, 0, 0, rounds*hosts)...)
		last[h] = 0
	}
	for turn := 1; turn <= rounds*hosts; turn++ {
		// As many new hosts come as are lent. They go through the same line, which grows to some 50 hosts.
		x.push(1, pages(frontier.Host(fmt.Sprintf("https://new%d.test", turn)), 0, 0, 1)...)
		l := x.lease(1, 1)[0]
		x.clock.Advance(time.Millisecond)
		x.settle(&l, frontier.Done)
		if _, old := last[l.Host]; old {
			last[l.Host] = turn
		}
		for h, lent := range last {
			if turn-lent > 8*hosts {
				t.Fatalf("turn %d: %s is due since turn %d", turn, h, lent)
			}
		}
	}
}
