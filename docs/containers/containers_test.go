//go:build containers

// Package containers tests the shipped Dockerfile and docker-compose.yml with a Docker engine: make containers.
//
// A synthetic web is served in a container of its own, at names that Docker's DNS knows. The test binary is that server
// too, so it must be static.
package containers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

const (
	leaseTTL = 10 * time.Second
	timeout  = "3s" // of requests; a lease must last three times as long
	delay    = 200 * time.Millisecond
	lateness = 15 * time.Second // of what TCP sends again when the network is back
	fleetOf  = 4
)

var (
	repository, _ = filepath.Abs("../..")
	project       = "trawl-test-" + strings.ToLower(rand.Text()[:6])
	image         = project + ":latest"
	webImage      = project + "-web:latest"

	// config takes about a minute to crawl.
	config = webtest.Config{Hosts: 20, PagesPerHost: 200, Links: 20, PageBytes: 4 << 10, CrossHost: 0.05, DeadLinks: 0.03,
		Redirects: 0.03, RobotsDenied: 0.03, Errors: 0.01, Latency: 20 * time.Millisecond, Domain: "web.test"}
)

func TestMain(m *testing.M) {
	if text := os.Getenv("SERVE_WEB"); text != "" {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve serves a web, given as JSON, until a signal. Its output is the log of requests.
func serve(text string) error {
	var c webtest.Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	c.LogTo = os.Stdout
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return webtest.Serve(ctx, c, ":80")
}

// The crawl goes through what can happen to containers; in the end the output is what the web holds.
func TestAFleetInContainersLosesNothing(t *testing.T) {
	needEngine(t)
	forgetBuilds(t)
	provideImages(t)
	importImage(t, webImage, func(t *testing.T, r *root) []string {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		r.file(self, "web")
		return []string{`ENTRYPOINT ["/web"]`}
	})
	f := newFleet(t, added(t))
	f.build()
	f.compose("up", "-d", "--scale", fmt.Sprint("worker=", fleetOf))
	f.settle("workers are well before there is a crawl", fleetOf)
	f.seed()

	workers := f.workers()
	f.reach(10)
	f.step("docker kill, after which the restart policy leaves it dead", func() { docker(t, "kill", workers[0]) })
	f.reach(20)
	f.loseNetwork(workers[1])
	f.reach(40)
	f.step("docker compose restart redis", func() { f.compose("restart", "redis") })
	f.reach(60)
	f.stopWorkers(workers[1:])
	f.step("docker compose up: the same four, the dead one too", func() {
		f.compose("up", "-d", "--scale", fmt.Sprint("worker=", fleetOf))
	})
	f.await("the crawl is drained", 4*time.Minute, func() bool { return f.status().Stats.Drained })
	f.settle("workers are well after the crawl", fleetOf)
	f.checkRestarts()
	f.checkOutput(workers[0])
	f.checkPace()
}

// needEngine skips the test only where no engine answers.
func needEngine(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		t.Skipf("no Docker engine answers: %v: %s", err, out)
	}
	line := append(strings.Fields(composeCommand()), "version")
	if out, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s\nCompose 2 is needed: a plugin of docker, or what COMPOSE names", strings.Join(line, " "), err, out)
	}
}

// added is what the shipped file has not: the web, and names of images that are nobody else's.
func added(t *testing.T) map[string]any {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for host := range config.Hosts {
		names = append(names, name(host))
	}
	own := map[string]any{"image": image}
	return map[string]any{"services": map[string]any{
		"worker": own,
		"trawl":  own,
		"web": map[string]any{
			"image":       webImage,
			"environment": map[string]string{"SERVE_WEB": string(text)},
			"networks":    map[string]any{"default": map[string]any{"aliases": names}},
		},
	}}
}

func name(host int) string { return fmt.Sprintf("h%04d.%s", host, config.Domain) }

func seeds() (all []string) {
	for host := range config.Hosts {
		all = append(all, "http://"+name(host)+"/")
	}
	return all
}

// seed makes the crawl, with seeds by a pipe.
func (f *fleet) seed() {
	f.t.Helper()
	text := strings.NewReader(strings.Join(seeds(), "\n"))
	f.at(f.t.Context(), text, "run", "--rm", "-T", "trawl", "seed", "--contact", "test", "--delay", delay.String(), "--timeout", timeout, "-i", "-")
}

// build builds the image, and checks what is said of it.
func (f *fleet) build() {
	f.t.Helper()
	f.step("docker compose build", func() { f.compose("build", "worker") })
	size := docker(f.t, "image", "inspect", "--format", "{{.Size}}", image)
	user := docker(f.t, "image", "inspect", "--format", "{{.Config.User}}", image)
	f.t.Logf("the image has %s bytes, its user is %s", strings.TrimSpace(size), user)
	if user != "65532:65532\n" {
		f.t.Errorf("the user is %s", user)
	}
	if v := docker(f.t, "run", "--rm", image, "version"); !strings.HasPrefix(v, "trawl containers-test go") {
		f.t.Errorf("version: %q", v)
	}
}

// step does something and logs how long it took.
func (f *fleet) step(what string, do func()) {
	f.t.Helper()
	began := time.Now()
	do()
	f.t.Logf("%s (%.1fs)", what, time.Since(began).Seconds())
}

// reach waits until so many percent of the URLs are settled.
func (f *fleet) reach(percent int) {
	f.t.Helper()
	var s status
	f.await(fmt.Sprint(percent, " % are settled"), 2*time.Minute, func() bool {
		s = f.status()
		return (s.Stats.Done+s.Stats.Dead)*100 >= webtest.New(config).Count()*percent
	})
	f.t.Logf("at %d %%: %+v", percent, s.Stats)
	if s.Stats.Drained {
		f.t.Error("drained too early")
	}
}

// settle waits until so many workers run and are healthy.
func (f *fleet) settle(what string, n int) {
	f.t.Helper()
	f.step(what, func() {
		f.await(what, 2*time.Minute, func() bool {
			states := docker(f.t, append([]string{"inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}"}, f.workers()...)...)
			return strings.Count(states, "running healthy\n") == n
		})
	})
}

// loseNetwork cuts a worker off for longer than its leases last.
func (f *fleet) loseNetwork(id string) {
	f.t.Helper()
	f.step("docker network disconnect, for longer than leases last, and connect", func() {
		docker(f.t, "network", "disconnect", project+"_default", id)
		f.await("its leases are over", time.Minute, func() bool { return f.status().silence(id) > leaseTTL+time.Second })
		docker(f.t, "network", "connect", project+"_default", id)
	})
	f.reconnected = time.Now()
}

// stopWorkers stops the workers, which must end by themselves and leave nothing lent.
func (f *fleet) stopWorkers(running []string) {
	f.t.Helper()
	f.step("docker compose stop worker", func() { f.compose("stop", "worker") })
	for _, id := range running {
		if code := docker(f.t, "inspect", "--format", "{{.State.ExitCode}}", id); code != "3\n" {
			f.t.Errorf("a worker that was stopped ended with %s", code)
		}
	}
	s := f.status().Stats
	if s.Leased != 0 {
		f.t.Errorf("workers that were stopped keep their leases: %+v", s)
	}
	got := f.compose("exec", "-T", "redis", "redis-cli", "hmget", "trawl:{default:0}:m", "seen", "queued", "delayed", "leased", "done", "dead")
	got = regexp.MustCompile(`(?m)^$`).ReplaceAllString(strings.TrimSuffix(got, "\n"), "0") // what was never counted is not there
	if want := fmt.Sprintf("%d\n%d\n%d\n%d\n%d\n%d", s.Seen, s.Queued, s.Delayed, s.Leased, s.Done, s.Dead); got != want {
		f.t.Errorf("redis-cli says %q, trawl status %q", got, want)
	}
}

// checkRestarts checks that no worker ended by itself: an outage is no reason to.
func (f *fleet) checkRestarts() {
	f.t.Helper()
	for _, id := range f.workers() {
		if n := docker(f.t, "inspect", "--format", "{{.RestartCount}}", id); n != "0\n" {
			f.t.Errorf("worker %.12s was restarted %s times:\n%s", id, n, docker(f.t, "logs", "--tail", "20", id))
		}
	}
}

// checkOutput holds the union of all files against what the web holds.
func (f *fleet) checkOutput(container string) {
	f.t.Helper()
	type record struct {
		ID, URL string
		Status  int
	}
	pages, ids := map[string]record{}, map[string]string{}
	lines := 0
	files := f.output(container)
	for file, text := range files {
		for line := range bytes.Lines(text) {
			var r record
			if err := json.Unmarshal(line, &r); err != nil {
				f.t.Fatalf("%s: %v in %q", file, err, line)
			}
			if before, ok := pages[r.URL]; ok && before != r {
				f.t.Errorf("repeats differ: %+v, %+v", before, r)
			}
			pages[r.URL], ids[r.ID] = r, r.URL
			lines++
		}
	}
	f.t.Logf("%d lines of %d URLs in %d files", lines, len(pages), len(files))
	wanted := 0
	for page := range webtest.New(config).Reachable(webtest.Rules{}, seeds()...) {
		wanted++
		if r, ok := pages[page.URL]; !ok || r.Status != page.Status {
			f.t.Errorf("%s: %+v, want status %d", page.URL, r, page.Status)
		}
	}
	if len(pages) != wanted || len(ids) != wanted {
		f.t.Errorf("%d URLs and %d ids, want %d", len(pages), len(ids), wanted)
	}
}

// checkPace judges the fleet by the server's log. Half the delay is enough, since all run on one machine that may be
// busy. What was on the wire when the network went arrives when it is back, whoever has the host by then.
func (f *fleet) checkPace() {
	f.t.Helper()
	log, err := webtest.ReadLog(strings.NewReader(f.compose("logs", "--no-log-prefix", "--no-color", "web")))
	if err != nil {
		f.t.Fatal(err)
	}
	late := 0
	for _, host := range log.Hosts() {
		requests := log.Requests(host)
		excused := false
		for a, b := 0, 1; b < len(requests); b++ {
			gap := requests[b].Start.Sub(requests[a].Start)
			since := requests[b].Start.Sub(f.reconnected)
			switch {
			case gap >= delay/2 && !requests[b].Start.Before(requests[a].End):
				a = b
			case !excused && since > 0 && since < lateness:
				excused = true
				late++
			default:
				f.t.Errorf("%s: %s %v after %s, at %v", host, requests[b].Path, gap, requests[a].Path, requests[b].Start)
				a = b
			}
		}
	}
	f.t.Logf("%d requests, %d of them late by the lost network", log.Total(), late)
}
