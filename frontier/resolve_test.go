package frontier

import (
	"errors"
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

const testPage = "https://example.com/a/b/page.html?q=1"

// references holds hard cases for Resolve from testPage; "" means refused. Both tiers must answer them.
var references = map[string]string{
	"":                         "https://example.com/a/b/page.html?q=1",
	"   ":                      "https://example.com/a/b/page.html?q=1",
	"#":                        "https://example.com/a/b/page.html?q=1",
	"#top ü <>":                "https://example.com/a/b/page.html?q=1",
	"?":                        "https://example.com/a/b/page.html?",
	"?x=/../y":                 "https://example.com/a/b/page.html?x=/../y",
	"?it's":                    "https://example.com/a/b/page.html?it%27s",
	"?a\\b":                    "https://example.com/a/b/page.html?a\\b",
	".":                        "https://example.com/a/b/",
	"./":                       "https://example.com/a/b/",
	"..":                       "https://example.com/a/",
	"../":                      "https://example.com/a/",
	"../../../../x":            "https://example.com/x",
	"../..":                    "https://example.com/",
	"x/..":                     "https://example.com/a/b/",
	"x/.":                      "https://example.com/a/b/x/",
	"x//../y":                  "https://example.com/a/b/x/y",
	"x///..":                   "https://example.com/a/b/x//",
	".x/..y/...":               "https://example.com/a/b/.x/..y/...",
	"%2e%2E/x":                 "https://example.com/a/x",
	"%2E%2E/x":                 "https://example.com/a/x",
	".%2e/x":                   "https://example.com/a/x",
	"x%2ehtml":                 "https://example.com/a/b/x%2ehtml",
	"x%20y%zz%":                "https://example.com/a/b/x%20y%zz%",
	"x y":                      "https://example.com/a/b/x%20y",
	"x #y":                     "https://example.com/a/b/x%20",
	"x\\..\\y":                 "https://example.com/a/b/y",
	"x^y|z~":                   "https://example.com/a/b/x%5Ey|z~",
	"\x00x\x1f":                "https://example.com/a/b/x",
	"x\x7f":                    "https://example.com/a/b/x%7F",
	"a:b":                      "",
	"a.b+c-d:":                 "",
	"1:b":                      "https://example.com/a/b/1:b",
	"./a:b":                    "https://example.com/a/b/a:b",
	"a?b:c":                    "https://example.com/a/b/a?b:c",
	"a#b:c":                    "https://example.com/a/b/a",
	"/":                        "https://example.com/",
	"/x:y":                     "https://example.com/x:y",
	"/../x":                    "https://example.com/x",
	"/x//y/":                   "https://example.com/x//y/",
	"/x?y#z?":                  "https://example.com/x?y",
	"//":                       "",
	"///x":                     "https://x/",
	"//Other.example":          "https://other.example/",
	"//other.example?x":        "https://other.example/?x",
	"//other.example//x":       "https://other.example//x",
	"//other.example/..":       "https://other.example/",
	"/\\other.example":         "https://other.example/",
	"//user@other.example":     "https://other.example/",
	"http://other.example:80":  "http://other.example/",
	"http://other.example:443": "http://other.example:443/",
	"//other.example:443/":     "https://other.example/",
	"//other.example:":         "https://other.example/",
	"//other.example:0":        "https://other.example:0/",
	"//other.example:00443":    "https://other.example/",
	"//other.example:65535":    "https://other.example:65535/",
	"//other.example:65536":    "",
	"//other.example:-1":       "",
	"//other.example:80:80":    "",
	"//.example/":              "https://.example/",
	"//a..example/":            "https://a..example/",
	"//xn--a/":                 "https://xn--a/",
	"//www.XN--8i7caa.example": "https://www.xn--8i7caa.example/",
	"//xn--a/ü":                "https://xn--a/%C3%BC",
	"//xn--a.ü/":               "",
	"//xn--a.1/":               "",
	"//0.XN--":                 "https://0.xn--/",
	"//Kelvin.example/":        "https://kelvin.example/",
	"//a.0x7f/":                "",
	"//127.1/":                 "https://127.0.0.1/",
	"//a.1b/":                  "https://a.1b/",
	"//-a-.example":            "https://-a-.example/",
	"https:x":                  "https://example.com/a/b/x",
	"https:/x":                 "https://example.com/x",
	"http:x":                   "http://x/",
	"HtTpS://EXAMPLE.com/x":    "https://example.com/x",
	"mailto:a@b.example":       "",
	"javascript:void(0)":       "",
	"ht\ttp://x.example/":      "http://x.example/",
}

func TestResolveHardCases(t *testing.T) {
	t.Parallel()
	b := NewBase(mustParse(t, testPage), "")
	for ref, want := range references {
		u, err := b.Resolve(ref)
		if u.String() != want || (err == nil) != (want != "") {
			t.Errorf("Resolve(%q) = %q, %v; want %q", ref, u, err, want)
		}
		checkTiers(t, b, ref)
	}
}

// checkTiers compares the fast tier's answer, if it has one, with the slow tier's.
func checkTiers(t *testing.T, b *Base, ref string) {
	t.Helper()
	fast, ok := b.plain(trimControls(ref))
	slow, err := b.slow(trimControls(ref))
	if ok && (err != nil || fast != slow) {
		t.Errorf("%q on %q: the fast tier says %q, the slow one %q, %v", ref, b.url, fast, slow, err)
	}
}

func TestUsualReferencesTakeTheFastTier(t *testing.T) {
	t.Parallel()
	b := NewBase(mustParse(t, testPage), "")
	for _, ref := range []string{
		"", "#top", "?page=2&sort=asc", "foo.html", "foo/", "../x.html#y", "/a/b?x=1#frag", "/wiki/Talk:Main_(page)",
		"http://host.example/path", "https://www.host-1.example:8443/a?b=c%20d", "//cdn.example/x.png", "/caf%C3%A9",
	} {
		if _, ok := b.plain(ref); !ok {
			t.Errorf("%q does not", ref)
		}
	}
}

func TestFirstBaseHrefMovesReferences(t *testing.T) {
	t.Parallel()
	for href, want := range map[string]string{
		"":                      "https://example.com/a/b/x",
		"/docs/":                "https://example.com/docs/x",
		"sub/index.html":        "https://example.com/a/b/sub/x",
		"//cdn.example":         "https://cdn.example/x",
		"http://[":              "https://example.com/a/b/x",
		"data:text/html,hello":  "https://example.com/a/b/x",
		"javascript:void(0)":    "https://example.com/a/b/x",
		"ftp://example.com/pub": "https://example.com/a/b/x",
	} {
		if u, err := NewBase(mustParse(t, testPage), href).Resolve("x"); err != nil || u.String() != want {
			t.Errorf("base %q: got %q, %v; want %q", href, u, err, want)
		}
	}
}

func TestReferencesTooLongAreRefusedWhateverTheTier(t *testing.T) {
	t.Parallel()
	b := NewBase(mustParse(t, testPage), "")
	for _, ref := range []string{
		strings.Repeat("a", MaxURLLen), strings.Repeat("a", MaxURLLen-5), strings.Repeat("ü", MaxURLLen/2),
		strings.Repeat("../", MaxURLLen), "http://" + strings.Repeat("@", MaxURLLen) + "x/",
	} {
		_, err := b.Resolve(ref)
		if bad, ok := errors.AsType[*URLError](err); !ok || bad.Reason != TooLong {
			t.Errorf("%.20q: %v", ref, err)
		}
	}
}

// checkLibrary compares what both tiers make of a reference with what the bare library does, where the library follows
// the standard: it has its own ideas of xn-- labels.
func checkLibrary(t *testing.T, b *Base, ref string) {
	t.Helper()
	parsed, err := whatwg.NewParser(whatwg.WithPathPercentEncodeSet(pathEscapes)).ParseRef(b.url.String(), ref)
	got, gotErr := b.Resolve(ref)
	if err != nil || strings.Contains(parsed.Host()+got.Hostname(), "xn--") ||
		!strings.HasPrefix(parsed.Protocol()+"//", "http://") && !strings.HasPrefix(parsed.Protocol()+"//", "https://") {
		return
	}
	parsed.SetUsername("")
	parsed.SetPassword("")
	want := parsed.Href(true)
	if gotErr == nil && got.String() != want || gotErr != nil && len(ref)+len(want) < MaxURLLen {
		t.Errorf("%q on %q is %q, %v; the library says %q", ref, b.url, got, gotErr, want)
	}
}

func FuzzResolve(f *testing.F) {
	for ref := range references {
		f.Add(testPage, "", ref)
	}
	f.Add("http://[::1]:8090", "b/c?d", "//x.y:80/z")
	f.Fuzz(func(t *testing.T, page, href, ref string) {
		from, err := ParseURL(page)
		b := &Base{}
		if err == nil {
			b = NewBase(from, href)
		}
		checkTiers(t, b, page)
		checkTiers(t, b, href)
		checkTiers(t, b, ref)
		checkLibrary(t, b, ref)
		u, err := b.Resolve(ref)
		if err != nil {
			return
		}
		if again, err := ParseURL(u.String()); err != nil || again != u {
			t.Errorf("%q is no canonical URL: it reads as %q, %v", u, again, err)
		}
		if h := u.Host(); h.URL(u.Path()) != u || h.Authority() == "" || !strings.HasPrefix(u.Path(), "/") {
			t.Errorf("%q: host %q, path %q", u, h, u.Path())
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	base := NewBase(mustParse(b, testPage), "")
	for name, ref := range map[string]string{
		"relative": "chapter-2.html", "dots": "../api/index.html#top", "rooted": "/guide/intro?page=2", "self": "#top",
		"absolute": "https://other.example/some/path.html", "foreign": "mailto:me@example.com", "slow": "bücher.html",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				base.Resolve(ref)
			}
		})
	}
}
