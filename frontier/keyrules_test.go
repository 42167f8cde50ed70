package frontier

import (
	"strings"
	"testing"
)

func TestKeysByTheRulesOfACrawl(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ drop, fold, url, want string }{
		{"sid,;v", "", "http://a.test/x;v=1;w=2/y?SID=1&utm_source=2", "http://a.test/x;w=2/y?utm_source=2"},
		{"ref*", "", "http://a.test/?b=1&referrer=2&REF&a=3", "http://a.test/?a=3&b=1"},
		{"", "www", "http://www.a.test:8090/", "http://a.test:8090/"},
		{"", "www", "http://www.test/", "http://www.test/"},
		{"", "www", "http://www.localhost/", "http://www.localhost/"},
		{"", "www", "http://www/", "http://www/"},
		{"", "www", "http://www.www.a.test./", "http://a.test/"},
		{"", "scheme", "https://a.test/", "http://a.test/"},
		{"", "scheme", "https://a.test:80/", "http://a.test/"},
		{"", "scheme,www", "https://www.a.test/x?utm_a=1", "http://a.test/x"},
		{"", "index", "http://a.test/x/Index.HTML?a=1", "http://a.test/x/?a=1"},
		{"", "index", "http://a.test/index.php", "http://a.test/"},
		{"", "index", "http://a.test/myindex.php", "http://a.test/myindex.php"},
		{"", "slash", "http://a.test/x//?a", "http://a.test/x?a"},
		{"", "slash", "http://a.test/", "http://a.test/"},
		{"", "index,slash", "http://a.test/x/index.html/index.htm", "http://a.test/x"},
	} {
		rules := mustRules(t, list(c.drop), list(c.fold))
		got := rules.Of(mustParse(t, c.url))
		if want := c.want; got != want {
			t.Errorf("drop %q, fold %q: key of %q is %q; want %q", c.drop, c.fold, c.url, got, want)
		}
		if again := rules.Of(mustParse(t, got)); again != got {
			t.Errorf("drop %q, fold %q: key %q has the key %q", c.drop, c.fold, got, again)
		}
		if host := rules.Host(mustParse(t, c.url).Host()); !strings.HasPrefix(got, string(host)+"/") {
			t.Errorf("fold %q: key %q is not of host %s", c.fold, got, host)
		}
	}
}

func TestOneEmptyNameDropsNone(t *testing.T) {
	rules := mustRules(t, []string{""}, nil)
	if got := rules.Of(mustParse(t, "http://a.test/x;jsessionid=1?utm_source=1")); got != "http://a.test/x;jsessionid=1?utm_source=1" {
		t.Errorf("key %q", got)
	}
}

func TestBadKeyRulesAreNamed(t *testing.T) {
	for _, p := range []Policy{{DropParams: []string{"a=b"}}, {DropParams: []string{"a", ""}}, {DropParams: []string{"*"}}, {DropParams: []string{";js*"}}, {DropParams: []string{"a*b"}}, {Fold: []string{"case"}}} {
		if _, err := NewKeyRules(p); err == nil {
			t.Errorf("%q %q: no error", p.DropParams, p.Fold)
		}
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func mustRules(t *testing.T, drop, fold []string) KeyRules {
	t.Helper()
	rules, err := NewKeyRules(Policy{DropParams: drop, Fold: fold})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
