package worker

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trawl/frontier"
)

// indexOf is a page of so many links, none of which is to be followed.
func indexOf(links int) string {
	var page strings.Builder
	page.WriteString(`<meta name="robots" content="nofollow">`)
	for i := range links {
		fmt.Fprintf(&page, "<a href=/%d>", i)
	}
	return page.String()
}

func answerWith(page func(r *http.Request) string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, page(r))
	}
}

// largely makes a page a large one.
func largely(page string) string { return page + strings.Repeat(" ", largePage+1) }

func TestAHostRestsAfterAPageOfVeryManyLinks(t *testing.T) {
	lists := map[string]string{"many.test": largely(indexOf(manyLinks + 1)), "some.test": largely(indexOf(manyLinks))}
	inBubble(t, hasty, answerWith(func(r *http.Request) string { return lists[r.Host] }), func(x *trial) {
		x.seed(append(urls("many.test", 5), urls("some.test", 5)...)...)
		x.run()
		x.settled(10, 0)
		for _, gap := range x.gaps("many.test") {
			if gap < manyLinks*linkRest {
				x.Errorf("asked again after %v", gap)
			}
		}
		for _, gap := range x.gaps("some.test") {
			if gap > linkRest {
				x.Errorf("a host with fewer links was left alone for %v", gap)
			}
		}
	})
}

func TestAHostRestsAfterAnAnswerToNonsenseOfVeryManyLinks(t *testing.T) {
	list := indexOf(manyLinks + 1)
	var mu sync.Mutex
	known := map[string]bool{"/": true}
	answer := answerWith(func(r *http.Request) string {
		mu.Lock()
		defer mu.Unlock()
		if !known[r.URL.Path] {
			return list
		}
		next := []string{"/" + word(), "/" + word()}
		known[next[0]], known[next[1]] = true, true
		return link(next...)
	})
	inBubble(t, echoes(func(p *frontier.Policy) { p.MaxHostPages = 40 }), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		all, probes := x.web.log().Requests("a.test"), x.probes()
		if len(probes) == 0 {
			x.Fatal("no probes")
		}
		for i, r := range all[1:] {
			if before := all[i]; before == probes[0] && r.Start.Sub(before.Start) < manyLinks*linkRest {
				x.Errorf("asked again after %v", r.Start.Sub(before.Start))
			}
		}
	})
}

// TestLargePagesAreReadApart has pages that take long to read: large ones of some hosts, and one that is not large.
func TestLargePagesAreReadApart(t *testing.T) {
	const toRead = 3 * time.Second
	large := largely("")
	answer := answerWith(func(r *http.Request) string {
		if r.Host == "small.test" {
			return "small"
		}
		return large
	})
	inBubble(t, hasty, answer, func(x *trial) {
		var reading, most atomic.Int64
		x.cfg.Extract = func(body []byte, _ string) (map[string][]string, bool) {
			if isLarge(body) {
				n := reading.Add(1)
				most.Store(max(n, most.Load()))
				time.Sleep(toRead)
				reading.Add(-1)
			}
			return nil, true
		}
		for i := range 4 {
			x.seed(urls(fmt.Sprintf("large%d.test", i), 3)...)
		}
		x.seed(urls("small.test", 50)...)
		begin := time.Now()
		x.run()
		x.settled(62, 0)
		if n := int(most.Load()); n > max(1, runtime.GOMAXPROCS(0)/2) {
			x.Errorf("%d large pages were read at once", n)
		}
		for i := range 4 {
			for _, gap := range x.gaps(fmt.Sprintf("large%d.test", i)) {
				if gap < toRead {
					x.Errorf("a host was asked again after %v, while its page was read", gap)
				}
			}
		}
		small := x.web.log().Requests("small.test")
		if took := small[len(small)-1].End.Sub(begin); took > toRead {
			x.Errorf("a host with small pages had to wait: %v", took)
		}
	})
}
