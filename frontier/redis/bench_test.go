package redis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// page is the n-th URL of the h-th host of a benchmark, 76 bytes long.
func page(h, n int) frontier.Entry { return pageOf(hostOf(h), n) }

func hostOf(h int) frontier.Host { return frontier.Host(fmt.Sprintf("https://www.site-%05d.test", h)) }

func pageOf(host frontier.Host, n int) frontier.Entry {
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

const (
	fleetHosts = 2000 // of a crawl with many hosts
	fleetPages = 50   // known of each
	hugePages  = 200_000

	hostsAtOnce, batch = 16, 10 // of a lease
)

// BenchmarkServer tells how much of the server's processor the store's calls take, made one after the other, and by 16
// callers at once as in a fleet, beside the goals for them. The same run measures the least that commands and scripts
// cost, and a frontier of plain commands (see pattern) at the same work.
func BenchmarkServer(b *testing.B) {
	url := benchServer(b)
	fleet, huge := crawl(b, url, redis.Config{Policy: &frontier.Policy{}}), crawl(b, url, redis.Config{Policy: &frontier.Policy{}})
	fill(b, fleet, fleetHosts, fleetPages)
	fillHuge := sync.OnceFunc(func() { fill(b, huge, 1, hugePages) })
	plain := newPattern(b, dial(b, url))
	for _, callers := range []int{1, 16} {
		w := &work{B: b, s: fleet, callers: callers}
		for _, c := range []struct {
			name   string
			ours   *rival
			others []*rival
		}{
			{"page with 50 links 5 new", w.pages(45, 5).goal(65), []*rival{plain.pages(callers, 45, 5)}},
			{"page with 50 links 5 new behind the seen cache", w.cached(45, 5).goal(30), nil},
			{"page with 10 links 3 new", w.pages(7, 3).goal(30), nil},
			{"page without links", w.pages(0, 0), nil},
			{"push of 40 known links", w.push(fleet, 40, fleetHosts, fleetPages), nil},
			{"push of 50 known links", w.push(fleet, 50, fleetHosts, fleetPages).rate("links/s/core", 50, 500_000), nil},
			{"push of 50 known links of a huge host", w.push(huge, 50, 1, hugePages).rate("links/s/core", 50, 500_000), nil},
			{"lease of 16 hosts x 10", w.lease().rate("hosts/s/core", hostsAtOnce, 90_000), nil},
			{"EVALSHA return 1", plain.eval(callers), nil},
			{"GET", plain.get(callers), nil},
			{"PING", plain.ping(callers), nil},
		} {
			b.Run(fmt.Sprintf("%s/%d at once", c.name, callers), func(b *testing.B) {
				w.B = b
				if strings.Contains(c.name, "huge") {
					fillHuge()
				}
				race(b, plain.c, append([]*rival{c.ours}, c.others...))
				w.release()
			})
		}
	}
}

// benchServer starts a server of the benchmark's own.
func benchServer(b *testing.B) (url string) {
	b.Helper()
	url, stop, err := startServer(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stop)
	return url
}

// work makes rivals of the store's calls. Its callers are workers, which hold hosts.
type work struct {
	*testing.B
	s       *redis.Store
	callers int
	held    [][]frontier.Lease  // by caller
	reports [][]frontier.Report // for the next URL of each
	fresh   int                 // counts new links
}

// pages settles the next URL of each host held, where some known and some new links are found. All are offered to the
// store.
func (w *work) pages(known, fresh int) *rival {
	r := &rival{callers: w.callers, calls: 256}
	r.prepare = func() {
		w.s.ForgetLinks()
		w.find(r, known, fresh)
	}
	r.do = func(caller, i int) error { return w.s.Ack(w.Context(), &w.held[caller][i], w.reports[caller][i]) }
	return r
}

// cached is pages for a worker that found the known links before.
func (w *work) cached(known, fresh int) *rival {
	r := w.pages(known, fresh)
	r.prepare = func() {
		if len(r.samples) == 0 {
			w.visit(known)
		}
		w.find(r, known, fresh)
	}
	return r
}

// find prepares the reports of a window.
func (w *work) find(r *rival, known, fresh int) {
	w.hold(r.calls / w.callers)
	offered := 0
	for c := range w.held {
		for i := range w.held[c] {
			found := w.links(w.held[c][i].Host, known, fresh)
			offered += w.s.Unknown(found)
			w.reports[c][i] = frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done, Found: found}}}
		}
	}
	r.note("offered-links/op", float64(offered)/float64(r.calls))
}

func (w *work) links(host frontier.Host, known, fresh int) (list []frontier.Entry) {
	for n := range known {
		list = append(list, pageOf(host, n))
	}
	for range fresh {
		w.fresh++
		list = append(list, pageOf(host, hugePages+w.fresh))
	}
	return list
}

// visit has the known links of each host found once.
func (w *work) visit(known int) {
	for seen := map[frontier.Host]bool{}; len(seen) < fleetHosts; {
		for _, l := range w.lend(0, fleetHosts/4) {
			seen[l.Host] = true
			o := frontier.Outcome{Verdict: frontier.Done, Found: w.links(l.Host, known, 0)}
			if err := w.s.Ack(w.Context(), &l, frontier.Report{Outcomes: []frontier.Outcome{o}, Release: true}); err != nil {
				w.Fatal(err)
			}
		}
	}
}

// hold has each caller hold n hosts with URLs to settle.
func (w *work) hold(n int) {
	if w.held == nil {
		w.held, w.reports = make([][]frontier.Lease, w.callers), make([][]frontier.Report, w.callers)
	}
	for c := range w.held {
		w.held[c] = slices.DeleteFunc(w.held[c], func(l frontier.Lease) bool { return l.Settled == len(l.Items) })
		for len(w.held[c]) < n {
			w.held[c] = append(w.held[c], w.lend(c, n-len(w.held[c]))...)
		}
		w.reports[c] = make([]frontier.Report, n)
	}
}

func (w *work) lend(caller, hosts int) []frontier.Lease {
	r := frontier.LeaseRequest{Worker: fmt.Sprint("w", caller), Hosts: hosts, Batch: batch, TTL: time.Hour}
	held, _, err := w.s.Lease(w.Context(), r)
	if err != nil || len(held) == 0 {
		w.Fatalf("lease: %d hosts, %v", len(held), err)
	}
	return held
}

// release gives all hosts back.
func (w *work) release() {
	for _, held := range w.held {
		for i := range held {
			if held[i].Settled == len(held[i].Items) {
				continue
			}
			if err := w.s.Ack(w.Context(), &held[i], frontier.Report{Release: true}); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.held = nil
}

// lease lends hosts, which are given back between windows: there are never too few.
func (w *work) lease() *rival {
	r := &rival{callers: w.callers, calls: 64}
	r.prepare = func() {
		w.release()
		w.held = make([][]frontier.Lease, w.callers)
	}
	r.do = func(caller, _ int) error {
		q := frontier.LeaseRequest{Worker: fmt.Sprint("w", caller), Hosts: hostsAtOnce, Batch: batch, TTL: time.Hour}
		held, _, err := w.s.Lease(w.Context(), q)
		if err == nil && len(held) < hostsAtOnce {
			err = fmt.Errorf("only %d hosts are lent", len(held))
		}
		w.held[caller] = append(w.held[caller], held...)
		return err
	}
	return r
}

// push pushes known links of one host, which are any of its pages.
func (w *work) push(s *redis.Store, links, hosts, pages int) *rival {
	r := &rival{callers: w.callers, calls: 256}
	lists := make([][]frontier.Entry, r.calls)
	r.prepare = func() {
		for i := range lists {
			host, first, step := hostOf(rand.IntN(hosts)), rand.IntN(pages), 1+rand.IntN(pages/links)
			lists[i] = nil
			for n := range links {
				lists[i] = append(lists[i], pageOf(host, (first+n*step)%pages))
			}
		}
	}
	r.do = func(caller, i int) error {
		n, err := s.Push(w.Context(), lists[caller*r.calls/w.callers+i])
		if err == nil && n > 0 {
			err = fmt.Errorf("%d known links were new", n)
		}
		return err
	}
	return r
}
