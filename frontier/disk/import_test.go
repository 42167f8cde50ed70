package disk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// exported is all parts of a store.
func exported(t testing.TB, s *disk.Store) (parts []*frontier.Part) {
	t.Helper()
	err := s.Export(t.Context(), func(p *frontier.Part) error {
		parts = append(parts, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func reader(parts []*frontier.Part) func() (*frontier.Part, error) {
	return func() (*frontier.Part, error) {
		if len(parts) == 0 {
			return nil, io.EOF
		}
		p := parts[0]
		parts = parts[1:]
		return p, nil
	}
}

// narrow makes fingerprints of 53 bits, in a set for each host, as a store of that kind exports them. All hosts have
// all of them here: the same one can be that of several URLs.
func narrow(parts []*frontier.Part) (narrowed []*frontier.Part) {
	for _, p := range parts {
		if p.Seen == nil {
			narrowed = append(narrowed, p)
			continue
		}
		for fps := p.Seen.Prints; len(fps) > 0; fps = fps[8:] {
			fp := binary.LittleEndian.Uint64(fps) &^ (1<<11 - 1)
			narrowed = append(narrowed, &frontier.Part{Seen: &frontier.SeenPart{
				Set: "http://a.test", Prints: binary.LittleEndian.AppendUint64(nil, fp),
			}})
		}
	}
	narrowed[0].Crawl.Bits = 53
	return narrowed
}

func TestACrawlWithFingerprintsOf53Bits(t *testing.T) {
	dir, imported := t.TempDir(), filepath.Join(t.TempDir(), "imported")
	worked(t, dir)
	parts := narrow(exported(t, mustOpen(t, dir)))
	twin := *parts[slices.IndexFunc(parts, func(p *frontier.Part) bool { return p.Seen != nil })]
	parts = append(parts, &twin) // the fingerprint of another URL, of another host
	parts[0].Crawl.Stats.Seen++
	parts[0].Crawl.Stats.Done++
	parts = append(parts, &frontier.Part{Host: &frontier.HostPart{Host: "http://twin.test", Accepted: 1, Done: 1}})
	parts[0].Crawl.Stats.Hosts++
	if err := disk.Import(imported, reader(parts)); err != nil {
		t.Fatal(err)
	}
	known := slices.Concat(entries("http://a.test", "/1", "/2", "/3", "/4", "/5", "/6"), entries("http://b.test", "/1", "/2"))
	fresh := entries("http://c.test", "/1", "/2", "/3")
	for round := range 3 {
		s := mustOpen(t, imported)
		if n, err := s.Push(t.Context(), append(slices.Clone(known), fresh[round])); n != 1 || err != nil {
			t.Fatalf("round %d: %d new, %v", round, n, err)
		}
		known = append(known, fresh[round])
		if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
			t.Fatalf("round %d: %q, %v", round, found, err)
		}
		if st, _ := s.Stats(t.Context()); st.Seen != int64(len(known))+1 {
			t.Fatalf("round %d: %d seen, want %d", round, st.Seen, len(known)+1)
		}
		for _, p := range exported(t, s) {
			switch {
			case p.Crawl != nil && p.Crawl.Bits != 53:
				t.Errorf("exported again with %d bits", p.Crawl.Bits)
			case p.Seen != nil:
				for fps := p.Seen.Prints; len(fps) > 0; fps = fps[8:] {
					if fp := binary.LittleEndian.Uint64(fps); fp%(1<<11) != 0 || fp == 0 {
						t.Errorf("fingerprint %x", fp)
					}
				}
			}
		}
		next := filepath.Join(t.TempDir(), "next")
		if err := disk.Import(next, reader(exported(t, s))); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		imported = next
	}
}

func TestWhatIsNoWholeExportIsNotImported(t *testing.T) {
	dir := t.TempDir()
	worked(t, dir)
	s := mustOpen(t, dir)
	for name, c := range map[string]struct {
		spoil func(parts []*frontier.Part) []*frontier.Part
		says  string
	}{
		"nothing":        {func([]*frontier.Part) []*frontier.Part { return nil }, "empty"},
		"half":           {func(p []*frontier.Part) []*frontier.Part { return p[:len(p)/2] }, "not whole"},
		"all but a URL":  {func(p []*frontier.Part) []*frontier.Part { return append(p[:len(p)-4], p[len(p)-3:]...) }, "not whole"},
		"no crawl":       {func(p []*frontier.Part) []*frontier.Part { return p[1:] }, "does not begin with a crawl"},
		"two crawls":     {func(p []*frontier.Part) []*frontier.Part { return append(p, p[0]) }, "neither host"},
		"another format": {func(p []*frontier.Part) []*frontier.Part { p[0].Crawl.Format = 9; return p }, "format is 9"},
		"other bits":     {func(p []*frontier.Part) []*frontier.Part { p[0].Crawl.Bits = 32; return p }, "32 bits"},
		"no secret":      {func(p []*frontier.Part) []*frontier.Part { p[0].Crawl.Secret = ""; return p }, "secret"},
		"lent URLs":      {func(p []*frontier.Part) []*frontier.Part { p[0].Crawl.Stats.Leased = 1; return p }, "lent"},
		"a host twice":   {func(p []*frontier.Part) []*frontier.Part { return append(p, p[1]) }, "came before"},
		"no host": {func(p []*frontier.Part) []*frontier.Part {
			return append(p, &frontier.Part{Host: &frontier.HostPart{Host: "x"}})
		},
			`"x"`},
		"a URL of no host": {func(p []*frontier.Part) []*frontier.Part {
			return append(p, &frontier.Part{URL: &frontier.URLPart{State: frontier.URLQueued, URL: "http://z.test/"}})
		}, "did not come before"},
		"a URL in no state": {func(p []*frontier.Part) []*frontier.Part {
			return append(p, &frontier.Part{URL: &frontier.URLPart{State: "lost", URL: "http://a.test/"}})
		}, `"lost"`},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "frontier")
			err := disk.Import(target, reader(c.spoil(exported(t, s))))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("import: %v; want %q", err, c.says)
			}
			left, _ := os.ReadDir(target)
			if disk.Exists(target) || len(left) != 1 { // the lock
				t.Errorf("left behind: %v", left)
			}
			if err := disk.Import(target, reader(exported(t, s))); err != nil {
				t.Errorf("import of the whole: %v", err)
			}
		})
	}
}

func TestAnImportReplacesNoCrawl(t *testing.T) {
	dir := t.TempDir()
	worked(t, dir)
	s := mustOpen(t, dir)
	parts := exported(t, s)
	if err := disk.Import(dir, reader(parts)); !errors.Is(err, disk.ErrInUse) {
		t.Errorf("import into a crawl in use: %v", err)
	}
	s.Close()
	if err := disk.Import(dir, reader(parts)); !errors.Is(err, disk.ErrExists) {
		t.Errorf("import into a crawl: %v", err)
	}
	mustOpen(t, dir)
}

// An import that is killed leaves a file by another name: there is no crawl, and the next import succeeds.
func TestAnImportThatBreaksOffLeavesNothingUsable(t *testing.T) {
	dir, target := t.TempDir(), t.TempDir()
	worked(t, dir)
	parts := exported(t, mustOpen(t, dir))
	calls := 0
	err := disk.Import(target, func() (*frontier.Part, error) {
		if disk.Exists(target) {
			t.Error("there is a crawl before all of it is there")
		}
		if calls++; calls > 5 {
			return nil, errors.New("the file ends in the middle")
		}
		return parts[calls-1], nil
	})
	if err == nil || disk.Exists(target) {
		t.Fatalf("import: %v", err)
	}
	if err := os.WriteFile(filepath.Join(target, disk.File+".import"), []byte("half a file"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := disk.Import(target, reader(parts)); err != nil {
		t.Error(err)
	}
}

func TestACrawlThatIsLentIsNotExported(t *testing.T) {
	dir := t.TempDir()
	worked(t, dir)
	s := mustOpen(t, dir)
	if _, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 1, Batch: 1, TTL: time.Minute}); err != nil {
		t.Fatal(err)
	}
	err := s.Export(t.Context(), func(*frontier.Part) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "are lent: 1") {
		t.Errorf("export: %v", err)
	}
}

// A check is of one commit, so it finds nothing in a sound store however busy that is.
func TestACheckWhileURLsMove(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	if err := s.SetPolicy(t.Context(), frontier.Policy{}); err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	for w := range 4 {
		busy.Go(func() {
			for n := range 60 {
				if _, err := s.Push(t.Context(), entries(fmt.Sprintf("http://h%d.test", n%7), fmt.Sprintf("/%d/%d", w, n))); err != nil {
					t.Error(err)
				}
				leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Hosts: 2, Batch: 2, TTL: time.Minute})
				if err != nil && !errors.Is(err, frontier.ErrDrained) {
					t.Error(err)
				}
				for i := range leases {
					v := []frontier.Verdict{frontier.Done, frontier.Dead, frontier.Retry, frontier.Refused}[(n+i)%4]
					r := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: v, Reason: "x", After: time.Duration(n%2) * time.Hour}}, Release: true}
					if err := s.Ack(t.Context(), &leases[i], r); err != nil {
						t.Error(err)
					}
				}
				if n%20 == 0 {
					if _, err := s.Retry(t.Context(), "", ""); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 20 {
		if found, err := s.Check(t.Context(), true); err != nil || len(found) > 0 {
			t.Errorf("found %q, %v", found, err)
		}
	}
	busy.Wait()
	if found, err := s.Check(t.Context(), true); err != nil || len(found) > 0 {
		t.Errorf("found %q, %v", found, err)
	}
}

// BenchmarkMove exports and imports a crawl with many fingerprints. It reports how long that takes for each.
func BenchmarkMove(b *testing.B) {
	const urls = 1_000_000
	target := b.TempDir()
	for n := 0; b.Loop(); n++ {
		at := filepath.Join(target, fmt.Sprint(n))
		if err := disk.Import(at, many(urls)); err != nil {
			b.Fatal(err)
		}
		s, err := disk.Open(at, disk.Config{})
		if err != nil {
			b.Fatal(err)
		}
		parts := 0
		if err := s.Export(b.Context(), func(*frontier.Part) error { parts++; return nil }); err != nil || parts < urls/4096 {
			b.Fatal(parts, err)
		}
		s.Close()
		os.RemoveAll(at)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/urls, "ns/url")
}

// many is the export of a crawl with n URLs, all done.
func many(n int64) func() (*frontier.Part, error) {
	const each = 4096
	parts := []*frontier.Part{
		{Crawl: &frontier.CrawlPart{Format: frontier.PartFormat, Bits: 64, Secret: strings.Repeat("00", 16),
			Crawl: frontier.Crawl{ID: "x", Name: "default"}, Stats: frontier.Stats{Seen: n, Done: n, Hosts: 1}}},
		{Host: &frontier.HostPart{Host: "http://a.test", Accepted: n, Done: n}},
	}
	fp := uint64(1)
	return func() (*frontier.Part, error) {
		if len(parts) > 0 {
			p := parts[0]
			parts = parts[1:]
			return p, nil
		}
		if n == 0 {
			return nil, io.EOF
		}
		s := &frontier.SeenPart{}
		for range min(each, n) {
			s.Prints = binary.LittleEndian.AppendUint64(s.Prints, fp*0x9e3779b97f4a7c15)
			fp++
			n--
		}
		return &frontier.Part{Seen: s}, nil
	}
}
