package frontiertest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// openModel opens the model as a store.
func openModel(_ testing.TB, p frontier.Policy, now func() time.Time) Store {
	m := NewModel(p, now)
	return Store{Frontier: m, Reopen: func() frontier.Frontier { m = m.Reopen(); return m }}
}

func TestModel(t *testing.T) { Run(t, openModel) }

func TestHistories(t *testing.T) { Histories(t, openModel) }

func FuzzHistories(f *testing.F) { Fuzz(f, openModel) }

func BenchmarkModel(b *testing.B) { Bench(b, openModel) }

// A server keeps the leases when a client goes away.
func TestModelAsServer(t *testing.T) {
	openServer := func(_ testing.TB, p frontier.Policy, now func() time.Time) Store {
		m := NewModel(p, now)
		m.fleet = true
		return Store{
			Frontier: m, KeepsLeases: true,
			Reopen: func() frontier.Frontier {
				m.closed = true
				m = &Model{world: m.world}
				return m
			},
			Join: func() frontier.Frontier { return &Model{world: m.world} },
		}
	}
	Run(t, openServer)
	t.Run("histories", func(t *testing.T) { Histories(t, openServer) })
}

// slow is a store whose calls take a millisecond, as those of a server may.
type slow struct{ *Model }

func (s slow) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	<-time.After(time.Millisecond)
	return s.Model.Lease(ctx, r)
}

func (s slow) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	<-time.After(time.Millisecond)
	return s.Model.Ack(ctx, l, r)
}

func (s slow) Stats(ctx context.Context) (frontier.Stats, error) {
	<-time.After(time.Millisecond)
	return s.Model.Stats(ctx)
}

// What a store is like does not matter to the suite: nothing in it goes by real time.
func TestSlowModel(t *testing.T) {
	Run(t, func(t testing.TB, p frontier.Policy, now func() time.Time) Store {
		s := openModel(t, p, now)
		reopen := s.Reopen
		s.Frontier = slow{s.Frontier.(*Model)}
		s.Reopen = func() frontier.Frontier { return slow{reopen().(*Model)} }
		return s
	})
}

// The suite tests just what frontier/doc.go promises.
func TestEveryLawHasItsSubtest(t *testing.T) {
	doc, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var promised, tested []string
	_, list, _ := strings.Cut(string(doc), "# Laws")
	for line := range strings.Lines(list) {
		if text, ok := strings.CutPrefix(line, "//   - "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(text), ":")
			promised = append(promised, name)
		}
	}
	for _, l := range laws() {
		tested = append(tested, l.name)
	}
	if !slices.Equal(promised, tested) {
		t.Errorf("laws in doc.go:\n%s\nsubtests:\n%s", strings.Join(promised, "\n"), strings.Join(tested, "\n"))
	}
}

// liar is a store that forgets to count an attempt when a lease expires.
type liar struct{ *Model }

func (l liar) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	leases, wait, err := l.Model.Lease(ctx, r)
	for i := range leases {
		for j := range leases[i].Items {
			leases[i].Items[j].Attempt = 0
		}
	}
	return leases, wait, err
}

func TestAHistoryThatFailsIsShrunk(t *testing.T) {
	openLiar := func(t testing.TB, p frontier.Policy, now func() time.Time) Store {
		s := openModel(t, p, now)
		reopen := s.Reopen
		s.Frontier = liar{s.Frontier.(*Model)}
		s.Reopen = func() frontier.Frontier { return liar{reopen().(*Model)} }
		return s
	}
	fails := func(ops []op) bool {
		_, err := play(t, openLiar, encode(0, ops))
		return err != nil
	}
	_, ops := decode(randomHistory(1))
	if !fails(ops) {
		t.Fatal("a store that counts no attempts passes")
	}
	// A URL is pushed and lent, and its lease expires or is acked with a retry; the end lends it again.
	if ops = shrink(ops, 1000, fails); len(ops) > 4 || !fails(ops) {
		words, err := play(t, openLiar, encode(0, ops))
		t.Errorf("shrunk to %d steps, %v:\n%s", len(ops), err, strings.Join(words, "\n"))
	}
}

func TestAHistoryReadsBackAsWritten(t *testing.T) {
	data := randomHistory(3)
	if _, ops := decode(data); !slices.Equal(encode(data[0], ops), data) {
		t.Error("a history changed in decode and encode")
	}
	for n := range 10 { // any bytes are a history
		if _, err := play(t, openModel, data[:n]); err != nil {
			t.Error(err)
		}
	}
}

func TestFlakyFailsAsPlanned(t *testing.T) {
	ctx := t.Context()
	model := NewModel(frontier.Policy{}, new(Clock).Now)
	f := Flaky(model,
		Fault{"Push", 1, false}, Fault{"Push", 2, true}, Fault{"Stats", 1, true},
		Fault{"Lease", 1, true}, Fault{"Ack", 1, false}, Fault{"Ack", 2, true})
	fails := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, frontier.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	count := func(want frontier.Stats) {
		t.Helper()
		want.State, want.Seen, want.Hosts = frontier.Running, 2, 1
		if got, err := f.Stats(ctx); err != nil || diff(got, want) != "" {
			t.Errorf("stats: %v%s", err, diff(got, want))
		}
	}
	_, err := f.Push(ctx, pages(hostA, 0, 0, 1))
	fails("push that never arrived", err)
	_, err = f.Stats(ctx)
	fails("stats", err)
	_, err = f.Push(ctx, pages(hostA, 0, 0, 2))
	fails("push whose reply was lost", err)
	count(frontier.Stats{Queued: 2})

	r := frontier.LeaseRequest{Worker: "w", ID: "1", Hosts: 1, Batch: 2, TTL: ttl}
	_, _, err = f.Lease(ctx, r)
	fails("lease whose reply was lost", err)
	lent, _, err := f.Lease(ctx, r)
	if err != nil || len(lent) != 1 {
		t.Fatalf("the same request again: %d leases, %v", len(lent), err)
	}
	fails("ack that never arrived", f.Ack(ctx, &lent[0], report(frontier.Done)))
	count(frontier.Stats{Leased: 2, HostsLeased: 1})
	fails("ack whose reply was lost", f.Ack(ctx, &lent[0], report(frontier.Done)))
	count(frontier.Stats{Leased: 1, Done: 1, HostsLeased: 1})
	if lent[0].Settled != 0 {
		t.Error("the lease was moved on without a reply")
	}
	if err := f.Ack(ctx, &lent[0], report(frontier.Done)); err != nil || lent[0].Settled != 1 {
		t.Errorf("the same ack again: %v, %d settled", err, lent[0].Settled)
	}
	count(frontier.Stats{Leased: 1, Done: 1, HostsLeased: 1})

	_, keeps := f.(frontier.Keeper)
	_, remembers := f.(frontier.Memory)
	if _, knows := f.(frontier.Fleet); !keeps || !remembers || !knows {
		t.Error("the store's optional powers are gone")
	}
	if _, ok := Flaky(struct{ frontier.Frontier }{model}).(frontier.Keeper); ok {
		t.Error("powers that the store does not have")
	}
}

func TestAClockMovesWhenItIsTold(t *testing.T) {
	var c Clock
	begin := c.Now()
	c.Advance(90 * time.Second)
	c.Advance(-time.Second)
	if got := c.Now().Sub(begin); got != 89*time.Second {
		t.Errorf("moved by %v", got)
	}
}
