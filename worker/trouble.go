package worker

import (
	"sync"
	"time"

	"trawl/frontier"
)

// troubles remembers how hosts failed the last time, and since when they do. A host that is down is not asked again: visits
// that give up what is left of its line know no failure of their own.
type troubles struct {
	mu sync.Mutex
	of map[frontier.Host]trouble // forgotten when they are too many
}

// trouble is a row of failures, as far as this worker saw it.
type trouble struct {
	why   string    // the latest
	row   int       // which one that is; 0: it does not count
	since time.Time // the first that was seen
}

// mostTroubles bounds troubles.of.
const mostTroubles = 10_000

// note keeps the latest failure of a host, and which one in a row it is; 0: it is not held against the host. Another row
// begins when the host has answered, or others saw it fail, meanwhile.
func (t *troubles) note(h frontier.Host, why string, row int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := trouble{why, row, t.of[h].since}
	if last := t.of[h].row; row <= 1 || row != last && row != last+1 {
		next.since = time.Now()
	}
	if t.of == nil || len(t.of) >= mostTroubles {
		t.of = map[frontier.Host]trouble{}
	}
	t.of[h] = next
}

// forget is for a host that answers.
func (t *troubles) forget(h frontier.Host) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, h)
}

// all is how hosts failed the last time.
func (t *troubles) all() map[frontier.Host]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[frontier.Host]string, len(t.of))
	for h, last := range t.of {
		all[h] = last.why
	}
	return all
}

// latest is how a host failed the last time, and for how long it has been failing; empty and 0: nothing is known.
func (t *troubles) latest(h frontier.Host) (why string, lasts time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, ok := t.of[h]
	if !ok {
		return "", 0
	}
	return last.why, time.Since(last.since)
}
