package worker

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"trawl/frontier"
)

// catalogue is an honest site of like pages: item i leads to more, and what there is not to some that there are.
func catalogue(items int, more func(i int) []int, otherwise func() []int) func(*url.URL) []string {
	return func(u *url.URL) (list []string) {
		at, next := 0, []int(nil)
		if n, _ := fmt.Sscanf(u.Path, "/item/%d.html", &at); u.Path == "/" || n == 1 && at < items {
			next = more(at)
		} else {
			next = otherwise()
		}
		for _, i := range next {
			list = append(list, fmt.Sprintf("/item/%d.html", i%items))
		}
		return list
	}
}

// TestHonestSitesThatShowItemsForWhatThereIsNotAreCrawledWhole has as many items as such a site may have for certain, by
// default 10,000.
func TestHonestSitesThatShowItemsForWhatThereIsNotAreCrawledWhole(t *testing.T) {
	t.Parallel()
	p := echoes(nil)
	items := 200 * p.EchoAfter
	drawn := func(most int) func() []int {
		return func() (list []int) {
			for range 5 {
				list = append(list, rand.IntN(most))
			}
			return list
		}
	}
	tree := func(i int) []int { return []int{2*i + 1, 2*i + 2, 0, i / 2, i} }
	related := func(i int) (list []int) {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for range 4 {
			list = append(list, r.IntN(items))
		}
		return append(list, i+1)
	}
	for name, site := range map[string]func(*url.URL) []string{
		"any, few links":      catalogue(items, tree, drawn(items)),
		"any, more links":     catalogue(items, related, drawn(items)),
		"the first of them":   catalogue(items, tree, drawn(40)),
		"the last, in a line": catalogue(items, func(i int) []int { return []int{i + 1, i + 2, i, i, i} }, func() []int { return []int{items - 1 - rand.IntN(40), 0, 0, 0, 0} }),
	} {
		t.Run(name, func(t *testing.T) { crawlsAll(t, p, items, site) })
	}
}

// crawlsAll wants a site crawled whole.
func crawlsAll(t *testing.T, p frontier.Policy, items int, links func(u *url.URL) []string) {
	inBubble(t, p, site(links), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(int64(items)+1, 0)
		x.refused(nil)
		if n := len(x.probes()); n < 2 || n > 2*mostAnswers {
			x.Errorf("%d probes", n)
		}
	})
}

// TestTrapsThatAlsoLeadToKnownPagesEnd has those that links which come back could be taken for an honest site's.
func TestTrapsThatAlsoLeadToKnownPagesEnd(t *testing.T) {
	t.Parallel()
	fresh := func(n int) (list []string) {
		for range n {
			list = append(list, "/x/"+word()+".html")
		}
		return list
	}
	var nav []string
	for i := range 10 {
		nav = append(nav, fmt.Sprintf("/x/nav%d.html", i))
	}
	limit := (mostLike + mostLike/4) * echoes(nil).EchoAfter
	for name, trap := range map[string]struct {
		most  int
		links func(u *url.URL) []string
	}{
		"many links":                    {2000, func(*url.URL) []string { return fresh(40) }},
		"one link":                      {2000, func(*url.URL) []string { return fresh(1) }},
		"home, and a menu":              {2000, func(*url.URL) []string { return append(append(fresh(2), "/"), nav...) }},
		"home, and some of a menu":      {2000, func(*url.URL) []string { return append(fresh(2), "/", nav[rand.IntN(10)]) }},
		"as many pages shown before":    {limit, shownBefore(3, 3)},
		"twice as many pages as before": {limit, shownBefore(2, 4)},
	} {
		t.Run(name, func(t *testing.T) { ends(t, echoes(nil), trap.most, frontier.Echo, trap.links) })
	}
}

// shownBefore has new links, and some that it had before.
func shownBefore(fresh, old int) func(*url.URL) []string {
	var mu sync.Mutex
	var all []string
	return func(*url.URL) (list []string) {
		mu.Lock()
		defer mu.Unlock()
		for range min(old, len(all)) {
			list = append(list, all[rand.IntN(len(all))])
		}
		for range fresh {
			link := "/x/" + word() + ".html"
			list, all = append(list, link), append(all, link)
		}
		return list
	}
}

// TestTrapsWhosePagesDifferInLengthEnd has those of one template that say more or less, and lead to more or less.
func TestTrapsWhosePagesDifferInLengthEnd(t *testing.T) {
	answer := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		for range 1 + rand.IntN(50) {
			fmt.Fprint(rw, "<p>There is nothing here, but see what else we have.")
		}
		for range 3 + rand.IntN(5) {
			fmt.Fprint(rw, link("/"+word()+"/"+word()+".html"))
		}
	}
	inBubble(t, echoes(func(p *frontier.Policy) { p.MaxPages = 2000 }), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		if s := x.stats(); s.Done > 1000 || s.Refused[frontier.Echo] == 0 {
			x.Errorf("stats %+v", s)
		}
	})
}

func TestPagesOfACrowdThatIsNeverAskedAboutAreForgotten(t *testing.T) {
	const after = 2
	tr := newTraps()
	folder := tr.crowds.get(tr.key("http://a.test", "/", 1))
	folder.conclude(unasked)
	for i := range 3 * mostLike * after {
		tr.meet(mustParse(t, fmt.Sprintf("http://a.test/%d", i)), 1, 1, after)
	}
	if host := tr.crowds.get(tr.key("http://a.test", "", 1)); len(folder.read) > 0 || len(host.read) > mostLike*after {
		t.Errorf("%d and %d pages are remembered", len(folder.read), len(host.read))
	}
}
