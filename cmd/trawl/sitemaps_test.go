package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// listedSite has a sitemap that its robots.txt names, and one that it does not; nothing is linked.
type listedSite struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string // that were asked for
}

// asked are the paths that were asked for, sorted.
func (s *listedSite) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.paths)
	return slices.Clone(s.paths)
}

func sitemapSite(t *testing.T) *listedSite {
	t.Helper()
	s := &listedSite{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.paths = append(s.paths, r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain")
		switch r.URL.Path {
		case "/robots.txt":
			io.WriteString(w, "Sitemap: /named.txt\n")
		case "/named.txt":
			io.WriteString(w, s.URL+"/1\n")
		case "/more.txt":
			io.WriteString(w, s.URL+"/2\n")
		}
	}))
	s.Start() // not before s.Server is set, which answers need
	t.Cleanup(s.Close)
	return s
}

func TestSitemapsFlag(t *testing.T) {
	t.Parallel()
	s := sitemapSite(t)
	more := "--sitemaps=" + s.URL + "/more.txt"
	for name, c := range map[string]struct {
		args  []string
		pages []string
		auto  bool
	}{
		"nothing said":          {[]string{s.URL}, []string{"/", "/named.txt", "/1"}, true},
		"auto":                  {[]string{"--sitemaps", "auto", s.URL}, []string{"/", "/named.txt", "/1"}, true},
		"off":                   {[]string{"--sitemaps", "off", s.URL}, []string{"/"}, false},
		"one, and no page":      {[]string{more}, []string{"/named.txt", "/1", "/more.txt", "/2"}, true},
		"one beside":            {[]string{more, s.URL}, []string{"/", "/named.txt", "/1", "/more.txt", "/2"}, true},
		"one and no other":      {[]string{more, "--sitemaps", "off"}, []string{"/more.txt", "/2"}, false},
		"its pages and no more": {[]string{more, "--scope", "page"}, []string{"/more.txt", "/2"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := home{dir: t.TempDir()}
			crawl(t, p.dir, c.args...)
			var got []string
			for url := range records(t, p.dir) {
				got = append(got, strings.TrimPrefix(url, s.URL))
			}
			slices.Sort(got)
			slices.Sort(c.pages)
			if !slices.Equal(got, c.pages) {
				t.Errorf("%q, want %q", got, c.pages)
			}
			if auto := policyJSON(t, p).Sitemaps; auto != c.auto {
				t.Errorf("the policy has %v", auto)
			}
		})
	}
}

func TestSitemapsOfAFileAndOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := sitemapSite(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "c.yaml"), "sitemaps: [off, "+s.URL+"/more.txt]\n")
	crawl(t, dir, "--config", "c.yaml")
	if got := records(t, dir); len(got) != 2 || got[s.URL+"/2"] == nil {
		t.Errorf("%+v", got)
	}
}

func TestASitemapIsAddedToACrawlWhosePolicyStays(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		s := sitemapSite(t)
		p.fine(t, "seed", "--contact", "me", "--sitemaps", "off", s.URL)
		r := p.fine(t, "seed", "--sitemaps", s.URL+"/more.txt")
		mentions(t, r, "1 new, 0 known")
		if policyJSON(t, p).Sitemaps {
			t.Error("the policy has changed")
		}
		if got := p.fine(t, "policy", "set", "--sitemaps", "auto"); got != "sitemaps: off -> auto\n" {
			t.Errorf("%q", got)
		}
		p.fine(t, quick()...)
		if got, want := s.asked(), []string{"/", "/1", "/2", "/more.txt", "/named.txt", "/robots.txt"}; !slices.Equal(got, want) {
			t.Errorf("asked for %q, want %q", got, want)
		}
	})
}

func TestBadSitemapsAreMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"crawl", "--sitemaps", "of", "http://127.0.0.1"}, `--sitemaps "of": want auto, off or the URL of a sitemap`},
		{[]string{"seed", "--sitemaps", "file:///x", "http://127.0.0.1"}, `--sitemaps "file:///x": want auto, off or the URL of a sitemap`},
		{[]string{"policy", "set", "--sitemaps", "http://127.0.0.1/s.xml"}, `--sitemaps "http://127.0.0.1/s.xml": want auto or off; trawl seed adds a sitemap by its URL`},
	} {
		if r := call(t, t.TempDir(), c.args...); r.code != exitUsage || !strings.Contains(r.err, c.want) {
			t.Errorf("%q: %+v, want %s", c.args, r, c.want)
		}
	}
}
