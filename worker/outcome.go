package worker

import (
	"cmp"
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
//	429, 503                                 retry, not before the pause  failure, pause: Retry-After, or the backoff
//	408, 425, 5xx but 501, 505               retry after the backoff      -
//	no answer: dns, connect, timeout, reset  retry after the backoff      failure, pause: the backoff
//	an answer that breaks off                retry after the backoff      pause: the backoff
//	no memory for its body                   retry after the backoff      -
//	no answer: anything else                 dead                         -
//	retries used up                          dead                         as above
//	none asked for: the host is down         dead                         -
//
// The backoff doubles from 1 s to 5 min with the attempts at the page, or the failures of the host in a row if they are
// more, give or take a quarter. A host with Policy.HostFailures of them is down. Failures are not held against hosts when
// several fail and none answers: then it is our own network.

// verdict is what became of an item, and what is to be said of it.
type verdict struct {
	frontier.Outcome
	pause     time.Duration // the host rests
	record    *crawler.Record
	fetched   bool // it was asked for, and holds a slot
	elsewhere bool // it has links to other hosts
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

// hostFailed counts a failure of the host, by a request that began at a time, and tells how long it is to rest; not
// counted: it may well be our own network.
func (v *visit) hostFailed(attempt int, began time.Time, why string) (wait time.Duration, counted bool) {
	n := v.health.count()
	if counted = v.w.network.failed(v.l.Host); counted {
		n = v.health.failed(began)
	}
	v.meet(false)
	v.mu.Lock()
	v.trouble = why
	v.mu.Unlock()
	return jitter(backoff(max(attempt, n-1))), counted
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

// temporary judges a failure that may pass. The host rests, unless it was ours.
func (v *visit) temporary(it *frontier.Item, e *crawler.Error, began time.Time) *verdict {
	wait := jitter(backoff(it.Attempt))
	pause := wait
	switch {
	case e.Kind == crawler.KindMemory:
		pause = 0
	case e.Status == 0: // else it began to answer
		wait, _ = v.hostFailed(it.Attempt, began, e.Error())
		pause = wait
	}
	p := v.retryOrDead(it, frontier.Reason(e.Kind), e.Err.Error(), wait)
	p.pause = pause
	return p
}

// refusedForNow judges a status that is worth a retry.
func (v *visit) refusedForNow(it *frontier.Item, resp *crawler.Response, began time.Time) *verdict {
	wait, pause := jitter(backoff(it.Attempt)), time.Duration(0)
	why := frontier.Reason("http-" + strconv.Itoa(resp.Status))
	if overloaded(resp.Status) {
		wait, _ = v.hostFailed(it.Attempt, began, string(why))
		wait = cmp.Or(crawler.RetryAfter(resp.Header, time.Now()), wait)
		pause = wait
	}
	p := v.retryOrDead(it, why, http.StatusText(resp.Status), wait)
	p.pause = pause
	return p
}

// retryOrDead puts an item off, or gives it up when its retries are used up.
func (v *visit) retryOrDead(it *frontier.Item, why frontier.Reason, detail string, wait time.Duration) *verdict {
	if it.Attempt >= v.plan.Policy.Retries {
		return v.dead(it, why, detail)
	}
	return &verdict{Outcome: frontier.Outcome{Verdict: frontier.Retry, Reason: why, Detail: detail, After: wait}}
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

// jitter is d, give or take a quarter, so that what failed together does not come back together.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.5*float64(d))
}
