// Package frontiertest is the proof of a frontier: the one suite that every store must pass, the model that says what
// the laws mean, random histories that compare a store with it, a decorator that injects faults, and the benchmarks
// that all stores share.
//
// A store's tests are a page long: they make an [Open] and hand it to [Run], [Histories], [Fuzz] and [Bench]. [Moves]
// tests stores of several kinds together: a crawl that is exported from one goes on in the other.
package frontiertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

// Store is a frontier under test.
type Store struct {
	frontier.Frontier

	// Reopen ends the process that has the store, as nearly to kill -9 as the test can come, and opens the same
	// state in a new one. It may be called again, for the frontier it returned.
	Reopen func() frontier.Frontier

	// KeepsLeases says that leases live on when the process that opened the store dies, because workers in other
	// processes hold them. In a store of one process all leases expire with it.
	KeepsLeases bool

	// Join opens the same state beside the handles that are open, as another process does; the test does not close it.
	// Nil: the store is of one process.
	Join func() frontier.Frontier

	// Import makes a new store of the same kind, with the same clock, of the parts that next hands out until io.EOF.
	// Nil: it cannot.
	Import func(next func() (*frontier.Part, error)) Store
}

// Open returns an empty store with the policy p that takes the time from now, and from nowhere else. The store is
// gone after the test: Open registers what is needed for that with t.Cleanup.
type Open func(t testing.TB, p frontier.Policy, now func() time.Time) Store

// law is one law of the package frontier, by the words of its doc.go up to a colon.
type law struct {
	name string
	test func(t *testing.T, open Open)
}

func laws() []law {
	return []law{
		{"push is idempotent", pushIsIdempotent},
		{"ack is idempotent", ackIsIdempotent},
		{"a refused URL is counted with its reason, is not seen, and can be accepted later", refusedIsNotSeen},
		{"a lease is exclusive", leaseIsExclusive},
		{"a host rests", hostRests},
		{"an expired lease comes back", expiredComesBack},
		{"a stale token is refused with ErrLeaseLost and changes nothing", staleTokenIsRefused},
		{"a release costs no attempt", releaseIsFree},
		{"a retry is not lent before its time, and counts an attempt", retryWaits},
		{"dead is never lent again and says why; done stays seen", deadStaysDead},
		{"order within a host is priority, then age", lineIsOrdered},
		{"no host starves another", nobodyStarves},
		{"hosts that answer and strangers, which were not asked yet or failed, are lent by turns", strangersTakeTurns},
		{"a poison URL dies", poisonDies},
		{"drained exactly when nothing is queued, delayed or lent and nobody is seeding; new seeds reopen the crawl", drainedExactly},
		{"max pages is exact", maxPagesIsExact},
		{"over a cap a link is refused, counted, and not seen", capsRefuse},
		{"links reported under a lease are accepted before its outcomes; under a stale token none is", foundComesFirst},
		{"failures of a host are kept for its next owner, across expiries and reopening too", failuresAreKept},
		{"a note on a host is kept by its owner alone, and known to all", notesAreKept},
		{"paused lends nothing, resumed loses nothing, stop drains", statesAreObeyed},
		{"stats add up", statsAddUp},
		{"state survives reopening, kill -9 included", stateSurvives},
		{"a cancelled context settles nothing", cancelledSettlesNothing},
	}
}

// powers are the laws of the optional powers. A store that lacks one skips its law.
func powers() []law {
	return []law{
		{"a change raises the version", changeRaisesVersion},
		{"members come and go", membersComeAndGo},
		{"inspection agrees with the stats", inspectionAgrees},
		{"retry-dead puts them in line again", retryDeadQueues},
		{"a sound store has nothing to mend", soundHasNothingToMend},
		{"export and import carry the crawl on", func(t *testing.T, open Open) { Moves(t, open) }},
	}
}

// Run tests a store: a subtest for each law, those of optional powers too, and two that run a whole crawl, with many
// workers and with a process that keeps dying. A call that takes a millisecond makes it take some seconds.
func Run(t *testing.T, open Open) {
	whole := []law{
		{"many workers settle every URL once", manyWorkers},
		{"a process that keeps dying loses nothing", dyingProcess},
	}
	for _, l := range slices.Concat(laws(), powers(), whole) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.test(t, open)
		})
	}
}

// The time a lease lives in the laws, and the hosts they use. The TTL divides by three, as the rest after an expiry does.
const (
	ttl = 9 * time.Second

	hostA frontier.Host = "https://a.test"
	hostB frontier.Host = "https://b.test"
	hostC frontier.Host = "http://c.test:8090"
)

// fixture is an open store with a clock, and calls that end the test when they fail.
type fixture struct {
	*testing.T
	store Store
	f     frontier.Frontier // as last reopened
	clock *Clock
	ids   int // of requests
}

func start(t *testing.T, open Open, p frontier.Policy) *fixture {
	t.Helper()
	clock := new(Clock)
	store := open(t, p, clock.Now)
	return &fixture{T: t, store: store, f: store.Frontier, clock: clock}
}

// pages are n URLs of a host with one priority: /first, /first+1 and so on.
func pages(h frontier.Host, p frontier.Priority, first, n int) (entries []frontier.Entry) {
	for i := first; i < first+n; i++ {
		entries = append(entries, frontier.Entry{URL: h.URL(fmt.Sprintf("/%d", i)), Priority: p, Via: string(h) + "/", Depth: 1 + i%3})
	}
	return entries
}

func (x *fixture) push(want int, entries ...frontier.Entry) {
	x.Helper()
	n, err := x.f.Push(x.Context(), entries)
	if err != nil || n != want {
		x.Fatalf("push of %d: %d new, %v; want %d new", len(entries), n, err, want)
	}
	x.stats()
}

func (x *fixture) request(hosts, batch int) frontier.LeaseRequest {
	x.ids++
	return frontier.LeaseRequest{Worker: "w", ID: fmt.Sprint(x.ids), Hosts: hosts, Batch: batch, TTL: ttl}
}

// lease wants exactly so many hosts lent, and returns their leases sorted by host.
func (x *fixture) lease(want, batch int) []frontier.Lease {
	x.Helper()
	leases, wait, err := x.f.Lease(x.Context(), x.request(max(want, 1), batch))
	if err != nil || len(leases) != want {
		x.Fatalf("lease: %d hosts, wait %v, %v; want %d hosts", len(leases), wait, err, want)
	}
	if want == 0 && wait <= 0 {
		x.Fatalf("nothing lent, and to ask again in %v", wait)
	}
	for _, l := range leases {
		if l.TTL != ttl || l.Settled != 0 || len(l.Items) == 0 || len(l.Items) > batch || l.Token == "" {
			x.Fatalf("odd lease: %+v", l)
		}
	}
	x.stats()
	slices.SortFunc(leases, func(a, b frontier.Lease) int { return cmpHosts(a.Host, b.Host) })
	return leases
}

// one wants a host lent with just these URLs.
func (x *fixture) one(batch int, h frontier.Host, paths ...string) *frontier.Lease {
	x.Helper()
	l := x.lease(1, batch)[0]
	if l.Host != h || !slices.Equal(pathsOf(l), paths) {
		x.Fatalf("lent %s %v; want %s %v", l.Host, pathsOf(l), h, paths)
	}
	return &l
}

// none wants nothing lent now though the crawl is not over.
func (x *fixture) none() {
	x.Helper()
	x.lease(0, 10)
	if x.stats().Drained {
		x.Fatal("drained by the stats, not by the lease")
	}
}

// over wants the crawl drained.
func (x *fixture) over() {
	x.Helper()
	leases, _, err := x.f.Lease(x.Context(), x.request(10, 10))
	if len(leases) > 0 || !errors.Is(err, frontier.ErrDrained) {
		x.Fatalf("lease: %d hosts, %v; want ErrDrained", len(leases), err)
	}
	if !x.stats().Drained {
		x.Fatal("drained by the lease, not by the stats")
	}
}

func (x *fixture) ack(l *frontier.Lease, r frontier.Report) {
	x.Helper()
	want := l.Settled + len(r.Outcomes)
	if err := x.f.Ack(x.Context(), l, r); err != nil {
		x.Fatalf("ack: %v", err)
	}
	if l.Settled != want {
		x.Fatalf("after the ack %d settled, want %d", l.Settled, want)
	}
	x.stats()
}

// settle acks with these verdicts; a Retry is due at once.
func (x *fixture) settle(l *frontier.Lease, verdicts ...frontier.Verdict) {
	x.Helper()
	x.ack(l, report(verdicts...))
}

// lost wants the ack refused, and nothing changed by it.
func (x *fixture) lost(l *frontier.Lease, r frontier.Report) {
	x.Helper()
	before, settled := x.stats(), l.Settled
	if err := x.f.Ack(x.Context(), l, r); !errors.Is(err, frontier.ErrLeaseLost) {
		x.Fatalf("ack: %v, want ErrLeaseLost", err)
	}
	if l.Settled != settled {
		x.Fatal("a refused ack moved the lease on")
	}
	x.unchanged(before)
}

// stats reads the counts, and checks that they add up.
func (x *fixture) stats() frontier.Stats {
	x.Helper()
	s, err := x.f.Stats(x.Context())
	if err != nil {
		x.Fatalf("stats: %v", err)
	}
	if err := consistent(s); err != nil {
		x.Fatal(err)
	}
	return s
}

func (x *fixture) unchanged(before frontier.Stats) {
	x.Helper()
	if d := diff(x.stats(), before); d != "" {
		x.Fatalf("something changed: %s", d)
	}
}

func (x *fixture) reopen() {
	x.Helper()
	x.f = x.store.Reopen()
	x.stats()
}

// memory is the store as one that keeps notes, as every store does.
func (x *fixture) memory() frontier.Memory {
	x.Helper()
	m, ok := x.f.(frontier.Memory)
	if !ok {
		x.Fatal("the store is no frontier.Memory")
	}
	return m
}

// power is the store by one of its optional powers. The rest of a law is skipped where the store does not have it.
func power[T any](x *fixture) T {
	x.Helper()
	p, ok := x.f.(T)
	if !ok {
		x.Skipf("the store is no %v", reflect.TypeFor[T]())
	}
	return p
}

func (x *fixture) keeper() frontier.Keeper       { return power[frontier.Keeper](x) }
func (x *fixture) holder() frontier.Holder       { return power[frontier.Holder](x) }
func (x *fixture) fleet() frontier.Fleet         { return power[frontier.Fleet](x) }
func (x *fixture) inspector() frontier.Inspector { return power[frontier.Inspector](x) }
func (x *fixture) mender() frontier.Mender       { return power[frontier.Mender](x) }

// sound wants a store that can check itself to find nothing.
func (x *fixture) sound() {
	x.Helper()
	if err := sound(x.Context(), x.f); err != nil {
		x.Fatal(err)
	}
}

func (x *fixture) set(s frontier.State) {
	x.Helper()
	if err := x.keeper().SetState(x.Context(), s); err != nil {
		x.Fatalf("set state: %v", err)
	}
}

func (x *fixture) hold(name string, d time.Duration) {
	x.Helper()
	if err := x.holder().Hold(x.Context(), name, d); err != nil {
		x.Fatalf("hold: %v", err)
	}
}

func (x *fixture) setPolicy(p frontier.Policy) {
	x.Helper()
	if err := x.keeper().SetPolicy(x.Context(), p); err != nil {
		x.Fatalf("set policy: %v", err)
	}
}

// cancelled is a context that has ended.
func cancelled(parent context.Context) context.Context {
	ctx, cancel := context.WithCancel(parent)
	cancel()
	return ctx
}
