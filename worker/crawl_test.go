package worker

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/frontiertest"
)

// whole is a crawl over real connections with the embedded frontier.
type whole struct {
	*testing.T
	web     *webtest.Web
	server  *webtest.Server
	store   *disk.Store
	journal *journal
	cfg     Config
}

// startWhole serves a small web with all that webtest can do, and opens a crawl of it in folder dir.
func startWhole(t *testing.T, dir string, p frontier.Policy) *whole {
	web := webtest.New(webtest.Config{
		Seed: 7, Hosts: 10, PagesPerHost: 50, Links: 30, PageBytes: 4 << 10, CrossHost: 0.1,
		DeadLinks: 0.1, Redirects: 0.1, RobotsDenied: 0.1, Errors: 0.05, Latency: time.Millisecond,
	})
	server, err := web.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	x := &whole{T: t, web: web, server: server}
	x.open(dir, p)
	return x
}

// open opens the crawl, its scope and its client; a new journal begins.
func (x *whole) open(dir string, p frontier.Policy) {
	store, err := disk.Open(dir, disk.Config{Policy: &p})
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { store.Close() })
	scope, err := frontier.NewScope(p)
	if err != nil {
		x.Fatal(err)
	}
	fetcher, err := crawler.New(crawler.Config{
		UserAgent: "trawl-test",
		AllowNet:  []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	})
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(fetcher.Close)
	robots, err := crawler.NewRobots(fetcher, crawler.RobotsConfig{Token: "trawl"})
	if err != nil {
		x.Fatal(err)
	}
	crawl, err := store.Crawl(x.Context())
	if err != nil {
		x.Fatal(err)
	}
	x.store, x.journal = store, newJournal(store)
	x.cfg = Config{
		Frontier: x.journal, Crawl: crawl, Sink: x.journal, Tally: &Tally{},
		Plan: &Plan{Policy: crawl.Policy, Scope: scope, Fetch: fetcher, Robots: robots},
	}
	x.seed()
}

func (x *whole) seed() {
	x.Helper()
	var seeds []frontier.Entry
	for _, seed := range x.server.Seeds() {
		u := mustParse(x, seed)
		x.cfg.Plan.Scope.Add(u)
		seeds = append(seeds, frontier.Entry{URL: u, Seed: true})
	}
	if _, err := x.store.Push(x.Context(), seeds); err != nil {
		x.Fatal(err)
	}
}

// agrees compares all that was settled with the oracle: statuses, depths, and the requests that the server saw.
func (x *whole) agrees(records []*crawler.Record, rules webtest.Rules) {
	x.Helper()
	got := map[string]*crawler.Record{}
	for _, r := range records {
		got[r.URL] = r
	}
	count := 0
	for fate := range x.web.Reachable(rules, x.server.Seeds()...) {
		count++
		r := got[fate.URL]
		if r == nil || r.Status != fate.Status || r.Depth < fate.Depth || r.Attempt != fate.Tries-1 {
			x.Errorf("%s: want %+v, got %+v", fate.URL, fate, r)
		}
		if n := x.server.Log().Count(fate.URL); n != fate.Tries {
			x.Errorf("%s: %d requests, want %d", fate.URL, n, fate.Tries)
		}
		delete(got, fate.URL)
	}
	if len(got) > 0 {
		x.Errorf("settled, but not to be: %q", slices.Collect(maps.Keys(got)))
	}
	s, err := x.store.Stats(x.Context())
	if err != nil || s.Settled() != int64(count) || s.Seen != int64(count) || !s.Drained {
		x.Errorf("stats %+v, %v; want %d settled", s, err, count)
	}
	for _, fault := range x.journal.faults {
		x.Error(fault)
	}
}

// quick is a policy for loopback.
func quick(scope frontier.ScopeRule) frontier.Policy {
	return policy(func(p *frontier.Policy) { p.Delay, p.PerHost, p.Scope = 2*time.Millisecond, 3, scope })
}

func TestAWholeCrawlSettlesWhatTheOracleSays(t *testing.T) {
	t.Parallel()
	x := startWhole(t, t.TempDir(), quick(frontier.ScopeHost))
	if err := Run(t.Context(), x.cfg); err != nil {
		t.Fatal(err)
	}
	x.agrees(x.journal.records, webtest.Rules{})

	totals, want := x.cfg.Tally.Totals(), map[int]int64{}
	var bytes, retries int64
	for _, r := range x.journal.records {
		want[r.Status]++
		bytes += r.Length
		retries += int64(r.Attempt)
	}
	if totals.Settled != int64(len(x.journal.records)) || totals.Done != totals.Settled || !maps.Equal(totals.Status, want) ||
		totals.Retries["http-503"] != retries || retries == 0 || totals.Bytes < bytes {
		t.Errorf("totals %+v; %d records by status %v, %d bytes, %d retries", totals, len(x.journal.records), want, bytes, retries)
	}
	for _, host := range x.server.Log().Hosts() {
		if most := x.server.Log().MaxConcurrent(host); most > 3 {
			t.Errorf("%s was sent %d requests at once", host, most)
		}
		if n := x.server.Log().Count("http://" + host + "/robots.txt"); n != 1 {
			t.Errorf("%s was asked for robots.txt %d times", host, n)
		}
	}
}

func TestAWholeCrawlSurvivesAFlakyStore(t *testing.T) {
	t.Parallel()
	x := startWhole(t, t.TempDir(), quick(frontier.ScopeAny))
	var plan []frontiertest.Fault
	for call := 5; call < 600; call += 29 {
		plan = append(plan, frontiertest.Fault{Method: "Ack", Call: call, After: call%2 == 0})
		plan = append(plan, frontiertest.Fault{Method: "Lease", Call: call, After: call%2 == 1})
	}
	x.journal.Frontier = frontiertest.Flaky(x.store, plan...)
	if err := Run(t.Context(), x.cfg); err != nil {
		t.Fatal(err)
	}
	x.agrees(x.journal.records, webtest.Rules{AnyHost: true})
}

func TestAWholeCrawlCutIntoPiecesSettlesEachPageOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := quick(frontier.ScopeHost)
	x := startWhole(t, dir, p)
	var records []*crawler.Record
	pieces := 0
	for over := false; !over; pieces++ {
		drain := make(chan struct{})
		written := 0
		x.journal.refuse = func(*crawler.Record) error { // called under the journal's lock
			if written++; written == 80 {
				close(drain)
			}
			return nil
		}
		x.cfg.Drain = drain
		if err := Run(t.Context(), x.cfg); err != nil {
			t.Fatal(err)
		}
		s, err := x.store.Stats(t.Context())
		if err != nil || s.Leased+s.HostsLeased+s.Reclaimed > 0 {
			t.Fatalf("after piece %d: %+v, %v", pieces, s, err)
		}
		records = append(records, x.journal.records...)
		if over = s.Drained; over {
			break
		}
		if err := x.store.Close(); err != nil {
			t.Fatal(err)
		}
		x.open(dir, p)
	}
	if pieces < 3 {
		t.Errorf("it was cut %d times", pieces)
	}
	x.agrees(records, webtest.Rules{})
}

func TestAWholeCrawlStoppedAtOnceLosesNothing(t *testing.T) {
	t.Parallel()
	x := startWhole(t, t.TempDir(), quick(frontier.ScopeHost))
	ctx, cancel := context.WithCancel(t.Context())
	written := 0
	x.journal.refuse = func(*crawler.Record) error {
		if written++; written == 100 {
			cancel()
		}
		return nil
	}
	if err := Run(ctx, x.cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("run: %v", err)
	}
	s, err := x.store.Stats(t.Context())
	if err != nil || s.Leased+s.HostsLeased+s.Reclaimed > 0 || s.Settled() != int64(len(x.journal.records)-len(x.journal.waiting)) {
		t.Errorf("stats %+v, %v; %d records, %d not acked", s, err, len(x.journal.records), len(x.journal.waiting))
	}
	x.journal.refuse = nil
	if err := Run(t.Context(), x.cfg); err != nil {
		t.Fatal(err)
	}
	settled := map[string]bool{}
	for _, r := range x.journal.records {
		settled[r.URL] = true
	}
	for fate := range x.web.Reachable(webtest.Rules{}, x.server.Seeds()...) {
		if !settled[fate.URL] {
			t.Errorf("%s is lost", fate.URL)
		}
	}
}
