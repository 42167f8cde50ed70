package worker

import (
	"maps"
	"sync"
	"time"

	"trawl/frontier"
)

// Tally counts what a worker has done, once the frontier has confirmed it. It may be read while the worker runs.
type Tally struct {
	mu    sync.Mutex
	t     Totals    // but for Trouble
	why   string    // the latest trouble
	rests time.Time // until when its host does
}

// Totals are the counts of one run of one worker.
type Totals struct {
	Settled int64                     `json:"settled"` // done or dead
	Done    int64                     `json:"done"`
	Bytes   int64                     `json:"bytes"`  // of decoded bodies
	Status  map[int]int64             `json:"status"` // settled URLs by HTTP status; 0: no answer
	Dead    map[frontier.Reason]int64 `json:"dead"`
	Retries map[frontier.Reason]int64 `json:"retries"`
	Trouble string                    `json:"trouble,omitempty"` // the host that failed last and how, while it rests for that
}

// Errors counts the attempts that failed.
func (t Totals) Errors() (n int64) {
	for _, m := range []map[frontier.Reason]int64{t.Dead, t.Retries} {
		for _, k := range m {
			n += k
		}
	}
	return n
}

func (t *Tally) add(list []*verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.t.Status == nil {
		t.t = Totals{Status: map[int]int64{}, Dead: map[frontier.Reason]int64{}, Retries: map[frontier.Reason]int64{}}
	}
	for _, p := range list {
		t.t.Bytes += p.bytes
		switch p.Verdict {
		case frontier.Done:
			t.t.Done++
		case frontier.Dead:
			t.t.Dead[p.Reason]++
		case frontier.Retry:
			t.t.Retries[p.Reason]++
			continue
		default:
			continue
		}
		t.t.Settled++
		t.t.Status[p.status]++
	}
}

func (t *Tally) hostRests(h frontier.Host, why string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.why, t.rests = string(h)+": "+why, time.Now().Add(d)
}

// Totals returns the counts so far.
func (t *Tally) Totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.t
	if time.Now().Before(t.rests) {
		c.Trouble = t.why
	}
	c.Status, c.Dead, c.Retries = maps.Clone(c.Status), maps.Clone(c.Dead), maps.Clone(c.Retries)
	return c
}
