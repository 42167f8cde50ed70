package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
)

// exported is the file of a crawl without URLs.
func exported(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	write(t, path, exportHead+exportEnd)
	return path
}

const (
	exportHead = `{"crawl":{"format":1,"crawl":{"id":"00","name":"default","created":"2026-01-01T00:00:00Z","policy":{},"version":1},` +
		`"secret":"000102030405060708090a0b0c0d0e0f","bits":64,"stats":{"state":"running"}}}` + "\n"
	exportEnd = `{"end":{"parts":1}}` + "\n"
)

func TestAFileThatIsNoWholeExportMakesNoCrawl(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	host := `{"host":{"host":"https://a.example","accepted":1,"done":1,"dead":0}}` + "\n"
	for name, c := range map[string]struct {
		text  string
		names []string
	}{
		"an empty file":            {"", []string{"not a file that trawl export wrote"}},
		"another file":             {"hello\n", []string{"line 1", "not a file"}},
		"other JSON":               {`{"url":"x"}` + "\n", []string{"line 1"}},
		"no crawl at first":        {host, []string{"not a file"}},
		"a later format":           {strings.Replace(exportHead, `"format":1`, `"format":2`, 1) + exportEnd, []string{"format is 2", "knows 1"}},
		"a field that is unknown":  {exportHead + `{"host":{"host":"a","color":1}}` + "\n", []string{"line 2", "color"}},
		"a part that is unknown":   {exportHead + `{"robots":{}}` + "\n", []string{"line 2", "robots"}},
		"an empty part":            {exportHead + "{}\n", []string{"line 2"}},
		"two parts in one":         {exportHead + `{"host":{"host":"a"},"end":{"parts":2}}` + "\n", []string{"line 2"}},
		"no end":                   {exportHead + host, []string{"cut off"}},
		"a line that is cut off":   {exportHead + host[:20], []string{"line 2", "cut off"}},
		"another checksum":         {exportHead + `{"end":{"parts":1,"sha256":"00"}}` + "\n", []string{"damaged"}},
		"parts that are missing":   {exportHead + `{"end":{"parts":2}}` + "\n", []string{"missing", "2"}},
		"more after the end":       {exportHead + exportEnd + host, []string{"line 3", "after the end"}},
		"a bad name":               {strings.Replace(exportHead, "default", "a b", 1) + exportEnd, []string{`"a b"`}},
		"a compressed and cut one": {string(zipped(exportHead + host + exportEnd)[:60]), []string{"cut off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := home{dir: t.TempDir()}
			path := filepath.Join(t.TempDir(), "x")
			write(t, path, c.text)
			isMistake(t, p.call(t, "import", path), exitFailed, append(c.names, path)...)
			isMistake(t, p.call(t, "status"), exitFailed, "no crawl")
			at := []string{"--redis", server.URL(), "--crawl", strings.ReplaceAll(name, " ", "-")}
			if c.names[0] != `"a b"` {
				isMistake(t, p.call(t, append(at, "import", path)...), exitFailed, append(c.names, path)...)
			}
			isMistake(t, p.call(t, append(at, "status")...), exitFailed, "no such crawl")
		})
	}
	if keys := cli(t, server, "--scan", "--pattern", "*"); keys != "" {
		t.Errorf("keys are left: %s", keys)
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

func TestImportOfNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	isMistake(t, call(t, dir, "import", "none.gz"), exitFailed, "none.gz")
	isMistake(t, call(t, dir, "import", "/"), exitFailed, "/", "directory")
	none(t, dir)
}

func TestAnExportIsImportedUnderItsNameOrAnother(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, from := range homes(t) {
		from.fill(t)
		from.with(t, func(s store) {
			settle(t, s, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns", Detail: "x"})
			if err := s.SetState(t.Context(), frontier.Paused); err != nil {
				t.Fatal(err)
			}
		})
		file := filepath.Join(from.dir, "x.gz")
		mentions(t, from.fine(t, "export", file), "default is in "+file)
		if files, _ := filepath.Glob(filepath.Join(from.dir, ".x*")); len(files) > 0 {
			t.Errorf("left over: %q", files)
		}
		piped := from.fine(t, "export", "-")
		for _, to := range []home{
			{"embedded", t.TempDir(), nil, nil},
			{"redis", t.TempDir(), []string{"--redis", server.URL(), "--crawl", from.name + "-1"}, nil},
		} {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				mentions(t, to.fine(t, "import", file), "6 URLs seen on 3 hosts, 3 in line")
				isMistake(t, to.call(t, "import", file), exitFailed, "already")
				a, b := objects(t, from.fine(t, "status", "--json"))[0], objects(t, to.fine(t, "status", "--json"))[0]
				stats := b["stats"].(map[string]any)
				for field, was := range a["stats"].(map[string]any) {
					if field != "state" && field != "reclaimed" && mustJSON(t, stats[field]) != mustJSON(t, was) {
						t.Errorf("%s: %v, was %v", field, stats[field], was)
					}
				}
				if id, was := b["crawl"].(map[string]any)["id"], a["crawl"].(map[string]any)["id"]; id != was || stats["state"] != "running" {
					t.Errorf("%v, %v; was %v", id, stats["state"], was)
				}
				if got, want := to.fine(t, "dead", "--json"), from.fine(t, "dead", "--json"); len(objects(t, got)) != len(objects(t, want)) {
					t.Errorf("%s\nwas\n%s", got, want)
				}
				mentions(t, to.fine(t, "fsck"), "sound")
			})
		}
		other := start(t, t.TempDir(), "import")
		other.in.Write([]byte(piped))
		other.in.Close()
		if r := other.end(t); r.code != exitDone || !strings.HasPrefix(r.out, "default: 6 URLs seen") {
			t.Errorf("%+v", r)
		}
	}
}

func TestACrawlOnAServerIsExportedAtRestAlone(t *testing.T) {
	t.Parallel()
	p := homes(t)[1]
	p.fill(t)
	isMistake(t, p.call(t, "export", "x"), exitFailed, "running", "trawl pause")
	p.with(t, func(s store) { lend(t, s, 1) })
	p.fine(t, "pause")
	isMistake(t, p.call(t, "export", "x"), exitFailed, "3 hosts are lent")
	none(t, p.dir)
}

// Nobody need pause what has nothing left to do.
func TestAFinishedCrawlIsAtRest(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		p.fine(t, "policy", "set", "--max-pages", "1")
		p.with(t, func(s store) {
			l := lend(t, s, 1)[0]
			if err := s.Ack(t.Context(), &l, frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done}}, Release: true}); err != nil {
				t.Fatal(err)
			}
		})
		mentions(t, p.fine(t, "status"), "finished")
		mentions(t, p.fine(t, "export", "x"), "default is in x: ")
	})
}

// source is an exporter that yields one part, and an error.
type source struct{ err error }

func (s source) Export(_ context.Context, yield func(*frontier.Part) error) error {
	if err := yield(&frontier.Part{Host: &frontier.HostPart{Host: "https://a.example"}}); err != nil {
		return err
	}
	return s.err
}

func TestAnExportThatFailsLeavesTheOldFileAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x", "x.gz"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		write(t, path, "old")
		failure := errors.New("failure")
		if _, err := exportFile(t.Context(), path, source{failure}); !errors.Is(err, failure) {
			t.Error(err)
		}
		files, _ := os.ReadDir(dir)
		if text, err := os.ReadFile(path); string(text) != "old" || err != nil || len(files) != 1 {
			t.Errorf("%q, %v, %v", text, err, files)
		}
		if n, err := exportFile(t.Context(), path, source{}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		files, _ = os.ReadDir(dir)
		if text, _ := os.ReadFile(path); string(text) == "old" || len(files) != 1 {
			t.Errorf("%q, %v", text, files)
		}
	}
}

func TestACrawlMovesThereAndBackWhileItIsUnderWay(t *testing.T) {
	t.Parallel()
	c := small
	c.Latency = 10 * time.Millisecond
	web, site := serve(t, c)
	server := newServer(t)
	dir := t.TempDir()
	quarter := func(n string, args ...string) {
		t.Helper()
		r := call(t, dir, quick(append(args, "--max-pages", n, "--max-time", "30")...)...)
		if r.code != exitDone {
			t.Fatalf("%+v", r)
		}
	}
	at := []string{"--redis", server.URL()}
	on := home{dir: dir, flags: at}
	quarter("30", site.Seeds()...)
	home{dir: dir}.fine(t, "export", "1.gz")
	on.fine(t, "import", "1.gz")
	quarter("60", append(at, "-o", "second")...)
	on.fine(t, "pause")
	on.fine(t, "export", "2")
	home{dir: dir}.fine(t, "import", "2", "-o", "third")
	quarter("0", "-o", "third")
	var lines []byte
	pages, _ := filepath.Glob(filepath.Join(dir, "*", "pages*.jsonl"))
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, text...)
	}
	whole := t.TempDir()
	if err := os.Mkdir(filepath.Join(whole, "trawl-data"), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(whole, "trawl-data", "pages.jsonl"), string(lines))
	if len(pages) != 3 {
		t.Errorf("%q", pages)
	}
	holds(t, whole, web.Reachable(webtest.Rules{}, site.Seeds()...))
	once(t, site.Log())
}
