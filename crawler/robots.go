package crawler

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"trawl/parser"
)

const (
	robotsFresh     = 12 * time.Hour // after it, the origin is asked again
	robotsStale     = 24 * time.Hour // until it, the old rules serve while the origin does not answer (RFC 9309, section 2.4)
	robotsRedirects = 5              // section 2.3.1.2
	robotsBackoff   = time.Second    // after the first failure; doubles with each further one
	maxBackoff      = 10 * time.Minute
	robotsMax       = 10_000 // origins
	robotsUnit      = 8 << 10
)

// Robots keeps what robots.txt says (RFC 9309), by origin: scheme, host and port, as in "https://example.com". It asks
// an origin once for all callers. Its methods may be called from many goroutines.
type Robots struct {
	fetcher *Fetcher
	token   string
	rulings *cache[*Ruling]
}

// NewRobots returns an empty cache, or says what is wrong with the token: the product token by which a robots.txt
// addresses us. max bounds the origins kept, 10,000 when it is 0; a large file counts as several.
func NewRobots(f *Fetcher, token string, max int) (*Robots, error) {
	if err := parser.ProductToken(token); err != nil {
		return nil, fmt.Errorf("crawler: %w", err)
	}
	return &Robots{fetcher: f, token: token, rulings: newCache[*Ruling](cmp.Or(max, robotsMax))}, nil
}

// Cached returns what is known of an origin without asking anybody; false when nothing is, or it has expired.
func (r *Robots) Cached(origin string) (*Ruling, bool) {
	ruling := r.rulings.get(origin)
	return ruling, ruling.fresh()
}

// Get returns what is known of an origin, and asks it when nothing is. pace is called before each request that is
// sent, for they count against the host's rate. An origin that does not answer is a Ruling, too; the error is pace's,
// or says that ctx ended.
func (r *Robots) Get(ctx context.Context, origin string, pace func(context.Context) error) (*Ruling, error) {
	return r.rulings.load(ctx, origin, (*Ruling).fresh, func(old *Ruling) (*Ruling, int, error) {
		ruling, err := r.ask(ctx, origin, pace)
		if err != nil {
			return nil, 0, err
		}
		ruling = ruling.after(old)
		return ruling, 1 + ruling.size/robotsUnit, nil
	})
}

// ask fetches robots.txt, through redirects, which apply to the origin that was asked first.
func (r *Robots) ask(ctx context.Context, origin string, pace func(context.Context) error) (*Ruling, error) {
	target := origin + "/robots.txt"
	for range 1 + robotsRedirects {
		if known := r.known(target, origin); known != nil {
			return known, nil
		}
		if err := pace(ctx); err != nil {
			return nil, err
		}
		// A byte more than is read, so that the parser can tell that the last line is cut.
		resp, err := r.fetcher.fetch(ctx, target, parser.MaxRobots+1)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return unreachable(err, 0), nil
		}
		ruling, next := r.judge(resp)
		resp.Release()
		if ruling != nil {
			return ruling, nil
		}
		target = next
	}
	return allowAll(), nil // more redirects than that: unavailable, says the standard
}

// known returns the good ruling of another origin whose robots.txt the target is, if we have it.
func (r *Robots) known(target, origin string) *Ruling {
	other, ok := strings.CutSuffix(target, "/robots.txt")
	if !ok || other == origin {
		return nil
	}
	if ruling, ok := r.Cached(other); ok && ruling.err == nil {
		return ruling
	}
	return nil
}

// judge returns what a response means (RFC 9309, section 2.3.1), or where to ask next.
func (r *Robots) judge(resp *Response) (ruling *Ruling, next string) {
	switch status := resp.Status; {
	case status/100 == 2:
		rules := parser.ParseRobots(resp.Body, r.token)
		return learned(rules, len(resp.Body)), ""
	case status/100 == 3:
		if next := redirect(resp); next != "" {
			return nil, next
		}
	case status == http.StatusTooManyRequests || status >= 500:
		return unreachable(fmt.Errorf("status %d", status), RetryAfter(resp.Header, time.Now())), ""
	}
	return allowAll(), ""
}

// redirect returns where a response leads, without a fragment; "" when that is nowhere we can go.
func redirect(resp *Response) string {
	location := resp.Header.Get("Location")
	base, err := url.Parse(resp.URL)
	if err != nil || location == "" {
		return ""
	}
	to, err := base.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return ""
	}
	to.Fragment, to.User = "", nil
	return to.String()
}

// Ruling is what an origin's robots.txt says, or that it cannot be had. It does not change.
type Ruling struct {
	rules    *parser.Robots
	size     int       // of the file
	expires  time.Time // asked again after it
	err      error     // of the latest attempt; with rules, those are an old copy's
	failures int
	learned  time.Time // when the rules were fetched
}

func learned(rules *parser.Robots, size int) *Ruling {
	now := time.Now()
	return &Ruling{rules: rules, size: size, learned: now, expires: now.Add(robotsFresh)}
}

func allowAll() *Ruling { return learned(&parser.Robots{}, 0) }

func unreachable(err error, wait time.Duration) *Ruling {
	return &Ruling{err: fmt.Errorf("robots.txt: %w", err), expires: time.Now().Add(wait)}
}

func (r *Ruling) fresh() bool { return r != nil && time.Now().Before(r.expires) }

// after returns r as it stands after old, which it replaces: failures in a row are counted and are longer and longer
// apart, and rules that were good before serve on for a while.
func (r *Ruling) after(old *Ruling) *Ruling {
	if r.err == nil {
		return r
	}
	next := *r
	next.failures = 1
	if old != nil {
		next.failures += old.failures
	}
	now := time.Now()
	if old != nil && now.Before(old.learned.Add(robotsStale)) {
		next.rules, next.size, next.learned = old.rules, old.size, old.learned
	}
	backoff := min(robotsBackoff<<min(next.failures-1, 20), maxBackoff)
	if at := now.Add(backoff); next.expires.Before(at) {
		next.expires = at
	}
	return &next
}

// Allowed tells whether a path (with its query) may be fetched, and the line of robots.txt that decided. While
// robots.txt cannot be had nothing may.
func (r *Ruling) Allowed(path string) (ok bool, rule string) {
	if r.rules == nil {
		return false, r.err.Error()
	}
	return r.rules.Allowed(path)
}

// CrawlDelay is what the origin asks for, unclamped; 0: nothing.
func (r *Ruling) CrawlDelay() time.Duration {
	if r.rules == nil {
		return 0
	}
	return r.rules.CrawlDelay()
}

// Unreachable says why there are no rules: robots.txt could not be fetched, and no copy of the last 24 hours serves
// instead. It wraps the [*Error] of the fetch, if it was that. nil: there are rules.
func (r *Ruling) Unreachable() error {
	if r.rules == nil {
		return r.err
	}
	return nil
}

// Failures counts the attempts in a row that brought no rules, across expiries.
func (r *Ruling) Failures() int { return r.failures }

// Expires is when the origin will be asked again: for an unreachable one, how long to leave it alone.
func (r *Ruling) Expires() time.Time { return r.expires }
