package worker

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trawl/crawler"
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
	inBubble(t, hasty, besideAnother(answerWith(func(r *http.Request) string { return lists[r.Host] })), func(x *trial) {
		x.seed(append(urls("many.test", 5), urls("some.test", 5)...)...)
		x.seed(urls(another, 1)...)
		x.run()
		x.settled(11, 0)
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
	inBubble(t, echoes(func(p *frontier.Policy) { p.MaxHostPages = 40 }), besideAnother(answer), func(x *trial) {
		x.seed(append(urls(another, 1), "http://a.test/")...)
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

// another is a host that is visited all the time.
const another = "another.test"

func besideAnother(answer http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != another {
			answer(rw, r)
			return
		}
		time.Sleep(5 * time.Second)
	}
}

// A large page that took long to read, as one that was packed or has a million tags, has its host rest as long as others
// need to get most of the machine. A host that is visited alone has it anyway.
func TestAHostRestsAfterLargePagesThatAreMuchWork(t *testing.T) {
	const toRead = 10 * time.Millisecond
	for name, c := range map[string]struct {
		page  string
		alone bool
		least time.Duration
	}{
		"large":        {page: largely(""), least: workRest * toRead},
		"large, alone": {page: largely(""), alone: true},
		"small":        {page: "small"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, hasty, besideAnother(answerWith(func(*http.Request) string { return c.page })), func(x *trial) {
				x.cfg.Extract = func([]byte, string) (map[string][]string, bool) {
					time.Sleep(toRead)
					return nil, true
				}
				x.seed(urls("a.test", 5)...)
				if !c.alone {
					x.seed(urls(another, 1)...)
				}
				x.run()
				gaps := x.gaps("a.test")
				if len(gaps) != 4 || slices.Min(gaps) < c.least || slices.Max(gaps) > c.least+2*toRead {
					x.Errorf("asked again after %v", gaps)
				}
			})
		})
	}
}

// So has one that took long to decode, whatever is in it, and any page whose links many rules of robots.txt are searched for.
func TestWhatIsWorkIsPaidFor(t *testing.T) {
	t.Parallel()
	large, other := make([]byte, largePage+1), &visit{}
	for name, c := range map[string]struct {
		resp   crawler.Response
		links  int
		ruled  time.Duration
		others map[*visit]int
		want   time.Duration
	}{
		"decoding":              {resp: crawler.Response{Body: large, Decoding: time.Millisecond}, want: workRest * time.Millisecond},
		"decoding, alone":       {resp: crawler.Response{Body: large, Decoding: time.Millisecond}, others: map[*visit]int{other: 0}},
		"decoding a small page": {resp: crawler.Response{Body: large[:1000], Decoding: time.Second}},
		"want of a processor":   {resp: crawler.Response{Body: large, Decoding: time.Hour}, want: workRest * mostWork * (largePage + 1)},
		"links":                 {links: manyLinks + 1, want: (manyLinks + 1) * linkRest},
		"rules":                 {ruled: time.Millisecond, want: workRest * time.Millisecond},
		"very many rules":       {ruled: time.Minute, want: mostRest},
	} {
		t.Run(name, func(t *testing.T) {
			w := &worker{live: map[*visit]int{other: 0, {}: 0}}
			if c.others != nil {
				w.live = c.others
			}
			v := &visit{w: w, pace: newPace(0, 0)}
			v.ruled.Store(int64(c.ruled))
			v.pay(&c.resp, c.links, 0)
			if left := max(0, v.pace.left()); left > c.want || left < c.want-c.want/10 {
				t.Errorf("the host rests for %v, want %v", left, c.want)
			}
		})
	}
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
