package redis_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// The crawls of the suite have names whose slots are spread over the masters.
func TestLawsOnCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t).URL()
	open := opener(&url, func(*redis.Store) {})
	t.Run("laws", func(t *testing.T) { frontiertest.Run(t, open) })
	t.Run("histories", func(t *testing.T) { frontiertest.Histories(t, open, 1, 2, 3, 4, 5, 6) })
}

// crawlsOn makes a crawl on each of these masters.
func crawlsOn(t *testing.T, c *redistest.Cluster, masters ...*redistest.Server) (stores []*redis.Store) {
	t.Helper()
	for _, m := range masters {
		for {
			s := crawl(t, c.URL(), redis.Config{Policy: &frontier.Policy{}})
			if c.Owner(t, s.Slot()) == m {
				stores = append(stores, s)
				break
			}
		}
	}
	return stores
}

func TestCrawlsOfACluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	var want []string
	for i, s := range crawlsOn(t, c, c.Masters...) {
		made, err := s.Crawl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, made.Name)
		push(t, s, 10, pages(0, 10))
		if n := c.Masters[i].Client(t).Exists(t.Context(), prefixOf(t, s)+"m").Val(); n != 1 {
			t.Errorf("%s is not on the master of its slot", made.Name)
		}
	}
	got, err := redis.Crawls(t.Context(), c.URL())
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("crawls: %v, %v; want %s among them", got, err, name)
		}
	}
	t.Run("a server of it alone", func(t *testing.T) {
		failed := 0
		for _, m := range c.Masters {
			if s, err := redis.Open(t.Context(), m.URL(), redis.Config{}); err == nil {
				s.Close()
			} else {
				failed++
			}
		}
		if failed != len(c.Masters) { // nobody made the crawl default
			t.Errorf("%d of the masters refused the crawl", failed)
		}
		for _, m := range c.Masters {
			if m != c.Owner(t, defaultSlot) {
				failsToOpen(t, m.URL(), "redis-cluster://", false)
			}
		}
	})
}

// defaultSlot is the slot of the crawl default: that of default:0.
var defaultSlot = redis.SlotOf("trawl:{default:0}:")

// A master is killed while crawls on two of the masters are under way.
func TestFailoverInCluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	stores := crawlsOn(t, c, c.Masters[0], c.Masters[1])
	hit, other := startLoad(t, stores[0]), startLoad(t, stores[1])
	hit.wait(500)
	if !stores[0].Durable() || stores[0].Degraded() {
		t.Errorf("with a replica: durable %v, degraded %v", stores[0].Durable(), stores[0].Degraded())
	}
	run := stores[0].RunID()
	killed := time.Now()
	c.Masters[0].Kill()
	took := hit.recover(killed)
	t.Logf("recovered in %v", took)
	if took > 10*time.Second {
		t.Errorf("recovered in %v", took)
	}
	if !stores[0].Degraded() || stores[0].RunID() == run {
		t.Errorf("after the failover: degraded %v, run %s, before it %s", stores[0].Degraded(), stores[0].RunID(), run)
	}
	hit.wait(500)
	if err := c.Masters[0].Restart(); err != nil { // it comes back as the replica of the new master
		t.Fatal(err)
	}
	err := eventually(func() error {
		if stores[0].Degraded() {
			return fmt.Errorf("still degraded")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	hit.wait(500)
	hit.check()
	other.check()
}

// The slot of a crawl moves to another master while the crawl is under way.
func TestSlotThatMoves(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	s := crawlsOn(t, c, c.Masters[0])[0]
	l := startLoad(t, s)
	l.wait(300)
	c.Move(t, s.Slot(), c.Masters[0], c.Masters[2], func() {
		before := l.pushed.Load()
		err := eventually(func() error { // calls are refused now
			if _, err := s.Push(t.Context(), nil); !goredis.HasErrorPrefix(err, "ASK") {
				return fmt.Errorf("a call between two masters: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%d URLs pushed meanwhile", l.pushed.Load()-before)
	})
	l.recover(time.Now())
	if c.Owner(t, s.Slot()) != c.Masters[2] {
		t.Error("the slot did not move")
	}
	l.check()
}
