package webtest

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
)

// Web is a synthetic web. It is immutable; its methods may be called from many goroutines.
type Web struct {
	cfg    Config
	counts [kinds]int // URLs of each kind on a host
	cross  int        // links to other hosts on each page
	nav    int        // navigation links on each page
	filler filler
	bufs   sync.Pool // of *[]byte, to write pages in
}

// kind of a URL.
type kind uint8

const (
	page kind = iota
	private
	redirect
	gone
	kinds // how many there are
)

// place is a URL by number: the n-th of its kind on its host.
type place struct {
	host int
	kind kind
	n    int
}

// New returns the web that cfg describes. Cost: that of making a few pages; no page is kept.
func New(cfg Config) *Web {
	cfg = cfg.withDefaults()
	share := func(f float64) int { return int(math.Round(f * float64(cfg.PagesPerHost))) }
	w := &Web{cfg: cfg, filler: newFiller(cfg)}
	w.counts = [kinds]int{
		page:     cfg.PagesPerHost,
		private:  share(cfg.RobotsDenied),
		redirect: share(cfg.Redirects),
		gone:     share(cfg.DeadLinks),
	}
	w.cross = int(math.Round(cfg.CrossHost * float64(cfg.Links)))
	// 37 navigation links in 60, as on the pages behind the project's measurements; they yield to the tree's links.
	w.nav = max(min(cfg.Links*37/60, cfg.Links-cfg.Fanout-w.cross), 0)
	return w
}

// links appends to out what a page links to, navigation first, and returns how many are navigation.
//
// Beyond its own children, leaves and other hosts, page n links only to pages up to its last child. In breadth-first
// order these are known by then, so a crawl finds new pages at a steady rate, about Fanout/Links of the links it sees.
func (w *Web) links(out []place, p place) (all []place, nav int) {
	last := w.counts[page] - 1
	for i := range w.nav {
		out = append(out, place{p.host, page, i % (last + 1)})
	}
	nav = len(out)
	d := w.dice(p, saltLinks)
	if p.kind == page {
		out = w.leaves(out, p)
		first := p.n*w.cfg.Fanout + 1
		last = min(first+w.cfg.Fanout-1, last)
		for n := first; n <= last; n++ {
			out = append(out, place{p.host, page, n})
		}
	}
	out = w.crossLinks(out, p, &d)
	for len(out) < w.cfg.Links {
		out = append(out, place{p.host, page, d.below(last + 1)})
	}
	return out, nav
}

// leaves appends the URLs that only page p links to: those that are not pages of the tree are spread over the pages
// evenly, at most one of each kind on a page.
func (w *Web) leaves(out []place, p place) []place {
	pages := w.counts[page]
	for k := page + 1; k < kinds; k++ {
		c := w.counts[k]
		if n := p.n * c / pages; n < (p.n+1)*c/pages {
			out = append(out, place{p.host, k, n})
		}
	}
	return out
}

// crossLinks appends links to other hosts. The first page of each host links to the next host's: a ring.
func (w *Web) crossLinks(out []place, p place, d *dice) []place {
	if w.cfg.CrossHost > 0 && p.kind == page && p.n == 0 {
		out = append(out, place{host: (p.host + 1) % w.cfg.Hosts})
	}
	for range w.cross {
		to := place{host: (p.host + 1 + d.below(w.cfg.Hosts-1)) % w.cfg.Hosts}
		if d.below(2) == 0 { // people link to the front page as often as to all others
			to.n = d.below(w.counts[page])
		}
		out = append(out, to)
	}
	return out
}

// target is where a redirect leads.
func (w *Web) target(p place) place {
	d := w.dice(p, saltTarget)
	return place{p.host, page, d.below(w.counts[page])}
}

// flaky tells whether a server answers p with an error the first time.
func (w *Web) flaky(p place) bool {
	if w.cfg.Errors == 0 || p.kind != page || p.n == 0 {
		return false
	}
	d := w.dice(p, saltFlaky)
	return float64(d.below(1<<30)) < w.cfg.Errors*(1<<30)
}

// number is p's place in a row of all URLs of the web, for bit sets.
func (w *Web) number(p place) int {
	n := p.n
	for k := range p.kind {
		n += w.counts[k]
	}
	return p.host*w.perHost() + n
}

// perHost is the number of URLs of a host.
func (w *Web) perHost() int {
	n := 0
	for _, c := range w.counts {
		n += c
	}
	return n
}

// Salts keep the decisions about one place independent of each other.
const (
	saltLinks = iota
	saltTarget
	saltFlaky
	saltText
)

// dice are random numbers that are the same each time for the same place.
type dice struct{ pcg rand.PCG }

func (w *Web) dice(p place, salt uint64) (d dice) {
	d.pcg.Seed(w.cfg.Seed+salt<<56, uint64(p.host)<<36|uint64(p.kind)<<32|uint64(p.n))
	return d
}

// below returns a number in [0, n). The bias of the multiplication is less than n/2^64.
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.pcg.Uint64(), uint64(n))
	return int(hi)
}
