package worker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// Fetcher sends one request, and tells when it is written: see crawler.WithSent.
type Fetcher interface {
	Fetch(ctx context.Context, url string) (*crawler.Response, error)
}

// Sink keeps records. Write returns when the record is durable.
type Sink interface {
	Write(ctx context.Context, r *crawler.Record) error
}

// Config of a worker. Zero fields mean the defaults named beside them.
type Config struct {
	Frontier frontier.Frontier // required, like the three below; as a frontier.Fleet it is told that the worker lives
	Crawl    frontier.Crawl    // its ID, and the Version that Plan was made of
	Plan     *Plan
	Sink     Sink

	// Replan returns the plan that the frontier asks for now, and Crawl.Version of it: the same *Plan, its scope grown,
	// when there were only new seeds. It is called when the frontier shows another version, never twice at once; after
	// an error that says the frontier cannot be reached, again. nil: the plan stays.
	Replan func(context.Context) (p *Plan, version int64, err error)

	// Extract takes named fields out of an HTML page, for its record; nil: none. Of a page that it could not take whole
	// the record is Truncated.
	Extract func(body []byte, contentType string) (fields map[string][]string, whole bool)

	Name        string          // of this worker, among those of a fleet; "trawl"
	Program     string          // its name and version, for the fleet; "trawl"
	Token       string          // product token that robots rules name; "trawl"
	Concurrency int             // pages under way at once, and hosts held at once, but for slow ones: see SlowPlaces; 64
	Batch       int             // URLs of a host leased at a time; 32, fewer when the delay is long
	TTL         time.Duration   // of a lease; 60 s, and three times Policy.Timeout at least
	Forever     bool            // go on when the frontier is drained: seeds may come
	MaxIdle     time.Duration   // end with an IdleError when no host is due for longer, but for its delay; 0: wait as long as it takes
	Grace       time.Duration   // how long pages under way may take once Drain is closed; 30 s
	Drain       <-chan struct{} // closed to end the crawl softly; nil: never
	News        <-chan struct{} // signals that somebody pushed URLs, which a worker with nothing to do finds anyway; it is not closed; nil: never
	Tally       *Tally          // counts, for others to read; nil: a private one
	Log         *slog.Logger    // nil: none
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "trawl")
	c.Program = cmp.Or(c.Program, "trawl")
	c.Token = cmp.Or(c.Token, "trawl")
	c.Concurrency = cmp.Or(c.Concurrency, 64)
	c.Grace = cmp.Or(c.Grace, 30*time.Second)
	c.TTL = cmp.Or(c.TTL, time.Minute)
	if c.Tally == nil {
		c.Tally = &Tally{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Run crawls until the frontier is drained, Drain is closed and pages under way are settled, or ctx ends. It returns
// nil in the first two cases, else the cause: that of ctx, ErrGrace, an IdleError, or an error of the sink or the frontier.
// A frontier that cannot be reached is waited for. When Run returns nothing of it is left running, and what could be given
// back is.
func Run(ctx context.Context, c Config) error { return newWorker(c).run(ctx) }

func newWorker(c Config) *worker {
	c = c.withDefaults()
	w := &worker{
		Config: c,
		places: newPlaces(c.Concurrency),
		desks:  newDesks(),
		wake:   make(chan struct{}, 1),
		live:   map[*visit]int{},
		traps:  newTraps(),
		doors:  doors{names: map[string]*door{}},
	}
	w.plan.Store(c.Plan)
	w.version.Store(c.Crawl.Version)
	return w
}

func (w *worker) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.stop = stop
	done := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { w.extend(ctx, done) })
	working, over := context.WithCancel(ctx)
	helpers.Go(func() { w.join(working) })
	helpers.Go(func() { w.endGrace(ctx, done) })
	helpers.Go(func() { w.heed(done) })
	w.loop(ctx)
	w.visits.Wait()
	over()
	close(done)
	helpers.Wait()
	return context.Cause(ctx)
}

type worker struct {
	Config
	stop   context.CancelCauseFunc // ends everything, for a reason
	places *places
	desks  desks         // for reading large pages
	wake   chan struct{} // a host may have become free, or new
	visits sync.WaitGroup
	traps  *traps
	doors  doors
	scarce atomic.Bool // the latest request for hosts got all it asked for: there may be more hosts than places

	network network
	trouble troubles
	full    atomic.Bool  // no more hosts can be held
	waiting atomic.Int64 // visits that wait for their host's next allowed time
	failing atomic.Int64 // callers of the frontier that do not reach it

	plan    atomic.Pointer[Plan] // of visits that begin
	version atomic.Int64         // of the crawl that the plan is of
	replans sync.Mutex           // held while a plan is made

	mu   sync.Mutex
	live map[*visit]int // to their requests that hold slow places
	slow int            // visits that have some
}

// How often a worker looks for new seeds: one that works forever when the frontier is drained, and any while nothing is due.
const (
	drainedWait = time.Second
	longestRest = time.Second
)

// loop leases hosts for as long as there are any.
func (w *worker) loop(ctx context.Context) {
	for ctx.Err() == nil && !ended(w.Drain) {
		free := w.free()
		if free <= 0 {
			w.full.Store(true)
			w.rest(ctx, time.Second)
			w.full.Store(false)
			continue
		}
		if w.inFleet() {
			free = min(free, leaseHosts)
		}
		idle := w.busy() == 0 // before it asks: whoever leaves has said what he found
		sent := time.Now()
		leases, wait, err := w.lease(ctx, free)
		switch {
		case errors.Is(err, frontier.ErrDrained) && w.Forever:
			w.rest(ctx, drainedWait)
		case errors.Is(err, frontier.ErrDrained):
			return
		case unreachable(err): // and enough: see insist
			return
		case err != nil:
			w.fail(fmt.Errorf("lease: %w", err))
			return
		case len(leases) == 0 && idle && w.isTooLong(wait):
			w.fail(&IdleError{time.Now().Add(wait), w.trouble.all()})
			return
		case len(leases) == 0:
			w.rest(ctx, min(wait, longestRest))
		default:
			w.visit(ctx, leases, sent)
		}
	}
}

// IdleError is the cause of an end because nothing was under way, and no host due for longer than Config.MaxIdle.
type IdleError struct {
	Until    time.Time
	Troubles map[frontier.Host]string // how hosts failed the last time, as far as this run knows
}

func (e *IdleError) Error() string {
	return "no host may be asked before " + e.Until.Local().Format(time.DateTime)
}

// isTooLong tells whether the crawl is to end rather than to wait for so long. A delay between requests is no reason to.
func (w *worker) isTooLong(wait time.Duration) bool {
	p := &w.plan.Load().Policy
	return w.MaxIdle > 0 && wait > max(w.MaxIdle, max(p.Delay, p.MaxCrawlDelay)+slack)
}

// visit begins a visit for each lease. Those that may not begin, for the plan could not be made, give their host back.
func (w *worker) visit(ctx context.Context, leases []frontier.Lease, sent time.Time) {
	// They were lent at once; of older ones, which a repeated request gets again, the plan may know more.
	latest := slices.MaxFunc(leases, func(a, b frontier.Lease) int { return cmp.Compare(a.Version, b.Version) })
	if err := w.catchUp(ctx, latest.Version); err != nil && !unreachable(err) {
		w.fail(err)
	}
	for _, l := range leases {
		v := newVisit(w, l, sent)
		w.enter(v)
		w.visits.Go(func() {
			defer w.leave(v)
			v.run(ctx)
		})
	}
}

// leaseHosts is how many hosts a worker of a fleet asks for at a time: when many begin, none takes all there are.
const leaseHosts = 16

// lease asks for hosts. The request has an id, so that a repeat of one whose reply was lost gets the same hosts.
func (w *worker) lease(ctx context.Context, hosts int) (leases []frontier.Lease, wait time.Duration, err error) {
	p := w.plan.Load().Policy
	r := frontier.LeaseRequest{Worker: w.Name, ID: rand.Text(), Hosts: hosts, Batch: w.batch(p), TTL: w.ttl(p)}
	err = w.insist(ctx, w.Drain, func() (err error) {
		ctx, cancel := w.attempt(ctx)
		defer cancel()
		leases, wait, err = w.Frontier.Lease(ctx, r)
		return err
	})
	w.scarce.Store(len(leases) >= r.Hosts)
	return leases, wait, err
}

// rest waits until there may be something to lease.
func (w *worker) rest(ctx context.Context, d time.Duration) { w.sleep(ctx, d, w.wake) }

// sleep waits, but no longer than until there is news, and not once the crawl is to end.
func (w *worker) sleep(ctx context.Context, d time.Duration, news <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-news:
	case <-w.Drain:
	case <-ctx.Done():
	}
}

func (w *worker) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// heed passes on the news of others.
func (w *worker) heed(done <-chan struct{}) {
	for {
		select {
		case <-w.News:
			w.rouse()
		case <-done:
			return
		}
	}
}

// makeRoom is called by a visit that leaves its place to others for a while.
func (w *worker) makeRoom() {
	if w.full.Load() {
		w.rouse()
	}
}

func (w *worker) enter(v *visit) {
	w.doors.enter(v.l.Host, v.pace)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live[v] = 0
}

func (w *worker) leave(v *visit) {
	w.doors.leave(v.l.Host, v.pace)
	w.mu.Lock()
	delete(w.live, v)
	w.mu.Unlock()
	w.rouse()
}

// lasts notes that a visit has so many requests more that hold slow places.
func (w *worker) lasts(v *visit, more int) {
	w.mu.Lock()
	before := w.live[v]
	w.live[v] = before + more
	switch {
	case before == 0:
		w.slow++
	case w.live[v] == 0:
		w.slow--
	}
	w.mu.Unlock()
	w.makeRoom()
}

// free is how many more hosts may be held. Those whose visits only wait, for their pace, up to as many again, or for an
// answer in a slow place, do not take the places of others.
func (w *worker) free() int {
	waiting := min(int(w.waiting.Load()), w.mayWait())
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Concurrency + waiting + w.slow - len(w.live)
}

// mayWait is how many visits may keep their hosts while they wait. In a fleet others have places too, so only as many as
// there are places that strangers hold, or slow requests: for those no host that answers is to make room.
func (w *worker) mayWait() int {
	if w.inFleet() {
		return w.places.useless()
	}
	return w.Concurrency
}

// inFleet tells whether other workers may be on the crawl.
func (w *worker) inFleet() bool {
	_, ok := w.Frontier.(frontier.Fleet)
	return ok
}

// crowded tells whether other hosts may be waiting for a place of those that wait for their pace. A host that was lent
// stays with who has it, or thousands of new ones would all go before its next page.
func (w *worker) crowded() bool {
	return int(w.waiting.Load()) >= w.mayWait() && (w.scarce.Load() || w.free() <= 0)
}

// busy is how many hosts are held.
func (w *worker) busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.live)
}

// extend extends leases that no ack has extended for a third of their life.
func (w *worker) extend(ctx context.Context, done <-chan struct{}) {
	var extends sync.WaitGroup
	defer extends.Wait()
	for {
		t := time.NewTimer(w.lifetime() / 6)
		select {
		case <-t.C:
			w.mu.Lock()
			for v := range w.live {
				extends.Go(func() { v.extend(ctx) })
			}
			w.mu.Unlock()
		case <-done:
			t.Stop()
			return
		}
	}
}

// ErrGrace is the cause of a stop because pages were still under way when the grace period was over.
var ErrGrace = errors.New("pages were still under way at the end of the grace period; they were given back")

// endGrace stops everything when draining takes too long.
func (w *worker) endGrace(ctx context.Context, done <-chan struct{}) {
	select {
	case <-w.Drain:
	case <-done:
		return
	}
	t := time.NewTimer(w.Grace)
	defer t.Stop()
	select {
	case <-t.C:
		w.stop(ErrGrace)
	case <-done:
	case <-ctx.Done():
	}
}

// fail stops everything because of an error that no page is to blame for.
func (w *worker) fail(err error) { w.stop(err) }
