package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// startServer starts a server on a socket in dir and waits until it is there.
func startServer(dir string, more ...string) (url string, stop func(), err error) {
	socket := filepath.Join(dir, "redis.sock")
	args := append([]string{"--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir}, more...)
	server := exec.Command("redis-server", args...)
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		server.Process.Kill()
		server.Wait()
	}
	err = eventually(func() error {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		stop()
		return "", nil, err
	}
	return "unix://" + socket, stop, nil
}

// eventually tries until it works, for ten seconds.
func eventually(try func() error) (err error) {
	end := time.After(10 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); ; {
		if err = try(); err == nil {
			return nil
		}
		select {
		case <-tick:
		case <-end:
			return err
		}
	}
}

// crawls numbers the crawls of this run: each test has its own, on the same server.
var crawls atomic.Int64

// opener makes crawls for the suite, which are checked at its end. What the server has acknowledged outlives its clients,
// so reopening is another client.
func opener(prepare func(*redis.Store)) frontiertest.Open {
	return func(t testing.TB, p frontier.Policy, now func() time.Time) frontiertest.Store {
		name := fmt.Sprintf("suite-%d", crawls.Add(1))
		cfg := redis.Config{Crawl: name, Policy: &p, Create: true, Now: now}
		dial := func() *redis.Store {
			s, err := redis.Open(context.Background(), address, cfg)
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
			fsck(t, s, name)
			s.Close()
		})
		reopen := func() frontier.Frontier {
			s.Close()
			s = dial()
			return s
		}
		return frontiertest.Store{Frontier: s, Reopen: reopen, KeepsLeases: true}
	}
}

// open makes a crawl, and resending one whose calls all arrive twice.
var (
	open      = opener(func(*redis.Store) {})
	resending = opener((*redis.Store).SendTwice)
)

func TestLaws(t *testing.T) { frontiertest.Run(t, open) }

func TestHistories(t *testing.T) { frontiertest.Histories(t, open) }

func TestLawsWhenCallsArriveTwice(t *testing.T) { frontiertest.Run(t, resending) }

func TestHistoriesWhenCallsArriveTwice(t *testing.T) { frontiertest.Histories(t, resending) }

func FuzzHistory(f *testing.F) { frontiertest.Fuzz(f, open) }

func BenchmarkStore(b *testing.B) { frontiertest.Bench(b, open) }
