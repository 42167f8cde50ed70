package worker

import (
	"runtime"
	"time"

	"trawl/crawler"
)

// A page of 100,000 links is as much work as a thousand others, and so is one that decodes to 10 MiB of tags: a few hosts
// with nothing else would have the machine to themselves. So large pages are read by half of the processors, a host is
// asked for nothing while one of its own is read, and after one of them, or one of many links, or of many links that many
// rules of robots.txt are searched for, it rests for so long that it gets about a tenth of one processor, unless no other
// host is being visited. Ordinary pages pass by.
const (
	largePage = 256 << 10
	manyLinks = 1000
	linkRest  = workRest * 2 * time.Microsecond // for each
	workRest  = 10                              // times the work
	mostWork  = 100 * time.Nanosecond           // for each byte of a large page: it took longer for want of a processor
	mostRest  = 10 * time.Second
	// mostLinkBytes is for how long the links of a page may be together once they are resolved. A base of 2 KB makes
	// 200 MB of 100,000 links that are a byte each.
	mostLinkBytes = 8 << 20
)

// desks are places for reading large pages.
type desks chan struct{}

func newDesks() desks { return make(desks, max(1, runtime.GOMAXPROCS(0)/2)) }

// sit waits for a place, if a page is a large one. The returned function gives it back.
func (d desks) sit(body []byte) (leave func()) {
	if !isLarge(body) {
		return func() {}
	}
	d <- struct{}{}
	return func() { <-d }
}

func isLarge(body []byte) bool { return len(body) > largePage }

// pay lets the host rest after a page of so many links that took so long to read.
func (v *visit) pay(resp *crawler.Response, links int, read time.Duration) {
	rest := time.Duration(0)
	if links > manyLinks {
		rest = time.Duration(links) * linkRest
	}
	if isLarge(resp.Body) { // of others the time says more about the machine
		rest = max(rest, workRest*min(resp.Decoding+read, time.Duration(len(resp.Body))*mostWork))
	}
	rest = max(rest, workRest*time.Duration(v.ruled.Swap(0)))
	if rest > 0 && v.w.busy() > 1 {
		v.pace.rest(min(rest, mostRest))
	}
}
