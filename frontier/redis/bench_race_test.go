package redis_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// rival is a kind of call whose cost is measured, in turns with its rivals: many short windows, for the machine may be
// busy with other things in some of them.
type rival struct {
	unit    string                    // in front of its metrics; empty for the first one
	callers int                       // at once
	calls   int                       // of all of them in a window
	prepare func()                    // what is not measured, before each window; or nil
	do      func(caller, i int) error // the i-th call of one of them
	samples []sample                  // so far
	notes   map[string]float64        // metrics of another kind, by unit
	rated   string                    // what the server does so many of in each call
	each    float64
}

// sample is what a window cost per call, in microseconds.
type sample struct {
	server float64 // processor time of the server's main thread
	script float64 // time that passed in scripts
	client float64 // processor time of this process
	wall   float64
}

// goal is shown beside what the server needs.
func (r *rival) goal(us float64) *rival {
	r.note("goal-us/op", us)
	return r
}

// rate shows how many of something a processor does in a second, beside the goal.
func (r *rival) rate(unit string, each, goal float64) *rival {
	r.note("goal-"+unit, goal)
	r.rated, r.each = unit, each
	return r
}

// note shows a number of the latest window.
func (r *rival) note(unit string, n float64) {
	if r.notes == nil {
		r.notes = map[string]float64{}
	}
	r.notes[unit] = n
}

// race measures rivals and reports, for each call of the first one, the least and the median that the server needed, how
// much of it was in scripts, and what the client needed; of the others, the least, and how many times the first one it is.
func race(b *testing.B, c *goredis.Client, rivals []*rival) {
	for b.Loop() {
		for _, r := range rivals {
			b.StopTimer()
			if r.prepare != nil {
				r.prepare()
			}
			b.StartTimer()
			r.samples = append(r.samples, measure(b, c, r))
		}
	}
	ours := rivals[0]
	least := ours.least()
	b.ReportMetric(least.wall*1e3, "ns/op")
	b.ReportMetric(least.server, "server-us/op")
	b.ReportMetric(ours.median(), "median-server-us/op")
	b.ReportMetric(least.script, "script-us/op")
	b.ReportMetric(least.client, "client-us/op")
	if ours.rated != "" {
		b.ReportMetric(ours.each*1e6/least.server, ours.rated)
	}
	for unit, n := range ours.notes {
		b.ReportMetric(n, unit)
	}
	for _, r := range rivals[1:] {
		b.ReportMetric(r.least().server, r.unit+"-us/op")
		b.ReportMetric(r.least().server/least.server, r.unit+"/ours")
	}
}

// measure does a window.
func measure(b *testing.B, c *goredis.Client, r *rival) sample {
	if err := c.ConfigResetStat(b.Context()).Err(); err != nil {
		b.Fatal(err)
	}
	begun, server, client := time.Now(), serverTime(b, c), clientTime()
	var group sync.WaitGroup
	for caller := range r.callers {
		group.Go(func() {
			for i := range r.calls / r.callers {
				if err := r.do(caller, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	s := sample{wall: time.Since(begun).Seconds() * 1e6, client: clientTime() - client, server: serverTime(b, c) - server}
	s.script = scriptTime(b, c)
	if b.Failed() {
		b.FailNow()
	}
	n := float64(r.calls)
	return sample{s.server / n, s.script / n, s.client / n, s.wall / n}
}

// least is the least of each.
func (r *rival) least() sample {
	s := r.samples[0]
	for _, other := range r.samples {
		s.server, s.script = min(s.server, other.server), min(s.script, other.script)
		s.client, s.wall = min(s.client, other.client), min(s.wall, other.wall)
	}
	return s
}

func (r *rival) median() float64 {
	var list []float64
	for _, s := range r.samples {
		list = append(list, s.server)
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func serverTime(b *testing.B, c *goredis.Client) float64 {
	return 1e6 * info(b, c, "cpu", "used_cpu_user_main_thread", "used_cpu_sys_main_thread")
}

func scriptTime(b *testing.B, c *goredis.Client) float64 {
	text, err := c.Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	_, text, _ = strings.Cut(text, "cmdstat_evalsha:")
	_, text, _ = strings.Cut(text, "usec=")
	text, _, _ = strings.Cut(text, ",")
	us, err := strconv.ParseFloat(text, 64)
	if err != nil { // no script was called
		return 0
	}
	return us
}

func clientTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

// info sums numbers out of the answer to INFO.
func info(t testing.TB, c *goredis.Client, section string, fields ...string) (sum float64) {
	t.Helper()
	text, err := c.Info(t.Context(), section).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		_, rest, _ := strings.Cut(text, "\n"+f+":")
		value, _, _ := strings.Cut(rest, "\r")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		sum += n
	}
	return sum
}

// dial connects to a server beside the store.
func dial(t testing.TB, address string) *goredis.Client {
	opt, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	opt.PoolSize = 16
	c := goredis.NewClient(opt)
	t.Cleanup(func() { c.Close() })
	return c
}
