package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// dial connects to the test server beside the store.
func dial(t testing.TB, address string) *goredis.Client {
	opt, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(opt)
	t.Cleanup(func() { c.Close() })
	return c
}

// info sums numbers out of the answer to INFO.
func info(t testing.TB, c *goredis.Client, section string, fields ...string) (sum float64) {
	t.Helper()
	text, err := c.Info(t.Context(), section).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		_, rest, _ := strings.Cut(text, "\n"+f+":")
		value, _, _ := strings.Cut(rest, "\r")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		sum += n
	}
	return sum
}

// page is the n-th URL of the h-th host of a benchmark, 76 bytes long.
func page(h, n int) frontier.Entry {
	host := frontier.Host(fmt.Sprintf("https://www.site-%05d.test", h))
	u := host.URL(fmt.Sprintf("/section-%03d/articles/%09d/a-page-title.html", n%100, n))
	return frontier.Entry{URL: u, Priority: 1, Depth: 3}
}

func fill(b *testing.B, f frontier.Frontier, hosts, pages int) {
	var list []frontier.Entry
	push := func() {
		if _, err := f.Push(b.Context(), list); err != nil {
			b.Fatal(err)
		}
		list = list[:0]
	}
	for h := range hosts {
		for n := range pages {
			if list = append(list, page(h, n)); len(list) == 500 {
				push()
			}
		}
	}
	push()
}

// BenchmarkMemory tells how many bytes of the server's memory a URL costs: one that waits in line, all in, and one that
// is only seen.
func BenchmarkMemory(b *testing.B) {
	for _, c := range []struct{ hosts, pages int }{{20_000, 10}, {5_000, 40}, {400, 500}, {1, 200_000}} {
		b.Run(fmt.Sprintf("%d hosts x %d", c.hosts, c.pages), func(b *testing.B) {
			for b.Loop() {
				measureMemory(b, c.hosts, c.pages)
			}
		})
	}
}

func measureMemory(b *testing.B, hosts, pages int) {
	url, stop, err := startServer(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	f, err := redis.Open(b.Context(), url, redis.Config{Policy: &frontier.Policy{}, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	c := dial(b, url)
	fill(b, f, 1, 1) // makes the server's own tables and caches
	before, n := info(b, c, "memory", "used_memory"), float64(hosts*pages)
	fill(b, f, hosts, pages)
	all := info(b, c, "memory", "used_memory") - before
	b.ReportMetric(all/n, "B/pending-url")
	for _, pattern := range []string{"*:q1:*", "*:r", "*:h", "*:e:*"} {
		remove(b, c, pattern)
	}
	b.ReportMetric((info(b, c, "memory", "used_memory")-before)/n, "B/seen-url")
}

func remove(b *testing.B, c *goredis.Client, pattern string) {
	for it := c.Scan(b.Context(), 0, pattern, 1000).Iterator(); it.Next(b.Context()); {
		if err := c.Del(b.Context(), it.Val()).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServer tells how much of the server's processor a call takes, on 2,000 hosts with 40 known URLs each.
func BenchmarkServer(b *testing.B) {
	const hosts, pages = 2000, 40
	links := func(h, i, known, fresh int) (list []frontier.Entry) {
		for n := range known {
			list = append(list, page(h, n%pages))
		}
		for n := range fresh {
			list = append(list, page(h, pages+i*fresh+n))
		}
		return list
	}
	ack := func(known, fresh int) func(b *testing.B, f frontier.Frontier, i int) {
		var held []frontier.Lease
		return func(b *testing.B, f frontier.Frontier, i int) {
			if len(held) == 0 {
				held = lend(b, f)
			}
			l := &held[0]
			var h int
			fmt.Sscanf(string(l.Host), "https://www.site-%d.test", &h)
			r := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done, Found: links(h, i, known, fresh)}}}
			if err := f.Ack(b.Context(), l, r); err != nil {
				b.Fatal(err)
			}
			if l.Settled == len(l.Items) {
				held = held[1:]
			}
		}
	}
	for _, w := range []struct {
		name string
		do   func(b *testing.B, f frontier.Frontier, i int)
	}{
		{"page with 50 links, 5 new", ack(45, 5)},
		{"page with 10 links, 3 new", ack(7, 3)},
		{"page without links", ack(0, 0)},
		{"push of 40 known links", func(b *testing.B, f frontier.Frontier, i int) {
			if _, err := f.Push(b.Context(), links(i%hosts, i, 40, 0)); err != nil {
				b.Fatal(err)
			}
		}},
		{"lease of 16 hosts x 10", func(b *testing.B, f frontier.Frontier, _ int) { lend(b, f) }},
	} {
		b.Run(w.name, func(b *testing.B) {
			f := open(b, frontier.Policy{}, nil).Frontier
			fill(b, f, hosts, pages)
			measureCPU(b, func(i int) { w.do(b, f, i) })
		})
	}
}

// lend asks for hosts, which stay lent.
func lend(b *testing.B, f frontier.Frontier) []frontier.Lease {
	r := frontier.LeaseRequest{Worker: "w", Hosts: 16, Batch: 10, TTL: time.Minute}
	held, _, err := f.Lease(b.Context(), r)
	if err != nil || len(held) == 0 {
		b.Fatalf("lease: %d hosts, %v", len(held), err)
	}
	return held
}

// measureCPU reports the processor time of the server's main thread, and how much of it scripts took.
func measureCPU(b *testing.B, do func(i int)) {
	c := dial(b, address)
	cpu := func() float64 { return info(b, c, "cpu", "used_cpu_user_main_thread", "used_cpu_sys_main_thread") }
	if err := c.ConfigResetStat(b.Context()).Err(); err != nil {
		b.Fatal(err)
	}
	before, calls := cpu(), 0
	for b.Loop() {
		do(calls)
		calls++
	}
	b.ReportMetric((cpu()-before)*1e6/float64(calls), "server-us/op")
	_, stats, _ := strings.Cut(c.Info(b.Context(), "commandstats").Val(), "cmdstat_evalsha:")
	_, stats, _ = strings.Cut(stats, "usec=")
	usec, _, _ := strings.Cut(stats, ",")
	n, err := strconv.ParseFloat(usec, 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(n/float64(calls), "script-us/op")
}
