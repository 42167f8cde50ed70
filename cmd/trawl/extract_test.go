package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExtractedFieldsAreInTheOutput(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.Write([]byte(`<h1>A "title"</h1><img src=/i.png><img src=/j.png>`))
	}))
	defer site.Close()
	dir := t.TempDir()
	r := call(t, dir, "crawl", "--contact", "x", "--progress", "none", "--extract", "h=h1", "--extract", "img=img@src", site.URL)
	text, err := os.ReadFile(filepath.Join(dir, "trawl-data", "pages.jsonl"))
	if want := `"fields":{"h":["A \"title\""],"img":["/i.png","/j.png"]}`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s, %v; want %s in %+v", text, err, want, r)
	}
	r = call(t, dir, "crawl", "--extract", "h=[", site.URL)
	if r.code != exitUsage || !strings.HasPrefix(r.err, `trawl: --extract "h=[": `) {
		t.Errorf("%+v", r)
	}
}
