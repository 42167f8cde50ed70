package main

import (
	"fmt"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

// A host that is busy and says for how long is left alone for that long by every worker; the others do not notice, and
// no page is lost.
func TestAFleetLeavesABusyHostAlone(t *testing.T) {
	t.Parallel()
	const pause = 5 * time.Second
	for _, class := range []webtest.Class{"busy", "busy-date"} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			web, server := serve(t, webtest.Config{
				Seed: 9, Hosts: 19, PagesPerHost: 20, Links: 10, PageBytes: 1 << 10, CrossHost: 0.1, Hostile: []webtest.Class{class}, Busy: pause,
			})
			f := newFleet(t)
			busy := server.Hostile()[0].URL
			f.seed(append(server.Seeds(), "--delay", "100ms", busy)...)
			f.ends(f.worker("a", "-c", "8"), f.worker("b", "-c", "8"), f.worker("c", "-c", "8"))
			f.holds(web, server, true, busyPages(busy)...)
			leftAlone(t, server.Log().Requests(authority(busy)), pause)
			for _, seed := range server.Seeds() {
				unhurried(t, server.Log().Requests(authority(seed)), pause/2)
			}
		})
	}
}

// busyPages are the pages of a busy host.
func busyPages(front string) []string {
	urls := []string{front}
	for i := range 20 {
		urls = append(urls, fmt.Sprint(front, "p/", i+1))
	}
	return urls
}

// leftAlone checks that after each refusal nobody asked for a while.
func leftAlone(t *testing.T, requests []webtest.Request, pause time.Duration) {
	t.Helper()
	refusals := 0
	for i, r := range requests {
		if r.Status != 429 && r.Status != 503 {
			continue
		}
		refusals++
		for _, next := range requests[i+1:] {
			if got := next.Start.Sub(r.End); got < pause-jitter {
				t.Errorf("%s was asked for %v after the answer to %s, want %v", next.Path, got, r.Path, pause)
			}
		}
	}
	if refusals != 2 {
		t.Errorf("%d refusals, want 2", refusals)
	}
}

// unhurried checks that a host was asked again and again without a long pause.
func unhurried(t *testing.T, requests []webtest.Request, most time.Duration) {
	t.Helper()
	for i := range requests[1:] {
		if gap := requests[i+1].Start.Sub(requests[i].End); gap > most+stalls.worst(requests[i].End, requests[i+1].Start) {
			t.Errorf("%s: nothing was asked for %v", requests[i].Host, gap)
		}
	}
}
