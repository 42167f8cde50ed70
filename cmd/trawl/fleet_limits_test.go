package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/redis/redistest"
)

var (
	fleetMaxPages = flag.Int("fleet.maxpages", 500, "--max-pages of tests with 4 workers, and one more for each 1250 pages")
	fleetAtOnce   = flag.Int("fleet.atonce", 60, "pages under way at once of each of the 4 workers of TestAFleetWithFewConnections")
	fleetLatency  = flag.Duration("fleet.latency", 500*time.Millisecond, "of the web of TestAFleetWithFewConnections")
	fleetOutage   = flag.Duration("fleet.outage", time.Second, "how long Redis has no memory left in TestRedisWithoutMemory")
)

// Exactly so many pages settle as --max-pages says, and without faults no more are asked for.
func TestAFleetSettlesMaxPages(t *testing.T) {
	t.Parallel()
	pages := *fleetMaxPages
	server, f := maxPagesFleet(t)
	workers := f.workers(pages)
	for _, p := range workers {
		f.reached(p.end(t))
	}
	if n := server.Log().Pages().Total(); n != pages {
		t.Errorf("%d requests for pages, want %d", n, pages)
	}
	if n := len(f.records()); n != pages {
		t.Errorf("%d URLs in the output, want %d", n, pages)
	}
	once(t, server.Log())
	f.settled(int64(pages))
	t.Logf("%d pages by %d workers", pages, len(workers))
}

// A dead worker's last pages may have been asked for, and written, but not settled.
func TestAFleetWhoseWorkersDieSettlesMaxPages(t *testing.T) {
	t.Parallel()
	pages := *fleetMaxPages
	server, f := maxPagesFleet(t, "--timeout", "600ms")
	workers := f.workers(pages, impatient...)
	rng := rand.New(rand.NewPCG(*fleetSeed, 1))
	s, kills := f.open(), 0
	settled := func() int {
		st, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(st.Settled())
	}
	for at := 0; at < pages; at += 1 + rng.IntN(pages/len(workers)) {
		await(t, "pages", func() bool { return settled() >= at })
		i := rng.IntN(len(workers))
		workers[i].signal(t, syscall.SIGKILL)
		workers[i].Wait()
		kills++
		workers[i] = f.worker(fmt.Sprint("next-", kills), impatient...)
	}
	for _, p := range workers {
		f.reached(p.end(t))
	}
	most, retries := pages+kills*impatientPages, int(f.stats().Retries)
	if n := server.Log().Pages().Total(); n < pages || n > most+retries {
		t.Errorf("%d requests for pages, want %d to %d", n, pages, most+retries)
	}
	if n := len(f.records()); n < pages || n > most {
		t.Errorf("%d URLs in the output, want %d to %d", n, pages, most)
	}
	f.settled(int64(pages))
	t.Logf("seed %d: %d pages, %d workers killed, %d requests", *fleetSeed, pages, kills, server.Log().Pages().Total())
}

// impatient are flags of workers whose death is soon found out.
var impatient = []string{"--lease-ttl", "2s", "-c", strconv.Itoa(impatientPages)}

const impatientPages = 12

// maxPagesFleet makes a crawl of a web of twice the pages that it is to settle.
func maxPagesFleet(t *testing.T, flags ...string) (*webtest.Server, *fleet) {
	t.Helper()
	pages := *fleetMaxPages
	_, server := serve(t, webtest.Config{
		Seed: 7, Hosts: 40, PagesPerHost: pages / 20, Links: 15, PageBytes: 1 << 10, CrossHost: 0.1, DeadLinks: 0.05, Redirects: 0.05, Latency: 2 * time.Millisecond,
	})
	f := newFleet(t)
	f.seed(append(append(server.Seeds(), "--delay", "10ms", "--max-pages", strconv.Itoa(pages)), flags...)...)
	return server, f
}

// workers starts workers, more of them for more pages.
func (f *fleet) workers(pages int, flags ...string) (list []*running) {
	f.Helper()
	for i := range 4 + pages/1250 {
		list = append(list, f.worker(fmt.Sprint("w", i), flags...))
	}
	return list
}

// reached checks that a worker ended since --max-pages is reached, and says so.
func (f *fleet) reached(r result) {
	f.Helper()
	if r.code != exitDone || !strings.Contains(r.out, string(byPages)) {
		f.Errorf("a worker ended with %+v", r)
	}
}

// settled checks that a crawl ended with so many pages, and that nothing is amiss.
func (f *fleet) settled(pages int64) {
	f.Helper()
	if st := f.stats(); st.Settled() != pages || st.Leased+st.HostsLeased > 0 || !st.Drained {
		f.Errorf("%+v; want %d settled", st, pages)
	}
	f.isSound()
}

// When Redis has no memory left, pages with links wait and all others go on. Nobody loses a host that they hold,
// however long that takes, nor fills the log with it.
func TestRedisWithoutMemory(t *testing.T) {
	t.Parallel()
	web, server := serve(t, webtest.Config{Seed: 8, Hosts: 12, PagesPerHost: 60, Links: 12, PageBytes: 1 << 10, DeadLinks: 0.1, Latency: 10 * time.Millisecond})
	leaves := map[string][]string{}
	for i := range 200 {
		leaves[fmt.Sprint("/", i)] = nil
	}
	site := site(t, leaves)
	var others []string
	for path := range leaves {
		others = append(others, site.URL+path)
	}
	f := newFleet(t)
	write(t, filepath.Join(f.dir, "seeds"), strings.Join(append(server.Seeds(), others...), "\n"))
	f.seed("-i", "seeds", "--delay", "20ms", "--timeout", "1s")
	a, b := f.worker("a", "--lease-ttl", "3s", "-c", "500"), f.worker("b", "--lease-ttl", "3s", "-c", "500")
	client := f.server.Client(t)
	await(t, "pages", func() bool { return server.Log().Pages().Total() > 100 })
	limitMemory(t, client, strconv.Itoa(infoNumber(t, client, "memory", "used_memory")*3/4)) // what clients need comes and goes
	began, before := time.Now(), f.stats()
	await(t, "a worker that says so", func() bool { return strings.Contains(a.err.String()+b.err.String(), "out of memory") })
	await(t, "pages without links", func() bool { return f.stats().Settled() > before.Settled()+30 })
	await(t, "the outage", func() bool { return time.Since(began) > *fleetOutage })
	during, out := f.stats(), time.Since(began).Round(10*time.Millisecond)
	if during.Drained || during.Seen > before.Seen || during.Reclaimed > 0 {
		t.Errorf("without memory: %+v, then %+v", before, during)
	}
	if r := call(t, f.dir, "status", "--redis", f.url); r.code != exitDone || !strings.Contains(r.out, "running, 2 workers") {
		t.Errorf("status: %+v", r)
	}
	for _, command := range []string{"pause", "resume"} {
		if r := call(t, f.dir, command, "--redis", f.url); r.code != exitDone {
			t.Errorf("%s: %+v", command, r)
		}
	}
	limitMemory(t, client, "0")
	f.drained(a, b)
	for _, p := range []*running{a, b} {
		if n := strings.Count(p.err.String(), "\n"); n > 1 {
			t.Errorf("%d lines about the memory: %s", n, p.err.String())
		}
	}
	f.holds(web, server, true, others...)
	once(t, server.Log())
	f.isOver(int64(web.Count() + len(others)))
	t.Logf("without memory for %v %d pages settled, and %d leases were kept", out, during.Settled()-before.Settled(), during.HostsLeased)
}

func limitMemory(t *testing.T, client *goredis.Client, limit string) {
	t.Helper()
	if err := client.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
		t.Fatal(err)
	}
}

// infoNumber is a number in the answer to INFO, less what follows a point.
func infoNumber(t *testing.T, client *goredis.Client, section, name string) int {
	t.Helper()
	info, err := client.Info(t.Context(), section).Result()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + `:(\d+)`).FindStringSubmatch(info)
	if found == nil {
		t.Fatalf("no %s in:\n%s", name, info)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// However many pages are under way, a worker needs few connections to Redis.
func TestAFleetWithFewConnections(t *testing.T) {
	t.Parallel()
	hosts := 5 * *fleetAtOnce // more than can be under way
	r := redistest.Start(t, redistest.Options{})
	web, server := serve(t, webtest.Config{
		Seed: 10, Hosts: hosts, PagesPerHost: 2, Links: 6, PageBytes: 1 << 10, CrossHost: 0.2, Latency: *fleetLatency,
	})
	f := &fleet{t, r, t.TempDir(), r.URL()}
	client := r.Client(t)
	if err := client.ConfigSet(t.Context(), "maxclients", "40").Err(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.dir, "seeds"), strings.Join(server.Seeds(), "\n"))
	f.seed("-i", "seeds", "--delay", "100ms")
	began, cpu := time.Now(), redisCPU(t, client)
	var workers []*running
	for i := range 4 {
		workers = append(workers, f.worker(fmt.Sprint("w", i), "-c", strconv.Itoa(*fleetAtOnce)))
	}
	connections := mostClients(t, client, f.open())
	took := time.Since(began)
	f.ends(workers...)
	f.holds(web, server, true)
	once(t, server.Log())
	judge(t, server.Log(), 100*time.Millisecond, 1)
	if refused := infoNumber(t, client, "stats", "rejected_connections"); connections > 40 || refused > 0 {
		t.Errorf("%d connections, %d refused", connections, refused)
	}
	pages := len(f.records())
	t.Logf("%d pages of %d hosts in %v: %d requests at once of %d allowed, %d connections to Redis, %v of its CPU a page",
		pages, hosts, took.Round(100*time.Millisecond), atOnce(server.Log()), 4**fleetAtOnce, connections, (redisCPU(t, client)-cpu)/time.Duration(pages))
	for i, p := range workers {
		if usage, ok := p.ProcessState.SysUsage().(*syscall.Rusage); ok {
			t.Logf("worker %d: %d MB, %v of CPU", i, usage.Maxrss>>10, (p.ProcessState.UserTime() + p.ProcessState.SystemTime()).Round(10*time.Millisecond))
		}
	}
}

// mostClients is how many clients the server has at most until the crawl is over, looked at ten times a second.
func mostClients(t *testing.T, client *goredis.Client, s frontier.Frontier) (most int) {
	t.Helper()
	var looked time.Time
	await(t, "the end", func() bool {
		if time.Since(looked) < 100*time.Millisecond {
			return false
		}
		looked = time.Now()
		list, err := client.ClientList(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, strings.Count(list, "\n"))
		st, err := s.Stats(t.Context())
		return err == nil && st.Drained
	})
	return most
}

// redisCPU is the CPU time that the server has used.
func redisCPU(t *testing.T, client *goredis.Client) (used time.Duration) {
	t.Helper()
	info, err := client.Info(t.Context(), "cpu").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^used_cpu_(?:sys|user):([\d.]+)`).FindAllStringSubmatch(info, -1) {
		d, _ := time.ParseDuration(found[1] + "s")
		used += d
	}
	return used
}

// atOnce is how many requests to all hosts were under way at once, at most.
func atOnce(log *webtest.Log) int {
	var all []webtest.Request
	for _, host := range log.Hosts() {
		for _, r := range log.Requests(host) {
			r.Host = ""
			all = append(all, r)
		}
	}
	return webtest.NewLog(all...).MaxConcurrent("")
}

// A worker that was frozen for longer than its leases lived is refused what it still held, and works on.
func TestAFrozenWorkerCountsNothingTwice(t *testing.T) {
	t.Parallel()
	const ttl, pages, delay = 1500 * time.Millisecond, 8, 40 * time.Millisecond
	c := twelve
	c.PagesPerHost, c.Latency = 20, 100*time.Millisecond
	web, server := serve(t, c)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", delay.String(), "--timeout", "500ms")...)
	flags := []string{"--lease-ttl", ttl.String(), "-c", strconv.Itoa(pages), "--log-level", "debug"}
	a, b := f.worker("freezes", flags...), f.worker("lives", flags...)
	s := f.open()
	await(t, "pages under way", func() bool { return server.Log().Pages().Total() > 50 && len(f.heldBy(s, "freezes")) > 2 })
	a.signal(t, syscall.SIGSTOP)
	frozen := time.Now()
	await(t, "three times the ttl", func() bool { return time.Since(frozen) > 3*ttl })
	a.signal(t, syscall.SIGCONT)
	for _, p := range []*running{a, b} {
		if r := p.end(t); r.code != exitDone {
			t.Errorf("%d: %s", r.code, r.out)
		}
	}
	refused := strings.Count(a.err.String(), "lease lost")
	if refused == 0 {
		t.Error("no ack was refused")
	}
	f.holds(web, server, false)
	judge(t, server.Log(), delay, 1)
	f.isOver(int64(web.Count()))
	free := strings.Count(a.err.String()+b.err.String(), `"own network"=true`) // on a busy machine all hosts time out
	if n := f.repeats(server.Log()); n > pages+free+int(f.stats().Retries) {
		t.Errorf("%d pages were asked for again", n)
	}
	t.Logf("%d leases lost, %d pages asked for again", refused, f.repeats(server.Log()))
}
