package crawler

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// budget is the memory that all large bodies share.
//
// To wait for memory while holding some could block all who do. So beside the budget there is one place in which a body
// may have all it wants: who has that waits for nobody.
type budget struct {
	mu      sync.Mutex
	left    int64
	alone   bool      // the place is taken
	waiting list.List // of *claim; who came first in front
}

// claim is somebody's wait for so much of the budget, or for the place beside it.
type claim struct {
	want  int64
	given chan bool // true: the place
}

// everything is more than any budget has: who wants it gets the place.
const everything = math.MaxInt64

// errNoRoom says that the budget is used up.
var errNoRoom = errors.New("no memory left for large bodies")

// take takes so much, if that is left.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

// wait waits until so much is left, or the place is free, at most until ctx ends.
func (b *budget) wait(ctx context.Context, n int64) (alone bool, err error) {
	c := &claim{want: n, given: make(chan bool, 1)}
	b.mu.Lock()
	e := b.waiting.PushBack(c)
	b.serve()
	b.mu.Unlock()
	select {
	case alone = <-c.given:
		return alone, nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case alone = <-c.given: // at the last moment
		return alone, nil
	default:
		b.waiting.Remove(e)
		return false, &Error{Kind: KindMemory, Err: fmt.Errorf("%w: %w", errNoRoom, ctx.Err())}
	}
}

// give gives so much back, and the place if it was had.
func (b *budget) give(n int64, alone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	if alone {
		b.alone = false
	}
	b.serve()
}

// serve gives what there is to those who wait. Who wants little passes who wants more than is left: that one has the place
// beside the budget next, and to hold up the others would give the memory to nobody. The caller holds mu.
func (b *budget) serve() {
	for e := b.waiting.Front(); e != nil; {
		c, next := e.Value.(*claim), e.Next()
		switch {
		case c.want <= b.left:
			b.left -= c.want
			c.given <- false
			b.waiting.Remove(e)
		case !b.alone:
			b.alone = true
			c.given <- true
			b.waiting.Remove(e)
		}
		e = next
	}
}

// isWanted tells whether somebody waits.
func (b *budget) isWanted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting.Len() > 0
}

const (
	// windows is into how many parts the time of a request is divided,
	windows = 30
	// as long as they are not shorter than this: it may be our machine that has no time.
	shortestWindow = time.Second
)

// watch looks after a body that holds some of the budget. While others wait, it has to come at least so fast that what
// it holds would be filled in the time of one request: in each window its share. Else a few servers that send a large
// body a byte at a time would keep all others from theirs.
type watch struct {
	budget  *budget
	window  time.Duration
	cut     context.CancelCauseFunc // ends the request
	reading atomic.Bool
	timer   *time.Timer // fires when a window is over; nil: nothing is held yet
	share   int64
	due     int64 // bytes that are to come in this window
}

// expect begins a window, for a body whose buffer has so many bytes.
func (w *watch) expect(size int64) {
	if large(size) == 0 {
		return
	}
	w.share = size / windows
	w.due = w.share
	w.reading.Store(true)
	if w.timer == nil {
		w.timer = time.AfterFunc(math.MaxInt64, w.judge) // set before it can fire, for judge needs it
	}
	w.timer.Reset(w.window)
}

// came notes that so much has come.
func (w *watch) came(n int) {
	if w.timer == nil {
		return
	}
	if w.due -= int64(n); w.due <= 0 {
		w.due = w.share
		w.timer.Reset(w.window)
	}
}

// rest ends the window: it is not the server that is waited for.
func (w *watch) rest() {
	if w.timer != nil {
		w.reading.Store(false)
		w.timer.Stop()
	}
}

// judge is called when a window is over and too little has come.
func (w *watch) judge() {
	switch {
	case !w.reading.Load():
	case w.budget.isWanted(): // only now: a slow server is no fault while there is room
		w.cut(&Error{Kind: KindTimeout, Err: errors.New("too slow a body, while others wait for the memory it takes")})
	default:
		w.timer.Reset(w.window)
	}
}
