package frontiertest

import (
	"slices"
	"testing"

	"trawl/frontier"
)

func poisonDies(t *testing.T, open Open) {
	t.Run("that kills workers", func(t *testing.T) { poisonKillsWorkers(t, open) })
	t.Run("that kills the process", func(t *testing.T) { poisonKillsProcess(t, open) })
	t.Run("and nobody else", func(t *testing.T) { bystandersLive(t, open) })
}

// poisonKillsProcess has one URL of many that ends whoever fetches it, with all that is lent at the time.
func poisonKillsProcess(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(6, slices.Concat(pages(hostA, 0, 0, 2), pages(hostB, 0, 0, 2), pages(hostC, 0, 0, 2))...)
	if x.store.KeepsLeases {
		t.Skip("leases outlive the process")
	}
	deadly := hostA.URL("/0")
	for rounds := 0; !x.stats().Drained; rounds++ {
		if rounds > 100 {
			t.Fatalf("it goes on for ever: %+v", x.stats())
		}
		lent := x.ask(x.request(9, 2))
		if slices.ContainsFunc(lent, func(l frontier.Lease) bool { return l.Items[0].URL == deadly }) {
			x.reopen()
			x.clock.Advance(ttl)
			continue
		}
		for i := range lent {
			x.settle(&lent[i], slices.Repeat([]frontier.Verdict{frontier.Done}, len(lent[i].Items))...)
		}
	}
	x.push(0, frontier.Entry{URL: deadly})
	if s := x.stats(); s.Done != 5 || s.DeadFor[frontier.Poison] != 1 {
		t.Errorf("stats after the poison: %+v", s)
	}
}

func poisonKillsWorkers(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	x.one(2, hostA, "/0", "/1") // of two nobody knows which it was
	for attempt := 1; attempt <= 3; attempt++ {
		x.clock.Advance(ttl)
		l := x.one(9, hostA, "/0")
		if l.Items[0].Attempt != attempt {
			t.Fatalf("attempt %d, want %d", l.Items[0].Attempt, attempt)
		}
		if attempt == 2 { // neither a release nor reopening clears it of suspicion
			x.ack(l, frontier.Report{Release: true})
			x.reopen()
			x.one(9, hostA, "/0")
		}
	}
	x.clock.Advance(ttl)
	l := x.one(9, hostA, "/1") // the next is lent alone too
	if s := x.stats(); s.Dead != 1 || s.DeadFor[frontier.Poison] != 1 || s.Reclaimed != 4 {
		t.Errorf("stats after four deaths: %+v", s)
	}
	x.settle(l, frontier.Done)
	x.settle(x.one(9, hostA, "/2"), frontier.Done)
	x.push(0, pages(hostA, 0, 0, 1)...)
	x.over()
}

// bystandersLive has a process that settles something each time before it dies, with two hosts in hand.
func bystandersLive(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	if x.store.KeepsLeases {
		t.Skip("leases outlive the process")
	}
	x.push(2, append(pages(hostA, 0, 0, 1), pages(hostB, 0, 0, 1)...)...)
	for i := range maxStrikes + 1 {
		x.push(1, pages(hostC, 0, i, 1)...)
		x.settle(&x.lease(3, 1)[0], frontier.Done)
		x.reopen()
	}
	for _, l := range x.lease(2, 1) {
		if l.Items[0].Attempt != maxStrikes+1 {
			t.Errorf("attempt %d", l.Items[0].Attempt)
		}
		x.settle(&l, frontier.Done)
	}
	x.over()
	if s := x.stats(); s.Dead != 0 {
		t.Errorf("stats: %+v", s)
	}
}
