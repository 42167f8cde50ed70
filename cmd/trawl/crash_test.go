package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier/disk"
)

var (
	crashPages = flag.Int("crash.pages", 3000, "pages of the web of TestKill9")
	crashKills = flag.Int("crash.kills", 12, "how often TestKill9 kills")
	crashAfter = flag.Duration("crash.after", 400*time.Millisecond, "TestKill9 kills after so long at most")
	crashSeed  = flag.Uint64("crash.seed", uint64(time.Now().UnixNano()), "of TestKill9's moments")
)

// A crawl that is killed at random moments, again and again, and continued by the same command, settles what it would
// have settled without; it repeats no more pages than were under way, with the same id; and no page that the frontier
// calls done is missing in the output.
func TestKill9(t *testing.T) {
	const hosts, concurrency = 20, "24"
	web, server := serve(t, webtest.Config{
		Seed: 7, Hosts: hosts, PagesPerHost: *crashPages / hosts, Links: 30, PageBytes: 4 << 10, CrossHost: 0.1,
		DeadLinks: 0.02, Redirects: 0.02, Latency: 2 * time.Millisecond, CountsOnly: true,
	})
	dir := t.TempDir()
	args := append([]string{"crawl", "--delay", "0", "-c", concurrency, "--per-host", "2", "--progress", "none"}, server.Seeds()...)
	t.Logf("seed %d", *crashSeed)
	rng := rand.New(rand.NewPCG(*crashSeed, 0))
	kills := 0
	for ; kills < *crashKills; kills++ {
		uptime := 20*time.Millisecond + time.Duration(rng.Int64N(int64(*crashAfter)))
		ctx, cancel := context.WithTimeout(t.Context(), uptime) // ends in SIGKILL
		err := trawl(ctx, dir, args...).Run()
		cancel()
		if err == nil {
			t.Logf("the crawl ended after %d kills", kills)
			break
		}
	}
	if r := call(t, dir, args...); r.code != exitDone {
		t.Fatalf("the last run: %+v", r)
	}
	records := readRecords(t, filepath.Join(dir, "trawl-data", "pages.jsonl"))
	want := 0
	for page := range web.Reachable(webtest.Rules{}, server.Seeds()...) {
		want++
		if got := records[page.URL]; len(got) == 0 || got[len(got)-1].Status != page.Status {
			t.Errorf("%s: records %+v, want status %d", page.URL, got, page.Status)
		}
	}
	repeats := 0
	for url, of := range records {
		repeats += len(of) - 1
		for _, r := range of {
			if r.ID != of[0].ID || r.Error != nil {
				t.Errorf("%s: records %+v", url, of)
			}
		}
	}
	report, err := disk.Inspect(t.Context(), filepath.Join(dir, "trawl-data", "frontier"), 0)
	if err != nil || len(records) != want || int(report.Stats.Done) != want || report.Stats.Dead != 0 {
		t.Errorf("%d URLs in the output, %d in the web; frontier: %+v, %v", len(records), want, report.Stats, err)
	}
	if repeats > kills*24 {
		t.Errorf("%d repeats after %d kills with %s pages under way", repeats, kills, concurrency)
	}
	t.Logf("%d pages, %d kills, %d repeats, %d leases cut off", want, kills, repeats, report.Stats.Reclaimed)
}

// record is what the tests look at of a line of pages.jsonl.
type record struct {
	ID        string
	URL       string
	Status    int
	Depth     int
	Error     *struct{ Kind, Detail string }
	Worker    string
	FetchedAt time.Time `json:"fetched_at"`
}

// readRecords reads a pages.jsonl strictly: each line is whole, the last one too.
func readRecords(t *testing.T, path string) map[string][]record {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		t.Errorf("%s ends in a torn line", path)
	}
	return parseRecords(t, path, text)
}

func parseRecords(t *testing.T, path string, text []byte) map[string][]record {
	t.Helper()
	records := map[string][]record{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v in %.200q", path, err, lines.Bytes())
		}
		records[r.URL] = append(records[r.URL], r)
	}
	return records
}
