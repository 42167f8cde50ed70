package worker

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// echoes is a policy under which probes are sent after 10 pages.
func echoes(change func(*frontier.Policy)) frontier.Policy {
	return policy(func(p *frontier.Policy) {
		p.Delay, p.EchoAfter = 0, 10
		if change != nil {
			change(p)
		}
	})
}

// probes are the requests for URLs that nothing leads to: none of the crawl's.
func (x *trial) probes() (list []webtest.Request) {
	settled := map[string]bool{}
	for _, url := range x.journal.order {
		settled[url] = true
	}
	for _, r := range x.web.log().Pages().Requests("a.test") {
		if !settled["http://a.test"+r.Path] {
			list = append(list, r)
		}
	}
	return list
}

func TestSitesThatAnswerAnythingEnd(t *testing.T) {
	t.Parallel()
	for name, links := range map[string]func(u *url.URL) []string{
		"files in one folder": func(*url.URL) []string { return []string{"/x/" + word() + ".html", "/x/" + word() + ".html"} },
		"files in any folder": func(*url.URL) []string { return []string{"/" + word() + "/" + word(), "/" + word() + "/"} },
		"folders in folders":  func(*url.URL) []string { return []string{word() + "/", word() + "/"} },
		"a parameter":         func(u *url.URL) []string { return []string{"/?q=" + word(), "/?q=" + word()} },
		"a name in the query": func(u *url.URL) []string { return []string{"/?" + word(), "/?" + word()} },
		"numbers of pages": func(u *url.URL) []string {
			at := 0
			if n, _ := fmt.Sscanf(u.Path, "/page/%d/", &at); n == 0 && u.Path != "/" {
				return nil
			}
			return []string{fmt.Sprintf("/page/%d/", at+1), fmt.Sprintf("/page/%d/", at+2), "/page/1/"}
		},
		"numbers in folders": func(u *url.URL) []string {
			at := 0
			if n, _ := fmt.Sscanf(u.Path, "/day/%d/all", &at); n == 0 && u.Path != "/" {
				return nil
			}
			return []string{fmt.Sprintf("/day/%d/all", at+1), fmt.Sprintf("/day/%d/all", at+2)}
		},
		"uuids": func(u *url.URL) (list []string) {
			var uuid string
			if n, _ := fmt.Sscanf(u.Path, "/%36s/page", &uuid); u.Path != "/" && (n == 0 || strings.Count(uuid, "-") != 4) {
				return nil
			}
			for i := range 5 {
				list = append(list, fmt.Sprintf("/%08x-%04x-%04x-%04x-%012x/page/%d", rand.Uint32(), rand.Uint32()>>16, rand.Uint32()>>16, rand.Uint32()>>16, rand.Uint64()>>16, i))
			}
			return list
		},
		"a fraction in the query of any page": func(u *url.URL) (list []string) {
			if _, err := strconv.ParseFloat(u.Query().Get("v"), 64); u.Path != "/" && err != nil {
				return nil
			}
			for i := range 20 {
				list = append(list, fmt.Sprintf("/p/%d?v=%v", i, rand.Float64()))
			}
			return list
		},
		"tags of products": func(u *url.URL) (list []string) {
			if _, err := strconv.Atoi(u.Query().Get("ref")); u.Path != "/" && err != nil {
				return nil
			}
			for range 5 {
				list = append(list, fmt.Sprintf("/product/%d?sort=%d&amp;ref=%d", rand.IntN(1000), rand.IntN(4), rand.IntN(100_000)))
			}
			return list
		},
		"scripts that are made up": func(*url.URL) []string {
			return []string{fmt.Sprintf("/%s.php?id=%d", nonsense(8), rand.Uint32()), fmt.Sprintf("/%s.php?id=%d", nonsense(8), rand.Uint32())}
		},
		"the last segment decides": func(*url.URL) []string { return []string{"../" + word() + "/index.html", "/" + word() + "/index.html"} },
		"sessions without a name": func(*url.URL) (list []string) {
			for i := range 5 {
				list = append(list, fmt.Sprintf("/%s/p/%d", word(), i))
			}
			return list
		},
		"facets": func(u *url.URL) (list []string) {
			for _, name := range []string{"brand", "color", "fit", "size", "sort", "stock"} {
				for value := range 5 {
					now := u.Query()
					now.Set(name, fmt.Sprint(value))
					list = append(list, "/list?"+strings.ReplaceAll(now.Encode(), "&", "&amp;"))
				}
			}
			return list
		},
	} {
		t.Run(name, func(t *testing.T) { ends(t, echoes(nil), 1000, frontier.Echo, links) })
	}
}

func TestSitesThatAnswerAnythingEndWhateverTheStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNonAuthoritativeInfo, http.StatusMultipleChoices, http.StatusForbidden, http.StatusNotFound, http.StatusNotImplemented} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			answer := func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/html")
				rw.WriteHeader(status)
				fmt.Fprint(rw, link("/"+word(), "/"+word()+"/"+word()))
			}
			p := echoes(func(p *frontier.Policy) { p.MaxPages = 2000 })
			inBubble(t, p, answer, func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				if n, s := x.web.log().Total(), x.stats(); n > 1000 || s.Refused[frontier.Echo] == 0 {
					x.Errorf("%d requests; stats %+v", n, s)
				}
			})
		})
	}
}

// One page for any URL has no end if its links are relative, although they stay the same.
func TestOnePageWithRelativeLinksEnds(t *testing.T) {
	words := []string{"oak/", "elm/", "ash/", "fir/", "yew/", "bay/"}
	p := echoes(func(p *frontier.Policy) { p.MaxPathRepeats = 0 })
	ends(t, p, 4*p.EchoAfter, frontier.Echo, func(*url.URL) []string { return words })
}

// Stubs that all are the same to the byte lead to something each.
func TestStubsWithARelativeLinkLeadToAllThereIs(t *testing.T) {
	const stubs = 60
	inBubble(t, echoes(nil), site(func(u *url.URL) (list []string) {
		n := 0
		switch _, err := fmt.Sscanf(u.Path, "/p%d/", &n); {
		case u.Path == "/":
			for i := range stubs {
				list = append(list, fmt.Sprintf("/p%d/", i))
			}
		case err == nil && strings.Count(u.Path, "/") == 2:
			return []string{"latest/"}
		case err == nil:
			return []string{fmt.Sprintf("/p%d/more", n)}
		}
		return list
	}), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.refused(nil)
		if s := x.stats(); s.Done < 1+2*stubs {
			x.Errorf("stats %+v", s)
		}
	})
}

func TestPagesOfASiteThatAnswersAnythingAreRecordedAndProbesAreNot(t *testing.T) {
	inBubble(t, echoes(nil), site(func(*url.URL) []string { return []string{"/" + word() + ".html", "/" + word() + ".html"} }), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		probes := len(x.probes())
		if probes != mostAnswers {
			x.Errorf("%d probes", probes)
		}
		if n := x.web.log().Total() - probes; n != len(x.journal.records) || int64(n) != x.stats().Done {
			x.Errorf("%d other requests, %d records, %d done", n, len(x.journal.records), x.stats().Done)
		}
	})
}

// TestHonestSitesWithPagesAllAlikeAreCrawledWhole has sites that look like the ones above, as far as their pages go.
func TestHonestSitesWithPagesAllAlikeAreCrawledWhole(t *testing.T) {
	t.Parallel()
	const pages = 300
	item := func(i int) string { return fmt.Sprintf("/item/%d.html", i) }
	for name, links := range map[string]func(u *url.URL) []string{
		"404 for what there is not": func(u *url.URL) []string {
			i := 0
			if n, _ := fmt.Sscanf(u.Path, "/item/%d.html", &i); u.Path != "/" && (n == 0 || i >= pages) {
				return nil
			}
			return []string{item((2*i + 1) % pages), item((2*i + 2) % pages)}
		},
		"the first page of a list for none": func(u *url.URL) []string {
			i := 0
			if u.Path != "/" {
				return nil
			}
			if n, _ := fmt.Sscanf(u.Query().Get("page"), "%d", &i); n > 0 && i >= pages {
				i = 0
			}
			return []string{fmt.Sprintf("?page=%d", (2*i+1)%pages), fmt.Sprintf("?page=%d", (2*i+2)%pages), "?page=1", "?" + u.RawQuery + "&amp;sort=1"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := echoes(func(p *frontier.Policy) { p.Exclude = []string{"sort=1"} })
			inBubble(t, p, site(links), func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				if s := x.stats(); s.Done < pages || s.Refused[frontier.Echo] > 0 {
					x.Errorf("stats %+v", s)
				}
				if n := len(x.probes()); n == 0 || n > 4 {
					x.Errorf("%d probes", n)
				}
			})
		})
	}
}

func TestAProbeKeepsThePaceAndRobots(t *testing.T) {
	t.Parallel()
	page := site(func(*url.URL) []string { return []string{"/x/" + nonsense(12) + "-a", "/x/" + nonsense(12) + "-a"} })
	p := echoes(func(p *frontier.Policy) { p.Delay, p.MaxHostPages = 2*time.Second, 40 })
	t.Run("pace", func(t *testing.T) {
		inBubble(t, p, after(100*time.Millisecond, page), func(x *trial) {
			x.seed("http://a.test/")
			x.run()
			if n := len(x.probes()); n != mostAnswers {
				x.Errorf("%d probes", n)
			}
			if gap, _ := x.web.log().MinGap("a.test"); gap < p.Delay {
				x.Errorf("two requests are %v apart", gap)
			}
		})
	})
	t.Run("robots", func(t *testing.T) {
		inBubble(t, p, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				fmt.Fprint(rw, "User-agent: *\nDisallow: /\nAllow: /x/*-a\nAllow: /$\n")
				return
			}
			page(rw, r)
		}, func(x *trial) {
			x.obeyRobots()
			x.seed("http://a.test/")
			x.run()
			if probes := x.probes(); len(probes) > 0 {
				x.Errorf("%v", probes)
			}
		})
	})
}

func TestAProbeThatFailsIsTriedTwiceMore(t *testing.T) {
	var mu sync.Mutex
	known := map[string]bool{"/": true}
	answer := func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !known[r.URL.Path] {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		next := []string{"/" + word(), "/" + word()}
		known[next[0]], known[next[1]] = true, true
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, link(next...))
	}
	inBubble(t, echoes(func(p *frontier.Policy) { p.MaxHostPages = 300 }), answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.settled(300, 0)
		if n := len(x.probes()); n != maxTries {
			x.Errorf("%d probes", n)
		}
	})
}

// TestSessionsThatHaveNoNameEnd has pages of two shapes, one of which is not what a page that cannot exist looks like.
func TestSessionsThatHaveNoNameEnd(t *testing.T) {
	ends(t, echoes(nil), 1000, frontier.Echo, func(u *url.URL) (list []string) {
		n, token := 0, ""
		if _, err := fmt.Sscanf(strings.ReplaceAll(u.Path, "/", " "), " s %s p %d", &token, &n); u.Path != "/" && err != nil {
			return nil
		}
		for i := range 10 + n%2 {
			list = append(list, fmt.Sprintf("/s/%016x%016x/p/%d", rand.Uint64(), rand.Uint64(), i))
		}
		return list
	})
}

// TestLinksThatOnlyQuoteTheQuestionAreNotNew has answers to questions of one kind.
func TestLinksThatOnlyQuoteTheQuestionAreNotNew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		param bool
		links []string // with a tilde for the nonsense, and an asterisk for what is another word each time
		fresh int
	}{
		"some in the path":              {false, []string{"/a", "/b", "/~/print", "/de/~"}, 0},
		"most in the path":              {false, []string{"/a", "/~/print", "/de/~"}, 2},
		"all in a query":                {false, []string{"/login?to=~", "/lang?to=~"}, 0},
		"some in the query asked about": {true, []string{"/a", "/b", "/l?page=~&sort=1"}, 0},
		"most in the query asked about": {true, []string{"/a", "/l?page=~&size=1", "/l?page=~&size=2"}, 2},
		"new ones too":                  {false, []string{"/a", "/b", "/c", "/~/*/"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, seed := probe{of: &crowd{param: test.param}, model: frontier.Host("http://a.test").URL("/x/y"), spots: []spot{{3, 4, aWord}}}, maphash.MakeSeed()
			if test.param {
				p.model, p.spots[0] = frontier.Host("http://a.test").URL("/l?page=1"), spot{8, 9, aWord}
			}
			for range 2 {
				p.word = nonsense(12)
				var links []frontier.URL
				for _, form := range test.links {
					links = append(links, frontier.Host("http://a.test").URL(strings.NewReplacer("~", p.word, "*", word()).Replace(form)))
				}
				p.draw(seed, links)
			}
			if len(p.drawn) != test.fresh {
				t.Errorf("%d new links; want %d", len(p.drawn), test.fresh)
			}
		})
	}
}

func TestEchoAfterZeroSendsNoProbe(t *testing.T) {
	p := echoes(func(p *frontier.Policy) { p.EchoAfter, p.MaxHostPages = 0, 200 })
	inBubble(t, p, site(func(*url.URL) []string { return []string{"/" + word(), "/" + word()} }), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		if n := len(x.probes()); n > 0 || x.stats().Done != 200 {
			x.Errorf("%d probes, %+v", n, x.stats())
		}
	})
}

func TestAProbeIsLikeItsModel(t *testing.T) {
	t.Parallel()
	const host = frontier.Host("http://a.test")
	for path, form := range map[string]string{
		"/": "/*", "/a": "/*", "/a/": "/*/", "/a/b.html": "/a/*.html", "/a/b.tar.gz": "/a/*.gz", "/a/b/c/": "/a/b/*/", "/a/.x": "/a/*",
		"/a/b.html?x=1": "/a/*.html?x=1", "//": "/*/", "/a?x=1&y=2": "/a?x=1&y=*", "/?q": "/?*",
	} {
		p := probe{model: host.URL(path)}
		p.spots = spotsOf(p.model, &crowd{param: strings.Contains(form, "=*") || strings.Contains(form, "/?*")})
		got := p.url().Path()
		before, end, _ := strings.Cut(form, "*")
		if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, end) || len(got) < len(form)+11 {
			t.Errorf("%s: got %s; want %s", path, got, form)
		}
		if u, err := frontier.ParseURL(string(host) + got); err != nil || u != host.URL(got) {
			t.Errorf("%s: %s is not canonical: %v", path, got, err)
		}
	}
}
