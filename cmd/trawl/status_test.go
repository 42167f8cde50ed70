package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
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

func statusJSON(t *testing.T, dir string, args ...string) (r report) {
	t.Helper()
	if err := json.Unmarshal([]byte(call(t, dir, append(args, "status", "--json")...).out), &r); err != nil {
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
	rates := objects(t, p.out.String())
	if _, ok := rates[0]["pages_per_second"]; ok || rates[1]["pages_per_second"] != 0.0 {
		t.Errorf("%v", rates)
	}
}

func TestStatusHasOneShape(t *testing.T) {
	t.Parallel()
	shapes := map[string][]string{}
	for _, p := range homes(t) {
		p.fill(t)
		o := objects(t, p.fine(t, "status", "--json"))[0]
		for _, part := range []string{"", "crawl", "stats"} {
			of := o
			if part != "" {
				of = o[part].(map[string]any)
			}
			shapes[p.name] = append(shapes[p.name], slices.Sorted(maps.Keys(of))...)
		}
		host := o["hosts"].([]any)[0].(map[string]any)
		if len(o["hosts"].([]any)) != 3 || host["host"] != "https://a.example" || host["queued"] != 3.0 || len(o["workers"].([]any)) != 0 {
			t.Errorf("%s: %v", p.name, o)
		}
		shapes[p.name] = append(shapes[p.name], slices.Sorted(maps.Keys(host))...)
	}
	if !slices.Equal(shapes["embedded"], shapes["redis"]) {
		t.Errorf("%q", shapes)
	}
}

func TestStatusAgreesWithRedisCLI(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	on := onServer(t, server)
	on.fill(t)
	on.with(t, func(s store) {
		settle(t, s, frontier.Outcome{Verdict: frontier.Done})
		settle(t, s, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns"})
		lend(t, s, 1)
	})
	stats := objects(t, on.fine(t, "status", "--json"))[0]["stats"].(map[string]any)
	for _, field := range []string{"seen", "queued", "leased", "done", "dead"} {
		if shown := cli(t, server, "hget", "trawl:{default:0}:m", field); shown != strconv.Itoa(int(stats[field].(float64))) {
			t.Errorf("%s: status says %v, redis-cli %s", field, stats[field], shown)
		}
	}
	if stats["seen"] != 6.0 || stats["done"] != 3.0 || stats["dead"] != 2.0 || stats["leased"] != 1.0 {
		t.Errorf("%v", stats)
	}
	mentions(t, on.fine(t, "status"), "no worker is on it", "dns 2", "leased   1 on 1 of 3 hosts")
}

func TestStatusShowsTheWorkersOfACrawl(t *testing.T) {
	t.Parallel()
	p := homes(t)[1]
	p.fill(t)
	p.with(t, func(s store) {
		m := frontier.Member{Name: "w1", Machine: "m1", PID: 7, Program: "1.0", Started: time.Now().Add(-100 * time.Second), Hosts: 2, Pages: 500, Errors: 3}
		if _, err := s.(frontier.Fleet).Beat(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	})
	mentions(t, p.fine(t, "status"), "running, 1 worker\n", "WORKER", "w1      m1", "500", "5.0 pages/s, ETA ")
	o := objects(t, p.fine(t, "status", "--json"))[0]
	w := o["workers"].([]any)[0].(map[string]any)
	if w["name"] != "w1" || w["silent"] != false || w["pages"] != 500.0 || w["age_seconds"] == nil || o["pages_per_second"] == nil || o["eta_seconds"] == nil {
		t.Errorf("%v", o)
	}
	if strings.Contains(p.fine(t, "status", "--json"), p.flags[1]) {
		t.Error("the address of the server is shown")
	}
}

func TestStatusWaitsOutAnOutageWhileItIsWatched(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	on := onServer(t, server)
	on.fill(t)
	p := start(t, on.dir, "status", "--watch", "--json", "--redis", server.URL())
	await(t, "a report", func() bool { return strings.Contains(p.out.String(), "\n") })
	server.Kill()
	await(t, "word of the outage", func() bool { return strings.Contains(p.out.String(), `"error"`) })
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	await(t, "good news", func() bool {
		lines := strings.Split(strings.TrimSpace(p.out.String()), "\n")
		return !strings.Contains(lines[len(lines)-1], `"error"`)
	})
	p.signal(t, os.Interrupt)
	if r := p.end(t); r.code != exitDone || r.err != "" {
		t.Errorf("%+v", r)
	}
	server.Kill()
	isMistake(t, on.call(t, "status"), exitStore)
	isMistake(t, on.call(t, "status", "--watch"), exitStore)
}

func TestStatusReadsManyHostsWhenToldTo(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		for n, want := range map[string]int{"0": 0, "2": 2, "9": 3} {
			got, _ := objects(t, p.fine(t, "status", "--json", "--hosts", n))[0]["hosts"].([]any)
			if len(got) != want {
				t.Errorf("--hosts %s: %v", n, got)
			}
		}
	})
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
	mentions(t, call(t, dir, "status", "-o", "trawl-demo").out, "demo, begun") // which need not be named
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
