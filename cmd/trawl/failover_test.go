package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier/redis/redistest"
)

// In full size the dead come back as replicas, and their successors die too.
var fleetFailovers = flag.Int("fleet.failovers", 1, "how many masters die in one crawl")

// goOnWithin is how long after a master's death workers may take to go on.
const goOnWithin = 10 * time.Second

func TestAClusterMayLoseAMaster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	slot := int(c.Masters[0].Client(t).ClusterKeySlot(t.Context(), crawlKey).Val())
	loseMasters(t, c.URL(), func() *redistest.Server { return c.Owner(t, slot) })
}

func TestSentinelsMayLoseAMaster(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	sentinel := s.Watchers[0].Client(t)
	loseMasters(t, s.URL(), func() *redistest.Server {
		at, err := sentinel.Do(t.Context(), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", redistest.MasterName).StringSlice()
		if err != nil {
			t.Fatal(err)
		}
		if s.Master.Addr == net.JoinHostPort(at[0], at[1]) {
			return s.Master
		}
		return s.Replica
	})
}

// crawlKey is the key of the crawl's counts.
const crawlKey = "trawl:{default:0}:m"

// loseMasters has a fleet crawl while the server that has its crawl is killed: nothing is lost, nothing is fetched twice,
// all workers go on soon, and no host can tell.
func loseMasters(t *testing.T, url string, master func() *redistest.Server) {
	const delay = 60 * time.Millisecond
	web, server := serve(t, webtest.Config{
		Seed: 5, Hosts: 24, PagesPerHost: 60 + 300*(*fleetFailovers-1), Links: 12, PageBytes: 1 << 10, CrossHost: 0.1, DeadLinks: 0.05, Latency: 10 * time.Millisecond,
	})
	f := &fleet{t, nil, t.TempDir(), url}
	f.seed(append(server.Seeds(), "--delay", delay.String(), "--durability", "wait")...)
	names := []string{"a", "b", "c", "d"}
	var workers []*running
	for _, name := range names {
		workers = append(workers, f.worker(name, "--durability", "wait", "-c", "5")) // fewer places than hosts, so that all work
	}
	await(t, "all workers", func() bool { return len(f.members()) == len(names) })
	var kills []time.Time
	for i := range *fleetFailovers {
		load := server.Log().Pages().Total() + 150
		await(t, "load", func() bool { return server.Log().Pages().Total() > load })
		killed := master()
		killed.Kill()
		kills = append(kills, time.Now())
		succeed(t, killed, master)
		if i < *fleetFailovers-1 {
			followAgain(t, killed, master)
		}
	}
	f.drained(workers...)
	f.holds(web, server, true)
	once(t, server.Log())
	judge(t, server.Log(), delay, 1)
	f.isOver(int64(web.Count()))
	f.wentOn(server.Log(), names, kills)
}

// succeed waits until another server has the crawl, and settles pages.
func succeed(t *testing.T, killed *redistest.Server, master func() *redistest.Server) {
	t.Helper()
	died := time.Now()
	await(t, "a successor", func() bool { return master() != killed })
	elected := time.Since(died)
	settled := doneAt(t, master())
	await(t, "pages that are settled there", func() bool { return doneAt(t, master()) > settled })
	t.Logf("a successor after %v, pages settled there after %v", elected.Round(10*time.Millisecond), time.Since(died).Round(10*time.Millisecond))
}

// doneAt is how many pages are done, by a server that may not know it yet.
func doneAt(t *testing.T, s *redistest.Server) int {
	client := s.Client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	done, _ := strconv.Atoi(client.HGet(ctx, crawlKey, "done").Val())
	return done
}

// followAgain brings a server back, which becomes a replica of its successor.
func followAgain(t *testing.T, s *redistest.Server, master func() *redistest.Server) {
	t.Helper()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	await(t, "a replica", func() bool {
		info := master().Client(t).Info(t.Context(), "replication").Val()
		return strings.Contains(info, ",state=online,")
	})
}

// drained waits until workers have ended because there was nothing left. They may have told of outages.
func (f *fleet) drained(workers ...*running) {
	f.Helper()
	for _, p := range workers {
		if r := p.end(f.T); r.code != exitDone || !strings.Contains(r.out, "nothing in scope is left") {
			f.Errorf("a worker ended with %+v", r)
		}
	}
}

// isOver checks what the commands say of a crawl that has ended.
func (f *fleet) isOver(pages int64) {
	f.Helper()
	f.isSound()
	st := statusJSON(f.T, f.dir, "--redis", f.url).Stats
	if !st.Drained || st.Settled() != pages || st.Seen != pages || st.Dead+st.Leased+st.Delayed+st.Queued > 0 {
		f.Errorf("status: %+v; want %d pages", st, pages)
	}
}

// isSound checks that fsck finds nothing.
func (f *fleet) isSound() {
	f.Helper()
	if r := call(f.T, f.dir, "fsck", "--redis", f.url); r.code != exitDone || r.out != "default is sound\n" {
		f.Errorf("fsck: %+v", r)
	}
}

// wentOn checks how long hosts had no request, of anybody and of each worker, after each kill.
func (f *fleet) wentOn(log *webtest.Log, names []string, kills []time.Time) {
	f.Helper()
	requests := map[string][]time.Time{}
	for _, host := range log.Hosts() {
		for _, r := range log.Requests(host) {
			requests["anybody"] = append(requests["anybody"], r.Start)
		}
	}
	for _, of := range f.records() {
		for _, r := range of {
			requests[r.Worker] = append(requests[r.Worker], r.FetchedAt)
		}
	}
	for i, at := range kills {
		until := append(kills, time.Now())[i+1]
		line := fmt.Sprintf("after kill %d no request", i+1)
		for _, name := range append([]string{"anybody"}, names...) {
			longest := silent(requests[name], at, until)
			line += fmt.Sprintf(", of %s for %v", name, longest.Round(10*time.Millisecond))
			if longest > goOnWithin {
				f.Errorf("%s: no request for %v", name, longest)
			}
		}
		f.Log(line)
	}
}

// silent is the longest time between two of these moments, of which the later is within two times.
func silent(moments []time.Time, from, to time.Time) (longest time.Duration) {
	slices.SortFunc(moments, time.Time.Compare)
	for i := 1; i < len(moments); i++ {
		if moments[i].After(from) && moments[i].Before(to) {
			longest = max(longest, moments[i].Sub(moments[i-1]))
		}
	}
	return longest
}
