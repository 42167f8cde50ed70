package worker

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"trawl/frontier"
)

// built answers as site does, in pages that are built, and have a status, as a function says.
func built(how func(u *url.URL) (status int, tags []string), links func(u *url.URL) []string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		status, tags := how(r.URL)
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(status)
		for _, tag := range tags {
			fmt.Fprintf(rw, "<%s>text</%s>", tag, tag)
		}
		fmt.Fprint(rw, link(links(r.URL)...))
	}
}

// someOf draws from the names of tags.
func someOf(tags ...string) (list []string) {
	for _, tag := range tags {
		if rand.IntN(2) == 0 {
			list = append(list, tag)
		}
	}
	return list
}

func TestTrapsWhosePagesAreBuiltInManyWaysEnd(t *testing.T) {
	t.Parallel()
	many := strings.Fields("b i p ul ol li em h1 h2 h3 h4 dl dt dd pre code table tr td small big div span sub sup u s q")
	statuses := []int{200, 200, 203, 404, 403, 410}
	for name, test := range map[string]struct {
		most int
		how  func(*url.URL) (int, []string)
	}{
		"a few":    {2500, func(*url.URL) (int, []string) { return 200, someOf("p", "ul", "table") }},
		"any":      {2500, func(*url.URL) (int, []string) { return 200, someOf(many...) }},
		"statuses": {3000, func(*url.URL) (int, []string) { return statuses[rand.IntN(len(statuses))], nil }},
	} {
		t.Run(name, func(t *testing.T) {
			p := echoes(func(p *frontier.Policy) { p.MaxPages = int64(2 * test.most) })
			inBubble(t, p, built(test.how, func(*url.URL) []string {
				return []string{"/x/" + word(), "/x/" + word(), "/x/" + word(), "/x/" + word()}
			}), func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				if n, s := x.web.log().Total(), x.stats(); n > test.most || s.Refused[frontier.Echo] == 0 {
					x.Errorf("%d requests; stats %+v", n, s)
				}
			})
		})
	}
}

// TestWhatATrapLedToIsNotFetchedOnceItIsKnown has pages that each lead to three like it, and to 50 without a link.
func TestWhatATrapLedToIsNotFetchedOnceItIsKnown(t *testing.T) {
	ends(t, echoes(nil), 700, frontier.Echo, func(u *url.URL) []string {
		if strings.Contains(u.Path, "leaf") {
			return []string{}
		}
		list := []string{"/x/" + word(), "/x/" + word(), "/x/" + word()}
		for range 50 {
			list = append(list, "/x/leaf"+word())
		}
		return list
	})
}

// TestHonestSitesWhosePageForWhatThereIsNotVariesAreCrawledWhole has one with a status of its own, and built otherwise.
func TestHonestSitesWhosePageForWhatThereIsNotVariesAreCrawledWhole(t *testing.T) {
	t.Parallel()
	p := echoes(nil)
	items := 200 * p.EchoAfter
	isItem := func(u *url.URL) (at int, ok bool) {
		n, _ := fmt.Sscanf(u.Path, "/item/%d.html", &at)
		return at, u.Path == "/" || n == 1 && at < items
	}
	how := func(u *url.URL) (int, []string) {
		if _, ok := isItem(u); ok {
			return 200, []string{"h1", "p"}
		}
		return 404, []string{"h2"}
	}
	for name, otherwise := range map[string]func() []string{
		"a token": func() []string { return []string{"/item/1.html", "/login?state=" + word()} },
		"what else there is": func() (list []string) {
			for range 5 {
				list = append(list, fmt.Sprintf("/item/%d.html?from=404", rand.IntN(items)))
			}
			return list
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, p, built(how, func(u *url.URL) []string {
				at, ok := isItem(u)
				if !ok {
					return otherwise()
				}
				return []string{fmt.Sprintf("/item/%d.html", min(2*at+1, items-1)), fmt.Sprintf("/item/%d.html", min(2*at+2, items-1))}
			}), func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				x.settled(int64(items), 0)
				x.refused(nil)
			})
		})
	}
}
