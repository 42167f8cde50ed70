package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// fleet is a crawl on a server of the test's own, and the folder that its workers write to.
type fleet struct {
	*testing.T
	server *redistest.Server
	dir    string
	url    string // of Redis
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	aof := []string{"--appendonly", "yes", "--appendfsync", "always"}
	server := redistest.Start(t, redistest.Options{Args: aof})
	return &fleet{t, server, t.TempDir(), server.URL()}
}

// seed runs trawl seed, which must succeed.
func (f *fleet) seed(args ...string) result {
	f.Helper()
	r := call(f.T, f.dir, append([]string{"seed", "--redis", f.url, "--contact", "test"}, args...)...)
	if r.code != exitDone || r.err != "" {
		f.Fatalf("trawl seed %q: %+v", args, r)
	}
	return r
}

// worker starts a worker.
func (f *fleet) worker(name string, args ...string) *running {
	f.Helper()
	return start(f.T, f.dir, append([]string{"worker", "--redis", f.url, "--name", name, "--progress", "none"}, args...)...)
}

// ends waits until workers have ended because there was nothing left.
func (f *fleet) ends(workers ...*running) {
	f.Helper()
	for _, p := range workers {
		if r := p.end(f.T); r.code != exitDone || r.err != "" {
			f.Errorf("a worker ended with %+v", r)
		}
	}
}

// records are those of all workers. The last line of one that was killed may be torn: nobody has opened its file again.
func (f *fleet) records() map[string][]record {
	f.Helper()
	all := map[string][]record{}
	files, err := filepath.Glob(filepath.Join(f.dir, "trawl-data", "pages-*.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for url, of := range parseRecords(f.T, file, text[:bytes.LastIndexByte(text, '\n')+1]) {
			all[url] = append(all[url], of...)
		}
	}
	return all
}

// holds checks that the output has all that the oracle says, exactly or at least once, and others once, but nothing else.
func (f *fleet) holds(web *webtest.Web, server *webtest.Server, exactly bool, others ...string) {
	f.Helper()
	got := f.records()
	for _, url := range others {
		if len(got[url]) != 1 {
			f.Errorf("%s: %+v", url, got[url])
		}
		delete(got, url)
	}
	for page := range web.Reachable(webtest.Rules{}, server.Seeds()...) {
		of := got[page.URL]
		if len(of) == 0 || exactly && len(of) != 1 || of[0].Status != page.Status {
			f.Errorf("%s: %+v, want status %d", page.URL, of, page.Status)
		}
		delete(got, page.URL)
	}
	if len(got) > 0 {
		f.Errorf("not to be fetched: %v", slices.Sorted(maps.Keys(got)))
	}
}

// with opens the crawl.
func (f *fleet) with(do func(*redis.Store) error) {
	f.Helper()
	s, err := redis.Open(f.Context(), f.url, redis.Config{Crawl: "default"})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	if err := do(s); err != nil {
		f.Fatal(err)
	}
}

// stats are the crawl's.
func (f *fleet) stats() (st frontier.Stats) {
	f.Helper()
	f.with(func(s *redis.Store) (err error) {
		st, err = s.Stats(f.Context())
		return err
	})
	return st
}

// members are the names of the workers that live.
func (f *fleet) members() (names []string) {
	f.Helper()
	f.with(func(s *redis.Store) error {
		list, err := s.Members(f.Context())
		for _, m := range list {
			names = append(names, m.Name)
		}
		return err
	})
	return names
}

// twelve is a web that keeps a few workers busy for a moment.
var twelve = webtest.Config{Seed: 3, Hosts: 12, PagesPerHost: 40, Links: 8, PageBytes: 1 << 10, CrossHost: 0.2, Redirects: 0.05, DeadLinks: 0.05}

func TestWorkersCrawlWhatWasSeededOnceEach(t *testing.T) {
	t.Parallel()
	web, server := serve(t, twelve)
	f := newFleet(t)
	seeds := server.Seeds()
	r := f.seed(append([]string{"--delay", "20ms"}, append(seeds, seeds[0])...)...)
	if want := "crawl      default\nseeds      12 new, 1 known\n"; r.out != want {
		t.Errorf("%q, want %q", r.out, want)
	}
	a, b := f.worker("a", "-c", "8"), f.worker("b", "-c", "8")
	await(t, "both are known", func() bool { return slices.Equal(f.members(), []string{"a", "b"}) })
	ra, rb := a.end(t), b.end(t)
	if left := f.members(); len(left) > 0 {
		t.Errorf("members after the end: %q", left)
	}
	for name, r := range map[string]result{"a": ra, "b": rb} {
		if r.code != exitDone || r.err != "" {
			t.Errorf("%s: %+v", name, r)
		}
		mentions(t, r.out, "nothing in scope is left", "worker     "+name, "other workers", "pages-"+name+".jsonl", f.server.URL())
		if got := readRecords(t, filepath.Join(f.dir, "trawl-data", "pages-"+name+".jsonl")); len(got) < web.Count()/10 {
			t.Errorf("%s fetched %d of %d pages", name, len(got), web.Count())
		}
	}
	f.holds(web, server, true)
	once(t, server.Log())
}

func TestCrawlWithRedisSeedsAndWorks(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	f := newFleet(t)
	r := call(t, f.dir, quick(append(server.Seeds(), "--redis", f.server.URL())...)...)
	if r.code != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	f.holds(web, server, true)
	if _, err := os.Stat(filepath.Join(f.dir, "trawl-data", "frontier")); err == nil {
		t.Error("there is an embedded frontier, too")
	}
}

// Workers know nothing of a seed but by the frontier: neither that its host is in scope nor that it may be dialled.
func TestSeedsThatComeWhileWorkersRunAreInScopeForAll(t *testing.T) {
	t.Parallel()
	web, server := serve(t, twelve)
	f := newFleet(t)
	seeds := server.Seeds()
	f.seed("--delay", "20ms", seeds[0])
	a, b := f.worker("a", "--forever"), f.worker("b", "--forever")
	await(t, "pages", func() bool { return server.Log().Pages().Total() > 5 })
	for _, seed := range seeds[1:] {
		f.seed(seed)
	}
	await(t, "the end", func() bool { st := f.stats(); return st.Drained && st.Hosts == 12 })
	for _, p := range []*running{a, b} {
		p.signal(t, syscall.SIGTERM)
		if r := p.end(t); r.code != exitInterrupted {
			t.Errorf("%+v", r)
		}
	}
	got := f.records()
	for page := range web.Reachable(webtest.Rules{}, seeds...) {
		// What links to a host before it is a seed is not followed; but from a page of its own host it is.
		if of := got[page.URL]; len(of) > 1 || len(of) == 1 && of[0].Status != page.Status {
			t.Errorf("%s: %+v, want status %d", page.URL, of, page.Status)
		}
	}
	if st := f.stats(); st.Seen < int64(web.Count())*9/10 {
		t.Errorf("%d of %d pages were found", st.Seen, web.Count())
	}
}

func TestAChangeOfPolicyReachesRunningWorkersWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{Hosts: 2, PagesPerHost: 3000, Links: 20, PageBytes: 1 << 10})
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "50ms")...)
	a, b := f.worker("a", "-c", "1"), f.worker("b", "-c", "1")
	await(t, "pages", func() bool { return server.Log().Total() > 20 })
	r := f.seed("--delay", "400ms", server.Seeds()[0])
	if !strings.Contains(r.out, "new policy") {
		t.Errorf("%+v", r)
	}
	changed := time.Now()
	await(t, "the new pace", func() bool { return time.Since(changed) > 8*time.Second })
	for _, p := range []*running{a, b} {
		p.signal(t, syscall.SIGTERM)
		p.end(t)
	}
	for _, host := range server.Log().Hosts() {
		all := server.Log().Requests(host)
		for i := 1; i < len(all); i++ {
			at, gap := all[i-1].Start.Sub(changed), all[i].Start.Sub(all[i-1].Start)
			if at > 5*time.Second && gap < 350*time.Millisecond {
				t.Errorf("%s: a gap of %v %v after the change", host, gap, at)
			}
		}
	}
}

func TestAWorkerThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	c := twelve
	c.PagesPerHost = 120
	web, server := serve(t, c)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "30ms", "--timeout", "1s")...)
	a, b := f.worker("a", "--lease-ttl", "3s", "-c", "6"), f.worker("b", "--lease-ttl", "3s", "-c", "6")
	s := f.open()
	await(t, "both have hosts", func() bool { return len(f.heldBy(s, "a")) > 0 && len(f.heldBy(s, "b")) > 0 })
	a.signal(t, syscall.SIGKILL)
	f.ends(b)
	a.Wait()
	f.holds(web, server, false)
	if st := f.stats(); st.Reclaimed == 0 || !st.Drained {
		t.Errorf("%+v", st)
	}
}

func TestASignalGivesTheHostsBackAtOnce(t *testing.T) {
	t.Parallel()
	web, server := serve(t, twelve)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "50ms")...)
	a := f.worker("a")
	await(t, "pages", func() bool { return server.Log().Pages().Total() > 50 })
	a.signal(t, syscall.SIGTERM)
	r := a.end(t)
	isMistake(t, r, exitInterrupted, "interrupted")
	mentions(t, r.out, "any worker goes on")
	if st := f.stats(); st.HostsLeased+st.Leased > 0 || st.Drained {
		t.Errorf("%+v", st)
	}
	f.ends(f.worker("a")) // which goes on with its file
	f.holds(web, server, true)
	once(t, server.Log())
}

func TestWorkersOutliveTheirRedis(t *testing.T) {
	t.Parallel()
	c := twelve
	c.PagesPerHost = 80
	web, server := serve(t, c)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "50ms")...)
	a, b := f.worker("a"), f.worker("b")
	await(t, "two workers", func() bool { return len(f.members()) == 2 })
	for i := range 2 {
		await(t, "pages", func() bool { return server.Log().Pages().Total() > 100*(i+1) })
		f.server.Kill()
		settled := server.Log().Pages().Total()
		await(t, "the outage", func() bool { return strings.Contains(a.err.String()+b.err.String(), "cannot be reached") })
		if err := f.server.Restart(); err != nil {
			t.Fatal(err)
		}
		await(t, "work goes on", func() bool { return server.Log().Pages().Total() > settled+20 })
	}
	for _, p := range []*running{a, b} {
		if r := p.end(t); r.code != exitDone {
			t.Errorf("%+v", r)
		}
	}
	f.holds(web, server, true)
}

func TestSeedsOverACapAreNotCalledKnown(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	args := []string{"seed", "--redis", f.server.URL(), "--contact", "test", "--max-host-queue", "2", "http://a.test/1", "http://a.test/2", "http://a.test/3"}
	r := call(t, f.dir, args...)
	if r.code != exitDone || !strings.Contains(r.out, "2 new, 0 known, 1 refused\n") || !strings.Contains(r.err, "--max-host-queue") {
		t.Errorf("%+v", r)
	}
}
