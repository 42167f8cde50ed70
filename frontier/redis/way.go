package redis

import "sync"

// maxWay bounds the leases that a way knows: those that were lost stay.
const maxWay = 1 << 14

// way knows under which leases links were found on the way to an outcome (Report.Found), and in which run of a server they
// were acknowledged. Another run may not have them (see cache), and nobody will find them again: such a lease is given up
// as lost, so that their page is fetched again.
type way struct {
	mu   sync.Mutex
	runs map[string]string // by token
}

// astray tells whether links found under a lease may be lost in this run.
func (w *way) astray(token, run string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, found := w.runs[token]
	return found && was != run
}

// note notes that links found under a lease were acknowledged in a run.
func (w *way) note(token, run string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil || len(w.runs) >= maxWay {
		w.runs = map[string]string{}
	}
	w.runs[token] = run
}

// end forgets a lease that ended.
func (w *way) end(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, token)
}
