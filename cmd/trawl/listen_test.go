package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/worker"
)

func TestListenServesHealthCountsAndProfiles(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick("--listen", ":0", g.URL)...)
	<-g.asked
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(p.err.String())
	if url == "" {
		t.Fatalf("no loopback address in %q", p.err.String())
	}
	if status, body := get(t, url+"healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("health: %d %q", status, body)
	}
	var got struct {
		Crawl string
		Began time.Time
		Stats frontier.Stats
		Run   worker.Totals
	}
	status, body := get(t, url+"status")
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || got.Crawl != "default" || got.Stats.Leased != 1 || got.Began.IsZero() {
		t.Errorf("status: %d %s, %v", status, body, err)
	}
	for path, word := range map[string]string{"": "goroutine", "goroutine?debug=1": "goroutine profile", "heap?debug=1": "heap profile"} {
		if status, body := get(t, url+"debug/pprof/"+path); status != http.StatusOK || !strings.Contains(body, word) {
			t.Errorf("profile %q: %d", path, status)
		}
	}
	if status, _ := get(t, url+"debug/pprof/cmdline"); status != http.StatusNotFound { // it can hold a password
		t.Errorf("the command line is served: %d", status)
	}
	profiling := make(chan error, 1) // longer than the crawl lasts, which is not held up
	go func() {
		resp, err := http.Get(url + "debug/pprof/profile?seconds=60")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		profiling <- err
	}()
	g.open()
	if r := p.end(t); r.code != exitDone {
		t.Errorf("%+v", r)
	}
	if err := <-profiling; err == nil {
		t.Error("the profile was finished")
	}
	if resp, err := http.Get(url + "healthz"); err == nil {
		resp.Body.Close()
		t.Error("somebody listens after the end")
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAPortInUseIsNamedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	addr := l.Addr().String()
	isMistake(t, call(t, dir, quick("--listen", addr, "http://a.example/")...), exitFailed, "--listen "+addr, "in use")
	none(t, dir)
}
