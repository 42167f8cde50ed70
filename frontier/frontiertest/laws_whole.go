package frontiertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
)

// web is a made-up web: on each page stand links to the next pages of its host, to one of another host, and back.
type web struct{ hosts, pages int }

func (w web) url(n int) frontier.URL {
	h := frontier.Host(fmt.Sprintf("https://h%d.test", n%w.hosts))
	return h.URL(fmt.Sprintf("/%d", n/w.hosts))
}

func (w web) size() int { return w.hosts * w.pages }

// links of the page /n of a host. Together they make every page reachable from the first one.
func (w web) links(u frontier.URL) (found []frontier.Entry) {
	var h, n int
	fmt.Sscanf(u.String(), "https://h%d.test/%d", &h, &n)
	for _, m := range []int{(h+1)%w.hosts + n*w.hosts, h + (2*n+1)*w.hosts, h + (2*n+2)*w.hosts, h + n/2*w.hosts} {
		if m < w.size() {
			found = append(found, frontier.Entry{URL: w.url(m), Priority: frontier.Priority(m % 4)})
		}
	}
	return found
}

// witness is the outside view of a crawl: who may send requests to a host, and which URLs were settled.
type witness struct {
	clock *Clock

	mu      sync.Mutex
	owners  map[frontier.Host]owner
	settled map[frontier.URL]int
}

type owner struct {
	token string
	until time.Time
}

// lent notes an owner, who asked at that time, and fails if there is another one whose lease has not expired.
func (w *witness) lent(l frontier.Lease, asked time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, until := w.clock.Now(), asked.Add(l.TTL)
	if !now.Before(until) {
		return nil // it may have expired before its owner got here
	}
	if o, ok := w.owners[l.Host]; ok && now.Before(o.until) {
		return fmt.Errorf("%s is lent twice: %s and %s", l.Host, o.token, l.Token)
	}
	w.owners[l.Host] = owner{l.Token, until}
	return nil
}

// givesBack ends an ownership. It is called before the ack: others can be faster than its reply.
func (w *witness) givesBack(l *frontier.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners[l.Host].token == l.Token {
		delete(w.owners, l.Host)
	}
}

func (w *witness) settle(u frontier.URL) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled[u]++
}

// check wants each page of the web settled once. URLs that died with their workers are only counted.
func (w *witness) check(s frontier.Stats, pages int) error {
	for u, n := range w.settled {
		if n != 1 {
			return fmt.Errorf("%s was settled %d times", u, n)
		}
	}
	if s.Done != int64(len(w.settled)) || s.Dead != s.DeadFor[frontier.Poison] || s.Dead > s.Done/10 {
		return fmt.Errorf("%d acks, and stats %+v", len(w.settled), s)
	}
	if s.Seen != s.Settled() || s.Seen > int64(pages) || s.Dead == 0 && s.Seen != int64(pages) {
		return fmt.Errorf("of %d pages: %+v", pages, s)
	}
	return consistent(s)
}

// office is where the workers sit. Their time goes by as they work; only when all of them have nothing to do it jumps.
// So a store that is slow with one call and quick with another cannot make leases expire before anybody acks.
type office struct {
	clock *Clock

	mu      sync.Mutex
	stirs   sync.Cond // of mu
	workers int
	idle    int
	changes int
}

// rest waits until another worker did something, or, if there is none that could, lets d pass.
func (o *office) rest(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.idle++
	defer func() { o.idle-- }()
	if o.idle == o.workers {
		o.clock.Advance(d)
		o.changes++
		o.stirs.Broadcast()
		return
	}
	for seen := o.changes; seen == o.changes; {
		o.stirs.Wait()
	}
}

// stir tells that a worker did something; leaving, that it does nothing any more.
func (o *office) stir(leaving bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if leaving {
		o.workers--
	}
	o.clock.Advance(time.Millisecond)
	o.changes++
	o.stirs.Broadcast()
}

func manyWorkers(t *testing.T, open Open) {
	const workers = 8
	w := web{hosts: 6, pages: 40}
	x := start(t, open, frontier.Policy{})
	x.push(1, frontier.Entry{URL: w.url(0)})
	see := &witness{clock: x.clock, owners: map[frontier.Host]owner{}, settled: map[frontier.URL]int{}}
	room := &office{clock: x.clock, workers: workers}
	room.stirs.L = &room.mu
	errs := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			defer room.stir(true)
			p := person{x: x, f: x.f, web: w, see: see, office: room, name: fmt.Sprint("w", i), rng: rand.New(rand.NewPCG(1, uint64(i)))}
			if x.store.Join != nil {
				p.f = x.store.Join()
			}
			errs[i] = p.work()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := see.check(x.stats(), w.size()); err != nil {
		t.Fatal(err)
	}
	x.sound()
}

// person is a worker that now and then is frozen with a host in hand, takes others, and goes on with it much later.
type person struct {
	x      *fixture
	f      frontier.Frontier
	web    web
	see    *witness
	office *office
	name   string
	rng    *rand.Rand
	left   []frontier.Lease // that it was frozen with
}

func (p *person) work() error {
	for n := 0; ; n++ {
		asked := p.x.clock.Now()
		leases, wait, err := p.f.Lease(p.x.Context(), frontier.LeaseRequest{
			Worker: p.name, ID: fmt.Sprint(n), Hosts: 1 + p.rng.IntN(2), Batch: 1 + p.rng.IntN(6), TTL: 200 * time.Millisecond,
		})
		if errors.Is(err, frontier.ErrDrained) {
			return p.wake()
		}
		if err != nil {
			return fmt.Errorf("lease: %w", err)
		}
		for _, l := range leases {
			if err := p.see.lent(l, asked); err != nil {
				return err
			}
		}
		if len(leases) == 0 {
			p.office.rest(wait)
			if n := len(p.left); n > 0 && p.rng.IntN(2) == 0 {
				leases, p.left = p.left[n-1:], p.left[:n-1:n-1]
			}
		}
		for i := range leases {
			if err := p.visit(&leases[i]); err != nil {
				return err
			}
		}
	}
}

// visit settles a lease URL by URL, or is frozen with it.
func (p *person) visit(l *frontier.Lease) error {
	defer p.office.stir(false)
	for l.Settled < len(l.Items) {
		if p.rng.IntN(40) == 0 {
			p.left = append(p.left, *l)
			return nil
		}
		if err := p.ack(l); errors.Is(err, frontier.ErrLeaseLost) {
			return nil
		} else if err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	return nil
}

// ack settles the next URL with its links, some at the second try.
func (p *person) ack(l *frontier.Lease) error {
	it := l.Items[l.Settled]
	r := report(frontier.Done)
	r.Outcomes[0].Found = p.web.links(it.URL)
	if it.Attempt == 0 && p.rng.IntN(10) == 0 {
		r = report(frontier.Retry)
		r.Outcomes[0].After = 2 * time.Millisecond
	}
	if l.Settled+1 == len(l.Items) {
		p.see.givesBack(l)
	}
	if err := p.f.Ack(p.x.Context(), l, r); err != nil {
		return err
	}
	if r.Outcomes[0].Verdict == frontier.Done {
		p.see.settle(it.URL)
	}
	return nil
}

// wake acks what it was frozen with after the end: nothing may come of it.
func (p *person) wake() error {
	for i := range p.left {
		if err := p.ack(&p.left[i]); !errors.Is(err, frontier.ErrLeaseLost) {
			return fmt.Errorf("ack after the end: %v, want ErrLeaseLost", err)
		}
	}
	return nil
}

func dyingProcess(t *testing.T, open Open) {
	w := web{hosts: 4, pages: 30}
	x := start(t, open, frontier.Policy{})
	x.push(1, frontier.Entry{URL: w.url(0)})
	see := &witness{clock: x.clock, owners: map[frontier.Host]owner{}, settled: map[frontier.URL]int{}}
	p := person{x: x, f: x.f, web: w, see: see, rng: rand.New(rand.NewPCG(2, 0))}
	for n := 0; ; n++ {
		lent, _, err := x.f.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", ID: fmt.Sprint(n), Hosts: 3, Batch: 5, TTL: ttl})
		if errors.Is(err, frontier.ErrDrained) {
			break
		}
		if err != nil {
			t.Fatalf("lease: %v", err)
		}
		if len(lent) == 0 {
			x.clock.Advance(time.Second)
		}
		left := p.rng.IntN(3 * (items(lent) + 1)) // acks before it dies, if it does
		for i := range lent {
			for ; left > 0 && lent[i].Settled < len(lent[i].Items); left-- {
				if err := p.ack(&lent[i]); err != nil {
					t.Fatalf("ack: %v", err)
				}
			}
		}
		if left == 0 {
			x.reopen()
			p.f = x.f
		}
	}
	if err := see.check(x.stats(), w.size()); err != nil {
		t.Fatal(err)
	}
	x.sound()
}
