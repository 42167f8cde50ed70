package parser

import (
	"bytes"
	"math/rand/v2"
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
		got, want := scannerEvents(page), tokenizerEvents(page)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %q:\ngot  %q\nwant %q", seed, page, got, want)
		}
		checkDocument(t, page, HTML(page, "", "trawl"))
	}
}

// A page of one repeated piece is what makes a parser quadratic.
func TestTimeIsLinearInHostilePages(t *testing.T) {
	t.Parallel()
	for _, f := range append(fragments, "<a ", "<a x", "<a b=c ", "<!-->", "<script><!--", "<script><!--<script", "</script", "<svg><title>",
		"<meta charset", "<meta charset=x>", "<title></titl", "&amp", "&a", `<a href="&&&&`, "<link rel=\"a b c d next prev\" href=", "<base href=#>") {
		page := bytes.Repeat([]byte(f), (512<<10)/max(1, len(f)))
		start := time.Now()
		checkDocument(t, page, HTML(page, "", "trawl"))
		// A generous bound: a linear pass takes some 5 ms, a quadratic one hours.
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("512 KiB of %q took %v", f, d)
		}
	}
}
