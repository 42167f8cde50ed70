package webtest

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// anchors returns what the http links of a page resolve to, without fragments, in order.
func anchors(t testing.TB, base string, page []byte) []string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	from, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		for _, a := range n.Attr {
			if to, err := from.Parse(a.Val); a.Key == "href" && err == nil && to.Scheme == "http" {
				to.Fragment = ""
				found = append(found, to.String())
			}
		}
	}
	return found
}

func TestTheLinksInThePageAreTheOracles(t *testing.T) {
	t.Parallel()
	for _, byAddress := range []bool{false, true} {
		cfg := full()
		cfg.ByAddress, cfg.Hosts = byAddress, 3
		w := New(cfg)
		everywhere(w, func(p place) {
			if p.kind == redirect || p.kind == gone {
				return
			}
			var want []string
			links, _ := w.links(nil, p)
			for _, to := range links {
				want = append(want, string(w.appendURL(nil, to, ":8080")))
			}
			base := string(w.appendURL(nil, p, ":8080"))
			if got := anchors(t, base, w.appendPage(nil, p, ":8080")); !slices.Equal(got, want) {
				t.Fatalf("%s:\n got %v\nwant %v", base, got, want)
			}
		})
	}
}

func TestLinksAreWrittenInAllWays(t *testing.T) {
	t.Parallel()
	w := New(Config{Hosts: 2, PagesPerHost: 200, CrossHost: 0.1})
	var all []byte
	everywhere(w, func(p place) { all = w.appendPage(all, p, ":80") })
	for _, way := range []string{
		`href="/s1/`, `href='/s1/`, `href="../s1/`, `href="./s1/`, `href="http://h0000`, `href="//h0001`, `href="../`,
		`href="31.html`, `:&#x2F;&#47;h`, `&amp;s=`, `#part-3"`,
	} {
		if !bytes.Contains(all, []byte(way)) {
			t.Errorf("no link like %s", way)
		}
	}
}

// TestThePageIsWellFormed checks what the parser would mend in silence.
func TestThePageIsWellFormed(t *testing.T) {
	t.Parallel()
	w := New(full())
	void := []string{"meta"}
	for n := range 50 {
		var open []string
		z := html.NewTokenizer(bytes.NewReader(w.appendPage(nil, place{n: n}, ":80")))
		for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
			name, _ := z.TagName()
			switch tag := string(name); {
			case tt == html.StartTagToken && !slices.Contains(void, tag):
				open = append(open, tag)
			case tt == html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != tag {
					t.Fatalf("page %d: </%s> in %v", n, tag, open)
				}
				open = open[:len(open)-1]
			case tt == html.TextToken && strings.ContainsRune(html.UnescapeString(string(z.Raw())), '\uFFFD'):
				t.Fatalf("page %d: bad text %q", n, z.Raw())
			}
		}
		if len(open) > 0 {
			t.Fatalf("page %d: %v not closed", n, open)
		}
	}
}

func TestAPageIsAboutAsLongAsAsked(t *testing.T) {
	t.Parallel()
	for _, size := range []int{12 << 10, 30 << 10, 100 << 10} {
		w := New(Config{PageBytes: size})
		everywhere(w, func(p place) {
			if n := len(w.appendPage(nil, p, ":8080")); n < size*98/100 || n > size*102/100 {
				t.Errorf("page %d has %d bytes, not %d", p.n, n, size)
			}
		})
	}
	t.Run("but never too short for its links", func(t *testing.T) {
		w := New(Config{PageBytes: 1})
		if got := anchors(t, "http://h0000.localhost/", w.appendPage(nil, place{}, "")); len(got) != 60 {
			t.Errorf("%d links", len(got))
		}
	})
}

func BenchmarkPage(b *testing.B) {
	w := New(Config{Hosts: 100, PagesPerHost: 2000, CrossHost: 0.05})
	buf := w.appendPage(nil, place{}, ":8080")
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		buf = w.appendPage(buf[:0], place{n % 100, page, n % 2000}, ":8080")
	}
}

// BenchmarkTokenizer is what reading the page costs, to compare with pages elsewhere.
func BenchmarkTokenizer(b *testing.B) {
	doc := New(Config{Hosts: 100, PagesPerHost: 2000}).appendPage(nil, place{n: 77}, ":8080")
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		z := html.NewTokenizer(bytes.NewReader(doc))
		for z.Next() != html.ErrorToken {
			if name, attr := z.TagName(); len(name) == 1 && attr {
				z.TagAttr()
			}
		}
	}
}
