package worker

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trawl/crawler"
	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/frontiertest"
)

// web is a web in memory for tests in a bubble, where its latency is virtual: an HTTP server, with a log, that every
// address leads to.
type web struct {
	answer  http.HandlerFunc
	refuse  func(addr string) error // fails a connection; nil: none
	server  http.Server
	conns   chan net.Conn
	closed  chan struct{}
	serving sync.WaitGroup

	mu             sync.Mutex
	requests       []webtest.Request
	open, mostOpen int
}

func newWeb(answer http.HandlerFunc) *web {
	w := &web{answer: answer, conns: make(chan net.Conn), closed: make(chan struct{})}
	w.server.Handler = w
	w.server.ErrorLog = log.New(io.Discard, "", 0)
	w.serving.Go(func() { _ = w.server.Serve(w) }) // ends with ErrServerClosed
	return w
}

func (w *web) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	if w.refuse != nil {
		if err := w.refuse(addr); err != nil {
			return nil, err
		}
	}
	client, server := net.Pipe()
	select {
	case w.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Addr and Close make the web a net.Listener.
func (w *web) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *web) Addr() net.Addr { return &net.TCPAddr{} }

func (w *web) Close() error { close(w.closed); return nil }

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start := time.Now()
	w.mu.Lock()
	w.open++
	w.mostOpen = max(w.mostOpen, w.open)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
		w.requests = append(w.requests, webtest.Request{Host: r.Host, Path: r.RequestURI, Start: start, End: time.Now()})
	}()
	w.answer(rw, r)
}

func (w *web) log() *webtest.Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	return webtest.NewLog(w.requests...)
}

// stop waits until nothing of the web runs any more.
func (w *web) stop() {
	w.server.Close()
	w.serving.Wait()
}

// after is a handler that waits first.
func after(latency time.Duration, h http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(latency):
			h(rw, r)
		case <-r.Context().Done():
		}
	}
}

func empty(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Content-Type", "text/plain") }

// pages are HTML bodies by authority and path; all else is a 404.
func pages(bodies map[string]string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.Host+r.RequestURI]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, body)
	}
}

func link(refs ...string) string {
	var b strings.Builder
	for _, ref := range refs {
		fmt.Fprintf(&b, "<a href=%q>x</a>", ref)
	}
	return b.String()
}

// journal is the frontier and the sink of a crawl, and checks the laws that hold between the two.
type journal struct {
	frontier.Frontier
	refuse    func(*crawler.Record) error // fails a write; nil: none
	slowWrite time.Duration
	slowAck   time.Duration
	slowLease time.Duration

	mu          sync.Mutex
	records     []*crawler.Record
	waiting     map[string]*crawler.Record // written and not acked
	mostWaiting int
	reports     []frontier.Report
	outcomes    map[string][]frontier.Outcome // acked, by URL
	order       []string                      // URLs as they were acked
	faults      []string                      // what broke a law
	leased      time.Time                     // when Lease was last called
}

func newJournal(f frontier.Frontier) *journal {
	return &journal{Frontier: f, waiting: map[string]*crawler.Record{}, outcomes: map[string][]frontier.Outcome{}}
}

func (j *journal) Write(ctx context.Context, r *crawler.Record) error {
	time.Sleep(j.slowWrite)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refuse != nil {
		if err := j.refuse(r); err != nil {
			return err
		}
	}
	j.records = append(j.records, r)
	j.waiting[r.URL] = r
	j.mostWaiting = max(j.mostWaiting, len(j.waiting))
	return nil
}

func (j *journal) Lease(ctx context.Context, r frontier.LeaseRequest) ([]frontier.Lease, time.Duration, error) {
	j.mu.Lock()
	j.leased = time.Now()
	j.mu.Unlock()
	time.Sleep(j.slowLease)
	return j.Frontier.Lease(ctx, r)
}

func (j *journal) Ack(ctx context.Context, l *frontier.Lease, r frontier.Report) error {
	items := l.Items[l.Settled:]
	var faults []string
	j.mu.Lock()
	for i, o := range r.Outcomes {
		faults = append(faults, j.judge(&items[i], &o)...)
	}
	j.mu.Unlock()
	time.Sleep(j.slowAck)
	if err := j.Frontier.Ack(ctx, l, r); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.faults = append(j.faults, faults...)
	j.reports = append(j.reports, r)
	for i, o := range r.Outcomes {
		url := items[i].URL.String()
		j.outcomes[url] = append(j.outcomes[url], o)
		j.order = append(j.order, url)
		delete(j.waiting, url)
	}
	return nil
}

// judge looks whether an outcome may be acked, and is of that item.
func (j *journal) judge(it *frontier.Item, o *frontier.Outcome) (faults []string) {
	url := it.URL.String()
	_, written := j.waiting[url]
	if settles := o.Verdict == frontier.Done || o.Verdict == frontier.Dead; settles != written {
		faults = append(faults, fmt.Sprintf("%s: acked with verdict %d; record written: %v", url, o.Verdict, written))
	}
	for _, e := range o.Found {
		if e.Via != url && !e.Sitemap {
			faults = append(faults, fmt.Sprintf("%s: acked with a link of %s", url, e.Via))
		}
	}
	return faults
}

// verdicts are those of one URL, in order.
func (j *journal) verdicts(url string) (list []frontier.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.outcomes[url] {
		list = append(list, o.Verdict)
	}
	return list
}

// record is the latest one of a URL, or nil.
func (j *journal) record(url string) *crawler.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range slices.Backward(j.records) {
		if r.URL == url {
			return r
		}
	}
	return nil
}

// trial is a crawl of a web in memory, with a frontier in memory.
type trial struct {
	*testing.T
	web     *web
	fetcher *crawler.Fetcher
	model   *frontiertest.Model
	journal *journal
	cfg     Config
}

// inBubble runs a test of a crawl in a bubble, and checks at its end what must hold after every crawl.
func inBubble(t *testing.T, p frontier.Policy, answer http.HandlerFunc, test func(*trial)) {
	t.Helper()
	t.Parallel()
	bubble(t, p, answer, test)
}

func bubble(t *testing.T, p frontier.Policy, answer http.HandlerFunc, test func(*trial)) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial(t, p, answer)
		defer x.close()
		test(x)
	})
}

func newTrial(t *testing.T, p frontier.Policy, answer http.HandlerFunc) *trial {
	x := &trial{T: t, web: newWeb(answer), model: frontiertest.NewModel(p, time.Now)}
	x.journal = newJournal(x.model)
	scope, err := frontier.NewScope(p)
	if err != nil {
		t.Fatal(err)
	}
	x.fetcher, err = crawler.New(crawler.Config{UserAgent: "test", Timeout: p.Timeout, Dial: x.web.dial, MaxIdle: 10_000, LargeBodies: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	x.cfg = Config{
		Frontier: x.journal, Sink: x.journal, Tally: &Tally{},
		Crawl: frontier.Crawl{ID: "test"},
		Plan:  &Plan{Policy: p, Scope: scope, Fetch: x.fetcher},
		Log:   slog.New(slog.DiscardHandler),
	}
	return x
}

// close ends the web and looks for broken laws.
func (x *trial) close() {
	x.fetcher.Close()
	x.web.stop()
	for _, fault := range x.journal.faults {
		x.Error(fault)
	}
	s := x.stats()
	if s.Leased+s.HostsLeased > 0 {
		x.Errorf("still lent: %+v", s)
	}
}

// obeyRobots makes the crawl ask for robots.txt.
func (x *trial) obeyRobots() *crawler.Robots {
	x.Helper()
	robots, err := crawler.NewRobots(x.fetcher, crawler.RobotsConfig{Token: "trawl", Keep: x.cfg.Plan.Policy.RobotsCache})
	if err != nil {
		x.Fatal(err)
	}
	x.cfg.Plan.Robots = robots
	return robots
}

func (x *trial) seed(urls ...string) {
	x.Helper()
	var list []frontier.Entry
	for _, url := range urls {
		u := mustParse(x, url)
		x.cfg.Plan.Scope.Add(u)
		list = append(list, frontier.Entry{URL: u, Seed: true})
	}
	if n, err := x.model.Push(x.Context(), list); n != len(urls) || err != nil {
		x.Fatalf("seeded %d of %d: %v", n, len(urls), err)
	}
}

func mustParse(t testing.TB, url string) frontier.URL {
	t.Helper()
	u, err := frontier.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// run crawls to the end and returns how long it took.
func (x *trial) run() time.Duration {
	x.Helper()
	begin := time.Now()
	if err := x.work(x.Context()); err != nil {
		x.Fatalf("run: %v", err)
	}
	return time.Since(begin)
}

// work is Run, and wants no place to be taken at the end.
func (x *trial) work(ctx context.Context) error {
	x.Helper()
	w := newWorker(x.cfg)
	err := w.run(ctx)
	if p := w.places; len(p.all)+len(p.slow)+p.strangers+w.slow+len(w.live) > 0 {
		x.Errorf("at the end %d places and %d slow ones are taken, %d by strangers; %d of %d visits last", len(p.all), len(p.slow), p.strangers, w.slow, len(w.live))
	}
	return err
}

func (x *trial) stats() frontier.Stats {
	x.Helper()
	s, err := x.model.Stats(context.Background())
	if err != nil {
		x.Fatal(err)
	}
	return s
}

// settled wants so many URLs done and dead, and nothing left.
func (x *trial) settled(done, dead int64) {
	x.Helper()
	if s := x.stats(); s.Done != done || s.Dead != dead || s.Seen != done+dead {
		x.Errorf("%d done, %d dead, %d seen; want %d, %d and no others", s.Done, s.Dead, s.Seen, done, dead)
	}
}

// urls are "http://HOST/0" and so on.
func urls(host string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("http://%s/%d", host, i))
	}
	return list
}

// policy is the default one, changed.
func policy(change func(*frontier.Policy)) frontier.Policy {
	p := frontier.DefaultPolicy()
	change(&p)
	return p
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Write(context.Context, *crawler.Record) error { return nil }

func isSecond(r webtest.Request) bool { return r.Path == "/1" }
