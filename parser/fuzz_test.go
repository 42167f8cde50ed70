package parser

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzHTML: the scanner finds what the tokenizer of x/net/html finds, and a Document keeps its promises.
func FuzzHTML(f *testing.F) {
	for _, page := range []string{
		`<a href="/a?x=1&amp;y=2&copy=3&lt" rel="x nofollow">`,
		`<A HREF = '/b"' href=/no><a/href=/c/><a href=/d/><a =x href="e">`,
		`<!-- <a href=/no> --><!--><a href=/1><!---><a href=/2><!-- --!><a href=/3><!x><a href=/4><?y><a href=/5></ z><a href=/6></><a href=/7>`,
		`<script><!-- <script> </script> --></script><a href=/y><script><!-- a < <script> </script><a href=/z>`,
		`<title>a &amp; <a href=/no> b</title><textarea><a href=/no></textarea><xmp></xm></xmp><noscript><a href=/y></noscript>`,
		`<svg><title><a href=/y></title><style><a href=/y></style><![CDATA[<a href=/no>]]></svg><![CDATA[<a href=/no>]]><p>`,
		`<math><annotation-xml encoding=text/html><style><a href=/no></style></annotation-xml><mi><title></title></mi></math>`,
		`<svg><foreignObject><svg/><p></svg></foreignobject><desc/><div><style></style>`,
		`<base href="/b/"><base href=/no><meta http-equiv=refresh content="0; url='/r'"><meta name=robots content=none>`,
		"<a href=\"/a\r\nb\x00c\xff&#x41;&#65;&#;&semi;&fjlig;&notit;&notit\"><plaintext><a href=/no>",
	} {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		got, want := scannerEvents(page), tokenizerEvents(page)
		if !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", page, got, want)
		}
		checkDocument(t, page, HTML(page, "", "trawl"))
	})
}

// checkDocument checks what holds for every page.
func checkDocument(t *testing.T, page []byte, d *Document) {
	t.Helper()
	if len(d.Title) > MaxTitle || len(d.Links) > MaxLinks {
		t.Errorf("%q: over a limit", page)
	}
	once := map[Link]bool{}
	for _, l := range d.Links {
		key := Link{URL: l.URL, Kind: l.Kind}
		if once[key] {
			t.Errorf("%q: link %q twice", page, l.URL)
		}
		once[key] = true
		if !utf8.ValidString(l.URL) || string(trimSpace([]byte(l.URL))) != l.URL || l.URL == "" && d.Base == "" {
			t.Errorf("%q: link %q", page, l.URL)
		}
	}
	if !utf8.ValidString(d.Title + d.Base + d.Refresh + d.Canonical) {
		t.Errorf("%q: not UTF-8: %+v", page, d)
	}
}

// charsets are encodings in which markup can be found by its bytes.
var charsets = []string{"utf-8", "windows-1252", "windows-1251", "koi8-r", "iso-8859-8", "macintosh", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"}

// FuzzCharset: it makes no difference whether a page is transcoded before it is scanned, or its values after.
func FuzzCharset(f *testing.F) {
	for i := range charsets {
		f.Add([]byte("<meta charset=x><a href='/\xe4\xfc\x81\x30\x81\x30&amp;\xa4\xa2'><title>\x83\x5c\xff</title>"), uint8(i))
	}
	f.Fuzz(func(t *testing.T, page []byte, charset uint8) {
		checkDocument(t, page, HTML(page, "", ""))
		checkDocument(t, page, HTML(page, "text/html; charset=utf-16le", ""))
		checkDocument(t, page, HTML(page, "text/html; charset=iso-2022-jp", ""))
		name := charsets[int(charset)%len(charsets)]
		if bom(page) != "" {
			return
		}
		enc, _ := byLabel(name)
		whole, err := enc.NewDecoder().Bytes(page)
		// Behind a bad first byte, x/text may take a ">" for the second, which the encoding standard forbids.
		if err != nil || bom(whole) != "" || !slices.Equal(markup(page), markup(whole)) {
			return
		}
		got := HTML(page, "text/html; charset="+name, "")
		want := HTML(whole, "text/html; charset=utf-8", "")
		if got.Title != want.Title || got.Base != want.Base || !slices.Equal(got.Links, want.Links) {
			t.Errorf("%s %q:\ngot  %+v\nwant %+v", name, page, got, want)
		}
	})
}

// markup returns the bytes of a page that can be part of no character but their own.
func markup(page []byte) []byte {
	return slices.DeleteFunc(slices.Clone(page), func(c byte) bool { return c >= 0x40 || '0' <= c && c <= '9' })
}

// FuzzRobots: the matcher agrees with regular expressions, and a verdict with the line it names.
func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nAllow: /%7E*c\nCrawl-delay: 1\nSitemap: x", "/a*b$", "/axb")
	f.Add("useragent trawl\r\rdisallow /\xff", "*/%2A**$", "/*?a=%2f/")
	f.Fuzz(func(t *testing.T, robots, rule, path string) {
		for _, isRule := range []bool{true, false} {
			if c := canonical(rule, isRule); canonical(c, isRule) != c {
				t.Errorf("canonical form of %q is not stable: %q", rule, c)
			}
		}
		p, c := newPattern(rule), canonical(path, false)
		if got, want := p.matches(c), matchesSlowly(p, c); got != want {
			t.Errorf("%q on %q: got %v, want %v", rule, path, got, want)
		}
		ok, line := ParseRobots([]byte(robots), "trawl").Allowed(path)
		key, _, _ := splitLine([]byte(line))
		if line != "" && ok != (word(key) == "allow") || line == "" && !ok {
			t.Errorf("%q on %q: %v by %q", robots, path, ok, line)
		}
	})
}

// matchesSlowly matches as the standard library would.
func matchesSlowly(p pattern, path string) bool {
	expr := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(p.text), `\*`, ".*")
	if p.anchored {
		expr += "$"
	}
	return regexp.MustCompile(expr).MatchString(path)
}
