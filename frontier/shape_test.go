package frontier

import (
	"fmt"
	"strings"
	"testing"
)

// judgePath judges a link by its path alone.
func judgePath(s *Scope, path string) Reason {
	return s.Judge(&Entry{URL: Host("http://example.com").URL(path), Depth: 1})
}

func TestPathsThatGrowAreRefused(t *testing.T) {
	t.Parallel()
	s := newScope(t, DefaultPolicy(), "http://example.com/")
	for path, want := range map[string]Reason{
		"/" + strings.Repeat("x/y/z/1/2/3/4/", 3):                PathDepth,
		"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20":    "",
		"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/":   "",
		"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21": PathDepth,
		"/?" + strings.Repeat("/a", 50):                          "",
		"/a/b/a/c/a/d/a":                                         PathRepeats,
		"/a/b/a/c/a/d":                                           "",
		"/a/a/a/a/":                                              PathRepeats,
		"/a/a/a/":                                                "",
		"/" + strings.Repeat("img/style/", 4):                    PathRepeats,
		"/" + strings.Repeat("img/style/", 3):                    "",
		"/x/1/2/1/2/1/2/1/2/y":                                   PathRepeats,
		"/x/1/2/1/2/1/2/1/3/y":                                   "",
		"////":                                                   "",
		"/x////y//z":                                             PathRepeats,
		"/en/products/en/products/en/products/en/products/?from=/en/en": PathRepeats,
	} {
		if got := judgePath(s, path); got != want {
			t.Errorf("%s: got %q; want %q", path, got, want)
		}
	}
}

func TestHonestPathsAreNotRefused(t *testing.T) {
	t.Parallel()
	s := newScope(t, DefaultPolicy(), "http://example.com/")
	for _, path := range []string{
		"/", "", "/index.html", "/tiles/3/3/3/3.png", "/tiles/2/2/2/2/2/2", "/0/0/0/0/0",
		"/docs/api/v2/reference/docs/api/index.html", "/2024/05/05/05/story.html", "/wiki/New_York,_New_York",
		"/repo/tree/main/src/main/java/com/example/main/Main.java", "/web/20240101000000/http://example.com/a/b/",
		"/a/" + strings.Repeat("b", 2000),
	} {
		if got := judgePath(s, path); got != "" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestSeedsMayHaveAnyPathAndZeroTurnsTheRulesOff(t *testing.T) {
	t.Parallel()
	path := "/" + strings.Repeat("a/b/", 300)
	s := newScope(t, DefaultPolicy(), "http://example.com/")
	if r := s.Judge(&Entry{URL: Host("http://example.com").URL(path), Seed: true}); r != "" {
		t.Errorf("a seed: %s", r)
	}
	p := DefaultPolicy()
	p.MaxPathDepth = 0
	if r := judgePath(newScope(t, p, "http://example.com/"), path); r != PathRepeats {
		t.Errorf("any depth: %q", r)
	}
	p.MaxPathRepeats = 0
	if r := judgePath(newScope(t, p, "http://example.com/"), path); r != "" {
		t.Errorf("any depth and any repeats: %q", r)
	}
}

func BenchmarkJudgePath(b *testing.B) {
	for _, path := range []string{"/guide/intro.html", "/guide/intro/more/of/it/start.html", "/" + strings.Repeat("ab/cd/ef/", 6)} {
		for _, on := range []bool{true, false} {
			p := DefaultPolicy()
			if !on {
				p.MaxPathDepth, p.MaxPathRepeats = 0, 0
			}
			s := newScope(b, p, "http://example.com/")
			e := Entry{URL: Host("http://example.com").URL(path), Depth: 1}
			b.Run(fmt.Sprintf("%d segments, %v", strings.Count(path, "/"), on), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.Judge(&e)
				}
			})
		}
	}
}
