package worker

import (
	"context"
	"sync"
	"time"

	"trawl/frontier"
)

// places are those of the pages under way. Hosts that do not answer, or do not come to an end, hold theirs for as long as a
// request may take; a few dozen of them would hold all. So strangers, hosts that have not answered yet, or the last time
// failed or took long, leave free as many as there are hosts that do answer, up to a quarter.
type places struct {
	all chan struct{} // as long as there are places

	mu        sync.Mutex
	strangers int                        // places that they hold
	known     map[frontier.Host]struct{} // hosts that answered the last time; forgotten when they are too many
	slow      map[frontier.Host]struct{} // hosts that failed or took long the last time; likewise
}

// mostKnown bounds places.known and places.slow.
const mostKnown = 1 << 16

// promptly is the time within which an answer is to have come to its end.
const promptly = time.Second

func newPlaces(n int) *places {
	return &places{all: make(chan struct{}, n), known: map[frontier.Host]struct{}{}, slow: map[frontier.Host]struct{}{}}
}

// admit tells whether a host may take a place, and whether it does so as a stranger, who is to be dismissed.
func (p *places) admit(h frontier.Host) (ok, strange bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.known[h]; known {
		return true, false
	}
	if reserve := min(len(p.known), (cap(p.all)+3)/4); reserve > 0 && p.strangers >= cap(p.all)-reserve {
		return false, false // else they may queue: nobody is kept from a place
	}
	p.strangers++
	return true, true
}

func (p *places) dismiss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strangers--
}

func (p *places) heldByStrangers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.strangers, cap(p.all)) // others wait
}

// note notes whether a host answers.
func (p *places) note(h frontier.Host, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, h)
	delete(p.slow, h)
	if answers {
		put(p.known, h)
	} else {
		put(p.slow, h)
	}
}

// expect notes what was found out about a host elsewhere. What was seen of its pages here says more.
func (p *places) expect(h frontier.Host, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, slow := p.slow[h]; slow {
		return
	}
	delete(p.known, h)
	if answers {
		put(p.known, h)
	}
}

func put(hosts map[frontier.Host]struct{}, h frontier.Host) {
	if len(hosts) >= mostKnown {
		clear(hosts)
	}
	hosts[h] = struct{}{}
}

// strangersRest is for how long the host of a stranger that finds no place goes back in line.
const strangersRest = time.Second

// occupy waits for a place among the pages under way, unless the visit ends: it may hold all places itself, with pages
// that cannot be acked any more since its lease is lost.
func (v *visit) occupy(ctx context.Context) bool {
	if !v.enter() {
		v.pace.rest(jitter(strangersRest))
		v.end()
		return false
	}
	select {
	case v.w.places.all <- struct{}{}:
		return true
	case <-v.isOver:
	case <-v.w.Drain:
	case <-ctx.Done():
	}
	v.answered()
	return false
}

// enter tells whether the host may be given a place now.
func (v *visit) enter() bool {
	ok, strange := v.w.places.admit(v.l.Host)
	if strange {
		v.mu.Lock()
		v.strange++
		v.mu.Unlock()
	}
	return ok
}

// meet notes whether the host answers.
func (v *visit) meet(answers bool) { v.w.places.note(v.l.Host, answers) }

// expect notes whether it does as far as the frontier knows, or its robots.txt tells.
func (v *visit) expect(answers bool) { v.w.places.expect(v.l.Host, answers) }

// answered ends one stay as a stranger, if there is one: a request came to its end, or to nothing.
func (v *visit) answered() {
	v.mu.Lock()
	n := min(v.strange, 1)
	v.strange -= n
	v.mu.Unlock()
	if n > 0 {
		v.w.places.dismiss()
	}
}

func (w *worker) vacate(n int) {
	for range n {
		<-w.places.all
	}
}
