package frontier

import "testing"

// keys holds URLs and their keys.
var keys = map[string]string{
	"http://example.com/a/b?x=1&y=2":       "http://example.com/a/b?x=1&y=2",
	"http://example.com./a":                "http://example.com/a",
	"http://example.com.:8090/a":           "http://example.com:8090/a",
	"http://example.com../a":               "http://example.com../a",
	"http://./a":                           "http://./a",
	"http://[::1]:8090/a":                  "http://[::1]:8090/a",
	"http://example.com/%7euser/%c3%bc":    "http://example.com/~user/%C3%BC",
	"http://example.com/%41%2f%2F?%62=%63": "http://example.com/A%2F%2F?b=c",
	"http://example.com/100%?x=%&y=%4":     "http://example.com/100%25?x=%25&y=%254",
	"http://example.com/%%34%31":           "http://example.com/%2541",
	"http://example.com/?":                 "http://example.com/",
	"http://example.com/a?b=2&a=1&b=1":     "http://example.com/a?a=1&b=2&b=1",
	"http://example.com/a?ab&a=1":          "http://example.com/a?a=1&ab",
	"http://example.com/?z&a&b=9&b=8&b=7&b=6&b=5&b=4&b=3&b=2&b=1&b=0&b&b=a&b=b&b=c": "http://example.com/?a&b=9&b=8&b=7&b=6&b=5&b=4&b=3&b=2&b=1&b=0&b&b=a&b=b&b=c&z",
	"http://example.com/a?a&b&a":                                    "http://example.com/a?a&a&b",
	"http://example.com/a?b&&a":                                     "http://example.com/a?&a&b",
	"http://example.com/a?utm_source=x":                             "http://example.com/a",
	"http://example.com/a?a=1&UTM_Term=x&%75tm_id=1":                "http://example.com/a?a=1",
	"http://example.com/a?gclid=1&fbclid=2&msclkid&PHPSESSID=4&z=5": "http://example.com/a?z=5",
	"http://example.com/a?utm=1&gclidx=2":                           "http://example.com/a?gclidx=2&utm=1",
	"http://example.com/a;jsessionid=12AB":                          "http://example.com/a",
	"http://example.com/a;JSESSIONID=12;v=1/b;jsessionid=3?c":       "http://example.com/a;v=1/b?c",
	"http://example.com/a;jsession=1;x":                             "http://example.com/a;jsession=1;x",
	"http://example.com/a;%6Asessionid=1/b":                         "http://example.com/a/b",
	"http://example.com/a/b/..;jsessionid=1/c":                      "http://example.com/a/c",
	"http://example.com/a?x;jsessionid=1":                           "http://example.com/a?x;jsessionid=1",
	"http://www.example.com/index.html":                             "http://www.example.com/index.html",
	"https://example.com/a/":                                        "https://example.com/a/",
}

func TestKey(t *testing.T) {
	t.Parallel()
	for raw, want := range keys {
		if got := mustParse(t, raw).Key(); got != want {
			t.Errorf("key of %q is %q; want %q", raw, got, want)
		}
	}
}

func TestKeyOfAURLThatIsItsOwnKeyCostsNoAllocation(t *testing.T) {
	u := mustParse(t, "https://example.com:8090/a;v=1/%C3%BC?a=1&b=2&b=1&c")
	if n := testing.AllocsPerRun(100, func() { u.Key() }); n != 0 || u.Key() != u.String() {
		t.Errorf("key %q, %v allocations", u.Key(), n)
	}
}

func FuzzKey(f *testing.F) {
	for raw := range keys {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := ParseURL(raw)
		if err != nil {
			return
		}
		key := u.Key()
		if len(key) > MaxURLLen {
			return // a key may be longer than a URL: each lone % grows to three bytes
		}
		again, err := ParseURL(key)
		if err != nil || again.String() != key {
			t.Fatalf("key %q of %q is no canonical URL: it reads as %q, %v", key, u, again, err)
		}
		if again.Key() != key {
			t.Errorf("key %q of %q has the key %q", key, u, again.Key())
		}
	})
}

func BenchmarkKey(b *testing.B) {
	for name, raw := range map[string]string{
		"path": "https://example.com/guide/intro/start.html", "query": "https://example.com/list?page=2&q=word&sort=asc",
		"changed": "https://example.com/list?sort=asc&page=2&utm_source=mail",
	} {
		u := mustParse(b, raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u.Key()
			}
		})
	}
}
