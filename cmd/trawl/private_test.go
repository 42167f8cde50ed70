package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// A page cannot make the crawler ask a machine of the private network, under whatever name; what the user names it may.
func TestLinksToPrivateAddressesAreNotDialled(t *testing.T) {
	t.Parallel()
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan struct{}, 1)
	go func() { // ends with the listener
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			c.Close()
			dialled <- struct{}{}
		}
	}()
	_, port, _ := net.SplitHostPort(canary.Addr().String())
	hosts := []string{"127.0.0.1", "localhost", "x.localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"}
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/to":
			http.Redirect(rw, r, "http://127.0.0.1:"+port+"/redirected", http.StatusFound)
		case r.URL.Path == "/":
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, `<a href="/to">`)
			for i, host := range hosts {
				fmt.Fprintf(rw, `<a href="http://%s:%s/%d">x</a>`, host, port, i)
			}
		default:
			http.NotFound(rw, r)
		}
	}))
	defer site.Close()
	dir := t.TempDir()
	r := call(t, dir, "crawl", "--contact", "x", "--progress", "none", "--delay", "0", "--scope", "any", site.URL)
	if r.code != exitDone || !strings.Contains(r.out, "given up") || strings.Contains(r.out, "retried") {
		t.Errorf("%+v", r)
	}
	records := readRecords(t, filepath.Join(dir, "trawl-data", "pages.jsonl"))
	for url, of := range records {
		private := !strings.HasPrefix(url, site.URL)
		if private && (of[0].Error == nil || of[0].Error.Kind != "address") {
			t.Errorf("%s: %+v", url, of[0])
		}
	}
	if len(records) < 2+5 {
		t.Errorf("%d records", len(records))
	}
	canary.Close()
	select {
	case <-dialled:
		t.Error("the canary was dialled")
	default:
	}
}
