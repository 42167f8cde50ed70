package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

// jitter is what the server's own clock may take off a gap.
const jitter = 5 * time.Millisecond

// By the server's own log no two requests to a host start closer together than the delay, robots.txt included, and no
// more than --per-host run at once; also when the process is killed in the middle and started again.
func TestPoliteness(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		gap    time.Duration
		atOnce int
		web    webtest.Config
	}{
		"one request at a time and a second between two, by default": {
			nil, time.Second, 1, webtest.Config{Hosts: 40, PagesPerHost: 4, Links: 10, PageBytes: 2 << 10},
		},
		"--per-host 4 --delay 200ms": {
			[]string{"--per-host", "4", "--delay", "200ms"}, 200 * time.Millisecond, 4,
			webtest.Config{Hosts: 8, PagesPerHost: 14, Links: 20, PageBytes: 2 << 10, Latency: 500 * time.Millisecond},
		},
		"a fast server": {
			[]string{"--delay", "100ms", "-c", "8"}, 100 * time.Millisecond, 1,
			webtest.Config{Hosts: 30, PagesPerHost: 14, Links: 20, PageBytes: 2 << 10, Errors: 0.1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, server := serve(t, c.web)
			dir := t.TempDir()
			args := append(append([]string{"crawl", "--progress", "none"}, c.args...), server.Seeds()...)
			for kill := range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(kill+2)*700*time.Millisecond)
				trawl(ctx, dir, args...).Run() // ends in SIGKILL
				cancel()
			}
			if r := call(t, dir, args...); r.code != exitDone {
				t.Fatalf("%+v", r)
			}
			if got := readRecords(t, filepath.Join(dir, "trawl-data", "pages.jsonl")); len(got) != web.Count() {
				t.Errorf("%d pages in the output, %d in the web", len(got), web.Count())
			}
			judge(t, server.Log(), c.gap, c.atOnce)
		})
	}
}

func judge(t *testing.T, log *webtest.Log, gap time.Duration, atOnce int) {
	t.Helper()
	if host, worst := log.Worst(); worst < gap-jitter {
		t.Errorf("%s: two requests %v apart, want %v: %s", host, worst, gap, times(log, host))
	}
	for _, host := range log.Hosts() {
		if n := log.MaxConcurrent(host); n > atOnce {
			t.Errorf("%s: %d requests at once, want %d", host, n, atOnce)
		}
	}
}

// times lists a host's requests, for a failing test.
func times(log *webtest.Log, host string) string {
	var b strings.Builder
	for _, r := range log.Requests(host) {
		b.WriteString("\n" + r.Start.Format("05.000000") + " " + r.End.Format("05.000000") + " " + r.Path)
	}
	return b.String()
}
