package redis_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/frontiertest"
)

// embedded makes stores of the other kind, in whose folders the crawl has one name.
func embedded(t testing.TB, p frontier.Policy, now func() time.Time) frontiertest.Store {
	return embeddedIn(t, t.TempDir(), disk.Config{Linger: -1, Policy: &p, Now: now})
}

func embeddedIn(t testing.TB, dir string, c disk.Config) frontiertest.Store {
	var s *disk.Store
	reopen := func() frontier.Frontier {
		if s != nil {
			s.Close()
			if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o666); err != nil { // as if its process had died
				t.Fatal(err)
			}
		}
		var err error
		if s, err = disk.Open(dir, c); err != nil {
			t.Fatal(err)
		}
		return s
	}
	f := reopen()
	t.Cleanup(func() { s.Close() })
	load := func(next func() (*frontier.Part, error)) frontiertest.Store {
		dir := t.TempDir()
		err := disk.Import(dir, func() (*frontier.Part, error) {
			p, err := next()
			if err == nil && p.Crawl != nil {
				p.Crawl.Crawl.Name = "default"
			}
			return p, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return embeddedIn(t, dir, c)
	}
	return frontiertest.Store{Frontier: f, Reopen: reopen, Import: load}
}

// A crawl moves from the embedded store to the server and back.
func TestMovesBetweenStores(t *testing.T) {
	t.Run("from the embedded one", func(t *testing.T) { frontiertest.Moves(t, embedded, open) })
	t.Run("from the server", func(t *testing.T) { frontiertest.Moves(t, open, embedded) })
}

func TestHistoriesThatMove(t *testing.T) {
	frontiertest.Histories(t, frontiertest.Alternately(embedded, open))
}
