package worker

import (
	"sync"

	"trawl/frontier"
)

// troubles remembers how hosts failed the last time. A host that is down is not asked again: visits that give up what is
// left of its line know no failure of their own.
type troubles struct {
	mu sync.Mutex
	of map[frontier.Host]string // forgotten when they are too many
}

// mostTroubles bounds troubles.of.
const mostTroubles = 10_000

// note keeps the latest failure of a host.
func (t *troubles) note(h frontier.Host, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) >= mostTroubles {
		t.of = map[frontier.Host]string{}
	}
	t.of[h] = why
}

// forget is for a host that answers.
func (t *troubles) forget(h frontier.Host) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, h)
}

// latest is how a host failed the last time; empty: nothing is known.
func (t *troubles) latest(h frontier.Host) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of[h]
}
