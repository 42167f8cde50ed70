package parser

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRobotsSayTheSameAsText(t *testing.T) {
	t.Parallel()
	file := "User-agent: x\nDisallow: /\nUser-agent: trawl\nuseragent: y # z\n Disallow : /a*b$ # why\ndissalow /b\n" +
		"Allow: /%7Ec\nDisallow: /\xff$\nDisallow:\nCrawl-delay: 0.3\nSitemap: https://a.test/1\n"
	const want = "User-agent: *\nDisallow : /a*b$\ndissalow /b\nAllow: /%7Ec\nDisallow: /%FF$\nCrawl-delay: 0.300000000\n" +
		"Sitemap: https://a.test/1\n"
	r := ParseRobots([]byte(file), "trawl")
	if got := r.Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	sameRobots(t, r, ParseRobots([]byte(r.Text()), "other"), "/", "/a/b", "/b", "/~c", "/\xff", "/%FF")
	if got := new(Robots).Text(); got != "" {
		t.Errorf("that allow all: %q", got)
	}
}

// sameRobots checks that two Robots say the same.
func sameRobots(t *testing.T, a, b *Robots, paths ...string) {
	t.Helper()
	for _, path := range paths {
		x, line := a.Allowed(path)
		y, again := b.Allowed(path)
		if x != y || line != again && !strings.ContainsRune(line, '\ufffd') {
			t.Errorf("%q: %v by %q, then %v by %q", path, x, line, y, again)
		}
	}
	if !slices.Equal(a.Sitemaps(), b.Sitemaps()) {
		t.Errorf("sitemaps %q, then %q", a.Sitemaps(), b.Sitemaps())
	}
	// A float has 53 bits.
	if x, y := a.CrawlDelay(), b.CrawlDelay(); max(x-y, y-x) > x>>50 {
		t.Errorf("delay %v, then %v", x, y)
	}
}

func FuzzRobotsText(f *testing.F) {
	f.Add([]byte("User-agent: *\nDisallow: /a*b$\nAllow: /%7E*c\n\xff:\xc2\x85\nCrawl-delay: 1e-3\nSitemap: \xff"), "/a*b$")
	f.Add([]byte("useragent *\r\rdisallow /\xff\nallow \xff$"), "/\xff")
	f.Fuzz(func(t *testing.T, file []byte, path string) {
		r := ParseRobots(file, "trawl")
		if text := r.Text(); len(text) <= MaxRobots {
			sameRobots(t, r, ParseRobots([]byte(text), "trawl"), path)
		}
	})
}

func TestADelayIsWrittenExactly(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{1, 300 * time.Millisecond, 7 * time.Second, 1<<63 - 1} {
		if got := ParseRobots([]byte((&Robots{delay: d}).Text()), "").CrawlDelay(); got != d {
			t.Errorf("%d: got %d", d, got)
		}
	}
}
