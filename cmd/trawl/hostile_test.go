package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

var (
	hostileMany  = flag.Int("hostile.many", 2000, "what hostile hosts have very many of; 200000 in full size")
	hostileOnly  = flag.String("hostile.classes", "", "only these classes, with commas; all if empty")
	hostilePages = flag.Int("hostile.pages", 30, "pages of an honest host beside hostile ones")
)

// hostileWeb has a few honest hosts and one of each hostile class.
func hostileWeb() webtest.Config {
	classes := webtest.Classes()
	if *hostileOnly != "" {
		only := strings.Split(*hostileOnly, ",")
		classes = slices.DeleteFunc(classes, func(c webtest.Class) bool { return !slices.Contains(only, string(c)) })
	}
	return webtest.Config{
		Seed: 5, Hosts: 6, PagesPerHost: *hostilePages, Links: 20, PageBytes: 4 << 10, ByAddress: true, Hostile: classes, Many: *hostileMany,
		CrossHost: 0.1, DeadLinks: 0.05, Redirects: 0.05, RobotsDenied: 0.05,
	}
}

// hostileCrawl are the flags of a crawl of a web by address: only the hostile hosts may be dialled beside the seeds.
func hostileCrawl(server *webtest.Server, args ...string) []string {
	all := append([]string{
		"crawl", "--progress", "none", "--contact", "test", "--scope", "any", "--allow-net", hostileNet, "--delay", "10ms", "--timeout", "4s", "--retries", "2",
		"--host-failures", "3", "--max-host-pages", fmt.Sprint(60 + 3**hostilePages), "--max-dates", "60", "--max-queries", "60", "--echo-after", "4", "-c", "128",
	}, args...)
	return append(all, server.Seeds()...)
}

// The whole crawl ends by itself; honest hosts are complete, hostile ones have had their end, each for a reason, and
// none has led the crawl to where it may not go or to take more memory than is allowed.
func TestACrawlOfAHostileWebEnds(t *testing.T) {
	t.Parallel()
	isLinux(t)
	web, server := serve(t, hostileWeb())
	dir := t.TempDir()
	p := start(t, dir, hostileCrawl(server)...)
	kill := time.AfterFunc(max(*patience, 2*time.Minute), func() { p.Process.Kill() })
	defer kill.Stop()
	p.Wait()
	r := result{p.ProcessState.ExitCode(), p.out.String(), p.err.String()}
	if r.code != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	t.Log("\n" + r.out)
	fates, err := readFates(filepath.Join(dir, "trawl-data", "pages.jsonl"), server)
	if err != nil {
		t.Fatal(err)
	}
	honest(t, web, server, fates.honest)
	for i, h := range server.Hostile() {
		if err := fates.judge(i, h, server.Log().Requests(authority(h.URL))); err != nil {
			t.Error(err)
		}
	}
	if fates.others.done > 0 || len(fates.others.dead) > 1 || fates.others.dead["address"] == 0 {
		t.Errorf("elsewhere: %+v", fates.others)
	}
	if n := server.Canary(); n > 0 {
		t.Errorf("the canary got %d connections", n)
	}
	usage := p.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%s of memory at most", formatBytes(usage.Maxrss<<10))
	if limit := memoryLimit(); usage.Maxrss<<10 > limit {
		t.Errorf("it took %s of memory, want less than %s", formatBytes(usage.Maxrss<<10), formatBytes(limit))
	}
}

// honest checks that the honest pages, and no others of their hosts, are in the output as the oracle says.
func honest(t *testing.T, web *webtest.Web, server *webtest.Server, got map[string]int) {
	t.Helper()
	for page := range web.Reachable(webtest.Rules{}, server.Seeds()...) {
		if status, ok := got[page.URL]; !ok || status != page.Status {
			t.Errorf("%s: status %d, want %d", page.URL, status, page.Status)
		}
		delete(got, page.URL)
	}
	for url := range got {
		t.Errorf("%s: not to be fetched", url)
	}
}

// memoryLimit is 300 MiB, or for a program that watches itself for races, several times that.
func memoryLimit() int64 {
	const limit = 300 << 20
	if build, ok := debug.ReadBuildInfo(); ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 5 * limit
	}
	return limit
}

func isLinux(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 on its loopback interface")
	}
}

// A crawl that is ended while servers hang, drip and flood leaves no goroutine behind. It runs in this process, so that
// they can be counted, and not beside other tests.
func TestAHostileWebLeavesNoGoroutine(t *testing.T) {
	isLinux(t)
	signal.Stop(listenForSignals()) // which starts a goroutine for good, the first time
	before := runtime.NumGoroutine()
	server, err := webtest.New(hostileWeb()).Start()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	var out, errs lockedBuffer
	args := hostileCrawl(server, "--max-time", "1500ms", "--grace", "500ms", "--timeout", "10s", "--out", dir)
	if code := run(args, streams{strings.NewReader(""), &out, &errs}); code != exitDone {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	mentions(t, out.String(), "--max-time is over")
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(*patience); runtime.NumGoroutine() > before; {
		select {
		case <-tick.C:
		case <-late:
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func listenForSignals() chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	return c
}

func TestTheDemoOfAHostileWeb(t *testing.T) {
	t.Parallel()
	isLinux(t)
	dir := t.TempDir()
	p := start(t, dir, "demo", "--hostile", "--hosts", "3", "--pages", "20", "--many", fmt.Sprint(*hostileMany), "--progress", "none")
	kill := time.AfterFunc(max(*patience, 2*time.Minute), func() { p.Process.Kill() })
	defer kill.Stop()
	p.Wait()
	out := p.out.String()
	if code := p.ProcessState.ExitCode(); code != exitDone && !strings.Contains(p.err.String(), "of memory") {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
	mentions(t, out, "checked    66 of 66 pages", "canary     0 connections")
	for _, class := range webtest.Classes() {
		mentions(t, out, "\n"+string(class)+" ")
	}
	if strings.ContainsFunc(strings.ReplaceAll(out, "\n", ""), func(r rune) bool { return printable(r) != r }) {
		t.Errorf("the output moves the terminal: %q", out)
	}
}

// BenchmarkHonestHosts compares how fast honest hosts are crawled beside hostile ones and without them: by the server's
// log, from the first request to the last to one of them. It fails when they are slowed by more than a tenth.
func BenchmarkHonestHosts(b *testing.B) {
	isLinux(b)
	c := hostileWeb()
	c.Hosts, c.PagesPerHost, c.Many = 20, 100, 200_000
	b.Run("beside one of each class", func(b *testing.B) { besideHostile(b, c) })
	// They are known to answer when they begin to hang.
	c.PagesPerHost, c.Hostile = 200, slices.Repeat([]webtest.Class{"stalls"}, 100)
	b.Run("beside many that stall", func(b *testing.B) {
		besideHostile(b, c, "-c", "64", "--timeout", "30s")
	})
}

func besideHostile(b *testing.B, c webtest.Config, args ...string) {
	var alone, beside []float64
	for range b.N {
		for range 3 {
			plain := c
			plain.Hostile = nil
			alone = append(alone, honestPace(b, plain, args))
			beside = append(beside, honestPace(b, c, args))
		}
	}
	slowed := median(beside) / median(alone)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(alone), "alone-pages/s")
	b.ReportMetric(median(beside), "beside-hostile-pages/s")
	b.ReportMetric(slowed, "x-alone")
	b.Logf("pages/s of honest hosts: %.0f alone, %.0f beside hostile ones", alone, beside)
	if slowed < 0.9 {
		b.Errorf("honest hosts are crawled at %.0f %% of their pace", 100*slowed)
	}
}

// honestPace is the pace of honest requests, a second. The crawl ends when they are over, or take far too long.
func honestPace(b *testing.B, c webtest.Config, more []string) float64 {
	server, err := webtest.New(c).Start()
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	args := append([]string{"--out", filepath.Join(b.TempDir(), "out"), "--max-host-pages", "600", "--delay", "100ms", "--max-time", "40s", "--grace", "100ms"}, more...)
	cmd := trawl(b.Context(), b.TempDir(), hostileCrawl(server, args...)...)
	cmd.Stdout, cmd.Stderr = io.Discard, b.Output()
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	var first, last time.Time
	n := 0
	for _, seed := range server.Seeds() {
		requests := server.Log().Requests(authority(seed))
		n += len(requests)
		for _, r := range requests {
			if first.IsZero() || r.Start.Before(first) {
				first = r.Start
			}
			if r.End.After(last) {
				last = r.End
			}
		}
	}
	return float64(n) / last.Sub(first).Seconds()
}
