package parser

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
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
		`<img src=/1 srcset="/2 2x, /3, data:x,y 1x"><picture><source srcset=/4></picture><video src=/5 poster=/6><svg><image href=/7><use xlink:href=/8><script href=/9></script></svg><script src=/0></script>`,
		"<a href=\"/a\r\nb\x00c\xff&#x41;&#65;&#;&semi;&fjlig;&notit;&notit\"><plaintext><a href=/no>",
	} {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, assets := range []bool{false, true} {
			got, want := scannerEvents(page, assets), tokenizerEvents(page, assets)
			if !slices.Equal(got, want) {
				t.Errorf("%q, assets %v:\ngot  %q\nwant %q", page, assets, got, want)
			}
		}
		checkAssets(t, page, "")
	})
}

// checkAssets checks that assets come on top of what a page says without them, and nothing else changes.
func checkAssets(t *testing.T, page []byte, contentType string) {
	t.Helper()
	less := HTML(page, contentType, Options{Agent: "trawl"})
	more := HTML(page, contentType, Options{Agent: "trawl", Assets: true})
	checkDocument(t, page, less)
	checkDocument(t, page, more)
	more.Links = slices.DeleteFunc(more.Links, func(l Link) bool { return l.Kind.IsAsset() })
	if len(more.Links) == 0 {
		more.Links = nil
	}
	if !reflect.DeepEqual(less, more) && !more.Truncated {
		t.Errorf("%q: without assets %+v, with them %+v", page, less, more)
	}
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
		if !utf8.ValidString(l.URL) || string(trimSpace([]byte(l.URL))) != l.URL || l.URL == "" && (d.Base == "" || l.Kind.IsAsset()) || len(l.URL) > MaxLink {
			t.Errorf("%q: link %q", page, l.URL)
		}
	}
	if !utf8.ValidString(d.Title + d.Base + d.Refresh + d.Canonical) {
		t.Errorf("%q: not UTF-8: %+v", page, d)
	}
}

// FuzzSrcset: the candidates of a srcset are those that the standard's own steps find.
func FuzzSrcset(f *testing.F) {
	for _, s := range []string{"a", "a 1x, b 2x", "a,b c,,d 100w 50h,", "a (x, y) 1x,b", "data:a,b 1x, c -0x", "a 1e3x,b .5x,c 1.x,d +1x,e 1w 1w,f 0w,g 5h", ", ,a\t\n2X"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, srcset []byte) {
		var got []string
		for rest := srcset; len(rest) > 0; {
			before := len(rest)
			var url []byte
			if url, rest = candidate(rest); url != nil {
				got = append(got, string(url))
			}
			if len(rest) >= before {
				t.Fatalf("%q: no step forward", srcset)
			}
		}
		if want := candidatesByTheBook(string(srcset)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", srcset, got, want)
		}
	})
}

// extraction are selectors of each sort that costs time.
var extraction = []string{"b=b", "n=:nth-child(2n)", "s=i ~ *", "c=p:contains('x')", "h=div:has(b)", "a=*@href", "t=title"}

// FuzzExtract: fields are bounded and UTF-8, and the tree of a page that is not too heavy is not larger than estimated.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("<p><b a=1><b a=2><table><td><i></b></td></table></p><p>x<html a=1><body b=2></x>"), uint16(3))
	f.Add([]byte("<p><b a><b b><marquee></b></marquee></p><p>x"), uint16(100))
	f.Add([]byte("<svg><p><desc><style><b></desc></svg><select><svg><textarea><b>"), uint16(1000))
	x, err := NewExtractor(extraction)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page []byte, times uint16) {
		page = bytes.Repeat(page, min(1+int(times), 1+(64<<10)/(1+len(page))))
		values, _ := x.Fields(page, "text/html; charset=utf-8")
		for name, list := range values {
			if len(list) > maxValues {
				t.Errorf("%q: %d values of %s", page, len(list), name)
			}
			for _, v := range list {
				if len(v) > maxValue || !utf8.ValidString(v) {
					t.Errorf("%q: %s is %q", page, name, v)
				}
			}
		}
		root := tree(page, "text/html; charset=utf-8")
		if root == nil {
			return
		}
		nodes := 0
		for n := range root.Descendants() {
			if n.Type == html.ElementNode {
				nodes += 1 + len(n.Attr)
			}
		}
		if nodes > maxWeight+10 {
			t.Errorf("%q: %d elements and attributes", page, nodes)
		}
	})
}

// charsets are encodings in which markup can be found by its bytes.
var charsets = []string{"utf-8", "windows-1252", "windows-1251", "koi8-r", "iso-8859-8", "macintosh", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"}

// FuzzCharset: it makes no difference whether a page is transcoded before it is scanned, or its values after.
func FuzzCharset(f *testing.F) {
	for i := range charsets {
		f.Add([]byte("<a href='/\xe4?\xfc\x81\x30\x81\x30\xa4\xa2&x=\x83\x5c#\xe4'><img srcset='?\xe4 1x,?\xa4\xa2'>"), uint8(i))
		f.Add([]byte("<meta charset=x><a href='/\xe4\xfc\x81\x30\x81\x30&amp;\xa4\xa2'><title>\x83\x5c\xff</title>"), uint8(i))
	}
	f.Fuzz(func(t *testing.T, page []byte, charset uint8) {
		checkAssets(t, page, "")
		checkAssets(t, page, "text/html; charset=utf-16le")
		checkAssets(t, page, "text/html; charset=iso-2022-jp")
		name := charsets[int(charset)%len(charsets)]
		if bom(page) != "" {
			return
		}
		enc, _ := byLabel(name)
		whole, err := enc.NewDecoder().Bytes(page)
		// Behind a bad first byte, x/text may take a ">" for the second, which the encoding standard forbids.
		if err != nil || bom(whole) != "" || len(whole) > MaxLink || !slices.Equal(markup(page), markup(whole)) {
			return
		}
		got := HTML(page, "text/html; charset="+name, Options{Assets: true})
		want := HTML(whole, "text/html; charset=utf-8", Options{Assets: true})
		// Of a page in UTF-8, queries are as written.
		r, links := reader{query: queryEncoding(enc, name)}, linkSet{}
		for _, l := range want.Links {
			links.add(l.Kind, r.encodeQuery([]byte(l.URL)), l.NoFollow)
		}
		want.Links, want.Base = links.list(), string(r.encodeQuery([]byte(want.Base)))
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
