package disk_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/frontiertest"
)

// opener makes stores for the suite. To reopen one it is closed, and made to look as if its process had died: what is
// acknowledged is committed, so that a kill leaves the same file, as real kills show in the tests of the command.
func opener(c disk.Config) frontiertest.Open {
	return func(t testing.TB, p frontier.Policy, now func() time.Time) frontiertest.Store {
		c := c
		c.Policy, c.Now = &p, now
		return reopening(t, t.TempDir(), c)
	}
}

// reopening is the store in a folder.
func reopening(t testing.TB, dir string, c disk.Config) frontiertest.Store {
	var s *disk.Store
	reopen := func() frontier.Frontier {
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
			die(t, dir)
		}
		var err error
		if s, err = disk.Open(dir, c); err != nil {
			t.Fatalf("open: %v", err)
		}
		return s
	}
	f := reopen()
	t.Cleanup(func() { s.Close() })
	imports := func(next func() (*frontier.Part, error)) frontiertest.Store {
		dir := t.TempDir()
		if err := disk.Import(dir, next); err != nil {
			t.Fatal(err)
		}
		return reopening(t, dir, c)
	}
	return frontiertest.Store{Frontier: f, Reopen: reopen, Import: imports}
}

// die leaves the number of a process in the lock file of a closed store.
func die(t testing.TB, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

// open makes a store whose commits wait for nothing, and spilling one that keeps no paths in memory either.
var (
	open     = opener(disk.Config{Linger: -1})
	spilling = opener(disk.Config{Linger: -1, Budget: 1})
)

func TestLaws(t *testing.T) { frontiertest.Run(t, open) }

func TestHistories(t *testing.T) { frontiertest.Histories(t, open) }

func TestLawsWithoutPathsInMemory(t *testing.T) { frontiertest.Run(t, spilling) }

func TestHistoriesWithoutPathsInMemory(t *testing.T) { frontiertest.Histories(t, spilling) }

func FuzzHistory(f *testing.F) { frontiertest.Fuzz(f, open) }

func BenchmarkStore(b *testing.B) { frontiertest.Bench(b, opener(disk.Config{})) }
