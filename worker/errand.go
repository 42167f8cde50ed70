package worker

import (
	"context"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// errand is the way of a visit to its robots.txt, which may lead to other hosts, and back. It keeps the pace of each.
type errand struct {
	v    *visit
	in   bool // it may send a request
	at   string
	sent bool // one was, there
}

// ownHost is where an errand begins; any other place is a host's name.
const ownHost = ""

// pace is a crawler.Pace.
func (e *errand) pace(ctx context.Context, url string) error {
	at, delay := e.place(url)
	if !e.in || at != e.at {
		e.leave()
		if err := e.enter(ctx, at, delay); err != nil {
			return err
		}
	} else if e.sent {
		e.v.w.sleep(ctx, e.gap(), nil)
	}
	if e.isToEnd(ctx) { // and so the wait may have been cut short
		return context.Canceled
	}
	e.sent = true
	return nil
}

func (e *errand) isToEnd(ctx context.Context) bool { return e.v.isToEnd(ctx) || e.v.isLate() }

// place is where a URL leads to, and the delay of another host as far as it is known here. What is no URL to us is one
// place.
func (e *errand) place(url string) (at string, delay time.Duration) {
	plan := e.v.plan
	u, err := frontier.ParseURL(url)
	switch {
	case err != nil:
		return "?", plan.Policy.Delay
	case u.Host() == e.v.l.Host:
		return ownHost, 0
	}
	if ruling, ok := plan.Robots.Cached(string(u.Host())); ok {
		return u.Hostname(), plan.delay(ruling.CrawlDelay())
	}
	return u.Hostname(), plan.Policy.Delay
}

// enter waits until a request may be sent to another host, or again to its own.
func (e *errand) enter(ctx context.Context, at string, delay time.Duration) error {
	ready := e.v.pace.ready
	if at != ownHost {
		doors := &e.v.w.doors
		if wait := doors.take(at, delay); wait > 0 {
			return crawler.Later(wait)
		}
		ready = func() (time.Duration, bool) { return doors.ready(at) }
	}
	e.at, e.in = at, at != ownHost
	for {
		wait, ok := ready()
		switch {
		case e.isToEnd(ctx):
			return context.Canceled
		case !ok:
			return crawler.Later(wait)
		case wait <= 0:
			e.in = true
			return nil
		}
		e.v.w.sleep(ctx, wait, nil)
	}
}

// gap is the time between requests to where it is.
func (e *errand) gap() time.Duration {
	if e.at == ownHost {
		return e.v.pace.gap()
	}
	return e.v.w.doors.gap(e.at)
}

// leave lets others ask where it was.
func (e *errand) leave() {
	if e.in && e.at == ownHost {
		if e.sent {
			e.v.pace.hold()
		}
		e.v.pace.drop()
	} else if e.in {
		e.v.w.doors.dismiss(e.at, e.sent)
	}
	e.in, e.sent = false, false
}
