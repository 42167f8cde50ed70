package disk_test

import (
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/frontiertest"
)

// open makes a store for the suite. Reopening closes it: the file is committed before every answer, so a kill leaves
// the same file, which TestSurvivesKill shows with real kills.
func open(t testing.TB, p frontier.Policy, now func() time.Time) frontiertest.Store {
	dir := t.TempDir()
	var s *disk.Store
	reopen := func() frontier.Frontier {
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
		}
		var err error
		if s, err = disk.Open(dir, disk.Config{Policy: &p, Now: now, Linger: -1}); err != nil {
			t.Fatalf("open: %v", err)
		}
		return s
	}
	f := reopen()
	t.Cleanup(func() { s.Close() })
	return frontiertest.Store{Frontier: f, Reopen: reopen}
}

func TestLaws(t *testing.T) { frontiertest.Run(t, open) }

func TestHistories(t *testing.T) { frontiertest.Histories(t, open) }

func FuzzHistory(f *testing.F) { frontiertest.Fuzz(f, open) }

// func BenchmarkStore(b *testing.B) { frontiertest.Bench(b, open) }
