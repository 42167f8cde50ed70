package webtest

import (
	"iter"
	"net/http"
	"net/url"
)

// Rules are those of a crawl. The zero value is a polite one of the seeds' hosts.
type Rules struct {
	AnyHost      bool // follow links to other hosts too
	IgnoreRobots bool // fetch what robots.txt forbids
	MaxDepth     int  // follow so many links from a seed; 0: any. A redirect does not count
}

// Fate is what must become of a URL.
type Fate struct {
	URL    string
	Status int // its last one; 0 for a seed that is not of this web
	Depth  int // the fewest links followed from a seed
	Tries  int // requests it takes from a Server: 2 when the first answer is an error
}

// Reachable returns every URL that a crawl from the seeds must settle, once each, nearest first. The seeds must be
// absolute and share their port. Cost: about 1 us a URL, whose 60 links are followed; one bit for each URL of the web and 24
// bytes for each of those at one depth.
func (w *Web) Reachable(r Rules, seeds ...string) iter.Seq[Fate] {
	return func(yield func(Fate) bool) {
		o := walk{web: w, rules: r, seen: make([]uint64, (w.cfg.Hosts*w.perHost()+63)/64), hosts: map[int]bool{}}
		for _, seed := range seeds {
			if !o.seed(seed) && !yield(Fate{URL: seed}) {
				return
			}
		}
		o.run(yield)
	}
}

// Count returns the number of URLs that a polite crawl settles when the front page of every host is a seed. Cost: none.
func (w *Web) Count() int {
	return w.cfg.Hosts * (w.perHost() - w.counts[private])
}

// walk is one breadth-first walk over the numbers of pages.
type walk struct {
	web   *Web
	rules Rules
	port  string
	seen  []uint64 // by Web.number
	hosts map[int]bool
	level []place // found at the present depth
}

// seed adds a seed, which is wanted whatever its depth; false means that it does not exist.
func (o *walk) seed(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host, port, ok := o.web.parseHost(u.Host)
	if !ok {
		return false
	}
	o.hosts[host] = true
	o.port = port
	p, ok := o.web.parsePath(host, u.RequestURI())
	if ok {
		o.find(p)
	}
	return ok
}

func (o *walk) run(yield func(Fate) bool) {
	for depth := 0; len(o.level) > 0; depth++ {
		level := o.level
		o.level = nil
		for _, p := range level {
			if !yield(o.fate(p, depth)) {
				return
			}
			if o.rules.MaxDepth == 0 || depth < o.rules.MaxDepth {
				o.follow(p)
			}
		}
	}
}

func (o *walk) follow(p place) {
	if p.kind != page && p.kind != private {
		return
	}
	var room [128]place
	links, _ := o.web.links(room[:0], p)
	for _, to := range links {
		if o.rules.AnyHost || o.hosts[to.host] {
			o.find(to)
		}
	}
}

// find adds p to the level, and where it redirects to: a redirect does not count as a link followed.
func (o *walk) find(p place) {
	n := o.web.number(p)
	if o.seen[n/64]>>(n%64)&1 != 0 || p.kind == private && !o.rules.IgnoreRobots {
		return
	}
	o.seen[n/64] |= 1 << (n % 64)
	o.level = append(o.level, p)
	if p.kind == redirect {
		o.find(o.web.target(p))
	}
}

func (o *walk) fate(p place, depth int) Fate {
	var room [64]byte
	f := Fate{URL: string(o.web.appendURL(room[:0], p, o.port)), Status: p.kind.status(), Depth: depth, Tries: 1}
	if o.web.flaky(p) {
		f.Tries = 2
	}
	return f
}

func (k kind) status() int {
	switch k {
	case redirect:
		return http.StatusMovedPermanently
	case gone:
		return http.StatusNotFound
	}
	return http.StatusOK
}
