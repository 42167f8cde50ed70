package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestHealthcheckAsksWhoListens(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick("--listen", ":0", g.URL)...)
	<-g.asked
	addr := regexp.MustCompile(`127\.0\.0\.1(:\d+)/`).FindStringSubmatch(p.err.String())
	if addr == nil {
		t.Fatalf("no loopback address in %q", p.err.String())
	}
	cmd := trawl(t.Context(), dir, "healthcheck")
	cmd.Env = append(cmd.Env, "TRAWL_LISTEN="+addr[1], "HTTP_PROXY=http://127.0.0.1:1")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("well: %v, %s", err, out)
	}
	g.open()
	if r := p.end(t); r.code != exitDone {
		t.Errorf("%+v", r)
	}
	isMistake(t, call(t, dir, "healthcheck", "--listen", addr[1]), exitFailed, "no trawl listens", addr[1])
}

func TestHealthcheckSaysWhyATrawlIsNotWell(t *testing.T) {
	t.Parallel()
	sick := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			http.Error(rw, "the frontier is away", http.StatusServiceUnavailable)
		}
	}))
	defer sick.Close()
	dir := t.TempDir()
	isMistake(t, call(t, dir, "healthcheck", "--listen", strings.TrimPrefix(sick.URL, "http://")), exitFailed, "the frontier is away")
	isMistake(t, call(t, dir, "healthcheck", "--listen", "6060"), exitUsage, "--listen", "6060")
	none(t, dir)
}
