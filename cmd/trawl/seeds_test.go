package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestSeedsOfAFile(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	dir := t.TempDir()
	seeds := server.Seeds()
	write(t, filepath.Join(dir, "seeds.txt"), "\ufeff# the web\n\n  "+seeds[0]+"\t\r\nftp://\x1b[31m\n"+seeds[1]+"\n"+seeds[0])
	write(t, filepath.Join(dir, "more.txt"), "\ufeff"+strings.TrimPrefix(seeds[2], "http://"))
	r := call(t, dir, quick("-i", "seeds.txt", "-i", "more.txt")...)
	if want := "trawl: seeds.txt:4: \"ftp://\\x1b[31m\": not an http"; r.code != exitDone || !strings.HasPrefix(r.err, want) || strings.Count(r.err, "\n") != 1 {
		t.Errorf("%+v; want %s", r, want)
	}
	holds(t, dir, web.Reachable(webtest.Rules{}, seeds...))
}

func TestManyBadLinesAreReportedInAFew(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "seeds.txt"), strings.Repeat("no url\n", 1000)+strings.Repeat("x", 100_000)+"\n"+server.URL(0, "/"))
	r := call(t, dir, quick("-i", "seeds.txt", "--max-pages", "1")...)
	if r.code != exitDone || strings.Count(r.err, "\n") != 6 {
		t.Errorf("%+v", r)
	}
}

// Seeds that come slowly are crawled as they come, and the crawl does not end before they do.
func TestSlowStandardInputKeepsTheCrawlOpen(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	dir := t.TempDir()
	p := start(t, dir, quick("-i", "-")...)
	for i, seed := range server.Seeds() {
		io.WriteString(p.in, seed+"\n")
		await(t, "the host is crawled", func() bool { return server.Log().Pages().Total() == (i+1)*web.Count()/3 })
	}
	p.in.Close()
	if r := p.end(t); r.code != exitDone || r.err != "" {
		t.Errorf("%+v", r)
	}
	holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
	once(t, server.Log())
}

// deaf is a frontier that counts what a seeder asks of it.
type deaf struct {
	frontier.Frontier
	holds  chan time.Duration
	pushes chan int
}

func (d deaf) Hold(_ context.Context, _ string, ttl time.Duration) error {
	d.holds <- ttl
	return nil
}

func (d deaf) Push(_ context.Context, entries []frontier.Entry) (int, error) {
	d.pushes <- len(entries)
	return len(entries), nil
}

func TestAHoldIsRenewedWhileNoSeedComes(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d := deaf{holds: make(chan time.Duration), pushes: make(chan int, 1)}
	s := seeder{frontier: d, accept: func(frontier.URL) {}, warn: io.Discard, news: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- s.run(ctx, []input{{"pipe", r}})
		close(d.holds)
	}()
	for range 3 {
		if ttl := <-d.holds; ttl <= 0 {
			t.Errorf("held for %v", ttl)
		}
	}
	io.WriteString(w, "http://a.example/") // a line that has no end yet
	w.Close()
	last := holdTTL
	for ttl := range d.holds {
		last = ttl
	}
	if n, err := len(d.pushes), <-ended; n != 1 || err != nil || last != 0 {
		t.Errorf("%d pushes, %v, at last held for %v", n, err, last)
	}
	if len(s.news) != 1 {
		t.Error("nobody was told of the seed")
	}
}

func TestALimitEndsTheCrawlThoughInputIsOpen(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	dir := t.TempDir()
	p := start(t, dir, quick("-i", "-", "--max-pages", "5")...)
	io.WriteString(p.in, server.URL(0, "/")+"\n")
	if r := p.end(t); r.code != exitDone || len(records(t, dir)) != 5 {
		t.Errorf("%+v", r)
	}
}

func TestInputWithoutASeedIsAMistake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "seeds.txt"), "# none\n")
	isMistake(t, call(t, dir, quick("-i", "seeds.txt")...), exitUsage, "no URL")
	isMistake(t, call(t, dir, "seed", "-o", "other", "-i", "seeds.txt"), exitUsage, "no URL")
}

func TestAFlagBeatsTheEnvironmentWhichBeatsTheFile(t *testing.T) {
	t.Parallel()
	s := site(t, map[string][]string{"/": nil})
	for name, c := range map[string]struct {
		file, env, flag string
		want            int
	}{
		"the default":          {"", "", "", -1},
		"the file":             {"depth: 1", "", "", 1},
		"the environment":      {"depth: 1", "2", "", 2},
		"the flag":             {"depth: 1", "2", "3", 3},
		"the flag, not a file": {"depth: 1", "", "3", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "c.yaml"), "# ours\n"+c.file+"\nmax-body: 5_000\nhosts: 3\ninclude: [a, 'b*']\nuser-agent: 007\n")
			args := quick("--config", "c.yaml", s.URL)
			if c.flag != "" {
				args = append(args, "--depth="+c.flag)
			}
			p := trawl(t.Context(), dir, args...)
			if c.env != "" {
				p.Env = append(p.Env, "TRAWL_DEPTH="+c.env)
			}
			p.Env = append(p.Env, "TRAWL_MAX_BODY=1KiB")
			if out, err := p.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			policy := inspect(t, dir).Crawl.Policy
			if policy.Depth != c.want || policy.MaxBody != 1<<10 || strings.Join(policy.Include, " ") != "a b*" || policy.UserAgent != "007" {
				t.Errorf("%+v; want depth %d", policy, c.want)
			}
		})
	}
}

func TestACrawlGoesOnWithoutItsSeedsNamedAgain(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	dir := t.TempDir()
	crawl(t, dir, append(server.Seeds(), "--max-pages", "20")...)
	crawl(t, dir, "--max-pages", "0")
	holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
	once(t, server.Log())
}

func TestFreshStartsAnewAndKeepsTheOldPages(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	dir := t.TempDir()
	crawl(t, dir, append(server.Seeds(), "--max-pages", "20")...)
	isMistake(t, call(t, dir, quick("--fresh")...), exitUsage, "no URL")
	isMistake(t, call(t, dir, quick("--fresh", "--depth=x", server.URL(0, "/"))...), exitUsage, "--depth")
	if n := len(records(t, dir)); n != 20 {
		t.Errorf("%d pages after a mistake", n)
	}
	crawl(t, dir, append(server.Seeds(), "--fresh")...)
	holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
	old, _ := filepath.Glob(filepath.Join(dir, "trawl-data", "pages-*.jsonl"))
	if len(old) != 1 || len(readRecords(t, old[0])) != 20 {
		t.Errorf("the old pages: %q", old)
	}
}

func TestAFolderHoldsOneCrawl(t *testing.T) {
	t.Parallel()
	s := site(t, map[string][]string{"/": nil})
	dir := t.TempDir()
	crawl(t, dir, "--crawl", "mine", s.URL)
	isMistake(t, call(t, dir, quick("--crawl", "yours", s.URL)...), exitFailed, "mine", "yours")
}
