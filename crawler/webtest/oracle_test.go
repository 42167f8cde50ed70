package webtest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// start serves a web until the test ends.
func start(t testing.TB, cfg Config) (*Web, *Server) {
	t.Helper()
	w := New(cfg)
	s, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w, s
}

// client returns a client that connects to 127.0.0.1 whatever the name, and follows no redirects.
func client(t testing.TB) *http.Client {
	t.Helper()
	var d net.Dialer
	transport := &http.Transport{
		MaxIdleConnsPerHost: 100,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if strings.HasSuffix(host, ".localhost") {
				host = "127.0.0.1"
			}
			if err != nil {
				return nil, err
			}
			return d.DialContext(ctx, network, net.JoinHostPort(host, port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func get(t testing.TB, c *http.Client, u string) (*http.Response, []byte) {
	t.Helper()
	resp, err := c.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// crawler is the naive one that the oracle is compared with: one request at a time, breadth first.
type crawler struct {
	t      testing.TB
	client *http.Client
	rules  Rules
	fates  map[string]Fate
	next   []string
	hosts  map[string]bool
	denied map[string]string // by host: the one folder that its robots.txt forbids
}

func crawl(t testing.TB, r Rules, seeds ...string) map[string]Fate {
	t.Helper()
	c := &crawler{t: t, client: client(t), rules: r, fates: map[string]Fate{}, hosts: map[string]bool{}, denied: map[string]string{}}
	for _, seed := range seeds {
		c.hosts[hostOf(t, seed)] = true
	}
	for _, seed := range seeds {
		c.find(seed, 0)
	}
	for len(c.next) > 0 {
		u := c.next[0]
		c.next = c.next[1:]
		c.visit(u)
	}
	return c.fates
}

func hostOf(t testing.TB, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func (c *crawler) find(u string, depth int) {
	_, known := c.fates[u]
	if known || !c.rules.AnyHost && !c.hosts[hostOf(c.t, u)] || c.forbidden(u) {
		return
	}
	c.fates[u] = Fate{URL: u, Depth: depth}
	c.next = append(c.next, u)
}

func (c *crawler) forbidden(u string) bool {
	if c.rules.IgnoreRobots {
		return false
	}
	host := hostOf(c.t, u)
	folder, ok := c.denied[host]
	if !ok {
		_, body := get(c.t, c.client, "http://"+host+"/robots.txt")
		_, rest, _ := strings.Cut(string(body), "Disallow:")
		folder = strings.TrimSpace(rest)
		c.denied[host] = folder
	}
	return folder != "" && strings.HasPrefix(u, "http://"+host+folder)
}

func (c *crawler) visit(u string) {
	f := c.fates[u]
	var body []byte
	var location string
	for f.Status = 503; f.Status == 503; f.Tries++ {
		resp, b := get(c.t, c.client, u)
		f.Status, location, body = resp.StatusCode, resp.Header.Get("Location"), b
		if want := resp.Header.Get("Content-Length"); want != fmt.Sprint(len(b)) {
			c.t.Errorf("%s: %d bytes, Content-Length %q", u, len(b), want)
		}
	}
	c.fates[u] = f
	if location != "" {
		base, _ := url.Parse(u)
		to, err := base.Parse(location)
		if err != nil {
			c.t.Fatal(err)
		}
		c.find(to.String(), f.Depth)
	}
	if c.rules.MaxDepth == 0 || f.Depth < c.rules.MaxDepth {
		for _, to := range anchors(c.t, u, body) {
			c.find(to, f.Depth+1)
		}
	}
}

func oracle(w *Web, r Rules, seeds ...string) map[string]Fate {
	fates := map[string]Fate{}
	for f := range w.Reachable(r, seeds...) {
		fates[f.URL] = f
	}
	return fates
}

func TestTheOracleKnowsWhatANaiveCrawlerFinds(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Rules{
		"on the seed's host":  {},
		"on any host":         {AnyHost: true},
		"ignoring robots.txt": {IgnoreRobots: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s := start(t, full())
			got, want := crawl(t, r, s.URL(1, "/")), oracle(w, r, s.URL(1, "/"))
			for u, f := range got { // the order of a crawl that meets redirects is not quite by depth
				if f.Depth >= want[u].Depth {
					f.Depth = want[u].Depth
				}
				got[u] = f
			}
			if !maps.Equal(got, want) {
				t.Errorf("crawled %d URLs, the oracle says %d: %s", len(got), len(want), difference(got, want))
			}
			for u, f := range want {
				if n := s.Log().Count(u); n != f.Tries {
					t.Errorf("%s: %d requests logged, %d made", u, n, f.Tries)
				}
			}
		})
	}
}

func TestTheOracleCountsLinksFromTheSeeds(t *testing.T) {
	t.Parallel()
	cfg := full()
	cfg.Redirects, cfg.Links, cfg.Fanout = 0, 4, 2 // without redirects breadth-first is by depth
	w, s := start(t, cfg)
	for _, depth := range []int{1, 2, 4} {
		r := Rules{MaxDepth: depth, AnyHost: true}
		got, want := crawl(t, r, s.URL(1, "/"), s.URL(2, "/s2/2.html")), oracle(w, r, s.URL(1, "/"), s.URL(2, "/s2/2.html"))
		for u, f := range got { // passing errors are shown once only, to the first crawl
			f.Tries = want[u].Tries
			got[u] = f
		}
		if !maps.Equal(got, want) {
			t.Errorf("depth %d: crawled %d URLs, the oracle says %d: %s", depth, len(got), len(want), difference(got, want))
		}
	}
}

func difference(got, want map[string]Fate) string {
	var b strings.Builder
	for u, f := range got {
		if f != want[u] {
			fmt.Fprintf(&b, "\n  got %+v, want %+v", f, want[u])
		}
	}
	for u, f := range want {
		if _, ok := got[u]; !ok {
			fmt.Fprintf(&b, "\n  missing %+v", f)
		}
	}
	return b.String()
}

func TestCountIsWhatTheOracleReachesFromAllFrontPages(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{}, full(), {Hosts: 30, PagesPerHost: 20, DeadLinks: 0.33}} {
		w, s := start(t, cfg)
		if n := len(oracle(w, Rules{}, s.Seeds()...)); n != w.Count() {
			t.Errorf("%+v: %d reachable, Count %d", cfg, n, w.Count())
		}
	}
}

func TestLinksToOtherHostsConnectAllHosts(t *testing.T) {
	t.Parallel()
	w, s := start(t, Config{Hosts: 200, PagesPerHost: 3, CrossHost: 0.001})
	if n := len(oracle(w, Rules{AnyHost: true}, s.URL(17, "/"))); n != w.Count() {
		t.Errorf("%d of %d reachable", n, w.Count())
	}
}

func TestARedirectIsNoLinkFollowed(t *testing.T) {
	t.Parallel()
	w := New(Config{PagesPerHost: 400, Links: 2, Fanout: 2, Redirects: 0.2})
	fates := oracle(w, Rules{}, "http://h0000.localhost/")
	for n := range w.counts[redirect] {
		from := place{kind: redirect, n: n}
		f, to := fates[string(w.appendURL(nil, from, ""))], fates[string(w.appendURL(nil, w.target(from), ""))]
		if to.Depth > f.Depth {
			t.Errorf("%+v redirects to %+v", f, to)
		}
	}
}

func TestASeedThatDoesNotExistIsNamedWithStatusZero(t *testing.T) {
	t.Parallel()
	w := New(Config{PagesPerHost: 1})
	var got []Fate
	for f := range w.Reachable(Rules{}, "http://h0000.localhost:1/nowhere", "http://example.com/", "%", "http://h0000.localhost:1/") {
		got = append(got, f)
	}
	if len(got) != 4 || got[0].Status != 0 || got[1].Status != 0 || got[2].Status != 0 || got[3].Status != 200 {
		t.Errorf("got %+v", got)
	}
	for range w.Reachable(Rules{}, "%", "http://h0000.localhost:1/") {
		break // must not go on yielding
	}
}

func BenchmarkReachable(b *testing.B) {
	w := New(Config{Hosts: 2000, PagesPerHost: 100, CrossHost: 0.05})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range w.Reachable(Rules{AnyHost: true}, "http://h0000.localhost:1/") {
			n++
		}
		if n != w.Count() {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*w.Count()), "ns/URL")
}
