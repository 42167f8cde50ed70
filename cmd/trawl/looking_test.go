package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// newServer starts a Redis of a test's own, which keeps what it is told, also when it is killed.
func newServer(t *testing.T) *redistest.Server {
	t.Helper()
	return redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--appendonly", "yes", "--appendfsync", "always"}})
}

// cli is what redis-cli answers.
func cli(t *testing.T, s *redistest.Server, args ...string) string {
	t.Helper()
	_, port, _ := strings.Cut(s.Addr, ":")
	out, err := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-p", port}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// home is a crawl in one kind of frontier, of which commands are told by flags.
type home struct {
	name  string
	dir   string // of the commands
	flags []string
	open  func(t *testing.T) store
}

// homes are an embedded crawl and one on a server, both new.
func homes(t *testing.T) []home {
	t.Helper()
	dir := t.TempDir()
	embedded := home{"embedded", dir, nil, func(t *testing.T) store {
		s, err := disk.Open(filepath.Join(dir, "trawl-data", "frontier"), disk.Config{Policy: impolite()})
		return opened(t, s, err)
	}}
	return []home{embedded, onServer(t, newServer(t))}
}

// onServer is a new crawl on a server.
func onServer(t *testing.T, s *redistest.Server) home {
	t.Helper()
	return home{"redis", t.TempDir(), []string{"--redis", s.URL()}, func(t *testing.T) store {
		r, err := redis.Open(t.Context(), s.URL(), redis.Config{Policy: impolite(), Create: true})
		return opened(t, r, err)
	}}
}

func impolite() *frontier.Policy {
	p := frontier.DefaultPolicy()
	p.Delay = 0
	return &p
}

func opened(t *testing.T, s store, err error) store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachHome runs a test on both kinds of frontier.
func eachHome(t *testing.T, test func(t *testing.T, p home)) {
	t.Helper()
	for _, p := range homes(t) {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// call runs a command on the crawl.
func (p home) call(t *testing.T, args ...string) result {
	t.Helper()
	return call(t, p.dir, append(args, p.flags...)...)
}

// fine runs a command that must succeed, and returns what it printed.
func (p home) fine(t *testing.T, args ...string) string {
	t.Helper()
	r := p.call(t, args...)
	if r.code != exitDone || r.err != "" {
		t.Fatalf("trawl %q: %+v", args, r)
	}
	return r.out
}

// with opens the crawl, and makes it if need be.
func (p home) with(t *testing.T, do func(s store)) {
	t.Helper()
	s := p.open(t)
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill makes the crawl, with so many pages of each of some hosts: a.example has the most.
func (p home) fill(t *testing.T) {
	t.Helper()
	p.with(t, func(s store) {
		for i, n := range []int{3, 2, 1} {
			pushPages(t, s, string(rune('a'+i))+".example", n)
		}
	})
}

// pushPages pushes the pages /0 to /<n-1> of a host.
func pushPages(t *testing.T, s store, host string, n int) {
	t.Helper()
	var entries []frontier.Entry
	for i := range n {
		u, err := frontier.ParseURL(fmt.Sprintf("https://%s/%d", host, i))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, frontier.Entry{URL: u, Seed: true})
	}
	if _, err := s.Push(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

// settle lends one URL of each host and settles it.
func settle(t *testing.T, s store, o frontier.Outcome) {
	t.Helper()
	for _, l := range lend(t, s, 1) {
		if err := s.Ack(t.Context(), &l, frontier.Report{Outcomes: []frontier.Outcome{o}}); err != nil {
			t.Fatal(err)
		}
	}
}

// lend lends up to n URLs of each host.
func lend(t *testing.T, s store, n int) []frontier.Lease {
	t.Helper()
	leases, _, err := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", ID: strconv.FormatInt(time.Now().UnixNano(), 36), Hosts: 9, Batch: n, TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

// objects reads JSON, one object a line.
func objects(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q would not look like what it is", line)
		}
		list = append(list, o)
	}
	return list
}

// lookingCommands are all that look into a crawl or steer it, with what they cannot do without.
var lookingCommands = [][]string{
	{"status"}, {"status", "--json"}, {"status", "--watch"}, {"hosts"}, {"hosts", "a.example"}, {"dead"}, {"pause"}, {"resume"}, {"stop"},
	{"purge", "--yes"}, {"retry-dead"}, {"policy", "show"}, {"policy", "set", "--delay", "1"}, {"fsck"}, {"fsck", "--repair"}, {"export"},
}

func TestWhereThereIsNoCrawlThatIsSaid(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, args := range lookingCommands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			isMistake(t, call(t, dir, args...), exitFailed, "no crawl in trawl-data")
			isMistake(t, call(t, dir, append(args, "--redis", server.URL(), "--crawl", "news")...), exitFailed, "news", "no such crawl")
			none(t, dir)
		})
	}
}

func TestAServerOutOfReachIsSaidWithoutThePassword(t *testing.T) {
	t.Parallel()
	for i, url := range []string{"redis://me:secret@127.0.0.1:1/0", "rediss://:secret@127.0.0.1:1", "unix://:secret@/nowhere/s"} {
		commands := [][]string{{"status"}} // the others open it likewise
		if i == 0 {
			commands = append(slices.Clone(lookingCommands), []string{"import"})
		}
		for _, args := range commands {
			t.Run(fmt.Sprint(i, " ", args[0]), func(t *testing.T) { // a folder of that name: no secret in it
				t.Parallel()
				if args[0] == "import" {
					args = []string{"import", exported(t)}
				}
				r := call(t, t.TempDir(), append(args, "--redis", url)...)
				isMistake(t, r, exitStore)
				if strings.Contains(r.out+r.err, "secret") {
					t.Errorf("the password is shown: %+v", r)
				}
			})
		}
	}
}

func TestTheWrongRedisURLIsSaidWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://me:secret@127.0.0.1", "redis://me:secret@a b:x", "me:secret@127.0.0.1", "redis://me:secret@127.0.0.1:1/x"} {
		for _, args := range [][]string{{"status", "--redis"}, {"pause", "--redis"}, {"policy", "show", "--redis"}, {"purge", "--redis"}} {
			r := call(t, t.TempDir(), append(args, url)...)
			if r.code == exitDone || strings.Count(r.err, "\n") != 1 || strings.Contains(r.out+r.err, "secret") {
				t.Errorf("%q %q: %+v", args, url, r)
			}
		}
	}
}

func TestAPasswordInAWrongPlaceIsNotShown(t *testing.T) {
	t.Parallel()
	const url = "redis://me:sec@ret@127.0.0.1:1"
	for _, args := range [][]string{{"status"}, {"hosts", "x"}, {"policy"}, {}, {"import"}, {"crawl"}, {"status", "--crawl"}} {
		r := call(t, t.TempDir(), append(args, url)...)
		if r.code == exitDone || strings.Count(r.err, "\n") != 1 || strings.Contains(r.out+r.err, "ret@") || strings.Contains(r.out+r.err, "sec@") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestACrawlThatRunsIsLookedAtAndNotTouched(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick(g.URL)...)
	<-g.asked
	for _, args := range append(lookingCommands, []string{"purge"}) {
		name := strings.Join(args, " ")
		if name == "status --watch" {
			continue // goes on for ever
		}
		r := call(t, dir, args...)
		switch {
		case args[0] == "status" || name == "policy show":
			if r.code != exitDone {
				t.Errorf("%s: %+v", name, r)
			}
		case name == "purge":
			isMistake(t, r, exitUsage, "--yes")
		default:
			isMistake(t, r, exitStore, "in use", strconv.Itoa(p.Process.Pid))
		}
	}
	g.open()
	if r := p.end(t); r.code != exitDone {
		t.Errorf("%+v", r)
	}
}

func TestMistakesOfCommandsThatLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  []string
		names []string
	}{
		{[]string{"hosts", "-n", "-1"}, []string{"--number -1"}},
		{[]string{"hosts", "--sort", "size"}, []string{`--sort "size"`, "queued"}},
		{[]string{"hosts", "a", "b"}, []string{`"b"`}},
		{[]string{"dead", "x"}, []string{`"x"`}},
		{[]string{"pause", "x"}, []string{`"x"`}},
		{[]string{"pause", "--crawl", "a b"}, []string{`--crawl "a b"`}},
		{[]string{"resume", "--out", ""}, []string{"--out"}},
		{[]string{"policy", "sho"}, []string{`"sho"`, "show or set"}},
		{[]string{"policy", "set"}, []string{"--delay"}},
		{[]string{"policy", "set", "--delay", "-1"}, []string{"--delay -1s"}},
		{[]string{"policy", "set", "--include", "("}, []string{`--include "("`}},
		{[]string{"policy", "set", "--speed", "9"}, []string{"--speed"}},
		{[]string{"policy", "show", "x"}, []string{`"x"`}},
		{[]string{"fsck", "x"}, []string{`"x"`}},
		{[]string{"export", "a", "b"}, []string{`"b"`}},
		{[]string{"import", "a", "b"}, []string{`"b"`}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			isMistake(t, call(t, dir, c.args...), exitUsage, c.names...)
			none(t, dir)
		})
	}
}

func TestHelpOfCommandsThatLookFitsATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range append(lookingCommands, []string{"import"}, []string{"policy"}) {
		if args[0] == "policy" {
			args = args[:min(len(args), 2)]
		} else {
			args = args[:1]
		}
		args = append(slices.Clone(args), "--help")
		r := call(t, dir, args...)
		if r.code != exitDone || r.err != "" || !strings.Contains(r.out, "Usage:") {
			t.Errorf("%q: %+v", args, r)
		}
		for line := range strings.Lines(r.out) {
			if len(line) > 101 {
				t.Errorf("%q: %d columns: %s", args, len(line), line)
			}
		}
	}
	mentions(t, call(t, dir, "__complete", "hosts", "--sort", "").out, "queued\n", "dead\n", "next\n")
	mentions(t, call(t, dir, "__complete", "policy", "").out, "show", "set")
	none(t, dir)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
