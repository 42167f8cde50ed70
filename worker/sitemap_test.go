package worker

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// files answers by authority and path, each with the type that its name says; all else is a 404. A body of the form
// "-> URL" is a redirect.
func files(bodies map[string]string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.Host+r.RequestURI]
		to, redirects := strings.CutPrefix(body, "-> ")
		switch {
		case !ok:
			http.NotFound(rw, r)
			return
		case redirects:
			rw.Header().Set("Location", to)
			rw.WriteHeader(http.StatusFound)
			return
		case strings.HasSuffix(r.URL.Path, ".txt"):
			rw.Header().Set("Content-Type", "text/plain")
		case strings.HasSuffix(r.URL.Path, ".xml"):
			rw.Header().Set("Content-Type", "application/xml")
		case strings.HasSuffix(r.URL.Path, ".gz"):
			rw.Header().Set("Content-Type", "application/gzip")
		default:
			rw.Header().Set("Content-Type", "text/html")
		}
		_, _ = io.WriteString(rw, body)
	}
}

func urlset(urls ...string) string { return listOf("urlset", "url", urls) }

func sitemapIndex(urls ...string) string { return listOf("sitemapindex", "sitemap", urls) }

func listOf(root, item string, urls []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><%s xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`, root)
	for _, u := range urls {
		fmt.Fprintf(&b, "<%s><loc>%s</loc></%s>", item, u, item)
	}
	fmt.Fprintf(&b, "</%s>", root)
	return b.String()
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// onDisk is a crawl of a web in memory with the embedded frontier.
func onDisk(t *testing.T, p frontier.Policy, answer http.HandlerFunc) *trial {
	t.Helper()
	x := newTrial(t, p, answer)
	t.Cleanup(x.close)
	store, err := disk.Open(t.TempDir(), disk.Config{Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	x.journal.Frontier = store
	x.obeyRobots()
	return x
}

// seedSitemap seeds sitemaps.
func (x *trial) seedSitemap(urls ...string) {
	x.Helper()
	for _, url := range urls {
		u := mustParse(x, url)
		x.cfg.Plan.Scope.Add(u)
		if _, err := x.journal.Frontier.Push(x.Context(), []frontier.Entry{{URL: u, Seed: true, Sitemap: true}}); err != nil {
			x.Fatal(err)
		}
	}
}

// all are the entries that were accepted under leases, by URL; those of a page with an outcome, and those before it.
func (x *trial) all() map[string]frontier.Entry {
	found := map[string]frontier.Entry{}
	for _, r := range x.journal.reports {
		for _, e := range r.Found {
			found[e.URL.String()] = e
		}
		for _, o := range r.Outcomes {
			for _, e := range o.Found {
				found[e.URL.String()] = e
			}
		}
	}
	return found
}

// visited are the paths that were asked for, sorted, without those of robots.txt.
func (x *trial) visited(host string) (paths []string) {
	for _, r := range x.web.log().Requests(host) {
		if r.Path != "/robots.txt" {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

func (x *trial) saw(host string, want ...string) {
	x.Helper()
	slices.Sort(want)
	if got := x.visited(host); !slices.Equal(got, want) {
		x.Errorf("%s was asked for %q, want %q", host, got, want)
	}
}

func TestSitemapsThatRobotsNamesAreReadToTheirPages(t *testing.T) {
	t.Parallel()
	web := map[string]string{
		"a.test/robots.txt": "User-agent: *\nDisallow: /private\nSitemap: http://a.test/index.xml\nSitemap: /index.xml\nSitemap: mailto:x\n",
		"a.test/":           link("/linked"),
		"a.test/linked":     "", "a.test/1": "", "a.test/2": "", "a.test/3": "",
		"a.test/index.xml": sitemapIndex("http://a.test/1.xml", "http://a.test/2.xml.gz"),
		"a.test/1.xml":     urlset("http://a.test/1", "http://a.test/linked", "http://a.test/private", "http://other.test/", "ftp://a.test/x"),
	}
	web["a.test/2.xml.gz"] = zipped(t, urlset("http://a.test/2", "http://a.test/3"))
	x := onDisk(t, hasty, files(web))
	u := mustParse(x, "http://a.test/")
	x.cfg.Plan.Scope.Add(u)
	if _, err := x.journal.Frontier.Push(t.Context(), []frontier.Entry{{URL: u, Seed: true}}); err != nil {
		t.Fatal(err)
	}
	x.run()
	x.saw("a.test", "/", "/linked", "/index.xml", "/1.xml", "/2.xml.gz", "/1", "/2", "/3")
	x.saw("other.test")
	s, err := x.journal.Frontier.Stats(t.Context())
	if err != nil || s.Done != 8 || s.Seen != 8 || s.Refused[frontier.ByRobots] != 1 || s.Refused[frontier.SitemapHost] != 1 || s.Refused[frontier.BadURL] != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	const robots, one = "http://a.test/robots.txt", "http://a.test/1.xml"
	for url, want := range map[string]frontier.Entry{
		"http://a.test/index.xml": {Via: robots, Sitemap: true, Priority: 1},
		one:                       {Via: robots, Sitemap: true, Priority: 1, Depth: 1},
		"http://a.test/1":         {Via: one, Priority: 1, Depth: 1},
	} {
		got := x.all()[url]
		if want.URL = mustParse(x, url); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if r := x.journal.record(one); r == nil || r.Status != 200 || r.Error != nil || r.Truncated || len(r.Links) > 0 {
		t.Errorf("record %+v", r)
	}
}

func TestNoSitemapsAreReadThatAreNotWanted(t *testing.T) {
	for name, change := range map[string]func(*frontier.Policy){
		"off":   func(p *frontier.Policy) { p.Sitemaps = false },
		"depth": func(p *frontier.Policy) { p.Depth = 0 },
		"page":  func(p *frontier.Policy) { p.Scope = frontier.ScopePage },
	} {
		t.Run(name, func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay = 0; change(p) })
			answer := files(map[string]string{"a.test/robots.txt": "Sitemap: /s.xml", "a.test/": "", "a.test/s.xml": urlset("http://a.test/1")})
			inBubble(t, p, answer, func(x *trial) {
				x.obeyRobots()
				x.seed("http://a.test/")
				x.run()
				x.saw("a.test", "/")
				if len(x.journal.reports) != 1 {
					t.Errorf("%d acks", len(x.journal.reports))
				}
			})
		})
	}
}

// everywhere is hasty without a scope.
var everywhere = policy(func(p *frontier.Policy) { p.Delay, p.Scope = 0, frontier.ScopeAny })

func TestIndexesEndInDepthAndInCircles(t *testing.T) {
	web := map[string]string{}
	for i := range 10 {
		web[fmt.Sprintf("a.test/%d.xml", i)] = sitemapIndex(fmt.Sprintf("http://a.test/%d.xml", i+1), "http://a.test/0.xml")
	}
	inBubble(t, hasty, files(web), func(x *trial) {
		x.seedSitemap("http://a.test/0.xml")
		x.run()
		x.saw("a.test", "/0.xml", "/1.xml", "/2.xml", "/3.xml")
		x.refused(map[frontier.Reason]int64{frontier.SitemapDepth: 2})
	})
}

func TestWhereASitemapRedirectsToIsASitemap(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/robots.txt": "Sitemap: /s",
		"a.test/s":          "-> http://cdn.test/s.txt",
		"cdn.test/s.txt":    "http://a.test/1\nhttp://b.test/2\n",
	}), func(x *trial) {
		x.obeyRobots()
		x.seed("http://a.test/")
		x.run()
		x.saw("a.test", "/", "/s", "/1")
		want := frontier.Entry{URL: mustParse(x, "http://cdn.test/s.txt"), Via: "http://a.test/robots.txt", Sitemap: true, Hops: 1, Priority: 1}
		if got := x.all()["http://cdn.test/s.txt"]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestAPageThatIsAnXMLSitemapIsReadAsOneIfSitemapsAreWanted(t *testing.T) {
	for wanted, want := range map[bool][]string{true: {"/", "/i", "/s", "/1", "/2"}, false: {"/", "/i", "/s"}} {
		t.Run(fmt.Sprint(wanted), func(t *testing.T) {
			p := policy(func(p *frontier.Policy) { p.Delay, p.Sitemaps = 0, wanted })
			inBubble(t, p, files(map[string]string{
				"a.test/":  link("/s", "/i"),
				"a.test/s": urlset("http://a.test/1"),  // served as text/html
				"a.test/i": sitemapIndex("/never.xml"), // which robots.txt would have to name
				"a.test/1": link("/2"),
			}), func(x *trial) {
				x.seed("http://a.test/")
				x.run()
				x.saw("a.test", want...)
			})
		})
	}
}

func TestASitemapThatIsBrokenSaysSo(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/broken.xml":  strings.TrimSuffix(urlset("http://a.test/1", "http://a.test/2"), "/2</loc></url></urlset>"),
		"a.test/page.xml":    "<!doctype html>" + link("/3"),
		"a.test/long.xml":    urlset(slices.Repeat([]string{"http://a.test/4"}, 50_001)...),
		"a.test/lengthy.xml": urlset("http://a.test/"+strings.Repeat("x", 2048), "x"),
	}), func(x *trial) {
		x.seedSitemap("http://a.test/broken.xml", "http://a.test/page.xml", "http://a.test/long.xml", "http://a.test/lengthy.xml", "http://a.test/none.xml")
		x.run()
		x.settled(7, 0)
		x.saw("a.test", "/1", "/4", "/broken.xml", "/page.xml", "/long.xml", "/lengthy.xml", "/none.xml")
		x.refused(map[frontier.Reason]int64{frontier.TooLong: 1, frontier.BadURL: 1})
		for url, want := range map[string]string{"broken": "after 1 entries: it is not whole", "page": "neither", "long": "", "lengthy": "", "none": ""} {
			r := x.journal.record("http://a.test/" + url + ".xml")
			if (r.Error != nil) != (want != "") || want != "" && (r.Error.Kind != "sitemap" || !strings.HasPrefix(r.Error.Detail, want)) {
				t.Errorf("%s: %+v", url, r.Error)
			}
			if r.Truncated != (url == "long") {
				t.Errorf("%s: truncated: %v", url, r.Truncated)
			}
		}
	})
}

// longSitemap is longer than a page may be; its last pages are behind what is kept of one.
func longSitemap() string {
	head, tail, _ := strings.Cut(urlset("http://a.test/1", "", "http://a.test/2"), "<loc></loc>")
	return head + strings.Repeat(" ", int(frontier.DefaultPolicy().MaxBody)) + tail
}

func TestASitemapMayBeLongerThanAPage(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{"a.test/s.xml": longSitemap()}), func(x *trial) {
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.saw("a.test", "/s.xml", "/1", "/2")
	})
}

func TestASitemapThatIsCutSaysSo(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{"a.test/": link("/s.xml"), "a.test/s.xml": longSitemap()}), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		x.saw("a.test", "/", "/s.xml", "/1")
		if r := x.journal.record("http://a.test/s.xml"); !r.Truncated || r.Error != nil {
			t.Errorf("%+v", r)
		}
	})
}

func TestThePagesOfASitemapAreWhatAScopeOfPagesWants(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.Scope = 0, frontier.ScopePage })
	inBubble(t, p, files(map[string]string{
		"a.test/i.xml": sitemapIndex("http://a.test/s.xml"),
		"a.test/s.xml": urlset("http://a.test/1", "http://a.test/2"),
		"a.test/1":     link("/no"),
		"a.test/2":     "-> /3",
	}), func(x *trial) {
		x.seedSitemap("http://a.test/i.xml")
		x.run()
		x.saw("a.test", "/i.xml", "/s.xml", "/1", "/2", "/3")
		x.refused(map[frontier.Reason]int64{frontier.OutOfScope: 1})
	})
}

func TestWhatTheCapsKeepOutOfASitemapIsCounted(t *testing.T) {
	p := policy(func(p *frontier.Policy) { p.Delay, p.MaxHostPages = 0, 601 })
	inBubble(t, p, files(map[string]string{"a.test/s.xml": urlset(urls("a.test", 1700)...)}), func(x *trial) {
		x.seedSitemap("http://a.test/s.xml")
		x.run()
		x.settled(601, 0)
		x.refused(map[frontier.Reason]int64{frontier.HostPagesCap: 1100})
	})
}

func TestPagesThatASitemapRatesLowGoLast(t *testing.T) {
	inBubble(t, hasty, files(map[string]string{
		"a.test/s.xml": "<urlset><url><loc>/low</loc><priority>0.1</priority></url><url><loc>/listed</loc></url></urlset>",
		"a.test/":      link("/linked"),
	}), func(x *trial) {
		x.cfg.Batch = 1
		x.seedSitemap("http://a.test/s.xml")
		x.seed("http://a.test/")
		x.run()
		var paths []string
		for _, r := range x.web.log().Requests("a.test") {
			paths = append(paths, r.Path)
		}
		if want := []string{"/s.xml", "/", "/linked", "/listed", "/low"}; !slices.Equal(paths, want) {
			t.Errorf("%q, want %q", paths, want)
		}
	})
}
