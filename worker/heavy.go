package worker

import (
	"runtime"
	"time"
)

// A page of 100,000 links is as much work as a thousand others, and a few hosts with nothing else would have the machine to
// themselves. So large pages are read by half of the processors, a host is asked for nothing while one of its own is read,
// and after one of many links it rests for so long that it gets about a tenth of one processor. Ordinary pages pass by.
const (
	largePage = 256 << 10
	manyLinks = 1000
	linkRest  = 20 * time.Microsecond // for each; some ten times what one costs us
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

// pay lets the host rest after a page of so many links.
func (v *visit) pay(links int) {
	if links > manyLinks {
		v.pace.rest(time.Duration(links) * linkRest)
	}
}
