package disk_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// worked makes a crawl of two hosts with URLs in every state: of a.test /1 is done, /2 and /6 dead, /3 delayed, /4 and /5
// in line; of b.test /1 and /2 are in line.
func worked(t *testing.T, dir string) {
	t.Helper()
	s := mustOpen(t, dir)
	seed := entries("http://a.test", "/1")
	seed[0].Seed = true
	push(t, s, seed...)
	push(t, s, entries("http://a.test", "/2", "/3", "/4", "/5", "/6")...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 6, TTL: time.Minute})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	r := frontier.Report{Outcomes: []frontier.Outcome{
		{Verdict: frontier.Done}, {Verdict: frontier.Dead, Reason: "dns"}, {Verdict: frontier.Retry, Reason: "x", After: time.Hour},
		{Verdict: frontier.Retry, Reason: "x"}, {Verdict: frontier.Retry, Reason: "x"}, {Verdict: frontier.Dead, Reason: "x"},
	}}
	if err := s.Ack(t.Context(), &leases[0], r); err != nil {
		t.Fatal(err)
	}
	push(t, s, entries("http://b.test", "/1", "/2")...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What is damaged behind the store's back is found, said in words, and put right: the crawl goes on with every URL that
// can still be read.
func TestDamageIsFoundAndRepaired(t *testing.T) {
	for name, c := range map[string]struct {
		damage string // to the file
		finds  string // one of the findings contains it
		left   int64  // URLs that wait afterwards, of 5
	}{
		"counts that are wrong":    {"update meta set v = json_set(v, '$.queued', 77) where k = 'stats'", "78 waiting", 5},
		"counts that are no JSON":  {"update meta set v = '{' where k = 'stats'", "stats of the crawl cannot be read", 5},
		"counts that are missing":  {"delete from meta where k = 'stats'", "stats of the crawl cannot be read", 5},
		"a state that is missing":  {"delete from meta where k = 'state'", "state of the crawl cannot be read", 5},
		"reasons that are wrong":   {"update meta set v = json_set(v, '$.dead_for.dns', 5) where k = 'stats'", "by reason", 5},
		"a host that is missing":   {"delete from host where name = 'http://b.test'", "are of no host", 3},
		"a host with two rows":     {"insert into host (name, done) values ('http://b.test', 1)", "two rows", 5},
		"a host's counts":          {"update host set accepted = 99 where id = 1", "http://a.test counts 99", 5},
		"a host's failures":        {"update host set failures = -2 where id = 1", "-2 requests failed", 5},
		"a note on no host":        {"insert into note (host, at, text) values (99, 0, 'x')", "a note is on no host", 5},
		"a host with no name":      {"update host set name = 'b' where id = 2", `is called "b"`, 3},
		"what is lent":             {"update host set lent = 'x' where id = 1", "what is lent", 5},
		"a chunk that is missing":  {"delete from chunk where host = 2", "http://b.test counts 2", 3},
		"a chunk of no host":       {"update chunk set host = 99 where host = 2", "are of no host", 3},
		"a chunk settled too far":  {"update chunk set settled = 2 where host = 2", "what is said of URLs", 5},
		"a chunk's length":         {"update chunk set n = 3 where host = 2", "what is said of URLs", 5},
		"a chunk's tries":          {"update chunk set tries = x'00' where host = 2", "what is said of URLs", 5},
		"a chunk's priority":       {"update chunk set priority = 9 where host = 2", "what is said of URLs", 5},
		"paths that are no JSON":   {`update chunk set paths = '["/1' where host = 2`, "cannot be read", 3},
		"a path that is none":      {`update chunk set paths = '["/1","@evil.test/"]' where host = 2`, "is no URL", 4},
		"a URL in line twice":      {`update chunk set paths = '["/1","/1"]' where host = 2`, "in line twice", 4},
		"a URL that is not seen":   {`update chunk set paths = '["/1","/new"]' where host = 2`, "http://b.test/new is not among the seen", 5},
		"fingerprints all gone":    {"delete from seen", "is not among the seen", 5},
		"fingerprints cut off":     {"update seen set fingerprints = substr(fingerprints, 1, 12) where id = 2", "cut off", 5},
		"a dead URL that is gone":  {"delete from dead where reason = 'dns'", "and has", 5},
		"a dead URL that is none":  {"update dead set url = 'nowhere' where reason = 'dns'", "a dead URL is of no host", 5},
		"a seed that is none":      {"update seed set url = 'nowhere'", "a seed is no URL", 5},
		"fingerprints of how many": {"update meta set v = '{\"bits\":64,\"extra\":3}' where k = 'prints'", "have a fingerprint", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			worked(t, dir)
			alter(t, filepath.Join(dir, disk.File), c.damage)
			s, err := disk.Open(dir, disk.Config{Linger: -1, Mend: true})
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.Check(t.Context(), false)
			if err != nil || !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.finds) }) {
				t.Fatalf("found %q, %v; want %q", found, err, c.finds)
			}
			again, err := s.Check(t.Context(), true)
			if err != nil || !slices.Equal(slices.Sorted(slices.Values(again)), slices.Sorted(slices.Values(found))) {
				t.Fatalf("found %q, %v when it repaired; want %q", again, err, found)
			}
			left(t, s, c.left)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			left(t, mustOpen(t, dir), c.left)
		})
	}
}

// left wants a sound store with so many URLs waiting, which go on.
func left(t *testing.T, s *disk.Store, want int64) {
	t.Helper()
	if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
		t.Fatalf("after the repair: %q, %v", found, err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Queued+st.Delayed+st.Leased != want || st.Seen != want+st.Done+st.Dead {
		t.Fatalf("after the repair: %+v, %v; want %d waiting", st, err, want)
	}
	if err := s.SetState(t.Context(), frontier.Running); err != nil {
		t.Fatal(err)
	}
	name := time.Now().Format("/new-150405.000000000")
	push(t, s, entries("http://c.test", name)...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 9, Batch: 9, TTL: time.Minute})
	if err != nil || len(leases) == 0 {
		t.Fatalf("lent %v, %v", leases, err)
	}
	for i := range leases {
		o := frontier.Outcome{Verdict: frontier.Done}
		if leases[i].Host != "http://c.test" {
			continue
		}
		for range leases[i].Items {
			if err := s.Ack(t.Context(), &leases[i], frontier.Report{Outcomes: []frontier.Outcome{o}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
		t.Fatalf("when it had gone on: %q, %v", found, err)
	}
}

// A store that does not fit together is opened for repair alone: nobody crawls with it before.
func TestADamagedStoreAnswersNothingButCheck(t *testing.T) {
	dir := t.TempDir()
	worked(t, dir)
	file := filepath.Join(dir, disk.File)
	alter(t, file, "delete from chunk where host = 2")
	before := query(t, file, "select k || v from meta union select name || lent from host")
	s, err := disk.Open(dir, disk.Config{Mend: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Push(t.Context(), entries("http://a.test", "/9"))
	if _, stats := s.Stats(t.Context()); !errors.Is(err, disk.ErrCorrupt) || !errors.Is(stats, disk.ErrCorrupt) {
		t.Errorf("push: %v, stats: %v; want ErrCorrupt", err, stats)
	}
	if found, err := s.Check(t.Context(), false); err != nil || len(found) == 0 {
		t.Errorf("found %q, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := query(t, file, "select k || v from meta union select name || lent from host"); !slices.Equal(after, before) {
		t.Errorf("a check without repair changed the file: %q, %q before", after, before)
	}
	if _, err := disk.Open(dir, disk.Config{}); !errors.Is(err, disk.ErrCorrupt) {
		t.Errorf("open: %v; want ErrCorrupt", err)
	}
}

// A repair gives back what is lent, and loses none of it.
func TestARepairWhileAHostIsLent(t *testing.T) {
	dir := t.TempDir()
	worked(t, dir)
	s := mustOpen(t, dir)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 9, Batch: 9, TTL: time.Minute})
	if err != nil || len(leases) != 2 {
		t.Fatal(leases, err)
	}
	alter(t, filepath.Join(dir, disk.File), "update host set accepted = 99 where id = 1")
	if found, err := s.Check(t.Context(), true); err != nil || len(found) == 0 {
		t.Fatalf("found %q, %v", found, err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Leased != 0 || st.Queued+st.Delayed != 5 || st.Reclaimed != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	done := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}}
	if err := s.Ack(t.Context(), &leases[0], done); !errors.Is(err, frontier.ErrLeaseLost) {
		t.Errorf("ack of a lease from before: %v", err)
	}
	if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
		t.Errorf("after the repair: %q, %v", found, err)
	}
}
