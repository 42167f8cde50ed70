package main

import (
	"context"
	"time"
)

// manyHosts is how many hosts are read unasked: all of them have to be, to find those with the most URLs waiting.
const manyHosts = 20_000

// A watch reads a crawl again and again. It reads hosts so rarely that this takes a twentieth of the time at most.
type watch struct {
	look  looker
	hosts int
	many  int64

	past   []moment // readings of the last while, the oldest first
	last   *report
	rested time.Time // when hosts may be read again
}

// window is how much of the past a rate is of.
const window = 15 * time.Second

// read reads the crawl once more. When that cannot be done it returns the latest reading, if there is one, and the
// error.
func (w *watch) read(ctx context.Context) (*report, error) {
	began := time.Now()
	n := w.hosts
	if began.Before(w.rested) {
		n = 0
	}
	r, err := w.look(ctx, n, w.many)
	if err != nil {
		if w.last == nil {
			return nil, err
		}
		stale := *w.last
		stale.Error, stale.Rate, stale.ETA = oneLine(err.Error()), nil, nil
		w.past = nil // a rate across an outage says nothing
		return &stale, err
	}
	if n > 0 {
		w.rested = began.Add(20 * time.Since(began))
	} else if w.last != nil {
		r.Hosts, r.unread = w.last.Hosts, w.last.unread
	}
	if rate, ok := w.rate(r); ok {
		r.foresee(rate)
	}
	w.last = r
	return r, nil
}

// rate is how many pages a second were settled within the window; at the first reading, what workers tell of all the
// time since they started.
func (w *watch) rate(r *report) (float64, bool) {
	w.past = append(w.past, moment{r.At, r.Stats.Settled()})
	for len(w.past) > 2 && r.At.Sub(w.past[0].at) > window {
		w.past = w.past[1:]
	}
	if first := w.past[0]; len(w.past) > 1 {
		// Dead URLs that are tried again are settled no more.
		return max(0, float64(r.Stats.Settled()-first.settled)/r.At.Sub(first.at).Seconds()), true
	}
	return told(r.Workers)
}

// told is the rate of workers that are not silent, each since it started, by the store's clock.
func told(workers []workerReport) (rate float64, ok bool) {
	for _, m := range workers {
		if since := m.Beat.Sub(m.Started); !m.Silent && since > 0 {
			rate += float64(m.Pages) / since.Seconds()
			ok = true
		}
	}
	return rate, ok
}
