package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trawl/frontier/disk"
)

func TestStatusOfACrawlThatRunsAndThatHasEnded(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick(g.URL, g.URL+"/2")...)
	<-g.asked
	r := call(t, dir, "status")
	mentions(t, r.out, "running, process "+strconv.Itoa(p.Process.Pid), "seen     2", "leased   2 on 1 of 1 hosts", "HOST", g.URL)
	got := statusJSON(t, dir)
	if got.PID != p.Process.Pid || got.Stats.Leased != 2 || got.Stats.Drained || len(got.Hosts) != 1 {
		t.Errorf("%+v", got)
	}
	g.open()
	if r := p.end(t); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	mentions(t, call(t, dir, "status").out, "finished", "done     2")
	got = statusJSON(t, dir)
	if got.PID != 0 || got.Stats.Done != 2 || !got.Stats.Drained || got.Crawl.Name != "default" || got.Crawl.Policy.Depth != -1 {
		t.Errorf("%+v", got)
	}
}

func statusJSON(t *testing.T, dir string) (r disk.Report) {
	t.Helper()
	if err := json.Unmarshal([]byte(call(t, dir, "status", "--json").out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStatusOfACrawlThatWasInterrupted(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	dir := t.TempDir()
	p := start(t, dir, quick(append(server.Seeds(), "--delay", "1h")...)...)
	await(t, "a request", func() bool { return server.Log().Total() > 0 })
	p.signal(t, os.Interrupt)
	p.end(t)
	mentions(t, call(t, dir, "status").out, "not running; the same trawl crawl goes on", "in ")
}

func TestStatusIsWatchedUntilInterrupted(t *testing.T) {
	t.Parallel()
	s := site(t, map[string][]string{"/": nil})
	dir := t.TempDir()
	crawl(t, dir, s.URL)
	p := start(t, dir, "status", "--watch", "--json")
	await(t, "a second report", func() bool { return strings.Count(p.out.String(), "\n") > 1 })
	p.signal(t, os.Interrupt)
	if r := p.end(t); r.code != exitDone || r.err != "" {
		t.Errorf("%+v", r)
	}
}

func TestDemoComparesItsOutputAndCanBeRunAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"demo", "--hosts", "3", "--pages", "20", "--delay", "0", "--progress", "none"}
	for range 2 {
		r := call(t, dir, args...)
		if r.code != exitDone {
			t.Fatalf("%+v", r)
		}
		mentions(t, r.out, "checked    66 of 66 pages", "trawl-demo/pages.jsonl", "trawl-demo/frontier")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "trawl-demo", "*.jsonl")); len(files) != 1 {
		t.Errorf("%q", files)
	}
}

func TestDemoLeavesACrawlAlone(t *testing.T) {
	t.Parallel()
	s := site(t, map[string][]string{"/": nil})
	dir := t.TempDir()
	crawl(t, dir, s.URL)
	isMistake(t, call(t, dir, "demo", "-o", "trawl-data"), exitUsage, "trawl-data", "default")
	if n := len(records(t, dir)); n != 1 {
		t.Errorf("%d pages", n)
	}
}
