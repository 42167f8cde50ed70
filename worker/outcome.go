package worker

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// The outcome table. What a URL's answer means for the URL and for its host:
//
//	answer                                   URL                          host
//	2xx, 304, 3xx, 4xx but those below       done                         -
//	429, 503                                 retry, with patience or      failure, pause: Retry-After, or the backoff
//	                                         after the pause if it asks   if that is longer
//	502, 504                                 retry, with patience         -
//	408, 425, 5xx but 501, 505               retry after the backoff      -
//	no answer: timeout, reset; timeout in    retry, with patience         failure, pause: the backoff
//	a body of which hardly anything came
//	no connection: dns, connect, timeout     stays first in line          failure, pause: the backoff
//	an answer that breaks off                retry after the backoff      pause: the backoff
//	no memory for its body                   retry after the backoff      -
//	none from the proxy                      stays first in line          pause
//	no answer: anything else                 dead                         -
//	retries used up                          dead, but see below          as above
//	the host is down                         dead                         -
//
// The backoff doubles from 1 s to 5 min, with the attempts at the page or with the failures of the host in a row, give or
// take a quarter. Patience is for what a server that starts anew would say: 4 s, 16 s, 64 s, and not before the pause.
//
// A host with Policy.HostFailures in a row is down, and so is one that asks to be left alone for longer than
// Policy.MaxRetryAfter. Until then no URL dies of failures that are its host's: those in a row in which others failed too,
// and connections that are not made to a host that has answered for its robots.txt. When several hosts that did answer
// fail, and none does, it is our own network for half an hour: hosts rest, and nothing is held against them or their URLs.

// verdict is what became of an item, and what is to be said of it.
type verdict struct {
	frontier.Outcome
	pause     time.Duration // the host rests
	stays     bool          // the item stays where it is: this says nothing about it
	record    *crawler.Record
	elsewhere bool // it has links to other hosts
	echo      bool // it is what its site answers anything with
	status    int
	bytes     int64
}

// temporary tells whether a status is worth a retry.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// overloaded tells whether a status speaks of the host rather than of the page.
func overloaded(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// startsAnew tells whether a status is one of a server, or what is in front of it, that will soon be back.
func startsAnew(status int) bool {
	return overloaded(status) || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// failure judges an attempt that came to nothing. It returns nil when there is an answer to read.
// began is when its request did.
func (v *visit) failure(it *frontier.Item, resp *crawler.Response, err error, began time.Time) *verdict {
	switch {
	case err != nil:
		return v.unanswered(it, err, began)
	case temporary(resp.Status):
		return v.refusedForNow(it, resp, began)
	}
	return nil
}

// unanswered judges a request that got no answer.
func (v *visit) unanswered(it *frontier.Item, err error, began time.Time) *verdict {
	e := &crawler.Error{Kind: "internal", Err: err}
	errors.As(err, &e)
	why, detail := frontier.Reason(e.Kind), e.Err.Error()
	p := v.dead(it, why, detail)
	if e.Kind.Temporary() {
		p = v.temporary(it, e, began)
	}
	p.status = e.Status
	if p.record != nil {
		p.record.Status = e.Status
	}
	return p
}

// temporary judges a failure that may pass.
func (v *visit) temporary(it *frontier.Item, e *crawler.Error, began time.Time) *verdict {
	switch {
	case e.Kind == crawler.KindProxy:
		return &verdict{pause: v.proxyFailed(e), stays: true}
	case e.Kind != crawler.KindMemory && e.Status == 0, isStalled(e):
		return v.hostsFailure(it, e, 0, began)
	}
	wait := jitter(backoff(it.Attempt))
	p := v.retryOrDead(it, frontier.Reason(e.Kind), e.Err.Error(), wait)
	if e.Kind != crawler.KindMemory { // it began to answer
		p.pause = wait
	}
	return p
}

// refusedForNow judges a status that is worth a retry.
func (v *visit) refusedForNow(it *frontier.Item, resp *crawler.Response, began time.Time) *verdict {
	why, text := "http-"+strconv.Itoa(resp.Status), http.StatusText(resp.Status)
	switch {
	case overloaded(resp.Status):
		asked := crawler.RetryAfter(resp.Header, time.Now())
		e := &crawler.Error{Kind: crawler.Kind(why), Err: errors.New(text + v.tooMuch(asked))}
		return v.hostsFailure(it, e, asked, began)
	case startsAnew(resp.Status):
		return v.retryOrDead(it, frontier.Reason(why), text, jitter(patience(it.Attempt)))
	}
	return v.retryOrDead(it, frontier.Reason(why), text, jitter(backoff(it.Attempt)))
}

// hostsFailure judges a failure that is held against the host, unless it is our own network's: the host rests, for as
// long as it asks if it does. What the item pays for it depends on what else is known.
func (v *visit) hostsFailure(it *frontier.Item, e *crawler.Error, asked time.Duration, began time.Time) *verdict {
	pause, counted := v.hostFailed(began, e.Error())
	if !v.isDown() {
		pause = max(asked, pause)
	}
	mayWait := v.plan.Policy.HostFailures > 0 // else it might for ever
	if !counted || v.isDown() || mayWait && e.Unsent && v.ruling != nil {
		return &verdict{pause: pause, stays: true}
	}
	why, detail := frontier.Reason(e.Kind), e.Err.Error()
	wait := pause
	if asked == 0 {
		wait = max(pause, jitter(patience(it.Attempt)))
	}
	p := again(why, detail, wait)
	// When the row has more failures than this item had attempts, others met them too.
	if othersFailed := v.health.count() > it.Attempt+1; !mayWait || !othersFailed {
		p = v.retryOrDead(it, why, detail, wait)
	}
	p.pause = pause
	return p
}

// retryOrDead puts an item off, or gives it up when its retries are used up.
func (v *visit) retryOrDead(it *frontier.Item, why frontier.Reason, detail string, wait time.Duration) *verdict {
	if it.Attempt >= v.plan.Policy.Retries {
		return v.dead(it, why, detail)
	}
	return again(why, detail, wait)
}

// again puts an item off.
func again(why frontier.Reason, detail string, wait time.Duration) *verdict {
	return &verdict{Outcome: frontier.Outcome{Verdict: frontier.Retry, Reason: why, Detail: detail, After: wait}}
}

// refusal is of an item that is not to be fetched.
func refusal(why frontier.Reason) *verdict {
	return &verdict{Outcome: frontier.Outcome{Verdict: frontier.Refused, Reason: why}}
}

// dead gives an item up, and begins the record that says so.
func (v *visit) dead(it *frontier.Item, why frontier.Reason, detail string) *verdict {
	p := &verdict{Outcome: frontier.Outcome{Verdict: frontier.Dead, Reason: why, Detail: detail}, record: v.record(it)}
	p.record.Error = &crawler.RecordError{Kind: string(why), Detail: detail}
	return p
}

// Bounds of the pause after a failure.
const (
	backoffBase = time.Second
	backoffMax  = 5 * time.Minute
)

// backoff is the pause before the attempt after attempt number n (from 0), without jitter.
func backoff(n int) time.Duration {
	if n > 8 {
		return backoffMax
	}
	return min(backoffMax, backoffBase<<n)
}

// patience is for how long an item is put off after attempt number n, when its host may be what failed: with three
// retries a minute and a half, in which a server starts anew.
func patience(n int) time.Duration { return backoff(2*n + 2) }

// jitter is d, give or take a quarter, so that what failed together does not come back together.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.5*float64(d))
}
