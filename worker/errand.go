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
	at   string // where it may send a request: a host's name, home or between
	sent bool   // one was, there
}

// home is the visit's own host, where an errand begins. No host has either of these names.
const (
	home    = "/"
	between = ""
)

// pace is a crawler.Pace.
func (e *errand) pace(ctx context.Context, url string) error {
	switch at, delay := e.place(url); {
	case at != e.at:
		e.leave()
		if at != home && e.v.isNoted(ctx, url) {
			return crawler.Later(delay) // not waited for, as it is known now
		}
		if err := e.enter(ctx, at, delay); err != nil {
			return err
		}
	case e.sent:
		e.v.w.sleep(ctx, e.gap(), nil)
	}
	if e.isToEnd(ctx) { // and so the wait may have been cut short
		return context.Canceled
	}
	e.sent = true
	return nil
}

// isToEnd tells whether no further request may be sent. An errand can be longer than a lease, which may be lost meanwhile.
func (e *errand) isToEnd(ctx context.Context) bool {
	return e.v.isToEnd(ctx) || e.v.isLate() || !e.v.hasMore()
}

// place is where a URL leads to, and the delay of another host as far as it is known here. By another scheme or port its own
// host is another one, at a door of the same name. What is no URL to us is one place.
func (e *errand) place(url string) (at string, delay time.Duration) {
	plan := e.v.plan
	u, err := frontier.ParseURL(url)
	switch {
	case err != nil:
		return "?", plan.Policy.Delay
	case u.Host() == e.v.l.Host:
		return home, 0
	}
	if ruling, ok := plan.Robots.Cached(string(u.Host())); ok {
		return u.Hostname(), plan.delay(ruling.CrawlDelay())
	}
	return u.Hostname(), plan.Policy.Delay
}

// enter waits until a request may be sent to another host, or again to its own.
func (e *errand) enter(ctx context.Context, at string, delay time.Duration) error {
	ready := e.v.pace.ready
	if at != home {
		doors := &e.v.w.doors
		if wait := doors.take(at, delay); wait > 0 {
			return crawler.Later(wait)
		}
		e.at = at // to be left, whatever comes of it
		ready = func() (time.Duration, bool) { return doors.ready(at) }
	}
	for !e.isToEnd(ctx) { // first, for home may be claimed then
		wait, ok := ready()
		switch {
		case !ok:
			return crawler.Later(wait)
		case wait <= 0:
			e.at = at
			return nil
		}
		e.v.w.sleep(ctx, wait, nil)
	}
	return context.Canceled
}

// isGuest tells whether it is at the door of another host.
func (e *errand) isGuest() bool { return e.at != home && e.at != between }

// gap is the time between requests to where it is.
func (e *errand) gap() time.Duration {
	if e.isGuest() {
		return e.v.w.doors.gap(e.at)
	}
	return e.v.pace.gap()
}

// leave lets others ask where it was.
func (e *errand) leave() {
	switch {
	case e.isGuest():
		e.v.w.doors.dismiss(e.at, e.sent)
	case e.at == home:
		if e.sent {
			e.v.pace.hold()
		}
		e.v.pace.drop()
	}
	e.at, e.sent = between, false
}
