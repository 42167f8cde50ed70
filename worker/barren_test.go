package worker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"trawl/frontier"
)

// longList has a page and a sitemap that list the same URLs.
func longList(all int, answer func(n int, rw http.ResponseWriter)) http.HandlerFunc {
	var paths, urls []string
	for i := range all {
		path := fmt.Sprintf("/list/%d", i)
		paths, urls = append(paths, path), append(urls, "http://a.test"+path)
	}
	return func(rw http.ResponseWriter, r *http.Request) {
		n := 0
		switch _, err := fmt.Sscanf(r.URL.Path, "/list/%d", &n); {
		case err == nil:
			answer(n, rw)
		case r.URL.Path == "/sitemap.xml":
			fmt.Fprint(rw, urlset(urls...))
		default:
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, link(paths...))
		}
	}
}

func TestListsOfWhatIsNotThereAreNotReadToTheirEnd(t *testing.T) {
	t.Parallel()
	const all, enough = 2000, barrenAfter * 10
	gone := func(_ int, rw http.ResponseWriter) { rw.WriteHeader(http.StatusGone) }
	for name, test := range map[string]struct {
		answer func(int, http.ResponseWriter)
		read   int
	}{
		"none is there":    {gone, enough},
		"all are the same": {func(_ int, rw http.ResponseWriter) { fmt.Fprint(rw, "We have moved.") }, enough},
		"one of 150 is there": {func(n int, rw http.ResponseWriter) {
			if n%150 != 0 {
				gone(n, rw)
			}
		}, all},
		"all lead somewhere else": {func(_ int, rw http.ResponseWriter) {
			rw.Header().Set("Location", "/")
			rw.WriteHeader(http.StatusFound)
		}, all},
		"all are empty": {func(int, http.ResponseWriter) {}, all},
	} {
		for _, list := range []string{"/", "/sitemap.xml"} {
			t.Run(name+" of "+list, func(t *testing.T) {
				inBubble(t, echoes(nil), longList(all, test.answer), func(x *trial) {
					if list == "/" {
						x.seed("http://a.test/")
					} else {
						x.seedSitemap("http://a.test" + list)
					}
					x.run()
					n := -1
					for _, r := range x.journal.records {
						if strings.Contains(r.URL, "/list/") {
							n++
						}
					}
					if n < test.read-1 || n > test.read+4 || x.stats().Refused[frontier.Barren] != int64(all-n-1) {
						x.Errorf("%d of the list were read, want %d; %+v", n+1, test.read, x.stats())
					}
				})
			})
		}
	}
}

// A site that answers anything may list as much as it likes on its front page. What its sitemap lists is fetched.
func TestListsOfWhatASiteAnswersAnythingWithAreNotReadToTheirEnd(t *testing.T) {
	t.Parallel()
	const all, enough = 1000, barrenAfter * 10 / echoCounts
	anything := func(_ int, rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, "<h1>", link("/list/"+word(), "/list/"+word()))
	}
	for list, want := range map[string]int{"/": enough, "/sitemap.xml": all} {
		t.Run(list, func(t *testing.T) {
			inBubble(t, echoes(nil), anyOf(longList(all, anything), anything), func(x *trial) {
				if list == "/" {
					x.seed("http://a.test/")
				} else {
					x.seedSitemap("http://a.test" + list)
				}
				x.run()
				n := 0
				for _, r := range x.journal.records {
					if number(strings.TrimPrefix(r.URL, "http://a.test/list/"), 1, 4) >= 0 {
						n++
					}
				}
				if n < want || n > want+150 { // so many, until it is known
					x.Errorf("%d of the list were read, want %d; %+v", n, want, x.stats())
				}
			})
		})
	}
}

// anyOf answers what a list does not know as anything.
func anyOf(list http.HandlerFunc, anything func(int, http.ResponseWriter)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/list/") {
			anything(0, rw)
			return
		}
		list(rw, r)
	}
}
