package redis

import (
	"testing"

	"trawl/frontier"
)

func TestElements(t *testing.T) {
	const host frontier.Host = "https://example.test:8443"
	entry := func(path, via string) frontier.Entry { return frontier.Entry{URL: host.URL(path), Via: via} }
	all := entry("/a/b?c=d", "https://other.test/page?x=1")
	all.Depth, all.Hops, all.Priority, all.Seed, all.Sitemap = 300, 10, 3, true, true
	for name, it := range map[string]frontier.Item{
		"a URL alone comes back":            {Entry: entry("/", "")},
		"all that is known comes back":      {Entry: all, Generation: 129},
		"a via of the same host comes back": {Entry: entry("/a/page", "https://example.test:8443/a/index")},
		"a via that is the URL comes back":  {Entry: entry("/a", "https://example.test:8443/a")},
		"a via that is longer comes back":   {Entry: entry("/a", "https://example.test:8443/a/b")},
	} {
		t.Run(name, func(t *testing.T) {
			text := encodeElement(&it)
			if got, err := decodeElement(host, text); err != nil || got != it {
				t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, it)
			}
		})
	}
	t.Run("a via of the same folder costs little", func(t *testing.T) {
		it := frontier.Item{Entry: entry("/news/2026/11/one.html", "https://example.test:8443/news/2026/11/")}
		if n := len(encodeElement(&it)) - len(it.URL.Path()); n > 4 {
			t.Errorf("%d bytes beside the path", n)
		}
	})
}

func FuzzElement(f *testing.F) {
	f.Add("\x00\x01/path")
	f.Add("\xff\x81\xac\x02\x0a\x01/a\x00\x05rest")
	f.Add("\x7f\x81\xac\x02\x0a\x01/a\x00\x05rest")
	f.Fuzz(func(t *testing.T, text string) {
		const host frontier.Host = "https://a.test"
		it, err := decodeElement(host, text)
		if err != nil {
			return
		}
		it.Attempt = 0 // scripts write it
		if again, err := decodeElement(host, encodeElement(&it)); err != nil || again != it {
			t.Errorf("%q is %+v, and encoded again %+v, %v", text, it, again, err)
		}
	})
}
