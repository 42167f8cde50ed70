package worker

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"trawl/frontier"
	"trawl/parser"
)

func TestTheMemoryOfLargePagesIsGivenBack(t *testing.T) {
	large := "<title>large</title>" + strings.Repeat("x", 700<<10) // there is room for one at a time
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, large)
	}
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed(urls("a.test", 10)...)
		x.run()
		x.settled(10, 0)
		for _, r := range x.journal.records {
			if r.Length != int64(len(large)) || r.Title != "large" {
				x.Errorf("record %+v", r)
			}
		}
	})
}

func TestAPageWithTooManyLinksSaysSo(t *testing.T) {
	var page strings.Builder
	page.WriteString(`<meta name="robots" content="nofollow">`) // they are not to be followed here, only counted
	for i := range parser.MaxLinks + 1 {
		fmt.Fprintf(&page, `<a href=/%d>`, i)
	}
	answer := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		io.WriteString(rw, page.String())
	}
	inBubble(t, hasty, answer, func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		if r := x.journal.records; len(r) != 1 || len(r[0].Links) != parser.MaxLinks || !r[0].Truncated {
			x.Errorf("%d records", len(r))
		}
	})
}

// TestLinksThatABaseMakesLongAreNotAllTaken has a page that is small, but its links are not.
func TestLinksThatABaseMakesLongAreNotAllTaken(t *testing.T) {
	page := `<meta name="robots" content="nofollow"><base href="/` + strings.Repeat("b", 1900) + `/">` + strings.ReplaceAll(indexOf(10_000), "=/", "=")
	inBubble(t, hasty, answerWith(func(*http.Request) string { return page }), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		sum := 0
		for _, link := range x.journal.records[0].Links {
			sum += len(link)
		}
		if !x.journal.records[0].Truncated || sum > mostLinkBytes || sum < mostLinkBytes-2000 {
			x.Errorf("%d bytes of links; truncated: %v", sum, x.journal.records[0].Truncated)
		}
	})
}

// TestAPageWithVeryManyLinksIsReportedInPieces has a page whose links would keep all other acks waiting.
func TestAPageWithVeryManyLinksIsReportedInPieces(t *testing.T) {
	const n = 2*mostAtOnce + 1
	refs := make([]string, n)
	for i := range refs {
		refs[i] = fmt.Sprintf("/%d", i)
	}
	p := policy(func(p *frontier.Policy) { p.Delay, p.MaxPages = 0, 1 })
	inBubble(t, p, site(func(*url.URL) []string { return refs }), func(x *trial) {
		x.seed("http://a.test/")
		x.run()
		most := 0
		for _, r := range x.journal.reports {
			most = max(most, len(r.Found))
			for _, o := range r.Outcomes {
				most = max(most, len(o.Found))
			}
		}
		if s := x.stats(); most != mostAtOnce || s.Seen != n+1 || s.Done != 1 {
			t.Errorf("%d links at once; stats %+v", most, s)
		}
	})
}
