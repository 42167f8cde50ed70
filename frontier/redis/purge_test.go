package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// keysOf are all keys of a crawl.
func keysOf(t *testing.T, s *redis.Store, crawl string) (keys []string) {
	t.Helper()
	it := s.Client().Scan(t.Context(), 0, "trawl:{"+crawl+":0}:*", 1000).Iterator()
	for it.Next(t.Context()) {
		keys = append(keys, it.Val())
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return keys
}

// full makes a crawl with more keys than one slice removes, and one that must not be touched, whose name begins the same.
func full(t *testing.T) (name string, s, other *redis.Store) {
	t.Helper()
	name = fmt.Sprintf("full-%d", crawls.Add(1))
	for _, made := range []struct {
		name  string
		store **redis.Store
	}{{name, &s}, {name + "0", &other}} {
		var err error
		if *made.store, err = redis.Open(t.Context(), address, redis.Config{Crawl: made.name, Create: true}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*made.store).Close() })
		var list []frontier.Entry
		for h := range 700 {
			list = append(list, frontier.Entry{URL: frontier.Host(fmt.Sprintf("https://h%d.test", h)).URL("/"), Seed: true})
		}
		push(t, *made.store, 700, list)
		push(t, *made.store, 1000, pages(0, 1000))
		l := leaseOne(t, *made.store, 1)
		if err := (*made.store).Remember(t.Context(), l, []byte("note")); err != nil {
			t.Fatal(err)
		}
		ack(t, *made.store, l, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns"})
	}
	return name, s, other
}

// gone wants a crawl to be gone for everybody.
func gone(t *testing.T, s *redis.Store, crawl string) {
	t.Helper()
	l := &frontier.Lease{Host: hostA, Token: "1"}
	_, pushed := s.Push(t.Context(), pages(0, 1))
	_, _, lent := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: 1, TTL: time.Minute})
	_, counted := s.Stats(t.Context())
	_, beaten := s.Beat(t.Context(), frontier.Member{Name: "w"})
	_, read := s.Crawl(t.Context())
	_, checked := s.Check(t.Context(), true)
	_, retried := s.Retry(t.Context(), "", "")
	_, _, recalled := s.Recall(t.Context(), hostA)
	for what, err := range map[string]error{
		"push": pushed, "lease": lent, "ack": s.Ack(t.Context(), l, frontier.Report{}), "stats": counted, "beat": beaten, "crawl": read,
		"remember": s.Remember(t.Context(), l, []byte("note")), "recall": recalled,
		"hold": s.Hold(t.Context(), "me", time.Minute), "set state": s.SetState(t.Context(), frontier.Paused), "check": checked,
		"export": s.Export(t.Context(), func(*frontier.Part) error { return nil }),
	} {
		if !errors.Is(err, redis.ErrNoCrawl) {
			t.Errorf("%s: %v, want ErrNoCrawl", what, err)
		}
	}
	if retried != nil && !errors.Is(retried, redis.ErrNoCrawl) {
		t.Errorf("retry: %v", retried)
	}
	if left := keysOf(t, s, crawl); len(left) > 0 {
		t.Errorf("left: %d keys, one is %s", len(left), left[0])
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	name, s, other := full(t)
	before, err := other.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Client().Set(t.Context(), "trawl:{"+name+":0}:stray", 1, 0)
	if err := redis.Purge(t.Context(), address, name); err != nil {
		t.Fatal(err)
	}
	gone(t, s, name)
	if names, err := redis.Crawls(t.Context(), address); err != nil || slices.Contains(names, name) || !slices.Contains(names, name+"0") {
		t.Errorf("crawls %v, %v", names, err)
	}
	if err := redis.Purge(t.Context(), address, name); !errors.Is(err, redis.ErrNoCrawl) {
		t.Errorf("purge of a crawl that is gone: %v", err)
	}
	fsck(t, other, name+"0")
	if after, err := other.Stats(t.Context()); err != nil || after.Seen != before.Seen {
		t.Errorf("another crawl: %+v, %v; before %+v", after, err, before)
	}

	again, err := redis.Open(t.Context(), address, redis.Config{Crawl: name, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	push(t, again, 2, pages(0, 2))
	if err := redis.PurgeSlice(s); !errors.Is(err, redis.ErrNoCrawl) { // one that was held up since
		t.Errorf("a slice of a purge that ended: %v", err)
	}
	if st, err := again.Stats(t.Context()); err != nil || st.Seen != 2 {
		t.Errorf("a new crawl of the same name: %+v, %v", st, err)
	}
	fsck(t, again, name)
}

func TestPurgeThatWasCutOff(t *testing.T) {
	t.Parallel()
	name, s, _ := full(t)
	if err := redis.PurgeSlice(s); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []redis.Config{{Crawl: name}, {Crawl: name, Create: true}} {
		if _, err := redis.Open(t.Context(), address, cfg); err == nil || !strings.Contains(err.Error(), "trawl purge") {
			t.Errorf("open: %v", err)
		}
	}
	if _, err := s.Push(t.Context(), pages(0, 1)); !errors.Is(err, redis.ErrNoCrawl) {
		t.Errorf("push: %v, want ErrNoCrawl", err)
	}
	if err := redis.Purge(t.Context(), address, name); err != nil {
		t.Fatal(err)
	}
	gone(t, s, name)
}

// Workers are at it meanwhile, and other purges.
func TestPurgeUnderLoad(t *testing.T) {
	t.Parallel()
	name, s, _ := full(t)
	ctx, cancel := context.WithCancel(t.Context())
	var workers, purges sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for n := 1000 * w; ctx.Err() == nil; n++ {
				if _, err := s.Push(ctx, pages(n, n+5)); err != nil && !errors.Is(err, redis.ErrNoCrawl) && ctx.Err() == nil {
					t.Errorf("push: %v", err)
				}
			}
		})
	}
	for range 3 {
		purges.Go(func() {
			if err := redis.Purge(t.Context(), address, name); err != nil && !errors.Is(err, redis.ErrNoCrawl) {
				t.Errorf("purge: %v", err)
			}
		})
	}
	purges.Wait()
	cancel()
	workers.Wait()
	gone(t, s, name)
}

// exported is a paused crawl with a thousand URLs, as parts.
func exported(t *testing.T) []*frontier.Part {
	t.Helper()
	s, _ := worn(t, new(frontiertest.Clock))
	var parts []*frontier.Part
	if err := s.Export(t.Context(), func(p *frontier.Part) error { parts = append(parts, p); return nil }); err != nil {
		t.Fatal(err)
	}
	return parts
}

// The rule of the documentation is enough for all that people do with a crawl.
func TestPowersWithFewRights(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{TCP: true})
	if err := s.Client(t).Do(t.Context(), rule(t)...).Err(); err != nil {
		t.Fatal(err)
	}
	url := "redis://trawl:password@" + s.Addr
	if err := redis.Import(t.Context(), url, redis.Config{Crawl: "moved"}, hand(exported(t))); err != nil {
		t.Fatal(err)
	}
	f, err := redis.Open(t.Context(), url, redis.Config{Crawl: "moved"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.Retry(t.Context(), "", ""); err != nil || n != 1 {
		t.Errorf("retry: %d, %v", n, err)
	}
	prefix := prefixOf(t, f)
	f.Client().HDel(t.Context(), prefix+"h", string(hostA))
	f.Client().HDel(t.Context(), prefix+"s", string(hostB))
	if found, err := f.Check(t.Context(), true); err != nil || len(found) == 0 {
		t.Errorf("repair: %q, %v", found, err)
	}
	if _, _, err := f.Recall(t.Context(), hostA); err != nil {
		t.Error(err)
	}
	if err := f.Export(t.Context(), func(*frontier.Part) error { return nil }); err != nil {
		t.Error(err)
	}
	_, beaten := f.Beat(t.Context(), frontier.Member{Name: "w"})
	_, listed := f.Members(t.Context())
	_, _, looked := f.Host(t.Context(), hostA)
	if err := errors.Join(beaten, listed, looked, f.Leave(t.Context(), "w")); err != nil {
		t.Error(err)
	}
	if err := redis.Purge(t.Context(), url, "moved"); err != nil {
		t.Error(err)
	}
	gone(t, f, "moved")
}
