package webtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// everyClass is a small web with a host of each class.
func everyClass() Config {
	return Config{Hosts: 2, PagesPerHost: 5, Links: 5, PageBytes: 1 << 10, Hostile: Classes(), Many: 1000}
}

// hostile serves a web with a host of each class.
func hostile(t *testing.T) (urls map[Class]string, s *Server, c *http.Client) {
	t.Helper()
	_, s = start(t, everyClass())
	urls = map[Class]string{}
	for _, h := range s.Hostile() {
		urls[h.Class] = strings.TrimSuffix(h.URL, "/")
	}
	c = client(t)
	transport := c.Transport.(*http.Transport)
	transport.DisableCompression = true
	transport.MaxResponseHeaderBytes = 4 << 20
	return urls, s, c
}

// begin gets a URL and the first bytes of its body, and the error that ended them.
func begin(t *testing.T, c *http.Client, u string, bytes int64) (*http.Response, string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		return &http.Response{}, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bytes))
	return resp, string(body), err
}

func TestEveryClassIsDocumentedOnceInOrder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("hostile.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented []Class
	for _, line := range regexp.MustCompile(`(?m)^//\t([a-z0-9-]+)  `).FindAllSubmatch(text, -1) {
		documented = append(documented, Class(line[1]))
	}
	others := []Class{"bomb-deflate", "bomb-brotli", "bomb-zstd"} // on the line of bomb-gzip
	got := append(documented, others...)
	want := Classes()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("documented are %q, there are %q", got, want)
	}
}

func TestAWebHasEachClassOnce(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]Class{{"nonsense"}, {"silent", "silent"}} { // by address there can be two
		if s, err := New(Config{Hostile: bad}).Start(); err == nil {
			s.Close()
			t.Errorf("%q is served", bad)
		}
	}
	if s, err := New(Config{}).Start(); err != nil || len(s.Hostile()) > 0 || s.Close() != nil {
		t.Errorf("%v", err)
	}
}

func TestHonestPagesDifferByTheLinksToHostileHostsAlone(t *testing.T) {
	t.Parallel()
	cfg := full()
	plain := New(cfg)
	cfg.Hostile = Classes()
	web := New(cfg)
	line := regexp.MustCompile(`(?m)^<p>And <a href="http://([a-z0-9-]+)\.localhost:(80|1)/">.*</a>\.</p>\n`)
	everywhere(web, func(p place) {
		got, want := web.appendPage(nil, p, ":80"), plain.appendPage(nil, p, ":80")
		links := line.FindAllSubmatch(got, -1)
		if wanted := p.kind == page && p.n == 0; wanted != (len(links) == len(Classes())) {
			t.Errorf("%+v has %d links to hostile hosts", p, len(links))
		}
		if !bytes.Equal(line.ReplaceAll(got, nil), want) {
			t.Errorf("%+v is another page", p)
		}
	})
	if got, want := slices.Collect(web.Reachable(Rules{}, "http://h0001.localhost/")), slices.Collect(plain.Reachable(Rules{}, "http://h0001.localhost/")); !slices.Equal(got, want) {
		t.Error("the oracle says something else")
	}
}

func TestHostileHostsCanBeAddresses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 on its loopback interface")
	}
	_, s := start(t, Config{Hosts: 2, ByAddress: true, Hostile: []Class{"soft404", "closed", "busy", "soft404"}})
	for i, h := range s.Hostile() {
		if want := fmt.Sprintf("http://127.200.0.%d%s/", i+1, s.port); h.URL != want {
			t.Errorf("%s is at %s, want %s", h.Class, h.URL, want)
		}
		resp, err := client(t).Get(h.URL)
		if (err != nil) != (h.Class == "closed") {
			t.Errorf("%s: %v", h.Class, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

// What a plain client sees of the front pages that are not just pages.
func TestHostileFrontPages(t *testing.T) {
	t.Parallel()
	urls, _, c := hostile(t)
	const mebibyte = 1 << 20
	for class, want := range map[Class]func(resp *http.Response, body string, err error) bool{
		"endless-body":    func(_ *http.Response, body string, err error) bool { return err == nil && len(body) == mebibyte },
		"bomb-gzip":       encoded("gzip"),
		"bomb-deflate":    encoded("deflate"),
		"bomb-brotli":     encoded("br"),
		"bomb-zstd":       encoded("zstd"),
		"bomb-window":     encoded("zstd"),
		"wrong-encoding":  encoded("gzip"),
		"large-headers":   func(r *http.Response, _ string, err error) bool { return err == nil && len(r.Header["X-Long"]) == 1024 },
		"endless-headers": fails("exceeded"),
		"endless-interim": fails("headers exceeded"),
		"deep-nesting":    has("<div><b><div><b>"),
		"many-links":      has(`<a href="/n/0">x</a>`, `<a href="/n/999">x</a>`),
		"many-hosts":      has(`"http://127.201.0.1:2/"`, `"http://127.201.0.100:2/"`),
		"large-attribute": has("many words many words"),
		"garbage":         has("\x00", "\xff\xfe"),
		"short-body":      fails("unexpected EOF"),
		"reset-early":     fails("reset"),
		"reset-late":      fails("reset"),
		"stalls":          has(`"/0"`, `"/1"`),
		"closed":          fails("refused"),
		"not-http":        fails("malformed"),
		"redirect-self":   leads("/"),
		"redirect-loop":   leads("/a"),
		"redirect-ping":   leads(urls["redirect-pong"] + "/"),
		"redirect-pong":   leads(urls["redirect-ping"] + "/"),
		"busy":            waits("2"),
		"escapes":         has("\x1b[31m"),
		"cookies": func(r *http.Response, _ string, err error) bool {
			return err == nil && len(r.Header.Get("Set-Cookie")) > 4000
		},
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			resp, body, err := begin(t, c, urls[class]+"/", mebibyte)
			if !want(resp, body, err) {
				t.Errorf("status %d, headers %.200s, %d bytes %.200q, %v", resp.StatusCode, fmt.Sprint(resp.Header), len(body), body, err)
			}
		})
	}
}

func encoded(encoding string) func(*http.Response, string, error) bool {
	return func(r *http.Response, body string, err error) bool {
		return err == nil && r.Header.Get("Content-Encoding") == encoding && len(body) > 0
	}
}

func fails(why string) func(*http.Response, string, error) bool {
	return func(_ *http.Response, _ string, err error) bool {
		return err != nil && strings.Contains(err.Error(), why)
	}
}

func has(words ...string) func(*http.Response, string, error) bool {
	return func(r *http.Response, body string, err error) bool {
		for _, w := range words {
			if !strings.Contains(body, w) {
				return false
			}
		}
		return err == nil && r.StatusCode == http.StatusOK
	}
}

func leads(to string) func(*http.Response, string, error) bool {
	return func(r *http.Response, _ string, err error) bool {
		return err == nil && r.StatusCode == http.StatusFound && r.Header.Get("Location") == to
	}
}

func waits(seconds string) func(*http.Response, string, error) bool {
	return func(r *http.Response, _ string, err error) bool {
		return err == nil && r.StatusCode == http.StatusTooManyRequests && r.Header.Get("Retry-After") == seconds
	}
}

// Whatever is asked for, there is always something new to ask for.
func TestSitesWithoutEnd(t *testing.T) {
	t.Parallel()
	urls, _, c := hostile(t)
	href := regexp.MustCompile(`href="([^"]+)"`)
	for _, class := range []Class{"calendar", "calendar-path", "deeper", "deeper-names", "session-query", "session-param", "session-path", "facets", "soft404", "soft404-echo"} {
		seen, next := map[string]bool{}, urls[class]+"/"
		for range 30 {
			seen[next] = true
			resp, body, err := begin(t, c, next, 1<<20)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s: %v", class, next, err)
			}
			at := next
			for _, link := range href.FindAllStringSubmatch(body, -1) {
				to, err := resp.Request.URL.Parse(strings.ReplaceAll(link[1], "&amp;", "&"))
				if err != nil {
					t.Fatal(err)
				}
				if !seen[to.String()] {
					next = to.String()
				}
			}
			if next == at {
				t.Errorf("%s ends after %d pages at %s", class, len(seen), at)
				break
			}
		}
	}
	for next, i := urls["redirect-endless"]+"/", 1; i < 30; i++ {
		resp, _, err := begin(t, c, next, 1)
		to, _ := resp.Location()
		if err != nil || to.Path != "/r/"+strconv.Itoa(i) {
			t.Fatalf("%s: %v, %v", next, to, err)
		}
		next = to.String()
	}
}

func TestHostileRobots(t *testing.T) {
	t.Parallel()
	urls, _, c := hostile(t)
	robots := func(class Class, path string) (*http.Response, string) {
		t.Helper()
		resp, body, err := begin(t, c, urls[class]+path, 1<<20)
		if err != nil {
			t.Errorf("%s: %v", class, err)
		}
		return resp, body
	}
	for class, status := range map[Class]int{"robots-500": 500, "robots-429": 429, "robots-redirects": 302, "ssrf-robots": 302, "busy": 200, "robots-html": 200} {
		if resp, _ := robots(class, "/robots.txt"); resp.StatusCode != status {
			t.Errorf("%s: %d", class, resp.StatusCode)
		}
	}
	if _, body := robots("robots-large", "/robots.txt"); len(body) < 599<<10 || !strings.Contains(body[:500<<10], "Disallow: /secret/") {
		t.Errorf("robots-large: %d bytes", len(body))
	}
	if _, body := robots("robots-endless", "/robots.txt"); len(body) != 1<<20 {
		t.Errorf("robots-endless: %d bytes", len(body))
	}
	for i := range 9 {
		if resp, _ := robots("robots-redirects", fmt.Sprint("/rules/", i+1)); resp.Header.Get("Location") != fmt.Sprint("/rules/", i+2) {
			t.Errorf("hop %d leads to %s", i, resp.Header.Get("Location"))
		}
	}
}

func TestBusyHostsAnswerInTheEnd(t *testing.T) {
	t.Parallel()
	urls, s, c := hostile(t)
	for class, busy := range map[Class]int{"busy": 429, "busy-date": 503} {
		for i, want := range []int{busy, busy, 200, 200} {
			resp, _, err := begin(t, c, urls[class]+"/p/1", 1<<20)
			if err != nil || resp.StatusCode != want {
				t.Errorf("%s, request %d: %d, %v", class, i, resp.StatusCode, err)
			}
			if at, err := http.ParseTime(resp.Header.Get("Retry-After")); want == 503 && (err != nil || time.Until(at) < 2*time.Second) {
				t.Errorf("%s: %v, %v", class, at, err)
			}
		}
		if rs := s.Log().Requests(hostOf(t, urls[class])); len(rs) != 4 || rs[1].Status != busy || rs[2].Status != 0 {
			t.Errorf("%s: logged %+v", class, rs)
		}
	}
}

func TestTheCanaryCountsCalls(t *testing.T) {
	t.Parallel()
	urls, s, c := hostile(t)
	_, body, err := begin(t, c, urls["ssrf"]+"/", 1<<20)
	if err != nil || !strings.Contains(body, "http://2130706433:"+s.canary.port) || s.Canary() != 0 {
		t.Errorf("%v, %d calls, %s", err, s.Canary(), body)
	}
	for i, to := range privatePlaces("1") {
		resp, _, err := begin(t, c, fmt.Sprint(urls["ssrf"], "/to/", i), 1)
		if parses := !strings.Contains(to, "%31"); parses && (err != nil || resp.StatusCode != http.StatusFound) {
			t.Errorf("%s: %+v, %v", to, resp, err)
		}
	}
	if _, _, err := begin(t, c, "http://127.0.0.1:"+s.canary.port, 1); err == nil || s.Canary() != 1 {
		t.Errorf("%v, %d calls", err, s.Canary())
	}
}

// Close ends all that has no end, and nothing of it is left.
func TestCloseEndsHostileAnswers(t *testing.T) {
	before := runtime.NumGoroutine()
	s, err := New(everyClass()).Start()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	reading := make(chan Class, len(traits))
	for _, h := range s.Hostile() {
		u, err := url.Parse(h.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/robots.txt", "/sitemap.xml.gz"} {
			all.Go(func() {
				c, err := net.Dial("tcp", "127.0.0.1"+s.port)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, u.Host)
				reading <- h.Class
				io.Copy(io.Discard, io.LimitReader(c, 4<<20)) // some are read to their end, others until Close
				<-s.raws.closing
			})
		}
	}
	for range 3 * len(traits) {
		<-reading
	}
	tick := time.Tick(time.Millisecond)
	for s.Log().Total() < 3*len(traits) {
		<-tick
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	for runtime.NumGoroutine() > before {
		<-tick
	}
}
