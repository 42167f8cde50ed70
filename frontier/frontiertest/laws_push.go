package frontiertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

func pushIsIdempotent(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	seeds := pages(hostA, 0, 0, 3)
	x.push(3, seeds...)
	x.push(0, seeds...)
	x.push(1, append(pages(hostA, 1, 0, 4), pages(hostA, 2, 3, 1)...)...) // known by URL, whatever else they say

	same := hostA.URL("/0?utm_source=feed")
	if same.Key() != seeds[0].URL.Key() {
		t.Fatalf("%s has another key than %s", same, seeds[0].URL)
	}
	x.push(0, frontier.Entry{URL: same}) // known by its key

	x.f = Flaky(x.f, Fault{"Push", 1, true})
	more := pages(hostA, 0, 4, 2)
	if _, err := x.f.Push(t.Context(), more); !errors.Is(err, frontier.ErrUnavailable) {
		t.Fatalf("push: %v, want ErrUnavailable", err)
	}
	x.push(0, more...)

	all := pages(hostA, 0, 0, 6)
	l := x.one(10, hostA, "/0", "/1", "/2", "/4", "/5", "/3")
	x.push(0, all...) // lent
	r := report(frontier.Done, frontier.Dead, frontier.Retry)
	r.Outcomes[0].Found = all // found on a page is pushed
	r.Outcomes[2].After = time.Minute
	x.ack(l, r)
	x.push(0, all...) // done, dead, delayed, lent
	x.settle(l, frontier.Done, frontier.Done, frontier.Done)
	x.clock.Advance(time.Minute)
	x.settle(x.one(10, hostA, "/2"), frontier.Done)
	x.push(0, all...)
	x.over()
	if s := x.stats(); s.Seen != 6 || s.Done != 5 || s.Hosts != 1 || len(s.Refused) != 0 {
		t.Errorf("stats of six URLs pushed again and again: %+v", s)
	}
}

func ackIsIdempotent(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(4, pages(hostA, 0, 0, 4)...)
	l := x.one(4, hostA, "/0", "/1", "/2", "/3")

	// The ack arrives and its reply is lost. The same ack again settles nothing twice.
	x.f = Flaky(x.f, Fault{"Ack", 1, true})
	first := report(frontier.Done, frontier.Retry)
	first.Outcomes[0].Found = pages(hostB, 0, 0, 2)
	first.Outcomes[0].Refused = []frontier.Refusal{{Reason: frontier.OutOfScope, Count: 7}}
	if err := x.f.Ack(t.Context(), l, first); !errors.Is(err, frontier.ErrUnavailable) || l.Settled != 0 {
		t.Fatalf("ack: %v, settled %d; want ErrUnavailable and 0", err, l.Settled)
	}
	once := x.stats()
	again := *l
	x.ack(&again, first)
	x.unchanged(once)
	if once.Done != 1 || once.Retries != 1 || once.Leased != 2 || once.Refused[frontier.OutOfScope] != 7 || once.Seen != 6 {
		t.Errorf("stats after an ack sent twice: %+v", once)
	}

	// Of an ack that reaches further only the rest is new.
	longer := report(frontier.Done, frontier.Retry, frontier.Dead)
	further := *l
	x.ack(&further, longer)
	if s := x.stats(); s.Done != 1 || s.Retries != 1 || s.Dead != 1 || s.Leased != 1 {
		t.Errorf("stats after an ack that overlaps: %+v", s)
	}

	// To beyond what was lent is a mistake of the caller. From beyond what is settled can also be a store's that lost acks.
	x.refuses(frontier.Lease{Host: l.Host, Token: l.Token, Items: l.Items, Settled: 4, TTL: l.TTL}, report())
	x.rejects(further, report(frontier.Done, frontier.Done))
	x.rejects(further, frontier.Report{Outcomes: []frontier.Outcome{{}}})

	// The ack that ends a lease can be sent again too, even after the host was given back.
	last := report(frontier.Done)
	end := further
	x.ack(&end, last)
	once = x.stats()
	x.ack(&further, last)
	x.unchanged(once)
	if once.HostsLeased != 0 || once.Done != 2 || once.Queued != 3 {
		t.Errorf("stats after the last ack: %+v", once)
	}
	if lent := x.lease(2, 9); !slices.Equal(pathsOf(lent[0]), []string{"/1"}) || lent[0].Items[0].Attempt != 1 {
		t.Errorf("the retried URL came back as %s", describe(lent[0]))
	}
}

// rejects wants an error that is not ErrLeaseLost, and no change.
// rejects wants an ack refused that no lease could bring.
func (x *fixture) rejects(l frontier.Lease, r frontier.Report) {
	x.Helper()
	if err := x.refuses(l, r); errors.Is(err, frontier.ErrLeaseLost) {
		x.Fatalf("an impossible ack: %v", err)
	}
}

func (x *fixture) refuses(l frontier.Lease, r frontier.Report) error {
	x.Helper()
	before, settled := x.stats(), l.Settled
	err := x.f.Ack(x.Context(), &l, r)
	if err == nil || l.Settled != settled {
		x.Fatalf("an impossible ack: %v, settled %d", err, l.Settled)
	}
	x.unchanged(before)
	return err
}

func refusedIsNotSeen(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(2, pages(hostA, 0, 0, 2)...)
	l := x.one(2, hostA, "/0", "/1")
	x.ack(l, frontier.Report{Outcomes: []frontier.Outcome{
		{Verdict: frontier.Refused, Reason: frontier.ByRobots},
		{Verdict: frontier.Done, Refused: []frontier.Refusal{{Reason: frontier.TooDeep, Count: 2}, {Reason: frontier.ByRobots, Count: 3}}},
	}})
	s := x.stats()
	if s.Seen != 1 || s.Done != 1 || s.Refused[frontier.ByRobots] != 4 || s.Refused[frontier.TooDeep] != 2 || s.Hosts != 1 {
		t.Errorf("stats after one URL was refused and five links: %+v", s)
	}
	x.over()
	x.push(1, pages(hostA, 0, 0, 2)...)
	l = x.one(2, hostA, "/0")
	if l.Items[0].Attempt != 0 {
		t.Errorf("accepted later with attempt %d", l.Items[0].Attempt)
	}
	x.settle(l, frontier.Done)
	x.over()
}

func capsRefuse(t *testing.T, open Open) {
	t.Run("pages of a host", func(t *testing.T) {
		x := start(t, open, frontier.Policy{MaxHostPages: 3})
		x.push(4, append(pages(hostA, 0, 0, 5), pages(hostB, 0, 0, 1)...)...)
		x.refused(frontier.HostPagesCap, 2)
		l := &x.lease(2, 2)[0]
		r := report(frontier.Done, frontier.Refused) // the refused one gives its place back
		r.Outcomes[0].Found = pages(hostA, 0, 3, 1)
		r.Outcomes[1].Found = pages(hostA, 0, 4, 2)
		x.ack(l, r)
		x.refused(frontier.HostPagesCap, 4)
		x.settle(x.one(3, hostA, "/2", "/4"), frontier.Done, frontier.Dead)
		x.push(0, pages(hostA, 0, 0, 5)...) // /2 and /4 are known; settled ones keep their place
		x.refused(frontier.HostPagesCap, 6)
	})
	t.Run("queue of a host", func(t *testing.T) {
		x := start(t, open, frontier.Policy{MaxHostQueue: 3})
		x.push(4, append(pages(hostA, 0, 0, 4), pages(hostB, 0, 0, 1)...)...)
		x.refused(frontier.HostQueueCap, 1)
		l := &x.lease(2, 2)[0]
		x.push(0, pages(hostA, 0, 3, 1)...) // what is lent is still in the queue
		r := report(frontier.Retry, frontier.Done)
		r.Outcomes[0].After = time.Minute
		r.Outcomes[0].Found = pages(hostA, 0, 3, 1) // so is what is delayed
		r.Outcomes[1].Found = pages(hostA, 0, 4, 2)
		x.ack(l, r)
		x.refused(frontier.HostQueueCap, 4)
		x.settle(x.one(3, hostA, "/2", "/4"), frontier.Done, frontier.Done)
		x.push(2, pages(hostA, 0, 3, 4)...) // deferred, not lost: /3 got in, so did /5
		x.refused(frontier.HostQueueCap, 5)
	})
	t.Run("queue of a host is kept for what goes first", func(t *testing.T) {
		x := start(t, open, frontier.Policy{MaxHostQueue: 9})
		x.push(7, pages(hostA, 1, 0, 8)...)
		x.refused(frontier.HostQueueCap, 1)
		x.push(2, pages(hostA, 0, 8, 3)...)
		x.refused(frontier.HostQueueCap, 2)
		x.push(0, pages(hostA, 3, 20, 1)...)
		x.refused(frontier.HostQueueCap, 3)
	})
}

// refused wants so many links counted for the reason, and all others seen.
func (x *fixture) refused(why frontier.Reason, want int64) {
	x.Helper()
	if s := x.stats(); s.Refused[why] != want {
		x.Fatalf("refused %v, want %d for %s", s.Refused, want, why)
	}
	in, ok := x.f.(frontier.Inspector)
	if !ok {
		return
	}
	examples, err := in.Refused(x.Context())
	if n := len(examples[why]); err != nil || (n == 0) != (want == 0) || int64(n) > min(want, 100) {
		x.Fatalf("%d examples of %d links refused for %s: %v", n, want, why, err)
	}
}
