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
	t.Run("whoever it was lent to", func(t *testing.T) { poisonKillsWhoeverHasIt(t, open) })
	t.Run("and suspects are kept apart", func(t *testing.T) { suspectsAreKeptApart(t, open) })
	t.Run("and no bystander that died with it twice", func(t *testing.T) { bystandersAreTriedApart(t, open) })
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

// fleetOnly skips what only matters where the workers of a crawl die one by one.
func (x *fixture) fleetOnly() {
	x.Helper()
	if !x.store.KeepsLeases {
		x.Skip("leases end with the process")
	}
}

// askAs asks for leases as a worker, who then holds them. A worker dies by not being heard of for a TTL.
func (x *fixture) askAs(worker string, hosts, batch int) []frontier.Lease {
	x.Helper()
	r := x.request(hosts, batch)
	r.Worker = worker
	lent := x.ask(r)
	x.stats()
	return lent
}

// poisonKillsWhoeverHasIt: of a URL that was lent alone it is known that it may have killed its worker, whatever else
// that worker held, and whichever worker it was. The third time it is given up.
func poisonKillsWhoeverHasIt(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.fleetOnly()
	x.push(4, slices.Concat(pages(hostA, 0, 0, 1), pages(hostB, 0, 0, 3))...)
	for _, worker := range []string{"w1", "w2", "w3"} {
		lent := x.askAs(worker, 1, 1)
		for len(lent) == 1 && lent[0].Host != hostA { // B is not at fault: it is settled, if it comes first
			x.settle(&lent[0], frontier.Done)
			lent = x.askAs(worker, 1, 1)
		}
		if len(lent) != 1 || x.stats().Dead != 0 {
			t.Fatalf("%s: lent %d hosts; %+v", worker, len(lent), x.stats())
		}
		x.clock.Advance(ttl)
	}
	x.push(0, pages(hostA, 0, 0, 1)...) // and time brings the third strike
	if s := x.stats(); s.DeadFor[frontier.Poison] != 1 || s.Dead != 1 || s.Reclaimed != 3 {
		t.Errorf("stats after three deaths: %+v", s)
	}
}

// struckTwice lends URLs of hosts A and B, each alone, to a worker that dies of one of them: twice.
func (x *fixture) struckTwice() {
	x.Helper()
	x.fleetOnly()
	x.push(2, append(pages(hostA, 0, 0, 1), pages(hostB, 0, 0, 1)...)...)
	for range maxStrikes - 1 {
		if lent := x.askAs("w0", 9, 1); len(lent) != 2 {
			x.Fatalf("lent %d hosts, want 2", len(lent))
		}
		x.clock.Advance(ttl)
	}
	x.push(0)
	if s := x.stats(); s.Dead != 0 || s.Queued != 2 {
		x.Fatalf("stats after two deaths: %+v", s)
	}
}

// suspectsAreKeptApart: a URL with two strikes is lent alone, and to a worker only while that worker holds no other such
// URL. Other URLs do not matter, nor do other workers.
func suspectsAreKeptApart(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.struckTwice()
	x.push(1, pages(hostC, 0, 0, 1)...)
	first := x.askAs("w1", 9, 9) // C, and A or B
	if len(first) != 2 || first[0].Host != hostC {
		t.Fatalf("lent %d hosts, want C and one other", len(first))
	}
	x.settle(&first[0], frontier.Done)
	if more := x.askAs("w1", 9, 9); len(more) > 0 {
		t.Fatalf("two suspects for one worker: %s", describe(more[0]))
	}
	second := x.askAs("w2", 9, 9)
	if len(second) != 1 || second[0].Host == first[1].Host {
		t.Fatalf("lent %d hosts to another worker, want the other suspect", len(second))
	}
	x.ack(&second[0], frontier.Report{Release: true})
	if more := x.askAs("w1", 9, 9); len(more) > 0 {
		t.Fatalf("two suspects for one worker: %s", describe(more[0]))
	}
	x.settle(&first[1], frontier.Done) // it was not this one
	last := x.askAs("w1", 9, 9)
	if len(last) != 1 || last[0].Host != second[0].Host {
		t.Fatalf("lent %d hosts to a worker that holds nothing, want the other suspect", len(last))
	}
	x.settle(&last[0], frontier.Done)
	x.over()
}

// bystandersAreTriedApart: a URL that was lent both times that a worker died of another one outlives that one.
func bystandersAreTriedApart(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.struckTwice()
	lent := append(x.askAs("w1", 9, 1), x.askAs("w2", 9, 1)...)
	if len(lent) != 2 {
		t.Fatalf("lent %d hosts to two workers, want one each", len(lent))
	}
	for i := range lent { // one of the two workers dies of A
		if lent[i].Host == hostB {
			x.settle(&lent[i], frontier.Done)
		}
	}
	x.clock.Advance(ttl)
	x.over()
	if s := x.stats(); s.Done != 1 || s.DeadFor[frontier.Poison] != 1 {
		t.Errorf("stats after the third death: %+v", s)
	}
}
