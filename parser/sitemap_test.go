package parser

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// listed reads a sitemap whole.
func listed(t *testing.T, r io.Reader, contentType string) (locs []string, entries []SitemapEntry, info SitemapInfo, err error) {
	t.Helper()
	info, err = Sitemap(r, contentType, func(e SitemapEntry) bool {
		locs, entries = append(locs, e.Loc), append(entries, e)
		return true
	})
	if info.Entries != len(entries) {
		t.Errorf("%d entries are counted, %d were yielded", info.Entries, len(entries))
	}
	return locs, entries, info, err
}

func zip(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wide(t testing.TB, data string, order unicode.Endianness, mark unicode.BOMPolicy) string {
	t.Helper()
	s, err := unicode.UTF16(order, mark).NewEncoder().String(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const plainSitemap = `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://e.org/a</loc></url></urlset>`

func TestSitemapFormats(t *testing.T) {
	t.Parallel()
	const a, b = "http://e.org/a", "http://e.org/b"
	for name, c := range map[string]struct {
		text, contentType string
		format            SitemapFormat
		want              []string
	}{
		"urlset":                 {plainSitemap, "", SitemapXML, []string{a}},
		"an index":               {"<sitemapindex><sitemap><loc>" + a + "</loc></sitemap><sitemap><loc>/b</loc></sitemap></sitemapindex>", "", SitemapIndex, []string{a, "/b"}},
		"a namespace by prefix":  {`<s:urlset xmlns:s="x"><s:url><s:loc>` + a + "</s:loc></s:url></s:urlset>", "", SitemapXML, []string{a}},
		"any case":               {"<URLSET><Url><LOC>" + a + "</LOC></Url></URLSET>", "", SitemapXML, []string{a}},
		"rss":                    {"<rss><channel><link>http://e.org/</link><item><title>x</title><link>" + a + "</link></item><item><guid>" + b + "</guid></item></channel></rss>", "", SitemapRSS, []string{a, b}},
		"a guid that is none":    {`<rss><channel><item><guid isPermaLink="false">` + a + "</guid></item></channel></rss>", "", SitemapRSS, nil},
		"rss 1.0":                {`<rdf:RDF><channel><link>/</link></channel><item rdf:about="x"><link>` + a + "</link></item></rdf:RDF>", "", SitemapRSS, []string{a}},
		"atom in rss":            {`<rss><channel><item><atom:link href="/no"/><link>` + a + "</link></item></channel></rss>", "", SitemapRSS, []string{a}},
		"atom":                   {`<feed><link href="/no"/><entry><link rel="edit" href="/no"/><link href="` + a + `"/><link rel=alternate href='/b'></link><id>/no</id></entry></feed>`, "", SitemapAtom, []string{a, "/b"}},
		"text":                   {a + "\r\n\n  " + b + "  \nwords\n" + a, "", SitemapText, []string{a, b, a}},
		"text with a byte order": {"\ufeff" + a, "text/plain", SitemapText, []string{a}},
		"text without a scheme":  {"www.e.org/a", "", SitemapText, []string{"//www.e.org/a"}},
		"gzip, whatever it says": {zip(t, plainSitemap), "text/xml", SitemapXML, []string{a}},
		"gzip in gzip":           {zip(t, zip(t, plainSitemap)), "", SitemapXML, []string{a}},
		"gzipped text":           {zip(t, a+"\n"+b), "", SitemapText, []string{a, b}},
		"utf-16 with a mark":     {wide(t, plainSitemap, unicode.LittleEndian, unicode.UseBOM), "", SitemapXML, []string{a}},
		"utf-16 without":         {wide(t, plainSitemap, unicode.BigEndian, unicode.IgnoreBOM), "", SitemapXML, []string{a}},
		"a charset declared":     {"<?xml version='1.0' encoding='windows-1251'?><urlset><url><loc>http://e.org/\xe0</loc></url></urlset>", "", SitemapXML, []string{"http://e.org/а"}},
		"a charset in the type":  {"<urlset><url><loc>http://e.org/\xe9</loc></url></urlset>", "text/xml; charset=iso-8859-1", SitemapXML, []string{"http://e.org/é"}},
		"bytes that are none":    {"<urlset><url><loc>http://e.org/\xff</loc></url><url><loc>" + a + "</loc></url></urlset>", "", SitemapXML, []string{"http://e.org/\ufffd", a}},
		"blanks before":          {"\ufeff \n\t" + plainSitemap, "", SitemapXML, []string{a}},
		"cdata":                  {"<urlset><url><loc> <![CDATA[ http://e.org/?a&amp;]]]> </loc></url></urlset>", "", SitemapXML, []string{"http://e.org/?a&amp;]"}},
		"comments":               {"<!-- <urlset> --><urlset><!-- <url> --><url><loc>http://e.org<!-- > -->/a</loc></url></urlset>", "", SitemapXML, []string{a}},
		"entities":               {"<urlset><url><loc>http://e.org/?a=1&amp;b=2&c=3&#x41;&copy=4&#38;</loc></url></urlset>", "", SitemapXML, []string{"http://e.org/?a=1&b=2&c=3A&copy=4&"}},
		"a doctype":              {`<!DOCTYPE urlset [ <!ENTITY x SYSTEM "file:///etc/passwd"> <!ENTITY y "]>"> ]><urlset><url><loc>&x;</loc></url><url><loc>` + a + "</loc></url></urlset>", "", SitemapXML, []string{a}},
		"no loc in an index":     {"<sitemapindex><sitemap>\n" + a + "\n</sitemap></sitemapindex>", "", SitemapIndex, []string{a}},
		"two locs":               {"<urlset><url><loc>" + a + "</loc><loc>" + b + "</loc></url></urlset>", "", SitemapXML, []string{a, b}},
		"unclosed":               {"<urlset><url><loc>" + a + "<url><lastmod><loc>/no</loc><url><loc>" + b + "</loc></url></urlset>", "", SitemapXML, []string{a, b}},
		"what follows the end":   {plainSitemap + "<urlset><url><loc>" + b + "</loc></url></urlset><", "", SitemapXML, []string{a}},
		"other namespaces": {`<urlset><url><image:image><image:loc>/no.png</image:loc><loc>/no</loc></image:image><image:loc>/no</image:loc>
			<video:video><video:player_loc>/no</video:player_loc></video:video><xhtml:link rel="alternate" href="/no"/><news:news><news:loc>/no</news:loc></news:news>
			<loc>` + a + "</loc></url><image:url><loc>/no</loc></image:url></urlset>", "", SitemapXML, []string{a}},
		"a long attribute": {`<urlset a="` + strings.Repeat(">", 1<<20) + `"><url ` + strings.Repeat("b", 1<<20) + "><loc>" + a + "</loc></url></urlset>", "", SitemapXML, []string{a}},
		"deep":             {"<urlset>" + strings.Repeat("<x>", 100_000) + "<url><loc>" + a + "</loc></url></urlset>", "", SitemapXML, []string{a}},
	} {
		locs, _, info, err := listed(t, strings.NewReader(c.text), c.contentType)
		if !slices.Equal(locs, c.want) || err != nil || info.Format != c.format || info.Truncated {
			t.Errorf("%s: got %q, %+v, %v; want %q, %s", name, locs, info, err, c.want, c.format)
		}
	}
}

func TestWhatIsNoSitemapIsSaidSo(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":          "",
		"blanks":           " \n\t",
		"prose":            "this is a bogus sitemap",
		"long prose":       strings.Repeat("line\n", 1000) + "http://e.org/",
		"a page":           "<!doctype html><html><body><urlset><url><loc>http://e.org/</loc></url></urlset>",
		"other xml":        "<svg><url><loc>http://e.org/</loc></url></svg>",
		"bytes":            "\x00\x01\x02\xff\xfe",
		"a cut tag":        "<urls",
		"zipped":           zip(t, "prose"),
		"zipped too often": zip(t, zip(t, zip(t, plainSitemap))),
	} {
		locs, _, info, err := listed(t, strings.NewReader(text), "")
		if len(locs) > 0 || !errors.Is(err, ErrNotSitemap) || info != (SitemapInfo{}) {
			t.Errorf("%s: %q, %+v, %v", name, locs, info, err)
		}
		if IsSitemap([]byte(text)) {
			t.Errorf("%s: seems to be one", name)
		}
	}
}

func TestASitemapThatBreaksOffKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	whole := "<urlset><url><loc>http://e.org/a</loc></url><url><loc>http://e.org/b</"
	zipped := zip(t, "http://e.org/a\n"+strings.Repeat("http://e.org/a\n", 100)+"http://e.org/b")
	for name, c := range map[string]struct {
		r    io.Reader
		n    int
		want error
	}{
		"in a tag":         {strings.NewReader(whole), 2, io.ErrUnexpectedEOF},
		"in a URL":         {strings.NewReader(strings.TrimSuffix(whole, "b</")), 1, io.ErrUnexpectedEOF},
		"in cdata":         {strings.NewReader("<urlset><url><loc><![CDATA[http://e.org/a]]"), 0, io.ErrUnexpectedEOF},
		"by an error":      {io.MultiReader(strings.NewReader(whole), iotest.ErrReader(broken)), 2, broken},
		"a line, by error": {io.MultiReader(strings.NewReader("http://e.org/\nhttp://e.o"), iotest.ErrReader(broken)), 1, broken},
		"in gzip":          {strings.NewReader(zipped[:len(zipped)-12]), -1, io.ErrUnexpectedEOF},
	} {
		locs, _, _, err := listed(t, c.r, "")
		if c.n >= 0 && len(locs) != c.n || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v; want %d, %v", name, locs, err, c.n, c.want)
		}
		for _, loc := range locs {
			if loc != "http://e.org/a" && loc != "http://e.org/b" && loc != "http://e.org/" {
				t.Errorf("%s: %q was cut off", name, loc)
			}
		}
	}
}

func TestASitemapSaysMoreOfItsEntries(t *testing.T) {
	t.Parallel()
	_, got, info, err := listed(t, strings.NewReader(`<urlset>
		<url><lastmod>2005-01-01</lastmod><loc>/a</loc><changefreq> Daily </changefreq><priority>0.8</priority></url>
		<url><loc>/b</loc><lastmod>2004-12-23T18:00:15+01:00</lastmod><priority>7</priority></url>
		<url><loc>mailto:x</loc><lastmod>2004-12</lastmod></url><url><lastmod>soon</lastmod><loc>/c</loc></url>
		<url><loc>/`+strings.Repeat("x", MaxLoc)+`</loc></url></urlset>`), "")
	want := []SitemapEntry{
		{Loc: "/a", LastMod: time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC), ChangeFreq: "daily", Priority: 0.8},
		{Loc: "/b", LastMod: time.Date(2004, 12, 23, 17, 0, 15, 0, time.UTC), Priority: 0.5},
		{Loc: "/c", Priority: 0.5},
	}
	same := func(a, b SitemapEntry) bool {
		equal := a.LastMod.Equal(b.LastMod)
		a.LastMod, b.LastMod = time.Time{}, time.Time{}
		return equal && a == b
	}
	if err != nil || !slices.EqualFunc(got, want, same) {
		t.Errorf("%+v, %v", got, err)
	}
	if info.Bad != 1 || info.TooLong != 1 || info.Example != "mailto:x" {
		t.Errorf("%+v", info)
	}
}

func TestSitemapLimits(t *testing.T) {
	t.Parallel()
	blank := strings.Repeat(" ", 1<<20)
	bomb := zip(t, "<urlset><url><loc>/a</loc></url>") + strings.Repeat(zip(t, blank), MaxSitemap>>20) + zip(t, "<url><loc>/b</loc></url></urlset>")
	for name, c := range map[string]struct {
		r io.Reader
		n int
	}{
		"too many":       {io.MultiReader(strings.NewReader("<urlset>"), &repeated{text: "<url><loc>/a</loc></url>", n: MaxSitemapURLs + 1}), MaxSitemapURLs},
		"too many lines": {&repeated{text: "/a\n", n: MaxSitemapURLs + 1}, MaxSitemapURLs},
		"too long":       {io.MultiReader(strings.NewReader("<urlset><url><loc>/a</loc></url>"), &repeated{text: blank, n: 51}), 1},
		"a bomb":         {strings.NewReader(bomb), 1},
		"a zipped bomb":  {strings.NewReader(zip(t, bomb)), 1},
		"one long line":  {io.MultiReader(strings.NewReader("/a\n/"), &repeated{text: strings.Repeat("x", 1<<20), n: 51}), 1},
	} {
		locs, _, info, err := listed(t, c.r, "")
		if len(locs) != c.n || !info.Truncated || err != nil {
			t.Errorf("%s: %d, %+v, %v; want %d", name, len(locs), info, err, c.n)
		}
	}
	full := io.MultiReader(strings.NewReader("<urlset>"), &repeated{text: "<url><loc>/a</loc></url>", n: MaxSitemapURLs}, strings.NewReader("</urlset>"))
	if locs, _, info, err := listed(t, full, ""); len(locs) != MaxSitemapURLs || info.Truncated || err != nil {
		t.Errorf("a full one: %d, %+v, %v", len(locs), info, err)
	}
}

// repeated is a text n times.
type repeated struct {
	text string
	n    int
	rest string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n, r.rest = r.n-1, r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestOnceNoMoreIsWantedNothingIsRead(t *testing.T) {
	t.Parallel()
	n := 0
	info, err := Sitemap(&repeated{text: "http://e.org/\n", n: 10}, "", func(SitemapEntry) bool { n++; return n < 3 })
	if n != 3 || info.Entries != 3 || info.Truncated || err != nil {
		t.Errorf("%d, %+v, %v", n, info, err)
	}
}

func TestIsSitemap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		plainSitemap:         true,
		zip(t, plainSitemap): true,
		"\ufeff\n<!-- x --><sm:sitemapindex xmlns:sm='y'>": true,
		"<html>urlset": false,
		"urlset":       false,
		"<!--" + strings.Repeat(" ", 2000) + "--><urlset>": false,
		"<rss><channel>urlset":                             false,
	} {
		if got := IsSitemap([]byte(text)); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
}

// Not in parallel: it looks at the heap.
func TestAHugeSitemapTakesNoMemory(t *testing.T) {
	entry := "<url><loc>http://e.org/" + strings.Repeat("x", 60) + "</loc><lastmod>2005-01-01</lastmod></url>"
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most, n := live(), int64(0), 0
	r := io.MultiReader(strings.NewReader("<urlset>"), &repeated{text: entry, n: MaxSitemapURLs}, strings.NewReader("</urlset>"))
	info, err := Sitemap(r, "", func(SitemapEntry) bool {
		if n++; n%5000 == 0 {
			most = max(most, live()-before)
		}
		return true
	})
	if err != nil || info.Entries != MaxSitemapURLs {
		t.Fatalf("%+v, %v", info, err)
	}
	t.Logf("%d entries, %d bytes: %d bytes held at most", n, n*len(entry), most)
	if most > 256<<10 {
		t.Errorf("%d bytes are held", most)
	}
}

func FuzzSitemap(f *testing.F) {
	for _, text := range []string{
		plainSitemap, zip(f, plainSitemap), wide(f, plainSitemap, unicode.LittleEndian, unicode.UseBOM),
		"<sitemapindex><sitemap><loc>/a</loc><lastmod>2005</lastmod><loc>/b",
		"<rss><channel><item><guid isPermaLink='false'>x</guid><link>/a</link></item></channel></rss>",
		"<feed><entry><link href=/a /><link rel='alternate' href=\"/b&amp;\"></entry></feed>",
		"<!DOCTYPE u [<!ENTITY a '&b;&b;'>]><u:urlset><u:url><u:loc><![CDATA[/a]]></u:loc></u:url>",
		"http://e.org/a\nwww.e.org\n\r\n/b", "<?xml version='1.0' encoding='shift_jis'?><urlset a=b/c d = 'e'><url/>",
	} {
		f.Add([]byte(text), "text/xml; charset=utf-8")
		f.Add([]byte(text), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		read := func(r io.Reader) (entries []SitemapEntry, info SitemapInfo, err error) {
			info, err = Sitemap(r, contentType, func(e SitemapEntry) bool {
				if len(entries) >= 1000 {
					return false
				}
				entries = append(entries, e)
				return true
			})
			return entries, info, err
		}
		got, info, err := read(bytes.NewReader(body))
		for _, e := range got {
			checkEntry(t, e)
		}
		again, sameInfo, sameErr := read(iotest.OneByteReader(bytes.NewReader(body)))
		if !slices.Equal(got, again) || info != sameInfo || fmt.Sprint(err) != fmt.Sprint(sameErr) {
			t.Errorf("byte by byte: %+v %+v %v\nnot %+v %+v %v", again, sameInfo, sameErr, got, info, err)
		}
		if info.Format == NotSitemap && len(got) > 0 || len(info.Example) > MaxLoc {
			t.Errorf("%+v", info)
		}
		IsSitemap(body)
	})
}

// checkEntry checks what holds for every entry.
func checkEntry(t *testing.T, e SitemapEntry) {
	t.Helper()
	if len(e.Loc) > MaxLoc || !utf8.ValidString(e.Loc) || strings.TrimSpace(e.Loc) != e.Loc || !isLoc(e.Loc) {
		t.Errorf("loc %q", e.Loc)
	}
	if !(e.Priority >= 0 && e.Priority <= 1) || len(e.ChangeFreq) > 16 {
		t.Errorf("%+v", e)
	}
}

func BenchmarkSitemap(b *testing.B) {
	entry := "<url><loc>http://e.org/" + strings.Repeat("x", 40) + "</loc><lastmod>2005-01-01</lastmod><changefreq>daily</changefreq></url>\n"
	body := []byte("<urlset>" + strings.Repeat(entry, 10_000) + "</urlset>")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sitemap(bytes.NewReader(body), "", func(SitemapEntry) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}
