package main

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
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

// judge checks what a server's log says of a crawl's politeness. A server that was held up notes requests late: a gap may
// be shorter by as much as this process, which is the server's, was held up at the time.
func judge(t *testing.T, log *webtest.Log, gap time.Duration, atOnce int) {
	t.Helper()
	for _, host := range log.Hosts() {
		if n := log.MaxConcurrent(host); n > atOnce {
			t.Errorf("%s: %d requests at once, want %d", host, n, atOnce)
		}
		all := log.Requests(host)
		for i := 1; i < len(all); i++ {
			got := all[i].Start.Sub(all[i-1].Start)
			if late := stalls.worst(all[i-1].Start.Add(-gap), all[i-1].Start); got < gap-jitter-late {
				t.Errorf("%s: two requests %v apart, want %v (the server was held up for %v): %s", host, got, gap, late, times(log, host))
			}
		}
	}
}

// stalls are the moments at which this process was held up. TestMain watches for them.
var stalls stallLog

type stallLog struct {
	mu  sync.Mutex
	all []stall
}

type stall struct {
	from time.Time // when something was due
	late time.Duration
}

// watch notes how late a timer fires, until the returned function is called.
func (l *stallLog) watch() (stop func()) {
	const every = 2 * time.Millisecond
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTimer(every)
		for due := time.Now().Add(every); ; due = time.Now().Add(every) {
			select {
			case <-tick.C:
			case <-done:
				return
			}
			if late := time.Since(due); late > jitter {
				l.mu.Lock()
				l.all = append(l.all, stall{due, late})
				l.mu.Unlock()
			}
			tick.Reset(every)
		}
	})
	return func() { close(done); watching.Wait() }
}

// worst is the longest of those that touch a span of time.
func (l *stallLog) worst(from, to time.Time) (worst time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		if s.from.Before(to) && s.from.Add(s.late).After(from) {
			worst = max(worst, s.late)
		}
	}
	return worst
}

// times lists a host's requests, for a failing test.
func times(log *webtest.Log, host string) string {
	var b strings.Builder
	for _, r := range log.Requests(host) {
		b.WriteString("\n" + r.Start.Format("05.000000") + " " + r.End.Format("05.000000") + " " + r.Path)
	}
	return b.String()
}
