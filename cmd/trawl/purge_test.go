package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trawl/frontier"
)

func TestPurgeRemovesACrawlWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		output := filepath.Join(p.dir, "trawl-data", "pages.jsonl")
		if err := os.MkdirAll(filepath.Dir(output), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, output, "{}\n")
		isMistake(t, p.call(t, "purge"), exitUsage, "--yes", "crawl default", "6 URLs seen")
		mentions(t, p.fine(t, "status"), "seen     6")
		mentions(t, p.fine(t, "purge", "--yes"), "removed the crawl default in ", "6 URLs seen")
		isMistake(t, p.call(t, "purge", "--yes"), exitFailed, "no")
		isMistake(t, p.call(t, "status"), exitFailed, "no")
		if _, err := os.Stat(output); err != nil {
			t.Error(err)
		}
		p.fill(t) // another one of that name
		mentions(t, p.fine(t, "status"), "seen     6")
	})
}

func TestPurgeOfAFolderWithAnotherCrawlIsRefused(t *testing.T) {
	t.Parallel()
	p := homes(t)[0]
	p.fill(t)
	isMistake(t, p.call(t, "purge", "--yes", "--crawl", "news"), exitFailed, `"default"`, `"news"`)
	mentions(t, p.fine(t, "status"), "seen     6")
}

func TestPurgeRemovesADamagedFrontierToo(t *testing.T) {
	t.Parallel()
	dir, path := place(t, []byte(strings.Repeat("no database ", 1000)))
	r := call(t, dir, "purge", "--yes")
	if r.code != exitDone || !strings.Contains(r.out, "cannot be read") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is still there")
	}
}

func TestPurgeAsksAtATerminal(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "yes": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var asked strings.Builder
		got, err := confirmed(strings.NewReader(answer), &asked, "remove a\x1b?")
		if got != want || err != nil || !strings.HasPrefix(asked.String(), "Remove a ? [y/N] ") {
			t.Errorf("%q: %v, %v, %q", answer, got, err, asked.String())
		}
	}
}

func TestDeadURLsAreListedAndTriedAnew(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		mentions(t, p.fine(t, "retry-dead"), "no URL is dead")
		for args, note := range map[string]string{"dead": "no URL is dead", "dead --reason poison": "no URL is dead", "refused --reason scope": "no link was refused"} {
			if r := p.call(t, strings.Fields(args)...); r != (result{exitDone, "", "trawl: " + note + "\n"}) {
				t.Errorf("%s: %+v", args, r)
			}
		}
		p.with(t, func(s store) {
			settle(t, s, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns", Detail: "no such\x1b\u202e host"})
			settle(t, s, frontier.Outcome{Verdict: frontier.Dead, Reason: "timeout"})
			settle(t, s, frontier.Outcome{Verdict: frontier.Done})
		})
		list := objects(t, p.fine(t, "dead", "--json"))
		if len(list) != 5 || list[0]["reason"] != "dns" || list[0]["detail"] != "no such\x1b\u202e host" || list[0]["url"] == nil || list[0]["at"] == nil {
			t.Errorf("%v", list)
		}
		for _, c := range []struct {
			args []string
			n    int
		}{
			{[]string{"--reason", "dns"}, 3}, {[]string{"--host", "a.example"}, 2}, {[]string{"--host", "https://c.example"}, 1},
			{[]string{"--host", "b.example", "--reason", "timeout"}, 1},
		} {
			if n := strings.Count(p.fine(t, append([]string{"dead"}, c.args...)...), "\n"); n != c.n {
				t.Errorf("%q: %d, want %d", c.args, n, c.n)
			}
		}
		mentions(t, p.fine(t, "dead"), "dns", "https://a.example/0  no such   host")
		mentions(t, p.fine(t, "status"), "finished")

		for _, filter := range [][]string{{"--reason", "http-504"}, {"--host", "http://c.example"}} {
			if r := p.call(t, append([]string{"dead"}, filter...)...); r != (result{exitDone, "", "trawl: 0 of 5 dead URLs are meant: dns 3, timeout 2\n"}) {
				t.Errorf("%+v", r)
			}
		}
		for _, command := range []string{"dead", "retry-dead"} {
			isMistake(t, p.call(t, command, "--reason", "tiemout"), exitUsage, `--reason "tiemout"`, "dns 3, timeout 2")
		}
		isMistake(t, p.call(t, "refused", "--reason", "dns"), exitUsage, `--reason "dns"`, "scope, ", "robots")

		mentions(t, p.fine(t, "retry-dead", "--reason", "poison"), "0 of 5 dead URLs", "dns 3, timeout 2")
		mentions(t, p.fine(t, "retry-dead", "--host", "b.example", "--reason", "timeout"), "1 URLs are in line again; ", "go")
		mentions(t, p.fine(t, "status"), "queued   1", "dns 3, timeout 1")
		p.fine(t, "stop")
		mentions(t, p.fine(t, "retry-dead"), "4 URLs are in line again; the crawl is stopping")
		mentions(t, p.fine(t, "status"), "queued   5", "dead     0")
		isMistake(t, p.call(t, "retry-dead", "--host", "a b"), exitUsage, `"a b"`)
	})
}
