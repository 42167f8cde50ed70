package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// readRobots gets what the host's robots.txt says: from memory, from the note that whoever asked last left with the
// frontier, or from the host, at its pace. It returns false when the visit is to end: the crawl is, or the rules cannot
// be had, so that nothing may be fetched for now.
func (v *visit) readRobots(ctx context.Context) bool {
	if v.plan.Robots == nil {
		v.obeyDelay(ctx, 0)
		return true
	}
	ruling, asked, ok := v.findRobots(ctx)
	if !ok {
		return false
	}
	if ruling.Busy() {
		v.pace.rest(time.Until(ruling.Expires()))
		return false
	}
	if err := ruling.Unreachable(); err != nil {
		v.putOff(ctx, ruling)
		return false
	}
	v.ruling = ruling
	if v.health.count() <= 0 { // one that failed may still do so: rules can be from memory
		v.health.answered()
	}
	v.obeyDelay(ctx, ruling.CrawlDelay())
	return v.share(ctx, ruling, asked)
}

// allows tells whether a URL may be fetched; nil: there are no rules. What heavy ones cost is paid for: see pay.
func (v *visit) allows(ruling *crawler.Ruling, u frontier.URL) bool {
	if ruling == nil {
		return true
	}
	if ruling.IsHeavy() {
		defer func(began time.Time) { v.ruled.Add(int64(time.Since(began))) }(time.Now())
	}
	ok, _ := ruling.Allowed(u.Path())
	return ok
}

// findRobots gets a ruling, and tells whether the host was asked for it: once in a cache time, by whatever worker. It
// returns false when the visit is to end.
func (v *visit) findRobots(ctx context.Context) (ruling *crawler.Ruling, asked, ok bool) {
	if ruling, ok = v.plan.Robots.Cached(string(v.l.Host)); ok {
		return ruling, false, true
	}
	if memory, shared := v.w.Frontier.(frontier.Memory); shared {
		ruling, serves, ok := v.recall(ctx, memory, v.l.Host)
		if serves || !ok {
			return ruling, false, ok
		}
	}
	if ruling, ok = v.askRobots(ctx); ok && ruling.Failures() == 0 {
		v.w.network.answered()
	}
	return ruling, true, ok
}

// share makes known what a robots.txt says: its sitemaps, and then, as a note, the rest. The note is marked: somebody else
// may be the first who wants the sitemaps, and the first who fetches a page. It returns false when the visit is to end.
func (v *visit) share(ctx context.Context, ruling *crawler.Ruling, asked bool) bool {
	before := ruling.Marks()
	marks := before
	if !marks.Announced && len(ruling.Sitemaps()) > 0 && v.wantsSitemaps() {
		if !v.announce(ctx, ruling) {
			return false
		}
		marks.Announced = true
	}
	if asked {
		marks.Spare = v.isTooLong(v.pace.left()) // the host goes back before a page is asked for
	} else if !time.Now().Before(ruling.Expires()) {
		marks.Spare = false // they serve now, and not again
	}
	if !asked && marks == before {
		return true
	}
	ruling = v.plan.Robots.Mark(string(v.l.Host), ruling, marks)
	memory, shared := v.w.Frontier.(frontier.Memory)
	return !shared || v.remember(ctx, memory, ruling)
}

// recall looks for a note on a host. ok: the visit may go on.
func (v *visit) recall(ctx context.Context, memory frontier.Memory, h frontier.Host) (ruling *crawler.Ruling, serves, ok bool) {
	var note []byte
	var age time.Duration
	err := v.w.insist(ctx, v.w.Drain, func() (err error) {
		ctx, cancel := v.w.attempt(ctx)
		defer cancel()
		note, age, err = memory.Recall(ctx, h)
		return err
	})
	switch {
	case err == nil:
		ruling, serves = v.plan.Robots.Adopt(string(h), note, age)
		return ruling, serves, true
	case !unreachable(err) && ctx.Err() == nil:
		v.w.fail(fmt.Errorf("note on %s: %w", h, err))
	}
	return nil, false, false
}

// isNoted tells whether the URL is of a robots.txt of which somebody left a note, and takes that over: then nobody has to be
// a guest there.
func (v *visit) isNoted(ctx context.Context, url string) bool {
	memory, shared := v.w.Frontier.(frontier.Memory)
	u, err := frontier.ParseURL(url)
	if !shared || err != nil || u.Path() != "/robots.txt" {
		return false
	}
	ruling, _, ok := v.recall(ctx, memory, u.Host())
	return ok && ruling != nil && ruling.Failures() == 0 && time.Now().Before(ruling.Expires())
}

// remember leaves a note. It returns false when the visit is to end.
func (v *visit) remember(ctx context.Context, memory frontier.Memory, ruling *crawler.Ruling) bool {
	note := v.plan.Robots.Note(ruling, frontier.MaxNote)
	if note == nil {
		return true
	}
	err := v.w.insist(ctx, v.w.Drain, func() error {
		ctx, cancel := v.w.attempt(ctx)
		defer cancel()
		l := v.l
		return memory.Remember(ctx, &l, note)
	})
	switch {
	case err == nil:
		return true
	case errors.Is(err, frontier.ErrLeaseLost):
		v.w.Log.Debug("lease lost", "host", v.l.Host)
		v.acks.take()
		v.lost = true
		v.acks.yield()
	case !unreachable(err) && ctx.Err() == nil:
		v.w.fail(fmt.Errorf("note on %s: %w", v.l.Host, err))
	}
	v.end()
	return false
}

// askRobots sends the requests for robots.txt, one or, through redirects, several. It returns false when the visit is to
// end.
func (v *visit) askRobots(ctx context.Context) (ruling *crawler.Ruling, ok bool) {
	seat := v.await(ctx)
	if seat == nil {
		return nil, false
	}
	defer seat.leave()
	e := errand{v: v, at: home}
	defer e.leave()
	ruling, err := v.plan.Robots.Get(ctx, string(v.l.Host), e.pace)
	if err == nil && ruling.Elsewhere() && e.isGuest() {
		v.w.doors.rest(e.at, ruling.Pause())
	}
	return ruling, err == nil
}

// obeyDelay takes over the Crawl-delay. It is reported before the first page is asked for, so that it also binds
// whoever comes after a crash.
func (v *visit) obeyDelay(ctx context.Context, asked time.Duration) {
	delay := v.pace.rebase(v.plan.delay(asked), v.plan.Policy.Adaptive)
	if delay == v.l.Delay {
		return
	}
	v.acks.take()
	defer v.acks.yield()
	v.delay = max(delay, 1) // 0 would leave it as it was
	v.ack(ctx, frontier.Report{})
}

// The URLs of a host whose robots.txt cannot be had are given up after Policy.Retries failures in a row, and one, once the
// row has lasted for robotsPatience. Who does not know since when gives it robotsFailures more: with three retries, and the
// pauses after each, they take as long.
const (
	robotsPatience = time.Minute
	robotsFailures = 3
)

// isPatient tells whether the host is to be asked for its robots.txt again.
func (v *visit) isPatient() bool {
	_, lasts := v.w.trouble.latest(v.l.Host)
	more := v.health.count() - v.plan.Policy.Retries
	return more <= 0 || more <= robotsFailures && lasts < robotsPatience
}

// putOff puts off the whole batch of a host whose robots.txt cannot be had: everything is disallowed for now (RFC 9309,
// 2.3.1.4). That is no fault of the URLs, and costs them no attempt, until the host has failed too often. They are given up
// at once when the host itself cannot be asked, now or later.
func (v *visit) putOff(ctx context.Context, ruling *crawler.Ruling) {
	why := ruling.Unreachable()
	v.w.Log.Debug("robots.txt unreachable", "host", v.l.Host, "err", why)
	if e := (*crawler.Error)(nil); errors.As(why, &e) && e.Kind == crawler.KindProxy {
		v.pace.rest(max(v.proxyFailed(e), time.Until(ruling.Expires())))
		return
	}
	kind := crawler.Kind("")
	if !ruling.Elsewhere() { // it is this host that failed
		if more := v.tooMuch(ruling.Pause()); more != "" {
			v.w.trouble.note(v.l.Host, why.Error()+more, v.health.count())
			return
		}
		kind = hopeless(why)
	}
	if kind == "" {
		pause, counted := v.hostFailed(time.Now(), why.Error()) // no other request is under way that could fail with it
		// So that the next attempt asks again. When the host is down its URLs are given up, see giveUp; else they go back.
		v.pace.rest(max(pause, time.Until(ruling.Expires())))
		if !counted || v.isDown() || v.isPatient() {
			return
		}
		kind = robotsUnreachable
	}
	for i := v.taken; i < len(v.pages); i++ {
		if !v.settle(ctx, i, v.dead(&v.l.Items[i], frontier.Reason(kind), why.Error())) {
			return
		}
	}
}

const robotsUnreachable crawler.Kind = "robots-unreachable"

// hopeless is the kind of a failure that will not pass, nor be another for a page; empty for any other failure.
func hopeless(err error) crawler.Kind {
	var e *crawler.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case crawler.KindAddress, crawler.KindNoHost, crawler.KindTLS, crawler.KindURL:
			return e.Kind
		}
	}
	return ""
}
