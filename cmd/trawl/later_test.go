package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// rester serves pages, and answers a path with 429 until it is told not to.
type rester struct {
	*httptest.Server
	asked atomic.Int64
	ready atomic.Bool
}

func newRester(t *testing.T, path string) *rester {
	t.Helper()
	s := &rester{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		switch {
		case r.URL.Path == path && !s.ready.Load():
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/robots.txt":
			http.NotFound(w, r)
		default:
			io.WriteString(w, "a page")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestACrawlWhoseHostsWantToBeLeftAloneEndsAndIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/2", "/robots.txt"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s, dir := newRester(t, path), t.TempDir()
			other := site(t, map[string][]string{"/": {"/1", "/2"}, "/1": nil, "/2": nil})
			run := quick(s.URL+"/1", s.URL+"/2", s.URL+"/3", other.URL)
			r := call(t, dir, run...)
			isMistake(t, r, exitInterrupted, "URLs of 1 host left to fetch: no host may be asked before 20", ", in 2", "run the same command again then", "--max-idle 0")
			mentions(t, r.out, "default: the hosts that are left want to be left alone", "left ", "the same command goes on with them",
				"resting    "+s.URL+" until 20", ", for ", "429")
			if st := inspect(t, dir).Stats; st.Done < 3 || st.Dead > 0 || st.Seen != 6 {
				t.Errorf("%+v", st)
			}
			mentions(t, call(t, dir, "status").out, "not running; the same trawl crawl goes on, from 20", "in 2")

			asked := s.asked.Load()
			for _, again := range [][]string{run, quick()} {
				r = call(t, dir, again...)
				isMistake(t, r, exitInterrupted, "URLs of 1 host left to fetch: no host may be asked before 20", "run the same command again then")
				mentions(t, r.out, "resting    "+s.URL+" until 20", "earlier run")
			}
			if n := s.asked.Load() - asked; n > 0 {
				t.Errorf("%d requests while the host was to be left alone", n)
			}
		})
	}
}

func TestACrawlWhoseSeedsAreStillToComeDoesNotEndBecauseHostsRest(t *testing.T) {
	t.Parallel()
	s, dir := newRester(t, "/1"), t.TempDir()
	other := site(t, map[string][]string{"/1": nil, "/2": nil, "/3": nil})
	p := start(t, dir, quick("-i", "-", "--max-idle", "1s", s.URL+"/1")...)
	await(t, "the host was asked", func() bool { return s.asked.Load() == 2 })
	for n := range int64(3) {
		fmt.Fprintf(p.in, "%s/%d\n", other.URL, n+1)
		await(t, "a page is done", func() bool { return inspect(t, dir).Stats.Done == n+1 })
	}
	p.in.Close()
	r := p.end(t)
	mentions(t, r.err, "trawl: 1 URL of 1 host left to fetch")
	if st := inspect(t, dir).Stats; r.code != exitInterrupted || st.Done != 3 || st.Seen != 4 {
		t.Errorf("%d, %+v", r.code, st)
	}
}

func TestACrawlThatIsToWaitForItsHostsDoes(t *testing.T) {
	t.Parallel()
	s, dir := newRester(t, "/1"), t.TempDir()
	r := call(t, dir, quick("--max-idle", "0", "--max-time", "2s", s.URL+"/1")...)
	if r.code != exitDone || !strings.Contains(r.out, "--max-time is over") || strings.Contains(r.out, "resting") {
		t.Errorf("%+v", r)
	}
	isMistake(t, call(t, dir, quick("--max-idle", "-1s", s.URL)...), exitUsage, "--max-idle -1s")
	isMistake(t, call(t, dir, quick("--max-idle", "1h", "--redis", "redis://127.0.0.1:1", s.URL)...), exitUsage, "--max-idle", "Redis")
}
