package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"trawl/frontier"
)

func TestHelpHasEveryFlagOnceAndFitsATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{{"help"}, {"help", "crawl"}, {"crawl", "--help"}, {"help", "status"}, {"seed", "-h"}, {"worker", "-h"}, {"demo", "-h"}, {"help", "completion"}, {"version", "-h"}} {
		r := call(t, dir, args...)
		if r.code != exitDone || r.err != "" || !strings.Contains(r.out, "Usage:") {
			t.Errorf("%q: %+v", args, r)
		}
		for line := range strings.Lines(r.out) {
			if len(line) > 101 && !strings.Contains(line, "https://") {
				t.Errorf("%q: %d columns: %s", args, len(line), line)
			}
		}
	}
	text := call(t, dir, "crawl", "--help").out
	for _, name := range []string{"input", "out", "crawl", "fresh", "scope", "include", "exclude", "depth", "max-pages", "max-host-pages",
		"max-time", "max-idle", "delay", "per-host", "max-crawl-delay", "robots", "user-agent", "contact", "concurrency", "timeout", "max-body",
		"retries", "proxy", "header", "cookies", "insecure", "allow-net", "jsonl", "listen", "log-level", "log-format", "progress", "grace", "config"} {
		if n := len(regexp.MustCompile(`(?m)^ {2,6}(-\w, )?--`+name+` `).FindAllString(text, -1)); n != 1 {
			t.Errorf("--%s is there %d times", name, n)
		}
	}
	none(t, dir)
}

func TestCompletionScriptsAreRunByTheirShell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := call(t, dir, "completion", shell)
		if r.code != exitDone || len(r.out) < 1000 {
			t.Errorf("%s: %+v", shell, r)
			continue
		}
		path, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" {
			continue
		}
		check := exec.CommandContext(t.Context(), path, "-n")
		check.Stdin = strings.NewReader(r.out)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", shell, err, out)
		}
	}
}

func TestFlagsWithAFewValuesAreCompletedAndNoOtherByFiles(t *testing.T) {
	t.Parallel()
	words := func(known []frontier.Reason) string {
		return strings.Join((&reasonFlag{known: known}).propose(""), "\n")
	}
	const files, none, folders = ":0\n", ":4\n", ":16\n"
	for args, want := range map[string]string{
		"crawl --scope":              "page\nprefix\nhost\ndomain\nany\n" + none,
		"crawl --sitemaps":           "auto\noff\n" + none,
		"crawl --fold":               "www\nindex\nslash\nscheme\n" + none,
		"crawl --fold www,s":         "www,www\nwww,index\nwww,slash\nwww,scheme\n" + none, // a shell drops what does not begin with what is typed,
		"seed --robots":              "obey\nignore\n" + none,
		"worker --durability":        "auto\nnone\nwait\n" + none,
		"policy set --scope":         "page\nprefix\nhost\ndomain\nany\n" + none,
		"demo --progress":            "auto\nbar\nplain\nnone\n" + none,
		"dead --reason":              words(deadReasons()) + "\n" + none,
		"retry-dead --reason":        words(deadReasons()) + "\n" + none,
		"refused --reason":           words(refusalReasons()) + "\n" + none,
		"crawl --depth":              none,
		"healthcheck --listen":       none,
		"crawl --cookies":            files,
		"crawl -i":                   files,
		"status --config":            files,
		"status -o":                  folders,
		"crawl https://a.example -d": none,
	} {
		typed := strings.Fields(args)
		if last := typed[len(typed)-1]; strings.HasPrefix(last, "-") {
			typed = append(typed, "")
		}
		if r := call(t, t.TempDir(), append([]string{"__complete"}, typed...)...); r.out != want {
			t.Errorf("%s: %q, want %q", args, r.out, want)
		}
	}
}

func TestVersionIsOneLine(t *testing.T) {
	t.Parallel()
	if r := call(t, t.TempDir(), "version"); r.code != exitDone || !strings.HasPrefix(r.out, "trawl ") || strings.Count(r.out, "\n") != 1 {
		t.Errorf("%+v", r)
	}
}

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	s := site(t, map[string][]string{"/": nil})
	for _, args := range [][]string{{"version"}, {"completion", "bash"}, {"demo", "--hosts", "1", "--pages", "1", "--progress", "none"}, quick(s.URL), {"export", "x"}} {
		p := trawl(t.Context(), t.TempDir(), args...)
		if args[0] == "export" {
			crawl(t, p.Dir, s.URL)
		}
		var errs strings.Builder
		p.Stdout, p.Stderr = full, &errs
		if err := p.Run(); p.ProcessState.ExitCode() != exitFull || !strings.Contains(errs.String(), "trawl: /dev/stdout: no space left on device; make room") {
			t.Errorf("%q: %v, %q", args, err, errs.String())
		}
	}
}
