package worker

import (
	"sync"
	"time"
)

// slack is how much later than it was written a request may reach its server. A gap is kept from the later moment, so
// that jitter on the way does not make two requests arrive too close; an answer tells that it had arrived.
const slack = 50 * time.Millisecond

// pace keeps the gap between the starts of requests to one host. Only one request at a time is on its way out: whoever
// has the turn.
type pace struct {
	turn

	mu     sync.Mutex
	base   time.Duration // the least delay: the policy's, or what robots.txt asks for
	delay  time.Duration // the one kept now; base, unless it adapts
	next   time.Time     // no request before, for the gap
	rested time.Time     // nor before this, whatever the gap
	latest int           // number of the latest request sent
	open   int           // requests that were claimed and have no answer
	guest  bool          // there is one, or waits: see doors
}

func newPace(base, delay time.Duration) *pace {
	return &pace{turn: newTurn(), base: base, delay: delay}
}

// left is how long to wait before the next request; a while, as long as there is a guest.
func (p *pace) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guest {
		return max(p.wait(), p.delay, slack)
	}
	return p.wait()
}

func (p *pace) wait() time.Duration { return max(time.Until(p.next), time.Until(p.rested)) }

// claim allows a request, if one may be sent now. It is to be dropped when it has its answer, or came to nothing.
func (p *pace) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guest || p.wait() > 0 {
		return false
	}
	p.open++
	return true
}

// ready is claim for those who wait: it tells how long to wait before the next try, or that this is too long.
func (p *pace) ready() (wait time.Duration, ok bool) {
	if p.claim() {
		return 0, true
	}
	wait = p.left()
	return wait, wait <= p.gap()+guestPatience
}

func (p *pace) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
}

// receive lets no further request go, for there is a guest.
func (p *pace) receive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.guest = true
}

// vacant is how long a guest has to wait at least: also for requests under way.
func (p *pace) vacant() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open > 0 {
		return max(p.wait(), p.delay, slack)
	}
	return p.wait()
}

// dismiss notes that the guest is gone.
func (p *pace) dismiss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.guest = false
}

// keep keeps the gap from a moment when somebody else's request was answered.
func (p *pace) keep(answered time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.push(answered.Add(p.delay))
}

// sent notes that a request was written just now, and numbers it.
func (p *pace) sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest++
	p.push(time.Now().Add(p.delay + min(slack, p.delay)))
	return p.latest
}

// answered notes that the request of that number had its answer, so that it had reached its server.
func (p *pace) answered(number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := time.Now().Add(p.delay); number == p.latest && at.Before(p.next) {
		p.next = at
	}
}

// hold keeps the gap from now: a request was answered that nobody numbered.
func (p *pace) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest++
	p.push(time.Now().Add(p.delay))
}

// rest allows no request for so long, counted from now.
func (p *pace) rest(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := time.Now().Add(d); t.After(p.rested) {
		p.rested = t
	}
}

func (p *pace) push(t time.Time) {
	if t.After(p.next) {
		p.next = t
	}
}

// Bounds of a delay that adapts.
const (
	adaptLoad = 2 // so many times the latency: the host is idle for half of the time at least
	adaptMost = time.Minute
	adaptStep = time.Second // a host that fails gets a delay of as much at least
)

// adapt moves the delay after an answer, or the lack of one, that took so long. Trouble doubles it, and nothing but a
// good answer shortens it: halfway at a time, so that one quick page among slow ones does not count for much.
func (p *pace) adapt(took time.Duration, trouble bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := max(2*p.delay, adaptStep)
	if !trouble {
		d = (p.delay + max(adaptLoad*took, p.base)) / 2
	}
	p.setDelay(max(p.base, min(d, adaptMost)))
}

// rebase sets the least delay, and returns the one that is kept from now on: one that had adapted stays, if it is more.
func (p *pace) rebase(base time.Duration, adapts bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.base = base
	if p.delay < base || !adapts {
		p.setDelay(base)
	}
	return p.delay
}

// setDelay changes the gap, also that which is being kept now. The caller holds mu.
func (p *pace) setDelay(d time.Duration) {
	p.next = p.next.Add(d - p.delay)
	p.delay = d
}

// gap is the time between requests.
func (p *pace) gap() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

// turn is a lock that is held for long: for a wait, or a call over the network.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take() { t <- struct{}{} }

// try takes the turn if nobody has it.
func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) yield() { <-t }
