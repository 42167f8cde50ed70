package parser

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// fragments are pieces of pages, with which chance makes more trouble than with bytes.
var fragments = strings.Split(`<a href="/x"|<a|</a>|<A HREF='y'|>|/>|"|'|=| |/|&amp;|&copy=|&#x41;|&notit;|href=|href| rel=nofollow|<|</|<!|<!-|<!--|-->|--!>|->|-|!|<?|?>|`+
	`<title>|</title>|<textarea|</textarea>|<script>|</script>|</SCRIPT x>|<script|<style>|</style>|<xmp>|</xmp|<noscript>|</noscript>|<iframe src=f>|</iframe>|`+
	`<noembed>|</noembed>|<plaintext>|<svg>|<svg/>|</svg>|<math>|</math>|<![CDATA[|]]>|]]|<foreignObject>|</foreignobject>|<desc>|</desc>|<mi>|</mi>|`+
	`<annotation-xml encoding="text/html">|</annotation-xml>|<p>|</p>|<div>|</div>|<img src=i>|<meta name=robots content="|nofollow|<base href=b>|text|ü`+"|\r\n|\x00|\xff|\t|\f", "|")

func randomPage(r *rand.Rand) []byte {
	var page []byte
	for range 1 + r.IntN(24) {
		page = append(page, fragments[r.IntN(len(fragments))]...)
	}
	return page
}

func TestScannerFindsWhatTheTokenizerFinds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 10_000 {
		page := randomPage(r)
		got, want := scannerEvents(page, true), tokenizerEvents(page, true)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %q:\ngot  %q\nwant %q", seed, page, got, want)
		}
		checkAssets(t, page, "")
	}
}

// hostile are pages that one piece, repeated, makes long: what makes a parser quadratic.
func hostile(bytesOf int) map[string][]byte {
	pages := map[string][]byte{}
	add := func(before, piece, after string) {
		n := (bytesOf - len(before) - len(after)) / max(1, len(piece))
		pages[before+piece+"..."+after] = []byte(before + strings.Repeat(piece, n) + after)
	}
	for _, f := range append(slices.Clone(fragments), "<a ", "<a x", "<a b=c ", "<!-->", "<script><!--", "<script><!--<script", "</script", "<svg><title>",
		"<meta charset", "<meta charset=x>", "<title></titl", "&amp", "&a", `<a href="&&&&`, `<link rel="a b c d next prev" href=`, "<base href=#>",
		"<img srcset=a>", `<img srcset="a,b 1x,`, "<svg><image ", "<div>", "<b><i>", "<svg><desc>", "<math><mi><svg>", "<table><tr><td>", "<option>") {
		add("", f, "")
	}
	for _, before := range []string{`<img srcset="`, `<a href="/?`, `<link rel="`, `<link rel="next prev alternate canonical" href="`, `<meta http-equiv=refresh content="0;`,
		`<meta name=robots content="`, `<meta http-equiv=content-type content="`, `<img src="data:`, `<p `, `<!doctype `, `<! `, `<title>`, `<svg><p x="`, `<?xml encoding="`} {
		for _, piece := range []string{"x", "x ", ",", "a 1x,", "(", "é", "&", "&amp;", "&#x41", "%", "\xff", "\x00", "charset", "charset=", "\r", "=", "/"} {
			add(before, piece, `">`)
		}
	}
	return pages
}

func TestTimeIsLinearInHostilePages(t *testing.T) {
	const small, factor = 8 << 10, 8
	smaller := hostile(small)
	// The least of several, for what else the machine does only adds to a time.
	measure := func(page []byte, tries int) time.Duration {
		least := time.Hour
		for range tries {
			start := time.Now()
			HTML(page, "text/html; charset=windows-1251", Options{Agent: "trawl", Assets: true})
			HTML(page, "text/html; charset=utf-8", Options{})
			least = min(least, time.Since(start))
		}
		return least
	}
	for name, page := range hostile(factor * small) {
		checkAssets(t, page, "")
		for tries := 1; ; tries *= 3 {
			// Linear is 8 times as long, quadratic 64 times. What takes no time is too coarse to compare.
			was, is := measure(smaller[name], 3*tries), measure(page, tries)
			if is < 3*factor*was+5*time.Millisecond {
				break
			}
			if tries > 5 {
				t.Errorf("%s: %v for %d bytes, %v for %d", name, was, small, is, factor*small)
				break
			}
		}
	}
}

// It runs alone: the others allocate too.
func TestMemoryIsBoundedByThePage(t *testing.T) {
	const size = 256 << 10
	var links strings.Builder
	for i := 0; links.Len() < size; i++ {
		fmt.Fprintf(&links, `<link rel="next prev canonical" href="/%d?%s">`, i, strings.Repeat("x", 2000))
	}
	pages := hostile(size)
	pages["long links"] = []byte(links.String())
	for name, page := range pages {
		if !strings.HasPrefix(name, "<link") && !strings.HasPrefix(name, "<p") && !strings.HasPrefix(name, "<img") && name != "long links" {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		HTML(page, "text/html; charset=windows-1251", Options{Assets: true})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 20*size {
			t.Errorf("%s: %d MiB allocated for a page of %d", name, got>>20, size>>20)
		}
	}
}
