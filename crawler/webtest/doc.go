// Package webtest is a synthetic web for tests, benchmarks and demonstrations of a crawler: as many hosts and pages as
// wanted, none of them stored, and an oracle that knows which URLs a crawl of it must settle, and how.
//
// A page is a pure function of the seed, the host's number and the path. A host's pages are a tree, each page linking
// to its Fanout children, so that all of them are reachable from "/"; the other links of a page are navigation (the
// same on every page of the host), links to pages already known on the way there, and links to other hosts. The HTML
// has what real pages have: relative, absolute and scheme-relative references, fragments, entities, duplicates, and
// things that only look like links, in comments and scripts (those answer 404, under /trap/).
//
//	/                      page 0
//	/s3/123.html           page 123
//	/view?n=25&s=5         page 25; one page in 16 has such a URL
//	/gone/7.html           404
//	/go/7                  301 to some page of the host
//	/private/7.html        a page that robots.txt forbids
//	/robots.txt
//
// A [Server] adds what a pure function cannot have: latency, passing errors, and a [Log] of all requests by the
// server's own clock, from which a host's pace and concurrency can be judged.
//
// Hosts are named h0000.localhost, h0001.localhost and so on. Names under .localhost are loopback addresses by RFC
// 6761 section 6.3, but not every resolver knows; programs without such a resolver can use the server as their HTTP
// proxy, or be given a web with Config.ByAddress, or with Config.Domain where a DNS knows the hosts of that domain.
//
// Beside these honest hosts there can be hostile ones, each with its [Class] of misbehaviour: bomb-gzip.localhost and so on,
// or 127.200.0.1 and so on with Config.ByAddress. Honest front pages link to them.
//
// The oracle works on the numbers of pages and never reads HTML, so that it shares no mistake with a parser. Of hostile
// hosts it knows nothing: [Hostile] says what must become of their front pages.
package webtest

import (
	"cmp"
	"io"
	"time"
)

// Config describes a web. The zero value of each field means the default stated; fractions are brought into 0..1.
type Config struct {
	Seed         uint64 // another seed, another web
	Hosts        int    // default 1
	PagesPerHost int    // default 100; dead links, redirects and denied pages come on top
	Links        int    // of a page; default 60, of which 37 are navigation when there is room
	Fanout       int    // children of a page in its host's tree; default Links/10. 1 makes a chain
	PageBytes    int    // about the size of a page; default 30 KiB. A page is never cut: its links may need more

	CrossHost    float64 // fraction of a page's links that lead to other hosts; more than 0 connects all hosts
	DeadLinks    float64 // so many 404s, as a fraction of PagesPerHost
	Redirects    float64 // so many 301s, likewise
	RobotsDenied float64 // so many pages under /private/, likewise; more than 0 makes robots.txt forbid that folder
	Errors       float64 // fraction of the pages, never "/", that a server answers with 503 the first time

	Latency   time.Duration // a server waits so long before each answer
	Domain    string        // default localhost; hosts are named h0000.Domain and so on
	ByAddress bool          // hosts are addresses, 127.1.0.1 and so on, on one port; Linux only, a descriptor each

	Hostile []Class       // so many hosts more, which only a Server has
	Many    int           // of what hostile hosts have very many of; default 200,000
	Busy    time.Duration // the Retry-After of busy hosts, in whole seconds; default 2 s

	LogTo      io.Writer // a server writes each request here, for ReadLog; nil: nowhere
	CountsOnly bool      // a server's Log keeps no single requests: for big runs
}

func (c Config) withDefaults() Config {
	c.Hosts = cmp.Or(max(c.Hosts, 0), 1)
	c.PagesPerHost = cmp.Or(max(c.PagesPerHost, 0), 100)
	c.Links = cmp.Or(max(c.Links, 0), 60)
	c.Fanout = cmp.Or(max(c.Fanout, 0), max(c.Links/10, 1))
	c.PageBytes = cmp.Or(max(c.PageBytes, 0), 30<<10)
	for _, f := range []*float64{&c.CrossHost, &c.DeadLinks, &c.Redirects, &c.RobotsDenied, &c.Errors} {
		*f = min(max(*f, 0), 1)
	}
	c.Domain = cmp.Or(c.Domain, "localhost")
	c.Many = cmp.Or(max(c.Many, 0), 200_000)
	c.Busy = cmp.Or(max(c.Busy, 0), 2*time.Second)
	if c.Hosts == 1 {
		c.CrossHost = 0
	}
	return c
}
