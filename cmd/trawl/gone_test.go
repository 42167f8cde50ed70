package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trawl/crawler/webtest"
)

// Output that is taken away under a crawl ends it with an error, not with a summary that names what is not there.
func TestAFolderThatIsTakenAwayEndsTheCrawl(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"", "frontier", "pages.jsonl"} {
		t.Run("trawl-data/"+part, func(t *testing.T) {
			t.Parallel()
			_, server := serve(t, webtest.Config{PagesPerHost: 1000, PageBytes: 1 << 10, Links: 10, CountsOnly: true})
			dir := t.TempDir()
			cmd := trawl(t.Context(), dir, "crawl", "--contact", "x", "--progress", "none", "--delay", "10ms", server.URL(0, "/"))
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, "pages", func() bool { return server.Log().Total() > 20 })
			if err := os.RemoveAll(filepath.Join(dir, "trawl-data", part)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(errs.String(), "removed or replaced") {
				t.Errorf("%v: %s", err, &errs)
			}
		})
	}
}

func TestARunThatMissesTheOutputOfEarlierOnesSaysSo(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{PagesPerHost: 10, PageBytes: 1 << 10, Links: 10})
	dir := t.TempDir()
	args := []string{"crawl", "--contact", "x", "--progress", "none", "--delay", "0", "--max-pages", "3", server.URL(0, "/")}
	if r := call(t, dir, args...); r.code != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "trawl-data", "pages.jsonl")); err != nil {
		t.Fatal(err)
	}
	r := call(t, dir, append(args, "--max-pages", "5")...)
	if r.code != exitDone || r.err != "trawl: trawl-data/pages.jsonl does not hold the 3 pages of earlier runs: it begins anew\n" {
		t.Errorf("%+v", r)
	}
}

// The networks that a crawl may enter are kept with it, like the rest of what it is.
func TestAllowedNetworksAreKeptWithTheCrawl(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{Hosts: 5, PagesPerHost: 10, PageBytes: 1 << 10, Links: 10, CrossHost: 0.3})
	dir := t.TempDir()
	first := []string{"crawl", "--contact", "x", "--progress", "none", "--delay", "0", "--scope", "any", "--max-pages", "5",
		"--allow-net", "127.0.0.0/8", "--allow-net", "::1", server.URL(0, "/")}
	if r := call(t, dir, first...); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	r := call(t, dir, "crawl", "--progress", "none", "--max-pages", "0")
	if r.code != exitDone || strings.Contains(r.out, "given up") || !strings.Contains(r.out, "in all     50 pages") {
		t.Errorf("%+v", r)
	}
}

func TestFreshLeavesTheEarlierCrawlWhenTheInputHasNoURL(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{PagesPerHost: 3, PageBytes: 1 << 10, Links: 10})
	dir := t.TempDir()
	seeds := filepath.Join(dir, "seeds")
	run := func(text string) result {
		if err := os.WriteFile(seeds, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return call(t, dir, "crawl", "--contact", "x", "--progress", "none", "--delay", "0", "--fresh", "-i", seeds)
	}
	if r := run("# first\n\n" + server.URL(0, "/") + "\n"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for _, text := range []string{"", "# nothing\n", "not a URL\n\n"} {
		if r := run(text); r.code != exitUsage || !strings.Contains(r.err, "no URL") {
			t.Errorf("%q: %+v", text, r)
		}
	}
	if got := readRecords(t, filepath.Join(dir, "trawl-data", "pages.jsonl")); len(got) != 3 {
		t.Errorf("%d pages are left", len(got))
	}
}
