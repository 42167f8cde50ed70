package redis_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
)

// address is the URL of the server that TestMain started.
var address string

func TestMain(m *testing.M) { os.Exit(withServer(m.Run)) }

// withServer runs tests with a private server that keeps nothing on disk. Without one they fail: these laws are the
// server's as much as ours.
func withServer(run func() int) int {
	dir, err := os.MkdirTemp("", "trawl-redis-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	var stop func()
	if address, stop, err = startServer(dir); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need redis-server (Debian: apt install redis-server):", err)
		return 1
	}
	defer stop()
	return run()
}

// crawls numbers the crawls of this run: each test has its own, on the same server.
var crawls atomic.Int64

// opener makes crawls for the suite, which are checked at its end.
func opener(url *string, prepare func(*redis.Store)) frontiertest.Open {
	return func(t testing.TB, p frontier.Policy, now func() time.Time) frontiertest.Store {
		name := fmt.Sprintf("suite-%d", crawls.Add(1))
		return suiteStore(t, *url, redis.Config{Crawl: name, Policy: &p, Create: true, Now: now}, prepare)
	}
}

// suiteStore opens a crawl. What the server has acknowledged outlives its clients, so reopening is another client.
func suiteStore(t testing.TB, url string, cfg redis.Config, prepare func(*redis.Store)) frontiertest.Store {
	dial := func() *redis.Store {
		s, err := redis.Open(context.Background(), url, cfg)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		prepare(s)
		return s
	}
	s := dial()
	t.Cleanup(func() {
		s.Close()
		s = dial()
		fsck(t, s, cfg.Crawl)
		s.Close()
	})
	reopen := func() frontier.Frontier {
		s.Close()
		s = dial()
		return s
	}
	join := func() frontier.Frontier {
		other := dial()
		t.Cleanup(func() { other.Close() })
		return other
	}
	load := func(next func() (*frontier.Part, error)) frontiertest.Store {
		to := redis.Config{Crawl: fmt.Sprintf("suite-%d", crawls.Add(1)), Now: cfg.Now}
		if err := redis.Import(context.Background(), url, to, next); err != nil {
			t.Fatal(err)
		}
		return suiteStore(t, url, to, prepare)
	}
	return frontiertest.Store{Frontier: s, Reopen: reopen, KeepsLeases: true, Join: join, Import: load}
}

// open makes a crawl, and resending one whose calls all arrive twice.
var (
	open      = opener(&address, func(*redis.Store) {})
	resending = opener(&address, (*redis.Store).SendTwice)
)

func TestLaws(t *testing.T) { frontiertest.Run(t, open) }

func TestHistories(t *testing.T) { frontiertest.Histories(t, open) }

func TestLawsWhenCallsArriveTwice(t *testing.T) { frontiertest.Run(t, resending) }

func TestHistoriesWhenCallsArriveTwice(t *testing.T) { frontiertest.Histories(t, resending) }

func FuzzHistory(f *testing.F) { frontiertest.Fuzz(f, open) }

func BenchmarkStore(b *testing.B) { frontiertest.Bench(b, open) }
