package redis_test

import (
	"errors"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

var done = frontier.Outcome{Verdict: frontier.Done}

// A lease can outlive a restart that its latest acks do not. Its owner thinks that more is settled than is: he gives it
// up, and those pages are fetched again.
func TestAnAckAfterOneThatTheServerLost(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	s := join(t, r, redis.Config{Policy: new(frontier.Policy), Crawl: "lossy", Create: true})
	push(t, s, 5, pages(0, 5))
	l := leaseOne(t, s, 5)
	ack(t, s, l, done)
	if err := s.Client().Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	ack(t, s, l, done)
	if err := r.Restart(); err != nil {
		t.Fatal(err)
	}
	err := insistOnAck(t, s, l)
	if st, failed := s.Stats(t.Context()); !errors.Is(err, frontier.ErrLeaseLost) || failed != nil || st.Done != 1 || st.Leased != 4 {
		t.Errorf("ack: %v; stats: %+v, %v", err, st, failed)
	}
}

// insistOnAck acks a page that is done, as soon as the server can be reached.
func insistOnAck(t *testing.T, s *redis.Store, l *frontier.Lease) (err error) {
	t.Helper()
	report := frontier.Report{Outcomes: []frontier.Outcome{done}}
	if late := eventually(func() error {
		if err = s.Ack(t.Context(), l, report); errors.Is(err, frontier.ErrUnavailable) {
			return err
		}
		return nil
	}); late != nil {
		t.Fatal(late)
	}
	return err
}

// Whoever does not know whether an ack arrived can still keep the lease.
func TestAnExtensionThatKnowsLessThanTheStore(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	push(t, s, 3, pages(0, 3))
	l := leaseOne(t, s, 3) // for a minute
	unsure := *l
	if err := s.Ack(t.Context(), l, frontier.Report{Outcomes: []frontier.Outcome{done}, Failures: 2}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(50 * time.Second)
	ack(t, s, &unsure)
	if h, _, err := s.Host(t.Context(), hostA); err != nil || h.Failures != 2 {
		t.Errorf("it made %d failures of 2, %v", h.Failures, err)
	}
	clock.Advance(50 * time.Second)
	ack(t, s, l, done)
	if st, err := s.Stats(t.Context()); err != nil || st.Done != 2 || st.Reclaimed != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// A crawl is imported under the name of one that was purged, and has the same ids of records, secret and seen sets. But
// who had that one open, and knows what it acknowledged, has to find out.
func TestAnImportIsAnotherCrawl(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	cfg := redis.Config{Policy: new(frontier.Policy), Crawl: "again", Create: true}
	old := join(t, r, cfg)
	push(t, old, 3, pages(0, 3))
	if err := old.SetState(t.Context(), frontier.Paused); err != nil {
		t.Fatal(err)
	}
	var parts []*frontier.Part
	if err := old.Export(t.Context(), func(p *frontier.Part) error { parts = append(parts, p); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := old.SetState(t.Context(), frontier.Running); err != nil {
		t.Fatal(err)
	}
	l := leaseOne(t, old, 3)
	ack(t, old, l, frontier.Outcome{Verdict: frontier.Done, Found: pages(10, 30)})
	before, err := old.Crawl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := redis.Purge(t.Context(), r.URL(), "again"); err != nil {
		t.Fatal(err)
	}
	if err := redis.Import(t.Context(), r.URL(), redis.Config{Crawl: "again"}, hand(parts)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := old.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: 1, TTL: time.Minute}); !errors.Is(err, redis.ErrNoCrawl) {
		t.Errorf("lease of the earlier crawl: %v, want ErrNoCrawl", err)
	}
	after, err := join(t, r, redis.Config{Crawl: "again"}).Crawl(t.Context())
	if err != nil || after.ID != before.ID {
		t.Errorf("the crawl was %s, and is %s, %v", before.ID, after.ID, err)
	}
}

// A record that makes no sense ends the script for all acks that go together: then nothing has changed.
func TestADamagedRecordHarmsNoOtherHost(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"h", "s"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			s, err := redis.Open(t.Context(), address, redis.Config{Crawl: "damaged-" + key, Create: true, Policy: new(frontier.Policy)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			for h := range 2 {
				push(t, s, 2, []frontier.Entry{{URL: host(h).URL("/0")}, {URL: host(h).URL("/1")}})
			}
			leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 2, Batch: 2, TTL: time.Minute})
			if err != nil || len(leases) != 2 {
				t.Fatalf("%d leases, %v", len(leases), err)
			}
			bad := map[string]string{"h": string(leases[1].Host), "s": "https://bad.test"}[key]
			if err := s.Client().HSet(t.Context(), prefixOf(t, s)+key, bad, "!garbage").Err(); err != nil {
				t.Fatal(err)
			}
			report := func(to frontier.Host) frontier.Report {
				return frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done, Found: []frontier.Entry{{URL: to.URL("/new")}}}}}
			}
			errs := s.AckTogether(t.Context(), leases, report(leases[0].Host), report("https://bad.test"))
			if errs[0] == nil || errs[1] == nil {
				t.Errorf("acks: %v", errs)
			}
			list := s.Client().LRange(t.Context(), prefixOf(t, s)+"q0:"+string(leases[0].Host), 0, 1).Val()
			if len(list) != 2 || list[0][len(list[0])-2:] != "/0" {
				t.Errorf("the line of the sound host is %q", list)
			}
		})
	}
}

func TestACrawlCanBeSteeredWithoutMemory(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	s := join(t, r, redis.Config{Policy: new(frontier.Policy), Crawl: "full", Create: true})
	push(t, s, 100, pages(0, 100))
	request := frontier.LeaseRequest{Worker: "w", ID: "one", Hosts: 1, Batch: 2, TTL: time.Minute}
	if l, _, err := s.Lease(t.Context(), request); err != nil || len(l) != 1 {
		t.Fatalf("lease: %d, %v", len(l), err)
	}
	if err := s.Client().ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if l, _, err := s.Lease(t.Context(), request); err != nil || len(l) != 1 {
		t.Errorf("the same lease again: %d, %v", len(l), err)
	}
	if err := s.SetState(t.Context(), frontier.Paused); err != nil {
		t.Errorf("pause: %v", err)
	}
	if _, err := s.Beat(t.Context(), frontier.Member{Name: "w"}); err != nil {
		t.Errorf("beat: %v", err)
	}
}
