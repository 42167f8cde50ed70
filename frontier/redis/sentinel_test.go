package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

func TestFailoverBySentinel(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	failsToOpen(t, strings.Replace(s.URL(), "/"+redistest.MasterName, "/other", 1), `no master "other"`, false)
	failsToOpen(t, "redis://"+s.Watchers[0].Addr, "redis-sentinel://", false)
	for name, fault := range map[string]func(*redistest.Server){
		"killed": (*redistest.Server).Kill,
		"frozen": (*redistest.Server).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t)
			store := crawl(t, s.URL(), redis.Config{Policy: &frontier.Policy{}})
			l := startLoad(t, store)
			l.wait(300)
			s.Watchers[0].Kill() // the others suffice
			failed := time.Now()
			fault(s.Master)
			took := l.recover(failed)
			t.Logf("recovered in %v", took)
			if took > 10*time.Second {
				t.Errorf("recovered in %v", took)
			}
			s.Master.Cont() // what was frozen still takes itself for the master
			l.wait(300)
			l.check()
		})
	}
}

// A replica that does not follow confirms nothing: what is written is not acknowledged, and can be repeated.
func TestReplicaThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--repl-diskless-sync-delay", "0"}})
	host, port, _ := strings.Cut(master.Addr, ":")
	alone := crawl(t, master.URL(), redis.Config{Durability: "wait"})
	push(t, alone, 10, pages(0, 10))
	if !alone.Degraded() || !alone.Durable() {
		t.Error("durable without a replica")
	}
	replica := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--replicaof", host, port}})
	err := eventually(func() error {
		push(t, alone, 0, pages(0, 10))
		if alone.Degraded() {
			return errors.New("a replica was attached and not noticed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	auto := crawl(t, master.URL(), redis.Config{})
	none := crawl(t, master.URL(), redis.Config{Durability: "none"})
	if !auto.Durable() || none.Durable() {
		t.Errorf("auto durable: %v, none durable: %v", auto.Durable(), none.Durable())
	}
	replica.Stop()
	for _, s := range []*redis.Store{alone, auto} {
		if n, err := s.Push(t.Context(), pages(10, 20)); !errors.Is(err, frontier.ErrUnavailable) {
			t.Errorf("push: %d, %v; want ErrUnavailable", n, err)
		}
	}
	push(t, none, 10, pages(10, 20))
	replica.Cont()
	push(t, alone, 0, pages(0, 20)) // it was there already
	replica.Stop()
	replica.Kill()
	err = eventually(func() error { _, err := alone.Push(t.Context(), pages(20, 30)); return err })
	if err != nil || !alone.Degraded() {
		t.Errorf("push with the replica gone: %v; degraded: %v", err, alone.Degraded())
	}
	s, err := redis.Open(t.Context(), master.URL(), redis.Config{Durability: "maybe"})
	if err == nil {
		s.Close()
		t.Error("opened with a durability that means nothing")
	}
}
