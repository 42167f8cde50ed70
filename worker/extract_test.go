package worker

import (
	"net/http"
	"slices"
	"testing"

	"trawl/parser"
)

func TestFieldsOfAnHTMLPageAreInItsRecord(t *testing.T) {
	x, err := parser.NewExtractor([]string{"heading=h1"})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/plain" {
			rw.Header().Set("Content-Type", "text/css")
		}
		rw.Write([]byte("<h1>One</h1>"))
	}
	inBubble(t, hasty, answer, func(tr *trial) {
		tr.cfg.Extract = x.Fields
		tr.seed("http://a.test/page", "http://a.test/plain")
		tr.run()
		if got := tr.journal.record("http://a.test/page").Fields["heading"]; !slices.Equal(got, []string{"One"}) {
			tr.Errorf("fields %q", got)
		}
		if got := tr.journal.record("http://a.test/plain").Fields; got != nil {
			tr.Errorf("fields %q of what is no HTML", got)
		}
	})
}
