package frontiertest

import (
	"math/rand/v2"
	"testing"
	"time"

	"trawl/frontier"
)

// retryDeadQueues: dead URLs of a host and a reason, either of which can be any, are in line again, in the order they
// died, at the end of the line and with the priority they had; they are lent as a new generation, as if never tried.
func retryDeadQueues(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{MaxHostQueue: 5})
	x.mender()
	x.push(4, frontier.Entry{URL: hostA.URL("/seed"), Seed: true, Priority: 1, Depth: 2, Hops: 3},
		pages(hostA, 1, 0, 1)[0], pages(hostA, 2, 1, 1)[0], pages(hostB, 0, 0, 1)[0])
	was := x.lease(2, 9)
	x.settle(&was[0], frontier.Retry, frontier.Dead)
	dns := report(frontier.Dead)
	dns.Outcomes[0].Reason = "dns"
	x.ack(&was[0], dns) // /1
	x.ack(x.one(9, hostA, "/seed"), dns)
	x.ack(&was[1], dns)
	x.over()

	x.retry(0, "https://unknown.test", "")
	x.retry(0, hostA, "timeout")
	x.push(4, pages(hostA, 1, 5, 4)...) // in line before them; and a host may have no more waiting than these
	x.retry(2, hostA, "dns")
	x.retry(0, hostA, "dns")
	want := frontier.Stats{State: frontier.Running, Seen: 8, Queued: 6, Dead: 2, Hosts: 2, Retries: 1}
	want.DeadFor = map[frontier.Reason]int64{"dns": 1, "test": 1}
	if d := diff(x.stats(), want); d != "" {
		t.Fatalf("stats: %s", d)
	}
	x.push(0, pages(hostA, 0, 1, 1)...) // they stay seen
	x.reopen()
	l := x.one(9, hostA, "/5", "/6", "/7", "/8", "/seed", "/1")
	again := was[0].Items[0]
	again.Generation = 1
	if l.Items[4] != again {
		t.Errorf("lent again: %+v, want %+v", l.Items[4], again)
	}
	x.settle(l, frontier.Done, frontier.Done, frontier.Done, frontier.Done, frontier.Done)
	x.retry(1, "", "test")
	x.settle(l, frontier.Dead) // a host that is lent goes on undisturbed
	x.settle(x.one(9, hostA, "/0"), frontier.Done)
	x.over()
	x.retry(2, "", "") // the rest, and a drained crawl goes on
	x.lastTwo()
	if k, ok := x.f.(frontier.Keeper); ok {
		n := 0
		if err := k.Seeds(t.Context(), 0, func(frontier.Entry) bool { n++; return true }); err != nil || n != 1 {
			t.Errorf("%d seeds, %v; want 1", n, err)
		}
	}
	x.sound()
}

// retry wants so many dead URLs put in line, and counts moved.
func (x *fixture) retry(want int64, h frontier.Host, why frontier.Reason) {
	x.Helper()
	before := x.stats()
	if n, err := x.mender().Retry(x.Context(), h, why); err != nil || n != want {
		x.Fatalf("retry of %q, %q: %d, %v; want %d", h, why, n, err, want)
	}
	if after := x.stats(); after.Dead != before.Dead-want || after.Queued != before.Queued+want || after.Seen != before.Seen {
		x.Fatalf("retry of %d: stats %+v, before %+v", want, after, before)
	}
}

// lastTwo settles what was put in line again at the end: a URL of A, for the second time, and one of B.
func (x *fixture) lastTwo() {
	x.Helper()
	if x.stats().Drained {
		x.Fatal("the crawl is over, with URLs in line")
	}
	lent := x.lease(2, 9)
	if it := lent[0].Items[0]; it.URL.Path() != "/1" || it.Generation != 2 || it.Attempt != 0 {
		x.Errorf("lent the third time: %+v", it)
	}
	x.settle(&lent[0], frontier.Done)
	x.settle(&lent[1], frontier.Done)
	x.over()
}

// soundHasNothingToMend: after whatever work, also in the middle of it, a check finds nothing and a repair changes nothing.
func soundHasNothingToMend(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{MaxHostPages: 30})
	x.mender()
	rng := rand.New(rand.NewPCG(3, 0))
	verdicts := []frontier.Verdict{frontier.Done, frontier.Retry, frontier.Dead, frontier.Refused}
	for round := range 40 {
		if _, err := x.f.Push(t.Context(), entries(8, byte(rng.Uint32()), byte(rng.Uint32()))); err != nil {
			t.Fatal(err)
		}
		lent := x.ask(x.request(3, 1+rng.IntN(4)))
		for i := range lent {
			r := report(verdicts[rng.IntN(4)])
			r.Outcomes[0].After = time.Duration(rng.IntN(20)) * time.Second
			r.Release = rng.IntN(3) == 0
			if rng.IntN(4) > 0 {
				x.ack(&lent[i], r)
			}
		}
		switch round % 10 {
		case 3:
			if _, err := x.mender().Retry(t.Context(), "", ""); err != nil {
				t.Fatal(err)
			}
		case 6:
			x.reopen()
		}
		before := x.stats()
		for _, repair := range []bool{false, true} {
			if found, err := x.mender().Check(t.Context(), repair); err != nil || len(found) > 0 {
				t.Fatalf("round %d, repair %v: %q, %v", round, repair, found, err)
			}
			x.unchanged(before)
		}
		x.clock.Advance(time.Duration(rng.IntN(6)) * time.Second)
	}
}
