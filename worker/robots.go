package worker

import (
	"context"
	"errors"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// readRobots gets the host's robots.txt, at the host's pace. It returns false when the visit is to end: the crawl is,
// or the rules cannot be had, so that nothing may be fetched for now.
func (v *visit) readRobots(ctx context.Context) bool {
	if v.plan.Robots == nil {
		return true
	}
	ruling, ok := v.plan.Robots.Cached(string(v.l.Host))
	if !ok {
		if ruling, ok = v.askRobots(ctx); !ok {
			return false
		}
	}
	if err := ruling.Unreachable(); err != nil {
		v.putOff(ctx, ruling)
		return false
	}
	v.ruling = ruling
	v.obeyDelay(ctx, ruling.CrawlDelay())
	return true
}

// askRobots sends the requests for robots.txt, one or, through redirects, several. It returns false when the visit is to
// end.
func (v *visit) askRobots(ctx context.Context) (ruling *crawler.Ruling, ok bool) {
	if !v.occupy(ctx) {
		return nil, false
	}
	defer v.w.vacate(1)
	asked := false
	ruling, err := v.plan.Robots.Get(ctx, string(v.l.Host), func(ctx context.Context) error {
		if asked {
			v.w.sleep(ctx, v.pace.gap(), nil)
		}
		if v.isToEnd(ctx) || v.isLate() { // and so the wait may have been cut short
			return context.Canceled
		}
		asked = true
		return nil
	})
	if asked {
		v.pace.rest(v.pace.gap())
	}
	return ruling, err == nil
}

// obeyDelay takes over the Crawl-delay. It is reported before the first page is asked for, so that it also binds
// whoever comes after a crash.
func (v *visit) obeyDelay(ctx context.Context, asked time.Duration) {
	p := v.plan.Policy
	delay := max(p.Delay, min(asked, p.MaxCrawlDelay))
	if delay == v.l.Delay {
		return
	}
	v.acks.take()
	defer v.acks.yield()
	v.pace.setDelay(delay)
	v.delay = max(delay, 1) // 0 would leave it as it was
	v.ack(ctx, frontier.Report{})
}

// putOff puts off the whole batch of a host whose robots.txt cannot be had: everything is disallowed for now (RFC 9309,
// 2.3.1.4). Each URL has its retries, then it is given up; at once when the host itself cannot be asked, now or later.
func (v *visit) putOff(ctx context.Context, ruling *crawler.Ruling) {
	why := ruling.Unreachable()
	v.w.Log.Debug("robots.txt unreachable", "host", v.l.Host, "err", why)
	kind := hopeless(why)
	for i := v.taken; i < len(v.pages); i++ {
		it := &v.l.Items[i]
		// Not before the ruling expires, so that the next attempt asks again.
		wait := max(jitter(backoff(it.Attempt)), time.Until(ruling.Expires()))
		p := v.retryOrDead(it, "robots-unreachable", why.Error(), wait)
		if kind != "" {
			p = v.dead(it, frontier.Reason(kind), why.Error())
		} else {
			v.pace.rest(wait)
		}
		if !v.settle(ctx, i, p) {
			return
		}
	}
}

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
