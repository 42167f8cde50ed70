package frontiertest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"trawl/frontier"
)

func failuresAreKept(t *testing.T, open Open) {
	t.Run("for the next owner", func(t *testing.T) { failuresPassOn(t, open) })
	t.Run("across reopening", func(t *testing.T) { failuresSurvive(t, open) })
	t.Run("as the latest ack says", func(t *testing.T) { latestFailuresCount(t, open) })
	t.Run("by the latest report", func(t *testing.T) { overtakenTellNothing(t, open) })
	t.Run("until dead URLs are tried again", func(t *testing.T) { failuresAreForgotten(t, open) })
}

// failed is an ack of so many failures in a row.
func failed(n int, verdicts ...frontier.Verdict) frontier.Report {
	r := report(verdicts...)
	r.Failures = n
	return r
}

// failures wants a host with so many failures, lent to the caller or not.
func (x *fixture) failures(h frontier.Host, want int) {
	x.Helper()
	if _, ok := x.f.(frontier.Inspector); !ok {
		return
	}
	s, ok, err := x.inspector().Host(x.Context(), h)
	if err != nil || !ok || s.Failures != want {
		x.Fatalf("%s has %d failures, %v, %v; want %d", h, s.Failures, ok, err, want)
	}
}

// failing leases a host that must have so many failures.
func (x *fixture) failing(h frontier.Host, want int, paths ...string) *frontier.Lease {
	x.Helper()
	l := x.one(len(paths), h, paths...)
	if l.Failures != want {
		x.Fatalf("%s is lent with %d failures, want %d", h, l.Failures, want)
	}
	x.failures(h, want)
	return l
}

func failuresPassOn(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(4, pages(hostA, 0, 0, 4)...)
	x.ack(x.failing(hostA, -1, "/0"), failed(3, frontier.Retry)) // the lease ends with its last URL
	l := x.failing(hostA, 3, "/1", "/2")
	x.ack(l, failed(4, frontier.Retry))
	x.failures(hostA, 4)
	x.ack(l, frontier.Report{Failures: 5, Release: true})
	l = x.failing(hostA, 5, "/2", "/3")
	x.ack(l, failed(6))
	x.clock.Advance(ttl) // an expiry adds none and takes none away
	again := x.failing(hostA, 6, "/2")
	x.lost(l, failed(9))
	x.lost(l, failed(9, frontier.Retry))
	x.failures(hostA, 6)
	x.ack(again, failed(0, frontier.Done)) // it answers
	x.failing(hostA, 0, "/3")
	x.push(1, pages(hostB, 0, 0, 1)...)
	x.failing(hostB, -1, "/0")
}

func failuresSurvive(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(4, append(pages(hostA, 0, 0, 3), pages(hostB, 0, 0, 1)...)...)
	lent := x.lease(2, 1)
	x.ack(&lent[0], failed(7, frontier.Done))
	x.ack(&lent[1], failed(1)) // and stays lent
	for range 2 {
		x.reopen()
		x.failures(hostA, 7)
		x.failures(hostB, 1)
	}
	x.clock.Advance(ttl)
	for range 2 { // each alone, where the process died
		l := x.lease(1, 1)[0]
		if want := map[frontier.Host]int{hostA: 7, hostB: 1}[l.Host]; l.Failures != want {
			t.Errorf("%s is lent with %d failures after reopening, want %d", l.Host, l.Failures, want)
		}
		x.ack(&l, failed(l.Failures, frontier.Done))
	}
	x.sound()
}

// latestFailuresCount: also for a request for leases that is made again; not for an ack that is sent again.
func latestFailuresCount(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	asked := x.request(1, 3)
	l := x.ask(asked)[0]
	first := l
	x.ack(&l, failed(2, frontier.Done))
	if again := x.ask(asked)[0]; again.Failures != 2 {
		t.Errorf("asked again: %d failures, want 2", again.Failures)
	}
	x.ack(&l, failed(0, frontier.Done))
	x.ack(&first, failed(2, frontier.Done))
	x.failures(hostA, 0)
	longer := l
	longer.Settled = 0 // the rest of an ack that reaches further is news
	x.ack(&longer, failed(1, frontier.Done, frontier.Done, frontier.Retry))
	l = *x.failing(hostA, 1, "/2")
	x.ack(&l, failed(-1)) // as it was
	x.failures(hostA, 1)
	x.ack(&l, frontier.Report{Failures: -1, Release: true})
	x.failing(hostA, 1, "/2")
}

// A report that knows less than the store extends and releases, but what it says of the host is old.
func overtakenTellNothing(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, pages(hostA, 0, 0, 3)...)
	l := x.failing(hostA, -1, "/0", "/1", "/2")
	old := *l
	x.ack(l, failed(2, frontier.Done))
	x.clock.Advance(ttl / 2)
	x.ack(&old, failed(5))
	x.failures(hostA, 2)
	x.clock.Advance(ttl * 3 / 4)
	x.none() // it is lent still
	x.ack(&old, frontier.Report{Failures: 5, Release: true})
	x.failing(hostA, 2, "/1", "/2")
}

func failuresAreForgotten(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.mender()
	x.push(2, append(pages(hostA, 0, 0, 1), pages(hostB, 0, 0, 1)...)...)
	lent := x.lease(2, 1)
	for i := range lent {
		r := failed(5, frontier.Dead)
		r.Outcomes[0].Reason = frontier.HostDown
		x.ack(&lent[i], r)
	}
	x.retry(0, hostA, "test")
	x.failures(hostA, 5)
	x.retry(1, hostA, frontier.HostDown)
	x.failures(hostB, 5)
	x.failing(hostA, -1, "/0")
}

func notesAreKept(t *testing.T, open Open) {
	t.Run("and known to all", func(t *testing.T) { notesAreKnown(t, open) })
	t.Run("as they are", func(t *testing.T) { notesAreExact(t, open) })
	t.Run("by the owner alone", func(t *testing.T) { notesAreFenced(t, open) })
}

// remember keeps a note.
func (x *fixture) remember(l *frontier.Lease, note string) {
	x.Helper()
	if err := x.memory().Remember(x.Context(), l, []byte(note)); err != nil {
		x.Fatalf("remember: %v", err)
	}
}

// recalls wants a note of that age.
func (x *fixture) recalls(h frontier.Host, want string, age time.Duration) {
	x.Helper()
	got, old, err := x.memory().Recall(x.Context(), h)
	if err != nil || got == nil || string(got) != want || old != age {
		x.Fatalf("recalled of %s: %.100q, %v old, %v; want %.100q, %v old", h, got, old, err, want, age)
	}
}

// forgot wants no note.
func (x *fixture) forgot(h frontier.Host) {
	x.Helper()
	if got, old, err := x.memory().Recall(x.Context(), h); got != nil || old != 0 || err != nil {
		x.Fatalf("recalled of %s: %.100q, %v old, %v; want nothing", h, got, old, err)
	}
}

func notesAreKnown(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.forgot(hostA) // a host that nobody knows
	x.push(3, append(pages(hostA, 0, 0, 2), pages(hostB, 0, 0, 1)...)...)
	x.forgot(hostA)
	lent := x.lease(2, 1)
	before := x.stats()
	x.remember(&lent[0], "first")
	x.unchanged(before)
	x.recalls(hostA, "first", 0)
	x.forgot(hostB)
	x.clock.Advance(5 * time.Second)
	x.recalls(hostA, "first", 5*time.Second)
	x.remember(&lent[0], "second")
	x.remember(&lent[1], "of another host")
	x.recalls(hostA, "second", 0)
	x.settle(&lent[0], frontier.Done)
	x.clock.Advance(time.Hour) // across releases and expiries
	x.recalls(hostA, "second", time.Hour)
	x.push(0)
	x.recalls(hostB, "of another host", time.Hour)
	for range 2 {
		x.reopen()
		x.clock.Advance(time.Minute)
	}
	x.recalls(hostA, "second", time.Hour+2*time.Minute)
	x.recalls(hostB, "of another host", time.Hour+2*time.Minute)
	if x.store.Join != nil {
		x.f = x.store.Join()
		x.recalls(hostA, "second", time.Hour+2*time.Minute)
	}
	x.sound()
	x.clock.Advance(-24 * time.Hour) // a clock that went back makes no age negative
	x.reopen()
	if _, age, err := x.memory().Recall(t.Context(), hostA); err != nil || age < 0 {
		t.Errorf("age %v, %v", age, err)
	}
}

// notesAreExact: any bytes, none, and as many as may be.
func notesAreExact(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(1, pages(hostA, 0, 0, 1)...)
	l := x.one(1, hostA, "/0")
	note := make([]byte, frontier.MaxNote)
	for i := range note {
		note[i] = byte(i * 7)
	}
	kept := string(note)
	x.remember(l, kept)
	x.recalls(hostA, kept, 0)
	if err := x.memory().Remember(t.Context(), l, make([]byte, frontier.MaxNote+1)); err == nil || errors.Is(err, frontier.ErrLeaseLost) {
		t.Errorf("a note that is too long: %v", err)
	}
	x.recalls(hostA, kept, 0)
	x.reopen()
	x.recalls(hostA, kept, 0)
	x.clock.Advance(ttl)
	l = x.one(1, hostA, "/0")
	x.remember(l, "")
	x.recalls(hostA, "", 0)

	short := []byte("mine")
	if err := x.memory().Remember(t.Context(), l, short); err != nil {
		t.Fatal(err)
	}
	copy(short, "hers") // whoever made it, or got it, may go on to write to it
	got, _, _ := x.memory().Recall(t.Context(), hostA)
	copy(got, bytes.Repeat([]byte("x"), len(got)))
	x.recalls(hostA, "mine", 0)
}

func notesAreFenced(t *testing.T, open Open) {
	x := start(t, open, frontier.Policy{})
	x.push(3, append(pages(hostA, 0, 0, 2), pages(hostB, 0, 0, 1)...)...)
	lent := x.lease(2, 1)
	refused := func(l frontier.Lease) {
		t.Helper()
		if err := x.memory().Remember(t.Context(), &l, []byte("forged")); !errors.Is(err, frontier.ErrLeaseLost) {
			t.Fatalf("remember: %v, want ErrLeaseLost", err)
		}
	}
	forged := lent[0]
	forged.Token += "x"
	refused(forged)
	forged.Token, forged.Host = lent[0].Token, hostB
	refused(forged)
	forged.Host = hostC
	refused(forged)
	x.forgot(hostA)
	x.forgot(hostB)
	x.forgot(hostC)

	l := &lent[0]
	x.remember(l, "mine")
	x.settle(l, frontier.Done)
	refused(*l) // the lease is over
	next := x.one(1, hostA, "/1")
	refused(*l)
	x.clock.Advance(ttl)
	refused(*next) // at its deadline, when nobody has looked
	refused(lent[1])
	x.recalls(hostA, "mine", ttl)
	x.forgot(hostB)
	again := x.lease(2, 1)
	refused(*next)
	x.remember(&again[0], "theirs")
	x.recalls(hostA, "theirs", 0)
	x.ack(&again[0], frontier.Report{Release: true})
	refused(again[0])
	x.recalls(hostA, "theirs", 0)
}

// strangersTakeTurns lets one host of a kind wait behind forty of the other: of two that are lent it is one, at once.
func strangersTakeTurns(t *testing.T, open Open) {
	const crowd = 40
	name := func(i int) frontier.Host { return frontier.Host(fmt.Sprintf("https://h%02d.test", i)) }
	// crowded begins with a crowd of hosts and hostA, which come in this order. All are lent once, but those who must
	// not be asked.
	crowded := func(t *testing.T, asked func(frontier.Host) bool, failures func(frontier.Host) int) *fixture {
		x := start(t, open, frontier.Policy{})
		x.push(3, pages(hostA, 0, 0, 3)...)
		for i := range crowd {
			x.push(3, pages(name(i), 0, 0, 3)...)
		}
		for _, l := range x.lease(crowd+1, 1) {
			r := frontier.Report{Release: true, Failures: -1}
			if asked(l.Host) {
				r = report(frontier.Done)
				r.Failures = failures(l.Host)
			}
			if l.Host == hostA {
				r.Next = time.Millisecond // it comes behind all others
			}
			x.ack(&l, r)
		}
		x.clock.Advance(time.Millisecond)
		return x
	}
	// comes wants hostA among the next two hosts, however they are asked for.
	comes := func(t *testing.T, begin func(t *testing.T) *fixture) {
		t.Run("together", func(t *testing.T) {
			x := begin(t)
			if l := x.lease(2, 1); l[0].Host != hostA && l[1].Host != hostA {
				t.Errorf("lent %s and %s, not %s", l[0].Host, l[1].Host, hostA)
			}
		})
		t.Run("one by one", func(t *testing.T) {
			x := begin(t)
			a, b := x.lease(1, 1), x.lease(1, 1)
			if a[0].Host != hostA && b[0].Host != hostA {
				t.Errorf("lent %s, then %s, not %s", a[0].Host, b[0].Host, hostA)
			}
		})
	}
	all := func(frontier.Host) bool { return true }
	one := func(h frontier.Host) bool { return h == hostA }
	others := func(h frontier.Host) bool { return h != hostA }
	none := func(frontier.Host) int { return 0 }
	t.Run("one that answered, among strangers", func(t *testing.T) {
		comes(t, func(t *testing.T) *fixture { return crowded(t, one, none) })
	})
	t.Run("a stranger, among those that answered", func(t *testing.T) {
		comes(t, func(t *testing.T) *fixture { return crowded(t, others, none) })
	})
	t.Run("one that answered, among those that failed", func(t *testing.T) {
		comes(t, func(t *testing.T) *fixture {
			return crowded(t, all, func(h frontier.Host) int {
				if h == hostA {
					return 0
				}
				return 1
			})
		})
	})
}
