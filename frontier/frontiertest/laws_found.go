package frontiertest

import (
	"errors"
	"testing"
	"time"

	"trawl/frontier"
)

func foundComesFirst(t *testing.T, open Open) {
	t.Run("before the outcomes", func(t *testing.T) { foundBeforeOutcomes(t, open) })
	t.Run("without outcomes", func(t *testing.T) { foundOnTheWay(t, open) })
	t.Run("sent again", func(t *testing.T) { foundAgain(t, open) })
	t.Run("more than a page has", func(t *testing.T) { manyFound(t, open) })
	t.Run("not under a stale token", func(t *testing.T) { foundTooLate(t, open) })
}

// foundBeforeOutcomes has room for what is found on the way only if it comes before what the outcomes found, and room
// for that only if it comes after the outcome itself.
func foundBeforeOutcomes(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{MaxHostQueue: 4})
	x.push(2, pages(hostA, 0, 0, 2)...)
	l := x.one(2, hostA, "/0", "/1")
	r := report(frontier.Done)
	r.Found = sitemaps(pages(hostA, 0, 2, 2))
	r.Outcomes[0].Found = pages(hostA, 0, 4, 2)
	x.ack(l, r)
	x.refused(frontier.HostQueueCap, 1)
	x.settle(l, frontier.Done)
	l = x.one(9, hostA, "/2", "/3", "/4")
	for i, want := range append(r.Found, r.Outcomes[0].Found[0]) {
		if got := l.Items[i].Entry; got != want {
			t.Errorf("found as %+v, lent as %+v", want, got)
		}
	}
	x.settle(l, frontier.Done, frontier.Done, frontier.Done)
	x.over()
}

// foundOnTheWay: an ack can bring links and settle nothing; as any ack it extends the lease.
func foundOnTheWay(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(1, pages(hostA, 0, 0, 1)...)
	l := x.one(1, hostA, "/0")
	for i := range 3 {
		x.clock.Advance(ttl - time.Millisecond)
		x.ack(l, frontier.Report{Found: pages(hostB, 0, 2*i, 3)}) // one of them is known
	}
	if s := x.stats(); s.Seen != 8 || s.Queued != 7 || s.Leased != 1 || s.Hosts != 2 {
		t.Errorf("stats after links on the way: %+v", s)
	}
	x.reopen()
	if s := x.stats(); s.Seen != 8 {
		t.Errorf("stats after reopening: %+v", s)
	}
}

// foundAgain: links are accepted once, however often their ack is sent; those that come to an ack whose outcomes are
// settled by then are accepted too.
func foundAgain(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(2, pages(hostA, 0, 0, 2)...)
	l := x.one(2, hostA, "/0", "/1")
	x.f = Flaky(x.f, Fault{"Ack", 1, true}, Fault{"Ack", 3, true})
	lostReply := func(r frontier.Report) {
		t.Helper()
		if err := x.f.Ack(t.Context(), l, r); !errors.Is(err, frontier.ErrUnavailable) {
			t.Fatalf("ack: %v, want ErrUnavailable", err)
		}
	}
	way := frontier.Report{Found: pages(hostB, 0, 0, 2)}
	lostReply(way)
	once := x.stats()
	x.ack(l, way)
	x.unchanged(once)

	r := report(frontier.Done)
	r.Found = pages(hostB, 0, 2, 2)
	lostReply(r)
	r.Found = append(r.Found, pages(hostB, 0, 4, 1)...) // found while the first was on its way
	x.ack(l, r)
	if s := x.stats(); s.Seen != 7 || s.Done != 1 || s.Leased != 1 {
		t.Errorf("stats after an ack with more links than before: %+v", s)
	}
	r.Found = pages(hostB, 0, 5, 1)
	last := *l
	x.ack(l, r)
	once = x.stats()
	x.ack(&last, r) // the lease is over
	x.unchanged(once)
	if once.Seen != 8 || once.Done != 2 || once.HostsLeased != 0 {
		t.Errorf("stats at the end of the lease: %+v", once)
	}
	x.one(9, hostB, "/0", "/1", "/2", "/3", "/4", "/5")
}

// manyFound: a sitemap has thousands of links. Caps are exact with them too, and seeds among them are seeds.
func manyFound(t *testing.T, open Open) {
	const many = 1300
	x := start(t, open, frontier.Policy{MaxHostPages: many - 100})
	x.push(1, pages(hostA, 0, 0, 1)...)
	l := x.one(1, hostA, "/0")
	r := report(frontier.Done)
	r.Found = append(pages(hostB, 1, 0, many), frontier.Entry{URL: hostC.URL("/"), Via: "https://a.test/0", Seed: true, Sitemap: true})
	r.Outcomes[0].Found = pages(hostA, 1, 1, many)
	x.ack(l, r)
	if s := x.stats(); s.Seen != 2*(many-100)+1 || s.Refused[frontier.HostPagesCap] != 201 || s.Hosts != 3 || s.Done != 1 {
		t.Errorf("stats after %d links: %+v", 2*many, s)
	}
	if _, ok := x.f.(frontier.Keeper); ok {
		x.seeded(r.Found[many:])
	}
	x.sound()
}

func foundTooLate(t *testing.T, open Open) {
	found := pages(hostB, 0, 0, 700)
	settling := report(frontier.Done)
	settling.Found = found
	reports := []frontier.Report{{Found: found}, {Found: found, Release: true}, settling}
	begin := func(t *testing.T) (*fixture, *frontier.Lease) {
		x := start(t, open, frontier.Policy{})
		x.push(2, pages(hostA, 0, 0, 2)...)
		return x, x.one(2, hostA, "/0", "/1")
	}
	lost := func(x *fixture, l frontier.Lease) {
		x.Helper()
		for _, r := range reports {
			x.lost(&l, r)
		}
	}
	t.Run("never given", func(t *testing.T) {
		x, l := begin(t)
		forged := *l
		forged.Token += "x"
		lost(x, forged)
		elsewhere := *l
		elsewhere.Host = hostB
		lost(x, elsewhere)
		x.settle(l, frontier.Done, frontier.Done)
		x.over()
	})
	for i, r := range reports {
		t.Run([]string{"expired, found on the way", "expired, released", "expired, settled"}[i], func(t *testing.T) {
			x, l := begin(t)
			x.clock.Advance(ttl)
			if err := x.f.Ack(t.Context(), l, r); !errors.Is(err, frontier.ErrLeaseLost) || x.stats().Seen != 2 {
				t.Errorf("ack at the deadline: %v, want ErrLeaseLost; %+v", err, x.stats())
			}
		})
	}
	t.Run("lent again", func(t *testing.T) {
		x, l := begin(t)
		x.clock.Advance(ttl)
		again := x.one(2, hostA, "/0")
		lost(x, *l)
		x.ack(again, frontier.Report{Release: true})
		lost(x, *l)
		x.one(2, hostA, "/0")
		lost(x, *again)
	})
	t.Run("released", func(t *testing.T) {
		x, l := begin(t)
		x.ack(l, frontier.Report{Release: true})
		x.lost(l, settling)
	})
}
