package disk_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

func entries(host string, paths ...string) (list []frontier.Entry) {
	for _, p := range paths {
		list = append(list, frontier.Entry{URL: frontier.Host(host).URL(p)})
	}
	return list
}

func mustOpen(t *testing.T, dir string) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir, disk.Config{Linger: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestASecondProcessIsRefusedAndToldWhose(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	_, err := disk.Open(dir, disk.Config{})
	if !errors.Is(err, disk.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second open: %v; want ErrInUse with the process", err)
	}
	if err := disk.Remove(dir, func() error { return nil }); !errors.Is(err, disk.ErrInUse) {
		t.Errorf("remove: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir).Close()
	if err := disk.Remove(dir, func() error { return nil }); err != nil || disk.Exists(dir) {
		t.Errorf("remove: %v", err)
	}
}

func TestFilesThatAreNotOursAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string){
		"no database": func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(strings.Repeat("all work and no play ", 1000)), 0o666); err != nil {
				t.Fatal(err)
			}
		},
		"another program's database": func(t *testing.T, file string) {
			os.Remove(file)
			alter(t, file, "create table bookmarks (url text)")
		},
		"a count that does not fit": func(t *testing.T, file string) { alter(t, file, "delete from chunk where id = 1") },
		"a chunk of no host":        func(t *testing.T, file string) { alter(t, file, "update chunk set host = 99") },
		"no secret":                 func(t *testing.T, file string) { alter(t, file, "delete from meta where k = 'secret'") },
		"bad stats":                 func(t *testing.T, file string) { alter(t, file, "update meta set v = '{' where k = 'stats'") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			if _, err := s.Push(t.Context(), entries("http://a.test", "/1", "/2")); err != nil {
				t.Fatal(err)
			}
			s.Close()
			file := filepath.Join(dir, disk.File)
			spoil(t, file)
			if _, err := disk.Open(dir, disk.Config{}); !errors.Is(err, disk.ErrCorrupt) || !strings.Contains(err.Error(), file) {
				t.Errorf("open: %v; want ErrCorrupt and the file's name", err)
			}
		})
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir).Close()
	alter(t, filepath.Join(dir, disk.File), fmt.Sprintf("pragma user_version = %d", disk.Schema+1))
	if _, err := disk.Open(dir, disk.Config{}); err == nil || !strings.Contains(err.Error(), "newer trawl") {
		t.Errorf("open: %v", err)
	}
}

// alter changes a file behind the store's back.
func alter(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestPeopleCanLookIntoTheFileWhileItIsInUse(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	push(t, s, entries("http://a.test", "/1", `/2?q="quoted"\`, "/3")...)
	push(t, s, entries("http://b.test", "/4")...)
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	report := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Dead, Reason: "no-host", Detail: "why"}}}
	if err := s.Ack(t.Context(), &leases[0], report); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, disk.File)
	want := []string{`http://a.test/2?q="quoted"\`, "http://a.test/3", "http://b.test/4"}
	if got := query(t, file, "select url from pending"); !slices.Equal(got, want) {
		t.Errorf("pending: %q, want %q", got, want)
	}
	if got := query(t, file, "select url || ' ' || reason || ' ' || detail from dead"); !slices.Equal(got, []string{"http://a.test/1 no-host why"}) {
		t.Errorf("dead: %q", got)
	}
	inspected, err := disk.Inspect(t.Context(), dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	stats, _ := s.Stats(t.Context())
	if got := inspected.Stats; got.Queued != stats.Queued || got.Dead != 1 || got.Seen != 4 {
		t.Errorf("inspected %+v, want %+v", got, stats)
	}
	if h := inspected.Hosts; len(h) != 1 || h[0].Host != "http://a.test" || h[0].Queued+h[0].Delayed+h[0].Leased != 2 || h[0].Dead != 1 || inspected.PID != os.Getpid() {
		t.Errorf("inspected %+v", inspected)
	}
}

func push(t *testing.T, s *disk.Store, list ...frontier.Entry) {
	t.Helper()
	if n, err := s.Push(t.Context(), list); err != nil || n != len(list) {
		t.Fatalf("push: %d, %v", n, err)
	}
}

func query(t *testing.T, file, statement string) (column []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		column = append(column, v)
	}
	return column
}

// A host that is lent when the process dies may have been asked a moment before: it rests for its own delay, and no
// other host does.
func TestOnlyHostsThatWereLentRestAfterACrash(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1_700_000_000, 0)
	config := disk.Config{Linger: -1, Now: func() time.Time { return now }, Policy: &frontier.Policy{Delay: time.Second}}
	s, err := disk.Open(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	push(t, s, entries("http://a.test", "/1", "/2")...)
	request := frontier.LeaseRequest{Hosts: 9, Batch: 1, TTL: time.Minute}
	leases, _, err := s.Lease(t.Context(), request)
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	if err := s.Ack(t.Context(), &leases[0], frontier.Report{Delay: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	push(t, s, entries("http://b.test", "/1")...)
	s.Close()
	if s, err = disk.Open(dir, config); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	leases, _, err = s.Lease(t.Context(), request)
	if err != nil || len(leases) != 1 || leases[0].Host != "http://b.test" {
		t.Fatalf("lent %+v, %v; want b alone", leases, err)
	}
	if err := s.Ack(t.Context(), &leases[0], frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(5*time.Second - 1)
	if leases, wait, err := s.Lease(t.Context(), request); len(leases) > 0 || err != nil || wait != 1 {
		t.Fatalf("lent %+v, wait %v, %v; want to wait 1ns", leases, wait, err)
	}
	now = now.Add(1)
	if leases, _, err = s.Lease(t.Context(), request); len(leases) != 1 || err != nil {
		t.Fatalf("lent %+v, %v; want a", leases, err)
	}
}

// A process that ends in order, with hosts still lent because its disk was full, say, was not killed by a URL.
func TestOnlyTheDeathOfAProcessIsHeldAgainstAURL(t *testing.T) {
	for name, dies := range map[string]bool{"it dies": true, "it is closed": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			attempt := -1
			for range 5 {
				s, err := disk.Open(dir, disk.Config{Linger: -1, Policy: &frontier.Policy{}})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Push(t.Context(), entries("http://a.test", "/")); err != nil {
					t.Fatal(err)
				}
				leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute})
				if err == nil && len(leases) == 1 {
					attempt = leases[0].Items[0].Attempt
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if dies {
					die(t, dir)
				}
			}
			r, err := disk.Inspect(t.Context(), dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			if poisoned := r.Stats.DeadFor[frontier.Poison] == 1; poisoned != dies || !dies && attempt != 0 {
				t.Errorf("attempt %d, stats %+v", attempt, r.Stats)
			}
		})
	}
}
