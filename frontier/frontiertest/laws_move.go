package frontiertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"trawl/frontier"
)

// Moves tests that a crawl goes on in another store as if nothing had happened: it is exported, and imported into the
// store that comes next, and into the first one again after the last. With one kind of store it is the law "export and
// import carry the crawl on"; a test that may import several kinds gives them all.
func Moves(t *testing.T, kinds ...Open) {
	open := Alternately(kinds...)
	t.Run("everything is carried on", func(t *testing.T) { everythingIsCarriedOn(t, open, len(kinds)) })
	t.Run("nothing is fetched twice", func(t *testing.T) { movingCrawl(t, open, len(kinds)) })
}

// Alternately opens stores of the first kind, whose Import makes one of the second, and so on in turn. With it
// [Histories] move from kind to kind.
func Alternately(kinds ...Open) Open {
	return func(t testing.TB, p frontier.Policy, now func() time.Time) Store {
		first := kinds[0](t, p, now)
		imports := []func(next func() (*frontier.Part, error)) Store{first.Import}
		for _, open := range kinds[1:] {
			imports = append(imports, open(t, frontier.Policy{}, now).Import)
		}
		return inTurn(first, imports, 1)
	}
}

func inTurn(s Store, imports []func(next func() (*frontier.Part, error)) Store, n int) Store {
	into := imports[n%len(imports)]
	if into == nil {
		s.Import = nil
		return s
	}
	s.Import = func(next func() (*frontier.Part, error)) Store { return inTurn(into(next), imports, n+1) }
	return s
}

// export is all parts of a crawl, as they read back from a file.
func export(ctx context.Context, f frontier.Frontier) (lines [][]byte, err error) {
	e, ok := f.(frontier.Exporter)
	if !ok {
		return nil, errors.New("it can be imported and not exported")
	}
	err = e.Export(ctx, func(p *frontier.Part) error {
		line, err := json.Marshal(p)
		lines = append(lines, line)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return lines, nil
}

// reader hands out parts.
func reader(lines [][]byte) func() (*frontier.Part, error) {
	return func() (*frontier.Part, error) {
		if len(lines) == 0 {
			return nil, io.EOF
		}
		p := new(frontier.Part)
		err := json.Unmarshal(lines[0], p)
		lines = lines[1:]
		return p, err
	}
}

// traveller moves a crawl from store to store.
type traveller struct {
	*fixture
	moves int
}

func travel(t *testing.T, open Open, p frontier.Policy) *traveller {
	t.Helper()
	x := &traveller{fixture: start(t, open, p)}
	if _, ok := x.f.(frontier.Exporter); !ok || x.store.Import == nil {
		t.Skip("the store is not to be exported and imported")
	}
	return x
}

// move moves the crawl, which must be at rest, to the next store.
func (x *traveller) move() {
	x.Helper()
	x.push(0) // lets time do its work
	before := x.stats()
	parts, err := export(x.Context(), x.f)
	if err != nil {
		x.Fatal(err)
	}
	x.wellFormed(parts, before)
	x.moves++
	x.store = x.store.Import(reader(parts))
	if err := x.f.Close(); err != nil {
		x.Fatalf("close: %v", err)
	}
	x.f = x.store.Frontier
	x.unchanged(before)
	x.sound()
}

// wellFormed wants exported parts to be what package frontier says of them.
func (x *traveller) wellFormed(lines [][]byte, s frontier.Stats) {
	x.Helper()
	next := reader(lines)
	var crawls, hosts, prints, waiting, dead int64
	for p, err := next(); err != io.EOF; p, err = next() {
		if err != nil {
			x.Fatal(err)
		}
		switch {
		case p.Crawl != nil:
			crawls++
			if p.Crawl.Format != frontier.PartFormat || hosts+prints+waiting+dead > 0 {
				x.Errorf("the crawl, after %d hosts: %+v", hosts, p.Crawl)
			}
		case p.Host != nil:
			hosts++
		case p.Seen != nil:
			prints += int64(len(p.Seen.Prints) / 8)
			if len(p.Seen.Prints) > 1<<16 {
				x.Errorf("%d bytes of fingerprints in one part", len(p.Seen.Prints))
			}
		case p.URL.State == frontier.URLDead:
			dead++
		case p.URL.State != frontier.URLSeed:
			waiting++
		}
	}
	if crawls != 1 || hosts != s.Hosts || prints != s.Seen || waiting != s.Queued+s.Delayed || dead != s.Dead {
		x.Fatalf("parts of %d crawls, %d hosts, %d fingerprints, %d waiting and %d dead URLs; stats %+v", crawls, hosts, prints, waiting, dead, s)
	}
}

// everythingIsCarriedOn: order, attempts, generations, delays, pauses, caps, counts, reasons, examples, seeds, policy
// and state. What is settled is known for ever.
func everythingIsCarriedOn(t *testing.T, open Open, kinds int) {
	policy := frontier.DefaultPolicy()
	policy.MaxHostPages, policy.MaxPages, policy.Delay, policy.Exclude = 9, 1000, time.Second, []string{"/private/"}
	x := travel(t, open, policy)
	x.mender()
	x.worked()
	made, before := x.crawl(), x.stats()
	if _, ok := x.f.(frontier.Inspector); ok {
		x.hosts()
	}
	for range kinds + 1 {
		x.move()
		got := x.crawl()
		if got.ID != made.ID || !got.Created.Equal(made.Created) || !reflect.DeepEqual(got.Policy, made.Policy) || got.Version < made.Version {
			t.Fatalf("crawl after the move: %+v, want %+v", got, made)
		}
		made.Version = got.Version
		x.seeded([]frontier.Entry{{URL: hostA.URL("/seed"), Sitemap: true}, {URL: hostB.URL("/moved")}})
		x.forgot(hostA)
		if _, ok := x.f.(frontier.Inspector); ok {
			x.died("https://a.test/1 dns no such host", "https://a.test/0 test ")
			x.hosts()
		}
		x.exampled("max-host-pages", "https://a.test/15", "https://a.test/14")
		x.reopen()
		x.unchanged(before)
	}
	x.goesOn()
}

func sitemaps(entries []frontier.Entry) []frontier.Entry {
	for i := range entries {
		entries[i].Sitemap = true
	}
	return entries
}

// exampled wants these refused links to be carried as examples, the latest first.
func (x *traveller) exampled(why frontier.Reason, want ...string) {
	x.Helper()
	parts, err := export(x.Context(), x.f)
	if err != nil {
		x.Fatal(err)
	}
	p, err := reader(parts)()
	if err != nil || !slices.Equal(p.Crawl.Examples[why], want) {
		x.Fatalf("examples %q, %v; want %q", p.Crawl.Examples, err, want)
	}
}

// worked brings a crawl into the state that is carried about: paused, and nothing lent.
func (x *traveller) worked() {
	x.Helper()
	x.push(5, slices.Concat([]frontier.Entry{{URL: hostA.URL("/seed"), Seed: true, Sitemap: true, Priority: 2, Depth: 4, Hops: 2}},
		sitemaps(pages(hostA, 0, 0, 2)), pages(hostA, 1, 2, 2))...)
	r := report(frontier.Retry, frontier.Dead, frontier.Done, frontier.Refused, frontier.Retry)
	r.Outcomes[1].Reason, r.Outcomes[1].Detail = "dns", "no such host"
	r.Outcomes[2].Found = slices.Concat(pages(hostA, 3, 4, 3),
		[]frontier.Entry{{URL: hostB.URL("/moved"), Via: "https://a.test/seed", Seed: true}}, pages(hostB, 0, 0, 1))
	r.Outcomes[2].Refused = []frontier.Refusal{{Reason: frontier.TooDeep, Count: 3, Example: "https://deep.test/"}}
	r.Outcomes[4].After = time.Minute
	r.Next, r.Delay = 20*time.Second, 5*time.Second
	l := x.one(9, hostA, "/0", "/1", "/2", "/3", "/seed")
	x.remember(l, "not carried on")
	x.ack(l, r)
	x.clock.Advance(20 * time.Second)
	x.first("/0", report(frontier.Dead)) // at its second attempt

	late := report(frontier.Dead)
	late.Outcomes[0].Reason = "late"
	x.first("/4", late)
	x.retry(1, hostA, "late")
	x.push(2, append(sitemaps(pages(hostA, 0, 12, 1)), pages(hostA, 0, 13, 1)...)...)
	x.push(0, pages(hostA, 0, 14, 1)...) // over the cap: /seed, /0 to /2, /4 to /6, /12 and /13 are nine
	x.push(0, pages(hostA, 0, 15, 1)...)
	x.first("/12", frontier.Report{Next: 30 * time.Second, Release: true, Failures: 4})
	x.set(frontier.Paused)
}

// first acks what is first in line on A, and gives back B.
func (x *traveller) first(path string, r frontier.Report) {
	x.Helper()
	lent := x.lease(2, 1)
	if got := lent[0].Items[0].URL; got != hostA.URL(path) {
		x.Fatalf("lent %s first, want %s", got, path)
	}
	x.ack(&lent[1], frontier.Report{Release: true})
	x.ack(&lent[0], r)
}

// goesOn brings the crawl that was carried about to its end.
func (x *traveller) goesOn() {
	x.Helper()
	x.set(frontier.Running)
	l := x.one(9, hostB, "/moved", "/0") // A has its pause
	if it := l.Items[0]; !it.Seed || it.Via != "https://a.test/seed" {
		x.Errorf("lent after the moves: %s", describe(*l))
	}
	x.settle(l, frontier.Done, frontier.Done)
	l = x.rests(30 * time.Second)
	if it := l.Items[0]; l.Failures != 4 || !it.Sitemap {
		x.Errorf("lent after the moves: %s", describe(*l))
	}
	x.ack(l, frontier.Report{Release: true})
	l = x.one(9, hostA, "/12", "/13", "/5", "/6", "/4")
	if it := l.Items[4]; l.Delay != 5*time.Second || it.Generation != 1 || it.Attempt != 0 || it.Priority != 3 || l.Items[1].Sitemap {
		x.Errorf("lent after the moves: %s", describe(*l))
	}
	x.settle(l, slices.Repeat([]frontier.Verdict{frontier.Done}, 5)...)
	l = x.rests(10 * time.Second)
	want := frontier.Entry{URL: hostA.URL("/seed"), Seed: true, Sitemap: true, Priority: 2, Depth: 4, Hops: 2}
	if it := l.Items[0]; it != (frontier.Item{Entry: want, Attempt: 1}) {
		x.Errorf("retried after the moves: %+v", it)
	}
	x.settle(l, frontier.Done)
	x.over()
	x.retry(2, hostA, "")
	l = x.one(9, hostA, "/1", "/0")
	if !l.Items[0].Sitemap || !l.Items[1].Sitemap {
		x.Errorf("lent from the dead after the moves: %s", describe(*l))
	}
	x.settle(l, frontier.Done, frontier.Done)

	x.push(0, slices.Concat(pages(hostA, 0, 0, 3), pages(hostA, 0, 4, 3), pages(hostA, 0, 12, 2), pages(hostB, 0, 0, 1))...)
	x.push(0, pages(hostA, 0, 3, 1)...) // it was refused, and is over the cap
	p := x.crawl().Policy
	p.MaxHostPages = 0
	x.setPolicy(p)
	x.push(1, pages(hostA, 0, 3, 1)...)
	want2 := map[frontier.Reason]int64{frontier.HostPagesCap: 3, frontier.TooDeep: 3, "test": 1}
	if s := x.stats(); !maps.Equal(s.Refused, want2) || s.Seen != 12 || s.Retries != 2 {
		x.Errorf("stats at the end: %+v, want %v refused", s, want2)
	}
	x.sound()
}

// movingCrawl moves a crawl every now and then, from its beginning to its end.
func movingCrawl(t *testing.T, open Open, kinds int) {
	w := web{hosts: 4, pages: 30}
	x := travel(t, open, frontier.Policy{})
	x.push(1, frontier.Entry{URL: w.url(0)})
	see := &witness{clock: x.clock, owners: map[frontier.Host]owner{}, settled: map[frontier.URL]int{}}
	p := person{x: x.fixture, f: x.f, web: w, see: see, rng: rand.New(rand.NewPCG(4, 0))}
	for n := 0; ; n++ {
		lent, _, err := x.f.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", ID: fmt.Sprint(n), Hosts: 3, Batch: 5, TTL: ttl})
		if errors.Is(err, frontier.ErrDrained) {
			break
		}
		if err != nil {
			t.Fatalf("lease: %v", err)
		}
		if len(lent) == 0 {
			x.clock.Advance(time.Second)
		}
		for i := range lent {
			for range 1 + p.rng.IntN(len(lent[i].Items)) {
				if err := p.ack(&lent[i]); err != nil {
					t.Fatalf("ack: %v", err)
				}
			}
			if lent[i].Settled < len(lent[i].Items) {
				x.ack(&lent[i], frontier.Report{Release: true})
			}
		}
		if n%4 == 3 {
			x.set(frontier.Paused)
			x.move()
			x.set(frontier.Running)
			p.f = x.f
		}
	}
	if x.moves < 2*kinds {
		t.Errorf("only %d moves", x.moves)
	}
	if s := x.stats(); s.Dead > 0 {
		t.Errorf("stats: %+v", s)
	}
	if err := see.check(x.stats(), w.size()); err != nil {
		t.Fatal(err)
	}
}
