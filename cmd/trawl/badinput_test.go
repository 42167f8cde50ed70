package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// isMistake checks that a call failed with one line on standard error, which names the thing in words for people.
func isMistake(t *testing.T, r result, code int, names ...string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(r.err) {
		if !strings.Contains(line, "--contact URL|MAIL") && !strings.Contains(line, "listening on") && !strings.Contains(line, "a second Ctrl-C") {
			lines = append(lines, line)
		}
	}
	if r.code != code || len(lines) != 1 || !strings.HasPrefix(lines[0], "trawl: ") || !strings.HasSuffix(lines[0], "\n") {
		t.Errorf("exit code %d and %q on standard error; want %d and one line", r.code, r.err, code)
		return
	}
	mentions(t, lines[0], names...)
	if jargon.MatchString(lines[0]) {
		t.Errorf("not for people: %q", lines[0])
	}
	if strings.ContainsFunc(r.err+r.out, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }) {
		t.Errorf("control characters: %q", r.err+r.out)
	}
}

// jargon is of Go and its libraries.
var jargon = regexp.MustCompile(`strconv|(^| )yaml:|!!|interface ?\{|panic|goroutine|%!|\bnil\b|0x[0-9a-f]{4}`)

// none checks that a folder is empty.
func none(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) > 0 {
		t.Errorf("%v is there, %v", files, err)
	}
}

func TestAMistakeIsNamedInOneLineAndNothingIsDone(t *testing.T) {
	t.Parallel()
	const url = "http://a.example/"
	for _, c := range []struct {
		name  string
		args  []string
		names []string
	}{
		{"no URL", []string{"crawl"}, []string{"no URL", "-i"}},
		{"an empty URL", []string{"crawl", ""}, []string{`""`}},
		{"a blank URL", []string{"crawl", " "}, []string{`""`}},
		{"another scheme", []string{"crawl", "ftp://a.example/x"}, []string{"ftp://a.example/x", "http"}},
		{"no URL at all", []string{"crawl", "a word"}, []string{"a word"}},
		{"a terminal escape in a URL", []string{"crawl", "http://a\x1b[31m\u009b31m/"}, []string{`\x1b[31m`}},
		{"a URL that is too long", []string{"crawl", url + strings.Repeat("x", 3000)}, []string{"2048"}},
		{"a good URL and a bad one", []string{"crawl", url, "http://"}, []string{`"http://"`}},
		{"a bad regexp to include", []string{"crawl", "--include", "(", url}, []string{`--include "("`}},
		{"a bad regexp to exclude", []string{"crawl", "--exclude", "a", "--exclude", "*", url}, []string{`--exclude "*"`}},
		{"an unknown flag", []string{"crawl", "--dept", "3", url}, []string{"--dept"}},
		{"an unknown short flag", []string{"crawl", "-z", url}, []string{"-z"}},
		{"a flag without a value", []string{"crawl", url, "--depth"}, []string{"--depth"}},
		{"no number", []string{"crawl", "--depth", "deep", url}, []string{`--depth "deep"`, "whole number"}},
		{"too large a number", []string{"crawl", "--max-pages", "99999999999999999999", url}, []string{"--max-pages", "too large"}},
		{"no truth value", []string{"crawl", "--jsonl=maybe", url}, []string{`--jsonl "maybe"`, "true or false"}},
		{"no duration", []string{"crawl", "--delay", "1 week", url}, []string{`--delay "1 week"`, "500ms"}},
		{"a duration of centuries", []string{"crawl", "--timeout", "9223372036", url}, []string{`--timeout "9223372036"`, "a year"}},
		{"a depth below none", []string{"crawl", "--depth", "-2", url}, []string{"--depth -2"}},
		{"a demo of a negative page", []string{"demo", "--pages", "-1"}, []string{"--pages -1"}},
		{"a demo beyond memory", []string{"demo", "--hosts", "10000", "--pages", "99999999999"}, []string{"--pages 99999999999", "1 to 1000"}},
		{"a demo of the whole web", []string{"demo", "--hosts", "99999999999"}, []string{"--hosts 99999999999", "10000"}},
		{"a hostile demo of nothing", []string{"demo", "--hostile", "--many", "-1"}, []string{"--many -1"}},
		{"a port that cannot be", []string{"healthcheck", "--listen", ":99999"}, []string{`--listen ":99999"`}},
		{"a negative duration", []string{"crawl", "--delay", "-1s", url}, []string{"--delay -1s"}},
		{"a negative time", []string{"crawl", "--max-time", "-1", url}, []string{"--max-time -1s"}},
		{"a negative grace", []string{"crawl", "--grace", "-1", url}, []string{"--grace -1s"}},
		{"no size", []string{"crawl", "--max-body", "big", url}, []string{`--max-body "big"`, "10MiB"}},
		{"a negative limit", []string{"crawl", "--max-pages", "-1", url}, []string{"--max-pages -1"}},
		{"no request at all", []string{"crawl", "--per-host", "0", url}, []string{"--per-host 0"}},
		{"no page at all", []string{"crawl", "-c", "0", url}, []string{"--concurrency 0"}},
		{"an unknown scope", []string{"crawl", "--scope", "world", url}, []string{`--scope "world"`, "domain or any"}},
		{"unknown robots", []string{"crawl", "--robots", "no", url}, []string{`--robots "no"`, "obey or ignore"}},
		{"an unknown progress", []string{"crawl", "--progress", "x", url}, []string{"--progress"}},
		{"an unknown log level", []string{"crawl", "--log-level", "x", url}, []string{"--log-level"}},
		{"an unknown log format", []string{"crawl", "--log-format", "x", url}, []string{"--log-format"}},
		{"a crawl's name that is none", []string{"crawl", "--crawl", "a b\x1b", url}, []string{"--crawl"}},
		{"no output folder", []string{"crawl", "--out", "", url}, []string{"--out"}},
		{"a bad header", []string{"crawl", "-H", "no colon", url}, []string{"--header"}},
		{"an agent that cannot be sent", []string{"crawl", "-A", "a\nb", url}, []string{"--user-agent"}},
		{"a bad proxy, whose password is not shown", []string{"crawl", "--proxy", "gopher://u:p@x", url}, []string{"--proxy", "gopher"}},
		{"a bad network", []string{"crawl", "--allow-net", "10.0.0.0/99", url}, []string{"--allow-net", "10.0.0.0/99"}},
		{"a bad address to listen on", []string{"crawl", "--listen", "6060", url}, []string{"--listen", "6060"}},
		{"an unknown command", []string{"craw"}, []string{`"craw"`, "trawl crawl"}},
		{"a command that is like none", []string{"frobnicate"}, []string{"frobnicate", "trawl help"}},
		{"a URL for a command", []string{"example.com"}, []string{"trawl crawl example.com"}},
		{"help of an unknown command", []string{"help", "me"}, []string{`"me"`}},
		{"completion of an unknown shell", []string{"completion", "dash"}, []string{"dash", "zsh"}},
		{"completion of no shell", []string{"completion"}, []string{"zsh"}},
		{"arguments of version", []string{"version", "2"}, []string{"2"}},
		{"arguments of status", []string{"status", "x"}, []string{"x"}},
		{"a negative number of hosts", []string{"status", "--hosts", "-1"}, []string{"--hosts -1"}},
		{"a demo of nothing", []string{"demo", "--hosts", "0"}, []string{"--hosts 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			isMistake(t, call(t, dir, c.args...), exitUsage, c.names...)
			none(t, dir)
		})
	}
}

func TestABadConfigFileIsNamedWithItsLineAndKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		names []string
	}{
		"an unknown key":           {"depth: 1\nspeed: 9\n", []string{"c.yaml:2", `"speed"`}},
		"a key that is no name":    {"? [a]\n: b\n", []string{"c.yaml:1"}},
		"no YAML":                  {"depth: 1\n\t:[", []string{"c.yaml", "not YAML"}},
		"a list":                   {"- a\n- b\n", []string{"c.yaml:1", "max-pages: 100"}},
		"a word":                   {"hello", []string{"c.yaml:1"}},
		"no number":                {"\ndepth: many\n", []string{"c.yaml:2", "depth", `"many"`, "whole number"}},
		"a fraction":               {"depth: 1.5\n", []string{"depth", "1.5"}},
		"no truth value":           {"jsonl: 3\n", []string{"jsonl", "true or false"}},
		"a list for one value":     {"depth: [1, 2]\n", []string{"depth", "one plain value"}},
		"a list of lists":          {"include: [[a]]\n", []string{"include"}},
		"a mapping":                {"depth: {a: 1}\n", []string{"depth"}},
		"no value":                 {"depth:\n", []string{"depth"}},
		"a key twice":              {"depth: 1\ndepth: 2\n", []string{"depth"}},
		"a file in a file":         {"config: d.yaml\n", []string{`"config"`}},
		"a bad regexp":             {"include: '('\n", []string{`--include "("`}},
		"a value out of its range": {"per-host: 0\n", []string{"--per-host 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(t.TempDir(), "c.yaml")
			write(t, path, c.text)
			isMistake(t, call(t, dir, "crawl", "--config", path, "http://a.example/"), exitUsage, c.names...)
			none(t, dir)
		})
	}
}

func TestABadVariableIsNamed(t *testing.T) {
	t.Parallel()
	for variable, value := range map[string]string{
		"TRAWL_DEPTH": "x", "TRAWL_DELAY": "soon", "TRAWL_JSONL": "", "TRAWL_SCOPE": "all", "TRAWL_MAX_BODY": "1 GB\x1b",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := trawl(t.Context(), dir, "crawl", "http://a.example/")
			p.Env = append(p.Env, variable+"="+value)
			var errs strings.Builder
			p.Stderr = &errs
			p.Run()
			isMistake(t, result{p.ProcessState.ExitCode(), "", errs.String()}, exitUsage, variable)
			none(t, dir)
		})
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		args  []string
		code  int
		names []string
	}{
		{"no input file", []string{"crawl", "-i", "none.txt"}, exitUsage, []string{"--input", "none.txt"}},
		{"a folder for input", []string{"crawl", "-i", "/"}, exitUsage, []string{"--input", "/", "directory"}},
		{"no config file", []string{"crawl", "--config", "none.yaml", "http://a.example/"}, exitUsage, []string{"--config", "none.yaml"}},
		{"a folder for config", []string{"crawl", "--config", "/", "http://a.example/"}, exitUsage, []string{"--config", "/"}},
		{"a folder for cookies", []string{"crawl", "--cookies", "/", "http://a.example/"}, exitUsage, []string{"--cookies /: ", "directory"}},
		{"no cookies", []string{"crawl", "--cookies", "none.txt", "http://a.example/"}, exitUsage, []string{"--cookies", "none.txt"}},
		{"a folder that cannot be", []string{"crawl", "-o", "/proc/none/x", "http://a.example/"}, exitFailed, []string{"/proc/none"}},
		{"a folder below a file", []string{"crawl", "-o", os.Args[0] + "/x", "http://a.example/"}, exitFailed, []string{os.Args[0]}},
		{"status of no crawl", []string{"status", "-o", "none"}, exitFailed, []string{"none"}},
		{"a port that is not ours", []string{"crawl", "--listen", "192.0.2.1:80", "http://a.example/"}, exitFailed, []string{"--listen 192.0.2.1:80"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			isMistake(t, call(t, dir, c.args...), c.code, c.names...)
			none(t, dir)
		})
	}
}

// The line itself is a secret.
func TestABadLineOfCookiesIsNamedAndNotShown(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no cookies.txt":  "# Netscape HTTP Cookie File\ns3cret=1\n",
		"a field more":    "\na.example\tFALSE\t/\tFALSE\t0\tid\ts3cret\tx\n",
		"an endless line": "\n" + strings.Repeat("s3cret", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(t.TempDir(), "cookies.txt")
			write(t, path, text)
			r := call(t, dir, "crawl", "--cookies", path, "http://a.example/")
			isMistake(t, r, exitUsage, "--cookies "+path+":2: ", "cookies.txt")
			if strings.Contains(r.err, "s3cret") {
				t.Errorf("%q shows the cookie", r.err)
			}
			none(t, dir)
		})
	}
}
