package frontier

import (
	"fmt"
	"testing"
)

func TestOfSitemapsOnlyLengthRedirectsAndDepthAreJudged(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Depth, p.Include, p.MaxPathDepth = 0, []string{"nothing"}, 1
	s, err := NewScope(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		e    Entry
		want Reason
	}{
		"anywhere, at any path": {Entry{Depth: MaxSitemapDepth}, ""},
		"depth":                 {Entry{Depth: MaxSitemapDepth + 1}, SitemapDepth},
		"depth of a seed":       {Entry{Depth: MaxSitemapDepth + 1, Seed: true}, SitemapDepth},
		"redirects":             {Entry{Hops: MaxHops + 1}, TooManyHops},
	} {
		c.e.Sitemap = true
		if c.e.URL, err = ParseURL("http://a.test/x/y/z.xml"); err != nil {
			t.Fatal(err)
		}
		if got := s.Judge(&c.e); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestScopeHasTheHostsOfItsSeeds(t *testing.T) {
	t.Parallel()
	hosts := []Host{"http://www.a.test", "https://www.a.test", "http://a.test", "http://b.test", "http://www.a.test:81"}
	for rule, want := range map[ScopeRule]string{
		ScopePage:   "[false false false false false]",
		ScopePrefix: "[true true false false false]",
		ScopeHost:   "[true true false false false]",
		ScopeDomain: "[true true true false true]",
		ScopeAny:    "[true true true true true]",
	} {
		p := DefaultPolicy()
		p.Scope = rule
		s, err := NewScope(p)
		if err != nil {
			t.Fatal(err)
		}
		seed, err := ParseURL("http://www.a.test/folder/page")
		if err != nil {
			t.Fatal(err)
		}
		s.Add(seed)
		var got []bool
		for _, h := range hosts {
			got = append(got, s.Has(h))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", rule, got, want)
		}
		if other, _ := ParseURL("http://www.a.test/"); rule == ScopePrefix && s.Judge(&Entry{URL: other}) != OutOfScope {
			t.Error("a host is not a folder")
		}
	}
}
