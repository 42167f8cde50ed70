package frontier

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// newScope makes a scope with seeds.
func newScope(t testing.TB, p Policy, seeds ...string) *Scope {
	t.Helper()
	s, err := NewScope(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range seeds {
		s.Add(mustParse(t, seed))
	}
	return s
}

func TestAScopeKnowsTheHostsOfItsSeeds(t *testing.T) {
	t.Parallel()
	for _, rule := range []ScopeRule{ScopePage, ScopePrefix, ScopeHost, ScopeDomain, ScopeAny} {
		s := newScope(t, Policy{Scope: rule}, "http://www.example.com:80/a/b?c", "http://[::1]:8090/")
		for host, want := range map[Host]bool{
			"http://www.example.com": true, "https://www.example.com": true, "http://[::1]:8090": true,
			"http://example.com": false, "http://a.example.com": false, "http://www.example.com:8080": false,
		} {
			if got := s.IsSeed(host); got != want {
				t.Errorf("%s: %s is a seed's: %v", rule, host, got)
			}
		}
	}
}

func TestScopeRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule    ScopeRule
		seed    string
		in, out []string
	}{
		{ScopePage, "http://example.com/a?x&y",
			[]string{"http://example.com/a?x&y", "http://example.com/a?y&x"},
			[]string{"http://example.com/a", "http://example.com/a?x", "https://example.com/a?x&y"}},
		{ScopePrefix, "http://example.com/docs/intro.html?v=a/b",
			[]string{"http://example.com/docs/", "https://example.com/docs/a/b?c", "http://example.com/docs/../docs/x"},
			[]string{"http://example.com/", "http://example.com/docs", "http://example.com/docs2/", "http://example.com/?/docs/",
				"http://example.com/Docs/", "http://other.example/docs/", "http://example.com/x/docs/"}},
		{ScopePrefix, "http://example.com/docs",
			[]string{"http://example.com/", "http://example.com/x/y"},
			[]string{"http://www.example.com/"}},
		{ScopeHost, "http://example.com:80/a",
			[]string{"http://example.com/", "https://example.com/b", "https://example.com:443/b"},
			[]string{"http://www.example.com/", "http://example.com:8080/", "http://com/", "http://example.com:443/"}},
		{ScopeHost, "http://[::1]:8090/",
			[]string{"https://[::1]:8090/x"},
			[]string{"http://[::1]/", "http://[::2]:8090/"}},
		{ScopeDomain, "http://www.example.co.uk:8080/",
			[]string{"http://example.co.uk/", "https://a.b.example.co.uk/x", "http://example.co.uk./"},
			[]string{"http://other.co.uk/", "http://co.uk/", "http://example.co.uk.evil.example/", "http://badexample.co.uk/"}},
		{ScopeDomain, "http://me.github.io/",
			[]string{"http://www.me.github.io/"},
			[]string{"http://you.github.io/", "http://github.io/"}},
		{ScopeDomain, "http://localhost:8080/",
			[]string{"http://localhost/", "http://localhost:9090/"},
			[]string{"http://other/", "http://x.localhost/"}},
		{ScopeDomain, "http://127.0.0.1:8080/",
			[]string{"http://127.0.0.1:9090/"},
			[]string{"http://127.0.0.2/", "http://1.127.0.0/"}},
		{ScopeDomain, "http://[2001:db8::1]/",
			[]string{"http://[2001:db8::1]:8080/"},
			[]string{"http://[2001:db8::2]/"}},
		{ScopeAny, "http://example.com/",
			[]string{"http://other.example/"},
			nil},
	} {
		t.Run(fmt.Sprint(c.rule, " of ", c.seed), func(t *testing.T) {
			t.Parallel()
			p := DefaultPolicy()
			p.Scope = c.rule
			s := newScope(t, p, "http://unrelated.example/z/z", c.seed)
			for _, raw := range c.in {
				if r := s.Judge(&Entry{URL: mustParse(t, raw), Depth: 1}); r != "" {
					t.Errorf("%s is refused: %s", raw, r)
				}
			}
			for _, raw := range c.out {
				if r := s.Judge(&Entry{URL: mustParse(t, raw), Depth: 1}); r != OutOfScope {
					t.Errorf("%s: got %q; want %q", raw, r, OutOfScope)
				}
			}
		})
	}
}

func TestJudgeNamesTheFirstReason(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Depth, p.Include, p.Exclude = 2, []string{`\.html$`, `/list\?`}, []string{`private`}
	s := newScope(t, p, "http://example.com/")
	long := Host("http://example.com").URL("/" + strings.Repeat("a", MaxURLLen))
	page := mustParse(t, "http://example.com/x.html")
	for name, c := range map[string]struct {
		e    Entry
		want Reason
	}{
		"accepted":                    {Entry{URL: page, Depth: 2, Hops: MaxHops}, ""},
		"too long":                    {Entry{URL: long, Hops: MaxHops + 1}, TooLong},
		"too long, a seed":            {Entry{URL: long, Seed: true}, TooLong},
		"too many redirects":          {Entry{URL: page, Depth: 3, Hops: MaxHops + 1}, TooManyHops},
		"too many redirects, a seed":  {Entry{URL: page, Hops: MaxHops + 1, Seed: true}, TooManyHops},
		"too deep":                    {Entry{URL: mustParse(t, "http://other.example/"), Depth: 3}, TooDeep},
		"out of scope":                {Entry{URL: mustParse(t, "http://other.example/private"), Depth: 2}, OutOfScope},
		"a redirect out of scope":     {Entry{URL: mustParse(t, "http://other.example/x.html"), Hops: 1}, OutOfScope},
		"matches no include":          {Entry{URL: mustParse(t, "http://example.com/private")}, NotIncluded},
		"matches the second include":  {Entry{URL: mustParse(t, "http://example.com/list?a")}, ""},
		"matches an exclude":          {Entry{URL: mustParse(t, "http://example.com/private/x.html")}, Excluded},
		"a seed is spared all others": {Entry{URL: mustParse(t, "http://other.example/private"), Depth: 9, Seed: true}, ""},
	} {
		if got := s.Judge(&c.e); got != c.want {
			t.Errorf("%s: got %q; want %q", name, got, c.want)
		}
	}
}

func TestDepthZeroMeansSeedsOnlyAndNegativeMeansAny(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	e := Entry{URL: mustParse(t, "http://example.com/x"), Depth: 1}
	for depth, want := range map[int]Reason{0: TooDeep, 1: "", -1: ""} {
		p.Depth = depth
		if got := newScope(t, p, "http://example.com/").Judge(&e); got != want {
			t.Errorf("depth %d: got %q; want %q", depth, got, want)
		}
	}
}

func TestUnderScopePageTheRedirectOfASeedIsThePage(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Scope = ScopePage
	s := newScope(t, p, "http://example.com/")
	e := Entry{URL: mustParse(t, "http://www.example.com/home"), Hops: 1}
	if r := s.Judge(&e); r != "" {
		t.Errorf("the seed's redirect is refused: %s", r)
	}
	e.Depth = 1
	if r := s.Judge(&e); r != OutOfScope {
		t.Errorf("the redirect of a link: got %q", r)
	}
}

func TestSameSite(t *testing.T) {
	t.Parallel()
	s := newScope(t, DefaultPolicy())
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"http://example.com/", "https://www.example.com:8443/x", true},
		{"http://example.com/", "http://example.com./", true},
		{"http://a.example.co.uk/", "http://b.example.co.uk/", true},
		{"http://a.co.uk/", "http://b.co.uk/", false},
		{"http://a.github.io/", "http://b.github.io/", false},
		{"http://localhost/", "https://localhost:81/", true},
		{"http://127.0.0.1/", "http://127.0.0.1:81/", true},
		{"http://127.0.0.1/", "http://10.0.0.1/", false},
		{"http://[::1]/", "http://[::1]:81/", true},
	} {
		if got := s.SameSite(mustParse(t, c.a), mustParse(t, c.b)); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestNewScopeNamesTheBadFlag(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Policy{
		`--scope "planet"`: {Scope: "planet"},
		`--scope ""`:       {},
		`--include "a(b"`:  {Scope: ScopeHost, Include: []string{"fine", "a(b"}},
		`--exclude "["`:    {Scope: ScopeHost, Exclude: []string{"["}},
	} {
		_, err := NewScope(p)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v; want %s ...", err, want)
		}
	}
}

func TestSeedsCanBeAddedWhileLinksAreJudged(t *testing.T) {
	t.Parallel()
	const adders, seeds = 4, 500
	s := newScope(t, DefaultPolicy(), "http://first.example/")
	judge := func(raw string) {
		if r := s.Judge(&Entry{URL: mustParse(t, raw)}); r != "" {
			t.Errorf("%s is refused: %s", raw, r)
		}
	}
	var wg sync.WaitGroup
	for a := range adders {
		wg.Go(func() {
			for i := range seeds {
				seed := fmt.Sprintf("http://%d.host-%d.example/", i, a)
				s.Add(mustParse(t, seed))
				judge(seed)
				judge("http://first.example/x")
			}
		})
	}
	wg.Wait()
	if s.seeds.len != adders*seeds+1 {
		t.Errorf("%d hosts", s.seeds.len)
	}
}

func TestHashSetHoldsZero(t *testing.T) {
	t.Parallel()
	var s hashSet
	if s.has(0) {
		t.Error("empty, it has 0")
	}
	if s.add(0); !s.has(0) || s.has(2) {
		t.Error("after adding 0 it has not, or has others")
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, rule := range []ScopeRule{ScopePage, ScopePrefix, ScopeHost, ScopeDomain, ScopeAny} {
		p := DefaultPolicy()
		p.Scope = rule
		s := newScope(b, p, "https://www.example.com/guide/")
		e := Entry{URL: mustParse(b, "https://www.example.com/guide/intro/start.html"), Depth: 1}
		b.Run(string(rule), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s.Judge(&e)
				}
			})
		})
	}
}
