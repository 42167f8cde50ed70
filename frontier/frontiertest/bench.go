package frontiertest

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
)

// The web of the benchmarks: pages link within their host, to pages that are mostly known.
const (
	benchHosts = 1000
	benchOld   = 110 // pages of each host that are known from the start
	benchLinks = 60  // on a page
	benchNew   = 6   // of them are new
)

// Bench measures what a crawl does all day, on 1,000 hosts, with 32 callers at once as a worker has them: a store may
// commit the work of many together. All times are per call; the page is a whole one, with its share of a lease.
func Bench(b *testing.B, open Open) {
	for _, w := range []struct {
		name string
		run  func(*load) error
	}{
		{"push of 60 links, 6 new", (*load).push},
		{"lease and release of 16 hosts x 10", (*load).lease},
		{"page with 60 links, 6 new", (*load).page},
		{"note of 2 KB kept and recalled", (*load).note},
	} {
		b.Run(w.name, func(b *testing.B) { benchLoad(b, open, w.run) })
	}
}

func benchLoad(b *testing.B, open Open, run func(*load) error) {
	f := open(b, frontier.Policy{}, time.Now).Frontier
	for n := range int64(benchHosts) {
		if _, err := f.Push(b.Context(), benchPages(benchHost(n), 0, benchOld)); err != nil {
			b.Fatal(err)
		}
	}
	made := new(atomic.Int64)
	made.Store(benchOld)
	b.ReportAllocs()
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		l := &load{ctx: b.Context(), f: f, made: made}
		for pb.Next() {
			if err := run(l); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func benchHost(n int64) frontier.Host {
	return frontier.Host(fmt.Sprintf("https://www.site-%04d.test", n%benchHosts))
}

// benchPages are the pages first to last-1 of a host. Their URLs are of usual length, 76 bytes.
func benchPages(h frontier.Host, first, last int64) (list []frontier.Entry) {
	for n := first; n < last; n++ {
		path := fmt.Sprintf("/section-%03d/articles/%09d/some-title.html", n%100, n)
		list = append(list, frontier.Entry{URL: h.URL(path), Priority: 1, Depth: 3})
	}
	return list
}

// load is one caller.
type load struct {
	ctx    context.Context
	f      frontier.Frontier
	made   *atomic.Int64    // new pages are numbered through, whatever their host
	leases []frontier.Lease // in hand
}

// links are those of one page, all on its host.
func (l *load) links(h frontier.Host) []frontier.Entry {
	last := l.made.Add(benchNew)
	old := last % benchOld / 2
	return append(benchPages(h, old, old+benchLinks-benchNew), benchPages(h, last-benchNew, last)...)
}

func (l *load) push() error {
	_, err := l.f.Push(l.ctx, l.links(benchHost(l.made.Load())))
	return err
}

// take leases hosts.
func (l *load) take() error {
	leases, _, err := l.f.Lease(l.ctx, frontier.LeaseRequest{Worker: "bench", Hosts: 16, Batch: 10, TTL: time.Minute})
	l.leases = leases
	return err
}

func (l *load) lease() error {
	if err := l.take(); err != nil {
		return err
	}
	for i := range l.leases {
		if err := l.f.Ack(l.ctx, &l.leases[i], frontier.Report{Release: true}); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) page() error {
	for len(l.leases) == 0 { // none is due when the others have them all
		if err := l.take(); err != nil {
			return err
		}
	}
	lease := &l.leases[0]
	r := report(frontier.Done)
	r.Outcomes[0].Found = l.links(lease.Host)
	err := l.f.Ack(l.ctx, lease, r)
	if lease.Settled == len(lease.Items) {
		l.leases = l.leases[1:]
	}
	return err
}

// note is what becomes of a robots.txt that was asked for: its host is given back.
func (l *load) note() error {
	for len(l.leases) == 0 {
		if err := l.take(); err != nil {
			return err
		}
	}
	lease, m := &l.leases[0], l.f.(frontier.Memory)
	l.leases = l.leases[1:]
	err := m.Remember(l.ctx, lease, make([]byte, 2<<10))
	if err == nil {
		_, _, err = m.Recall(l.ctx, lease.Host)
	}
	if err == nil {
		err = l.f.Ack(l.ctx, lease, frontier.Report{Release: true})
	}
	return err
}
