package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/parser"
)

// How long a visit waits for its host's next allowed time before it gives the host back: briefly when the worker could
// use the place for another host, else longer. Which of the two it is can change while it waits.
const (
	holdBusy = 50 * time.Millisecond
	holdIdle = 15 * time.Second
	holdStep = time.Second
)

// visit is one lease's work.
type visit struct {
	w    *worker
	plan *Plan          // as it was when the visit began
	l    frontier.Lease // as it was lent: it does not change
	pace *pace
	work sync.WaitGroup // pages that were fetched and are not acked

	ruling *crawler.Ruling // nil: everything is allowed
	health health
	ruled  atomic.Int64 // time that heavy rules of robots.txt took, which is not paid for yet

	acks  turn          // to ack; it guards the two below
	delay time.Duration // to report; 0: nothing new
	lost  bool          // nothing can be acked any more

	mu      sync.Mutex
	taken   int        // items that a lane took
	pages   []*verdict // of each item, once it is known
	acked   int
	seats   map[int]*seat // of items that are under way
	over    bool          // it takes no more items
	isOver  chan struct{} // closed then
	renewed time.Time     // when the latest ack that arrived, or the lease, was sent

	news chan struct{} // for the lane that has the turn: a page was settled, or the visit is over
}

func newVisit(w *worker, l frontier.Lease, sent time.Time) *visit {
	plan := w.plan.Load()
	return &visit{
		w: w, plan: plan, l: l, pace: newPace(plan.Policy.Delay, l.Delay), acks: newTurn(),
		health: health{
			failures: l.Failures, told: l.Failures,
			crowded: l.Failures < 0 && w.traps.isCrowded(l.Host, plan.Policy.MaxDomainHosts) && !plan.Scope.IsSeed(l.Host),
		},
		pages: make([]*verdict, len(l.Items)), taken: l.Settled, acked: l.Settled, renewed: sent, news: make(chan struct{}, 1), isOver: make(chan struct{}),
		seats: map[int]*seat{},
	}
}

// run works until the lease is settled, lost, or better given back.
func (v *visit) run(ctx context.Context) {
	if !v.isDown() && v.readRobots(ctx) {
		var lanes sync.WaitGroup
		for range min(v.plan.Policy.PerHost, len(v.l.Items)) - 1 {
			lanes.Go(func() { v.lane(ctx) })
		}
		v.lane(ctx)
		lanes.Wait()
	}
	v.work.Wait()
	v.giveUp(ctx)
	if v.health.count() == 0 {
		v.w.trouble.forget(v.l.Host)
	}
	v.flush(ctx)
	v.giveBack(ctx)
}

// lane fetches one page after another.
func (v *visit) lane(ctx context.Context) {
	for {
		i, seat := v.begin(ctx)
		if seat == nil {
			return
		}
		it := &v.l.Items[i]
		began := time.Now()
		resp, err := v.fetch(ctx, it)
		v.pace.drop()
		seat.answered()
		if err != nil && ctx.Err() != nil { // which says nothing about the page
			v.end()
			return
		}
		v.feel(resp, err, time.Since(began))
		p := v.failure(it, resp, err, began)
		if p != nil {
			v.pace.rest(p.pause) // here, so that it holds for this lane's next request
			if p.stays {
				v.end()
				return
			}
		}
		if p == nil && isLarge(resp.Body) { // or more of them would come meanwhile
			if p = v.conclude(ctx, it, resp); p == nil {
				return
			}
		}
		v.work.Go(func() { v.page(ctx, i, resp, p) })
	}
}

// begin waits until the host may be asked again. It returns the item to ask for, and its place, and keeps the turn; or nil
// when the visit is to end.
func (v *visit) begin(ctx context.Context) (item int, seat *seat) {
	v.pace.take() // whoever has it gives it up when ctx ends
	for seat := v.await(ctx); seat != nil; seat = v.await(ctx) {
		if !v.isToEnd(ctx) && !v.probe(ctx) {
			if i, ok := v.takeItem(seat); ok {
				return i, seat
			}
		}
		v.pace.drop()
		seat.leave()
	}
	v.pace.yield()
	return 0, nil
}

// await waits until the host may be asked and there is a place, both of which it takes. It returns nil when the visit is
// to end.
func (v *visit) await(ctx context.Context) *seat {
	for v.awaitPace(ctx) && v.awaitFirst(ctx) {
		seat := v.occupy(ctx)
		if seat == nil || v.pace.claim() { // still, after the wait for a place
			return seat
		}
		seat.leave()
	}
	return nil
}

// isToEnd tells whether no further request may be sent: the crawl ends, the host is down, or it is to be visited by
// another plan or other rules.
func (v *visit) isToEnd(ctx context.Context) bool {
	return ctx.Err() != nil || ended(v.w.Drain) || v.plan != v.w.plan.Load() || v.isDown() || v.isOutdated()
}

// isOutdated tells whether the rules are to be asked for again: by the next visit, once this one has asked for a page.
func (v *visit) isOutdated() bool {
	if v.ruling == nil || time.Now().Before(v.ruling.Expires()) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.taken > v.l.Settled
}

// awaitPace waits for the host's next allowed time, if that is worth it.
func (v *visit) awaitPace(ctx context.Context) bool {
	for {
		if v.isToEnd(ctx) || !v.hasMore() {
			return false
		}
		wait := v.pace.left()
		switch {
		case wait <= 0:
			return true
		case v.isTooLong(wait):
			v.end()
			return false
		}
		v.w.waiting.Add(1)
		v.w.makeRoom()
		v.w.sleep(ctx, min(wait, holdStep), nil)
		v.w.waiting.Add(-1)
	}
}

// isTooLong tells whether the host is to be given back rather than to be waited for.
func (v *visit) isTooLong(wait time.Duration) bool {
	return wait > holdIdle || wait > holdBusy && v.w.crowded()
}

// awaitFirst waits while pages pile up behind one that takes long: they are acked in order, and until then each keeps
// its place. One slow page would take those of all other hosts.
func (v *visit) awaitFirst(ctx context.Context) bool {
	for v.piledUp() {
		select {
		case <-v.news:
		case <-v.w.Drain:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (v *visit) piledUp() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	lanes := min(v.plan.Policy.PerHost, len(v.pages))
	return !v.over && lanes > 1 && len(v.seats) >= 2*lanes && v.pages[v.acked] == nil
}

func (v *visit) tell() {
	select {
	case v.news <- struct{}{}:
	default:
	}
}

func (v *visit) hasMore() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.over && v.taken < len(v.pages)
}

// takeItem gives a place to the next item that is to be fetched, and returns that. None is started so late that its request
// could outlive the lease, nor in the last third of the lease's life.
func (v *visit) takeItem(seat *seat) (int, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.late() {
		v.stop()
	}
	for !v.over && v.taken < len(v.pages) {
		i := v.taken
		v.taken++
		if v.pages[i] = v.forbidden(i); v.pages[i] == nil {
			v.seats[i] = seat
			return i, true
		}
	}
	return 0, false
}

// forbidden is the verdict on an item that is not to be fetched, by robots.txt or by what is known of traps since it was
// found; nil: it is.
func (v *visit) forbidden(i int) *verdict {
	e := &v.l.Items[i].Entry
	switch {
	case !v.allows(v.ruling, e.URL):
		return refusal(frontier.ByRobots)
	case v.w.traps.isEchoed(e):
		return refusal(frontier.Echo)
	case v.w.traps.isBarren(e, v.plan.Policy.EchoAfter):
		return refusal(frontier.Barren)
	}
	return nil
}

// fetch sends one request and gives the turn up as soon as it is sent.
func (v *visit) fetch(ctx context.Context, it *frontier.Item) (*crawler.Response, error) {
	return v.request(ctx, it, v.pace.yield)
}

// request sends one request, and tells once when it is sent.
func (v *visit) request(ctx context.Context, it *frontier.Item, isSent func()) (*crawler.Response, error) {
	if it.Attempt > 0 {
		ctx = crawler.WithFresh(ctx)
	}
	if it.Sitemap {
		ctx = crawler.WithMaxBody(ctx, parser.MaxSitemap)
	}
	var once sync.Once
	number := 0
	sent := func() {
		number = v.pace.sent()
		isSent()
	}
	resp, err := v.plan.Fetch.Fetch(crawler.WithSent(ctx, func() { once.Do(sent) }), it.URL.String())
	once.Do(sent) // it was never written, or nobody told us
	v.pace.answered(number)
	return resp, err
}

// page deals with what came back for an item: sink, then ack.
func (v *visit) page(ctx context.Context, i int, resp *crawler.Response, p *verdict) {
	it := &v.l.Items[i]
	if p == nil {
		if p = v.conclude(ctx, it, resp); p == nil {
			return
		}
	}
	v.complete(p, it, resp)
	v.w.traps.yields(&it.Entry, p)
	if resp != nil {
		resp.Release()
	}
	if v.settle(ctx, i, p) {
		v.flush(ctx)
	}
}

// conclude is judge; after nil the item stays as it is, and the visit ends.
func (v *visit) conclude(ctx context.Context, it *frontier.Item, resp *crawler.Response) *verdict {
	p := v.judge(ctx, it, resp)
	if p == nil {
		resp.Release()
		v.end()
	}
	return p
}

// settle writes the record of an item, so that it can be acked. It returns false when the sink failed.
func (v *visit) settle(ctx context.Context, i int, p *verdict) bool {
	if p.record != nil {
		if err := v.w.Sink.Write(ctx, p.record); err != nil {
			v.end()
			v.w.fail(err)
			return false
		}
		p.record = nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pages[i] = p
	v.tell()
	return true
}

// flush acks the items that are settled, up to the first one that is not.
func (v *visit) flush(ctx context.Context) {
	v.acks.take()
	defer v.acks.yield()
	settled := v.settled()
	if len(settled) == 0 || !v.ack(ctx, report(settled)) {
		return
	}
	v.moveOn(settled)
	v.w.Tally.add(settled)
	if leadsElsewhere(settled) {
		v.w.rouse()
	}
}

// settled lists the verdicts that can be acked.
func (v *visit) settled() (list []*verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := v.acked; i < len(v.pages) && v.pages[i] != nil; i++ {
		list = append(list, v.pages[i])
	}
	return list
}

// moveOn notes what was acked, and frees its places.
func (v *visit) moveOn(list []*verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for range list {
		if seat := v.seats[v.acked]; seat != nil { // it was asked for
			seat.leave()
			delete(v.seats, v.acked)
		}
		v.pages[v.acked] = nil // its links can go
		v.acked++
	}
	v.tell()
}

func report(list []*verdict) frontier.Report {
	r := frontier.Report{Outcomes: make([]frontier.Outcome, len(list))}
	for i, p := range list {
		r.Outcomes[i] = p.Outcome
	}
	return r
}

// end makes the visit take no more items.
func (v *visit) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stop()
	v.tell()
}

// stop is end for those who hold mu.
func (v *visit) stop() {
	if !v.over {
		v.over = true
		close(v.isOver)
	}
}

// leadsElsewhere tells whether links to other hosts were found, which may be free.
func leadsElsewhere(list []*verdict) bool {
	for _, p := range list {
		if p.elsewhere {
			return true
		}
	}
	return false
}
