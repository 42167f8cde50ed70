package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier/redis"
)

// fsck checks that a crawl's keys agree with each other.
func fsck(t testing.TB, s *redis.Store, crawl string) {
	t.Helper()
	ctx := context.Background() // it runs when the test's own has ended
	st, err := s.Stats(ctx)
	if err != nil {
		t.Errorf("stats: %v", err)
		return
	}
	k := &checker{TB: t, ctx: ctx, c: s.Client(), prefix: "trawl:{" + crawl + ":0}:"}
	lines, total := k.lines()
	if want := st.Queued + st.Leased; total != want {
		t.Errorf("%d URLs in lists, want %d", total, want)
	}
	ready, lent := k.members("r"), k.members("l")
	for h := range lines {
		if ready[h] == lent[h] {
			t.Errorf("%s has URLs in line; it can be lent: %v, is lent: %v", h, ready[h], lent[h])
		}
	}
	for h := range ready {
		if lines[h] == 0 {
			t.Errorf("%s can be lent without a URL", h)
		}
	}
	if n := int64(len(lent)); n != st.HostsLeased {
		t.Errorf("%d hosts lent, counted %d", n, st.HostsLeased)
	}
	if st.HostsLeased == 0 && k.c.Exists(ctx, k.prefix+"a").Val() != 0 {
		t.Error("a request is remembered though its leases are over")
	}
	if n := k.seen(); n != st.Seen {
		t.Errorf("%d fingerprints, %d URLs seen", n, st.Seen)
	}
	if n := k.c.LLen(ctx, k.prefix+"x").Val(); n != st.Dead {
		t.Errorf("%d URLs listed as dead, counted %d", n, st.Dead)
	}
}

type checker struct {
	testing.TB
	ctx    context.Context
	c      *goredis.Client
	prefix string
}

// lines counts the URLs in line by host, and all.
func (k *checker) lines() (lines map[string]int64, total int64) {
	lines = map[string]int64{}
	for _, key := range k.keys("q?:*") {
		_, host, _ := strings.Cut(strings.TrimPrefix(key, k.prefix), ":")
		n := k.c.LLen(k.ctx, key).Val()
		lines[host] += n
		total += n
	}
	return lines, total
}

func (k *checker) keys(pattern string) (keys []string) {
	escaped := strings.NewReplacer("{", "\\{", "}", "\\}").Replace(k.prefix)
	it := k.c.Scan(k.ctx, 0, escaped+pattern, 10_000).Iterator()
	for it.Next(k.ctx) {
		keys = append(keys, it.Val())
	}
	if it.Err() != nil {
		k.Error(it.Err())
	}
	return keys
}

func (k *checker) members(index string) map[string]bool {
	in := map[string]bool{}
	for _, h := range k.c.ZRange(k.ctx, k.prefix+index, 0, -1).Val() {
		in[h] = true
	}
	return in
}

// seen counts the fingerprints, and checks that large sets are compact.
func (k *checker) seen() (total int64) {
	for host, value := range k.c.HGetAll(k.ctx, k.prefix+"s").Val() {
		if value[0] != '!' {
			total += int64(len(value) / 7)
			continue
		}
		var buckets, count, sum int64
		if _, err := fmt.Sscanf(value, "!%d:%d", &buckets, &count); err != nil {
			k.Errorf("seen set of %s: %q", host, value)
		}
		for b := range buckets {
			key := fmt.Sprintf("%ss:%s:%d", k.prefix, host, b)
			n := k.c.SCard(k.ctx, key).Val()
			if enc := k.c.ObjectEncoding(k.ctx, key).Val(); n > 0 && enc != "intset" {
				k.Errorf("%s, with %d fingerprints, is a %s", key, n, enc)
			}
			sum += n
		}
		if sum != count {
			k.Errorf("%s has %d fingerprints, counted %d", host, sum, count)
		}
		total += sum
	}
	return total
}

// crawl is a new crawl of the test's own, checked at its end.
func crawl(t testing.TB, url string, cfg redis.Config) *redis.Store {
	t.Helper()
	cfg.Crawl, cfg.Create = fmt.Sprintf("own-%d", crawls.Add(1)), true
	s, err := redis.Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		fsck(t, s, cfg.Crawl)
		s.Close()
	})
	return s
}
