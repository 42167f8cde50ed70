package worker

import (
	"context"
	"sync"
	"time"

	"trawl/frontier"
)

// places are those of the pages under way. Hosts that do not answer, or do not come to an end, would hold theirs for as
// long as a request may take, and a few dozen of them would hold all. So a request that lasts moves to a slow place, of
// which there are more, as soon as one is free. When none is, only strangers are kept from taking all places: hosts that
// have not answered yet, or the last time failed or took long. They leave a quarter free.
type places struct {
	all  chan struct{} // as long as there are places
	slow chan struct{} // likewise

	mu        sync.Mutex
	strangers int                        // requests of theirs that hold a place, or wait for one
	answers   bool                       // some host answered promptly
	long      map[frontier.Host]struct{} // hosts that took long the last time; forgotten when they are too many
}

const (
	// SlowPlaces is how many requests that last there can be, for each page that Config.Concurrency allows.
	SlowPlaces = 4
	// promptly is the time within which an answer is to have come to its end, or its request lasts.
	promptly = time.Second
	// mostLong bounds places.long.
	mostLong = 1 << 16
)

func newPlaces(n int) *places {
	return &places{all: make(chan struct{}, n), slow: make(chan struct{}, SlowPlaces*n), long: map[frontier.Host]struct{}{}}
}

// admit tells whether a host may take a place beside so many others, and whether it does so as a stranger, who is to be
// dismissed: it failed or has not answered, or took long.
func (p *places) admit(h frontier.Host, failed bool, others int) (ok, strange bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, long := p.long[h]; !long && !failed {
		return true, false
	}
	if reserve := min(others, cap(p.all)/4); p.answers && reserve > 0 && p.strangers >= cap(p.all)-reserve {
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

// useless is how many places, of all kinds, are of no use for hosts that answer promptly; no more than there are others.
func (p *places) useless() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.strangers+len(p.slow), cap(p.all))
}

// note notes how long a host took to answer.
func (p *places) note(h frontier.Host, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took < promptly {
		p.answers = true
		delete(p.long, h)
		return
	}
	if len(p.long) >= mostLong {
		clear(p.long)
	}
	p.long[h] = struct{}{}
}

// strangersRest is for how long the host of a stranger that finds no place goes back in line.
const strangersRest = time.Second

// seat is the place of one page under way, from before its request until after its ack, or of another request.
type seat struct {
	v        *visit
	strange  bool          // by a stranger, and it counts
	slow     bool          // it is a slow one
	over     chan struct{} // closed when the request is
	watch    sync.WaitGroup
	answered func() // to be called when the request came to its end, or to nothing; also again
}

// occupy waits for a place among the pages under way, unless the visit ends: it may hold all places itself, with pages
// that cannot be acked any more since its lease is lost. nil: there is none.
func (v *visit) occupy(ctx context.Context) *seat {
	ok, strange := v.w.places.admit(v.l.Host, v.health.isStrange(), v.w.busy()-1)
	if !ok {
		v.pace.rest(jitter(strangersRest))
		v.end()
		return nil
	}
	s := &seat{v: v, strange: strange, over: make(chan struct{})}
	s.answered = sync.OnceFunc(s.end)
	select {
	case v.w.places.all <- struct{}{}:
		s.watch.Go(s.move)
		return s
	case <-v.isOver:
	case <-v.w.Drain:
	case <-ctx.Done():
	}
	s.answered()
	return nil
}

// move moves a request that lasts to a slow place.
func (s *seat) move() {
	late := time.NewTimer(promptly)
	defer late.Stop()
	select {
	case <-late.C:
	case <-s.over:
		return
	}
	select {
	case s.v.w.places.slow <- struct{}{}:
	case <-s.over:
		return
	}
	s.slow = true
	s.dismiss()
	<-s.v.w.places.all
	s.v.w.lasts(s.v, 1)
}

// end is answered.
func (s *seat) end() {
	close(s.over)
	s.watch.Wait()
	s.dismiss()
	if s.slow {
		s.v.w.lasts(s.v, -1)
	}
}

// dismiss ends the stay as a stranger, if it is one.
func (s *seat) dismiss() {
	if s.strange {
		s.strange = false
		s.v.w.places.dismiss()
	}
}

// leave frees the place.
func (s *seat) leave() {
	s.answered()
	if s.slow {
		<-s.v.w.places.slow
	} else {
		<-s.v.w.places.all
	}
}
