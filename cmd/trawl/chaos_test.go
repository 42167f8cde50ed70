package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// The tests below are quick by default; make fleet runs them in full.
var (
	fleetPages = flag.Int("fleet.pages", 25, "pages of each of the 60 hosts of TestFleet...")
	fleetKills = flag.Int("fleet.kills", 10, "how many workers TestKilledWorkers kills")
	fleetSeed  = flag.Uint64("fleet.seed", uint64(time.Now().UnixNano()), "of the moments at which TestKilledWorkers kills")
)

// sixty is the web of a fleet that has to be polite.
func sixty() webtest.Config {
	return webtest.Config{Seed: 9, Hosts: 60, PagesPerHost: *fleetPages, Links: 12, PageBytes: 2 << 10, CrossHost: 0.1, Latency: 20 * time.Millisecond}
}

func TestFleetIsPoliteAndFetchesEachPageOnce(t *testing.T) {
	t.Parallel()
	web, server := serve(t, sixty())
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "200ms")...)
	var workers []*running
	for i := range 4 {
		workers = append(workers, f.worker(fmt.Sprint("w", i)))
	}
	f.ends(workers...)
	f.holds(web, server, true)
	once(t, server.Log())
	judge(t, server.Log(), 200*time.Millisecond, 1)
	t.Logf("%d requests to 60 hosts by 4 workers", server.Log().Total())
}

// In TestFleetUnderFire workers die and freeze, and Redis forgets its scripts and is killed.
func TestFleetUnderFire(t *testing.T) {
	t.Parallel()
	const ttl, pages = 3 * time.Second, 16
	config := sixty()
	config.PagesPerHost = max(config.PagesPerHost, 60)
	web, server := serve(t, config)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "200ms", "--timeout", "1s")...)
	w := map[string]*running{}
	for _, name := range []string{"dies", "dies-too", "freezes", "lives"} {
		w[name] = f.worker(name, "--lease-ttl", ttl.String(), "-c", fmt.Sprint(pages))
	}
	s := f.open()
	await(t, "pages", func() bool { return server.Log().Pages().Total() > 300 })
	w["freezes"].signal(t, syscall.SIGSTOP)
	frozen := time.Now()
	if err := f.server.Client(t).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dies", "dies-too"} {
		held := f.heldBy(s, name)
		w[name].signal(t, syscall.SIGKILL)
		f.comeBack(s, name, held, ttl+time.Second)
		f.worker(name+"-again", "--lease-ttl", ttl.String(), "-c", fmt.Sprint(pages))
	}
	await(t, "three ttl", func() bool { return time.Since(frozen) > 3*ttl })
	w["freezes"].signal(t, syscall.SIGCONT)
	f.server.Kill()
	settled := server.Log().Pages().Total()
	if err := f.server.Restart(); err != nil {
		t.Fatal(err)
	}
	await(t, "work goes on", func() bool { return server.Log().Pages().Total() > settled+50 })
	for _, name := range []string{"freezes", "lives"} {
		if r := w[name].end(t); r.code != exitDone {
			t.Errorf("%s: %+v", name, r)
		}
	}
	f.holds(web, server, false)
	judge(t, server.Log(), 200*time.Millisecond, 1)
	repeats := f.repeats(server.Log())
	if repeats > 3*pages {
		t.Errorf("%d pages were fetched again, and %d workers had %d under way each", repeats, 3, pages)
	}
	st := f.stats()
	if st.Dead > 0 || !st.Drained || st.Done != int64(len(f.records())) {
		t.Errorf("%+v", st)
	}
	t.Logf("%d requests, %d of them repeats; %d leases taken back", server.Log().Total(), repeats, st.Reclaimed)
}

// open opens the crawl beside the workers.
func (f *fleet) open() *redis.Store {
	f.Helper()
	s, err := redis.Open(f.Context(), f.url, redis.Config{Crawl: "default"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	return s
}

// heldBy are the hosts that a worker holds.
func (f *fleet) heldBy(s frontier.Inspector, name string) map[frontier.Host]bool {
	f.Helper()
	held := map[frontier.Host]bool{}
	err := s.Hosts(f.Context(), func(h frontier.HostStats) bool {
		if h.Worker == name {
			held[h.Host] = true
		}
		return true
	})
	if err != nil {
		f.Fatal(err)
	}
	return held
}

// comeBack waits until a dead worker's hosts can be lent to others.
func (f *fleet) comeBack(s frontier.Inspector, name string, held map[frontier.Host]bool, most time.Duration) {
	f.Helper()
	died := time.Now()
	await(f.T, "the dead worker's hosts", func() bool { return len(f.heldBy(s, name)) == 0 })
	after := time.Since(died)
	if after > most || len(held) == 0 {
		f.Errorf("the %d hosts of %s came back after %v, want %v", len(held), name, after, most)
	}
	f.Logf("%d hosts of %s came back after %v", len(held), name, after.Round(10*time.Millisecond))
}

// repeats is how many requests were for pages that had been asked for.
func (f *fleet) repeats(log *webtest.Log) (n int) {
	for _, host := range log.Hosts() {
		asked := map[string]bool{}
		for _, r := range log.Pages().Requests(host) {
			if asked[r.Path] {
				n++
			}
			asked[r.Path] = true
		}
	}
	return n
}

// TestKilledWorkers has short crawls, each by a few workers that are killed at random moments and replaced. Nothing is
// lost, no crawl ends early, and each ends.
func TestKilledWorkers(t *testing.T) {
	r := redistest.Start(t, redistest.Options{})
	t.Logf("seed %d", *fleetSeed)
	rng := rand.New(rand.NewPCG(*fleetSeed, 0))
	var all toll
	crawls := 0
	for ; all.kills < *fleetKills && !t.Failed(); crawls++ {
		t.Run(fmt.Sprintf("crawl %d", crawls), func(t *testing.T) {
			one := killSome(t, r, fmt.Sprint("crawl-", crawls), rng)
			all = toll{all.kills + one.kills, all.reclaimed + one.reclaimed, max(all.late, one.late)}
		})
	}
	t.Logf("%d workers killed in %d crawls, %d leases taken back; all workers ended within %v of the last answer",
		all.kills, crawls, all.reclaimed, all.late.Round(time.Millisecond))
}

// toll is what a crawl with killed workers came to.
type toll struct {
	kills     int
	reclaimed int64
	late      time.Duration // from the web's last answer to the end of the last worker
}

func killSome(t *testing.T, r *redistest.Server, name string, rng *rand.Rand) (all toll) {
	web, server := serve(t, webtest.Config{
		Seed: rng.Uint64(), Hosts: 20, PagesPerHost: 60, Links: 12, PageBytes: 1 << 10, CrossHost: 0.1, Latency: 2 * time.Millisecond,
	})
	f := &fleet{t, r, t.TempDir(), r.URL()}
	t.Setenv("TRAWL_CRAWL", name)
	f.seed(append(server.Seeds(), "--delay", "5ms", "--timeout", "300ms")...)
	begin := func() *running {
		return f.worker(fmt.Sprintf("w%d", rng.Uint64()), "--lease-ttl", "1s", "-c", "12")
	}
	s, err := redis.Open(t.Context(), r.URL(), redis.Config{Crawl: name})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	over := func() bool {
		st, err := s.Stats(t.Context())
		return err == nil && st.Drained
	}
	workers := []*running{begin(), begin(), begin()}
	for !over() && all.kills < 12 {
		wait := 30*time.Millisecond + time.Duration(rng.Int64N(int64(300*time.Millisecond)))
		moment := time.Now().Add(wait)
		await(t, "the moment", func() bool { return time.Now().After(moment) })
		i := rng.IntN(len(workers))
		workers[i].signal(t, syscall.SIGKILL)
		workers[i].Wait()
		all.kills++
		workers[i] = begin()
	}
	for _, p := range workers {
		if r := p.end(t); r.code != exitDone {
			t.Errorf("%+v", r)
		}
	}
	all.late = sinceLast(server.Log())
	if all.late > 2*time.Second {
		t.Errorf("workers ended %v after the last answer", all.late)
	}
	f.holds(web, server, false)
	st, err := s.Stats(t.Context())
	all.reclaimed = st.Reclaimed
	if err != nil || !st.Drained || st.Dead > 0 {
		t.Errorf("%+v, %v", st, err)
	}
	if n := len(f.records()); int64(n) != st.Done {
		t.Errorf("%d URLs in the output, %d done", n, st.Done)
	}
	if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
		t.Errorf("fsck: %q, %v", found, err)
	}
	return all
}

// sinceLast is how long ago the web answered for the last time.
func sinceLast(log *webtest.Log) time.Duration {
	var last time.Time
	for _, host := range log.Hosts() {
		if all := log.Requests(host); all[len(all)-1].End.After(last) {
			last = all[len(all)-1].End
		}
	}
	return time.Since(last)
}
