package redis_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// benchURLs is how many URLs are loaded: a million, or what TRAWL_BENCH_URLS says.
func benchURLs(b *testing.B) int {
	text, ok := os.LookupEnv("TRAWL_BENCH_URLS")
	if !ok {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("TRAWL_BENCH_URLS=%s: want a number, 1000 or more", text)
	}
	return n
}

// BenchmarkMemory tells how many bytes of the server's memory a URL costs that waits in line, all in, which part of that
// is the list of paths, and which is for having been seen; beside the goals, where there are some.
func BenchmarkMemory(b *testing.B) {
	n := benchURLs(b)
	for _, c := range []struct {
		hosts, pages int
		goals        map[string]float64
	}{
		{1, n, map[string]float64{"goal-seen-B/url": 9.6, "goal-line-B/url": 55}},
		{n / 500, 500, map[string]float64{"goal-seen-B/url": 9.6}},
		{n / 40, 40, nil},
		{n / 10, 10, map[string]float64{"goal-seen-B/url": 17.5, "goal-all-B/url": 110}},
	} {
		b.Run(fmt.Sprintf("%d hosts x %d", c.hosts, c.pages), func(b *testing.B) {
			for b.Loop() {
				measureMemory(b, c.hosts, c.pages)
			}
			for unit, goal := range c.goals {
				b.ReportMetric(goal, unit)
			}
		})
	}
	n = min(n, 200_000)
	b.Run(fmt.Sprintf("scrapy-redis %d URLs", n), func(b *testing.B) {
		for b.Loop() {
			measurePattern(b, n/10)
		}
	})
}

func measureMemory(b *testing.B, hosts, pages int) {
	url := benchServer(b)
	f, err := redis.Open(b.Context(), url, redis.Config{Policy: &frontier.Policy{}, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	c := dial(b, url)
	fill(b, f, 1, 1) // makes the server's own tables and caches
	n := float64(hosts*pages - 1)
	before := used(b, c, n)
	fill(b, f, hosts, pages)
	all := used(b, c, n) - before
	b.ReportMetric(all, "all-B/url")
	b.ReportMetric(info(b, c, "memory", "used_memory_rss")/n, "rss-B/url")
	with := used(b, c, n)
	remove(b, c, "*:q?:*")
	without := used(b, c, n)
	b.ReportMetric(with-without, "line-B/url")
	remove(b, c, "*:s")
	remove(b, c, "*:s:*")
	b.ReportMetric(without-used(b, c, n), "seen-B/url")
}

// used is the memory per URL that is not for buffers of clients.
func used(b *testing.B, c *goredis.Client, urls float64) float64 {
	return (info(b, c, "memory", "used_memory") - info(b, c, "memory", "mem_clients_normal")) / urls
}

// remove removes keys, one thousand at a time.
func remove(b *testing.B, c *goredis.Client, pattern string) {
	var keys []string
	for it := c.Scan(b.Context(), 0, pattern, 1000).Iterator(); ; {
		more := it.Next(b.Context())
		if more {
			keys = append(keys, it.Val())
		}
		if len(keys) == 1000 || !more && len(keys) > 0 {
			if err := c.Del(b.Context(), keys...).Err(); err != nil {
				b.Fatal(err)
			}
			keys = keys[:0]
		}
		if !more {
			return
		}
	}
}

func measurePattern(b *testing.B, hosts int) {
	c := dial(b, benchServer(b))
	fillPattern(b, c, 1, 1)
	n := float64(hosts*10 - 1)
	before := used(b, c, n)
	fillPattern(b, c, hosts, 10)
	b.ReportMetric(used(b, c, n)-before, "all-B/url")
	remove(b, c, patternQueue)
	b.ReportMetric(used(b, c, n)-before, "seen-B/url")
}
