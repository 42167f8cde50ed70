package webtest

import (
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Log is what a server saw: when each request to each host arrived and when its answer left. It judges crawlers, so it
// counts every request it was sent, answered or not. It may be read while requests come in.
//
// Memory: about 250 bytes a request; with Config.CountsOnly about 100 bytes for each distinct URL.
type Log struct {
	*ledger
	view int // which tally: allRequests, noRobots
}

// Request is one request of a log. Its times are the server's, by its monotonic clock.
type Request struct {
	Host   string // with its port
	Path   string // with its query
	Start  time.Time
	End    time.Time // just before the answer left
	Status int       // 499 when the client left first
}

type ledger struct {
	epoch      time.Time
	countsOnly bool
	out        lineWriter
	hosts      sync.Map // host with port -> *hostLog; each has its own lock, so that hosts do not wait for each other
}

type hostLog struct {
	mu       sync.Mutex
	tallies  [views]tally
	counts   map[string]int // by path
	requests []Request
}

// The views of a log.
const (
	allRequests = iota
	noRobots
	views
)

// tally sums up requests that begin in order.
type tally struct {
	total, open, maxOpen int
	last                 time.Time
	minGap               time.Duration
}

func newLog(countsOnly bool, out io.Writer) *Log {
	return &Log{ledger: &ledger{epoch: time.Now(), countsOnly: countsOnly, out: lineWriter{w: out}}}
}

// NewLog returns a log of requests that are over, in any order.
func NewLog(requests ...Request) *Log {
	l := newLog(false, nil)
	byHost := map[string][]Request{}
	for _, r := range requests {
		byHost[r.Host] = append(byHost[r.Host], r)
	}
	for host, rs := range byHost {
		l.host(host).replay(rs)
	}
	return l
}

// Pages returns the same log without the requests for robots.txt.
func (l *Log) Pages() *Log { return &Log{l.ledger, noRobots} }

// Hosts returns the hosts that were sent requests, with their ports, sorted.
func (l *Log) Hosts() []string {
	hosts := map[string]bool{}
	for host := range l.hosts.Range {
		hosts[host.(string)] = l.tally(host.(string)).total > 0
	}
	maps.DeleteFunc(hosts, func(_ string, asked bool) bool { return !asked })
	return slices.Sorted(maps.Keys(hosts))
}

// Total returns the number of requests to all hosts.
func (l *Log) Total() int {
	n := 0
	for host := range l.hosts.Range {
		n += l.tally(host.(string)).total
	}
	return n
}

// Count returns the number of requests for an absolute URL, given as it was asked for.
func (l *Log) Count(url string) int {
	_, rest, _ := strings.Cut(url, "://")
	i := strings.IndexByte(rest, '/')
	if i < 0 || l.skips(rest[i:]) {
		return 0
	}
	h := l.peek(rest[:i])
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[rest[i:]]
}

// Requests returns the requests to a host, by their start; none with Config.CountsOnly. Those not yet answered are
// missing.
func (l *Log) Requests(host string) []Request {
	h := l.peek(host)
	h.mu.Lock()
	defer h.mu.Unlock()
	rs := slices.DeleteFunc(slices.Clone(h.requests), func(r Request) bool { return l.skips(r.Path) })
	slices.SortStableFunc(rs, byStart)
	return rs
}

// MinGap returns the shortest time from the start of a request to a host to the start of its next; false when there
// were not two.
func (l *Log) MinGap(host string) (time.Duration, bool) {
	t := l.tally(host)
	return t.minGap, t.total > 1
}

// MaxConcurrent returns how many requests to a host were being served at once, at most.
func (l *Log) MaxConcurrent(host string) int { return l.tally(host).maxOpen }

// Worst returns the host with the smallest gap, and the gap; no host when none was sent two requests.
func (l *Log) Worst() (host string, gap time.Duration) {
	gap = math.MaxInt64
	for _, h := range l.Hosts() {
		if g, ok := l.MinGap(h); ok && g < gap {
			host, gap = h, g
		}
	}
	return host, gap
}

func (l *Log) skips(path string) bool { return l.view == noRobots && isRobots(path) }

func isRobots(path string) bool { return path == "/robots.txt" }

func (l *Log) tally(host string) tally {
	h := l.peek(host)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tallies[l.view]
}

// peek returns the log of a host, an empty one for a host never seen.
func (l *ledger) peek(host string) *hostLog {
	if h, ok := l.hosts.Load(host); ok {
		return h.(*hostLog)
	}
	return &hostLog{}
}

func (l *ledger) host(host string) *hostLog {
	if h, ok := l.hosts.Load(host); ok {
		return h.(*hostLog)
	}
	h, _ := l.hosts.LoadOrStore(host, &hostLog{counts: map[string]int{}})
	return h.(*hostLog)
}

// begin notes the arrival of a request; the function it returns must be called once, just before the answer leaves.
func (l *ledger) begin(host, path string) (done func(status int)) {
	h := l.host(host)
	start := h.begin(path, l.now)
	return func(status int) {
		r := Request{host, path, start, l.now(), status}
		h.end(r, !l.countsOnly)
		l.out.write(r)
	}
}

// now is a time whose wall clock goes as steadily as its monotonic one: what is written to a file keeps only the former.
func (l *ledger) now() time.Time { return l.epoch.Add(time.Since(l.epoch)) }

// begin takes the time under the lock, so that the starts of a host's requests are in order.
func (h *hostLog) begin(path string, clock func() time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := clock()
	h.counts[path]++
	for i := range tallied(path) {
		h.tallies[i].begin(now)
	}
	return now
}

func (h *hostLog) end(r Request, keep bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range tallied(r.Path) {
		h.tallies[i].open--
	}
	if keep {
		h.requests = append(h.requests, r)
	}
}

// tallied is how many of the views, from the first, count a request.
func tallied(path string) int {
	if isRobots(path) {
		return noRobots
	}
	return views
}

func (t *tally) begin(at time.Time) {
	if gap := at.Sub(t.last); t.total > 0 && (t.total == 1 || gap < t.minGap) {
		t.minGap = gap
	}
	t.last = at
	t.total++
	t.open++
	t.maxOpen = max(t.maxOpen, t.open)
}

// replay fills a new host's log with requests that are over. One that ends when another starts does not overlap it.
func (h *hostLog) replay(rs []Request) {
	slices.SortStableFunc(rs, byStart)
	h.requests = rs
	for _, r := range rs {
		h.counts[r.Path]++
	}
	for i := range h.tallies {
		t := &h.tallies[i]
		var ends []time.Time
		for _, r := range rs {
			if i >= tallied(r.Path) {
				continue
			}
			ends = slices.DeleteFunc(ends, func(end time.Time) bool { return !end.After(r.Start) })
			t.open = len(ends)
			t.begin(r.Start)
			ends = append(ends, r.End)
		}
		t.open = 0
	}
}

func byStart(a, b Request) int { return a.Start.Compare(b.Start) }
