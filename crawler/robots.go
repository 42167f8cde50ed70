package crawler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"trawl/parser"
)

const (
	robotsFresh     = 12 * time.Hour
	robotsBrief     = 5 * time.Minute // an origin cannot ask to be asked more often
	robotsStale     = 24 * time.Hour  // until it, the old rules serve while the origin does not answer (RFC 9309, section 2.4)
	robotsRedirects = 5               // section 2.3.1.2
	robotsBackoff   = time.Second     // after the first failure; doubles with each further one
	maxBackoff      = 10 * time.Minute
	robotsMax       = 10_000 // origins
	robotsUnit      = 8 << 10
)

// RobotsConfig says how robots.txt is read. Zero fields mean the defaults named beside them.
type RobotsConfig struct {
	Token string        // the product token by which a robots.txt addresses us; required
	Keep  time.Duration // how long an answer serves before the origin is asked again; 12 h, and 24 h at most (RFC 9309, section 2.4)
	Max   int           // origins kept, a large file counting as several; 10,000
}

func (c RobotsConfig) withDefaults() RobotsConfig {
	c.Keep = cmp.Or(c.Keep, robotsFresh)
	c.Max = cmp.Or(c.Max, robotsMax)
	return c
}

func (c RobotsConfig) validate() error {
	if err := parser.ProductToken(c.Token); err != nil {
		return fmt.Errorf("crawler: %w", err)
	}
	if c.Keep < 0 || c.Keep > robotsStale {
		return fmt.Errorf("crawler: a robots.txt cannot be kept for %v, but for %v at most", c.Keep, robotsStale)
	}
	return nil
}

// Robots keeps what robots.txt says (RFC 9309), by origin: scheme, host and port, as in "https://example.com". It asks
// an origin once for all callers. Its methods may be called from many goroutines.
type Robots struct {
	cfg     RobotsConfig
	fetcher *Fetcher
	rulings *cache[*Ruling] // by origin, and by the URL of another host that one of them redirects to
}

// Later is the error of a pace: the host may not be asked before so long from now.
type Later time.Duration

func (l Later) Error() string { return fmt.Sprintf("it may be asked in %v", time.Duration(l)) }

// NewRobots returns an empty cache, or says what is wrong with the configuration.
func NewRobots(f *Fetcher, c RobotsConfig) (*Robots, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Robots{cfg: c, fetcher: f, rulings: newCache[*Ruling](c.Max)}, nil
}

// Cached returns what is known of an origin without asking anybody; false when nothing is, or it has expired.
func (r *Robots) Cached(origin string) (*Ruling, bool) {
	ruling := r.rulings.get(origin)
	return ruling, ruling.fresh()
}

// Marks are what those who use a ruling tell each other. They are kept with it, also in a note.
type Marks struct {
	Announced bool // somebody has made known the sitemaps that it names
	Spare     bool // nothing was fetched by it: it serves for one page when it has expired, or a host that is asked rarely is asked for rules alone
}

// Mark returns the ruling with other marks, and keeps it in the place of the one without.
func (r *Robots) Mark(origin string, ruling *Ruling, marks Marks) *Ruling {
	next := *ruling
	next.marks = marks
	if r.rulings.get(origin) == ruling {
		r.rulings.set(origin, &next, next.cost())
	}
	return &next
}

// Pace is called before each request that is sent, with its URL: it counts against the rate of that host, which is another
// one when a robots.txt redirects there. It returns when the request may be sent; with Later, the ruling is Busy. If what
// another host would say became known meanwhile, as by Adopt, no request is sent there.
type Pace func(ctx context.Context, url string) error

// Get returns what is known of an origin, and asks it when nothing is, at a pace. An origin that does not answer is a
// Ruling, too; the error is the pace's, or says that ctx ended. However many redirects there are, all requests together
// take no longer than one may.
func (r *Robots) Get(ctx context.Context, origin string, pace Pace) (*Ruling, error) {
	return r.rulings.load(ctx, origin, (*Ruling).fresh, func(old *Ruling) (*Ruling, int, error) {
		ruling, err := r.ask(ctx, origin, r.where(origin, old), pace)
		if err != nil {
			return nil, 0, err
		}
		ruling = ruling.after(old)
		return ruling, ruling.cost(), nil
	})
}

// way is how far the redirects of an origin's robots.txt were followed.
type way struct {
	target string    // to be asked next
	hops   int       // redirects that led there
	began  time.Time // when the first of them was seen
}

// where is where to ask: where a way ended at a host that could not be asked then, or at its beginning.
func (r *Robots) where(origin string, old *Ruling) way {
	if old != nil && old.busy && time.Since(old.way.began) < r.cfg.Keep {
		return old.way
	}
	return way{target: origin + "/robots.txt"}
}

// ask fetches robots.txt, through redirects, which apply to the origin that was asked first.
func (r *Robots) ask(ctx context.Context, origin string, at way, pace Pace) (*Ruling, error) {
	for left := r.fetcher.cfg.Timeout; at.hops <= robotsRedirects; at.hops++ {
		target := at.target
		if known := r.known(origin, target); known != nil {
			return known, nil
		}
		err := pace(ctx, target)
		if known := r.known(origin, target); known != nil {
			return known, nil
		}
		var wait Later
		switch {
		case errors.As(err, &wait):
			return later(at, time.Duration(wait)), nil
		case err != nil:
			return nil, err
		}
		begin, foreign := time.Now(), isForeign(origin, target)
		ruling, next, err := r.request(ctx, target, left)
		switch {
		case err != nil:
			return nil, err
		case ruling != nil && foreign && ruling.err == nil:
			r.rulings.set(target, ruling, ruling.cost())
			return ruling, nil
		case ruling != nil:
			ruling.elsewhere = foreign
			return ruling, nil
		}
		if at.hops == 0 {
			at.began = begin
		}
		at.target, left = next, left-time.Since(begin)
	}
	return r.allowAll(nil), nil // more redirects than that: unavailable, says the standard
}

// request sends one request, for which so much time is left. It returns what the answer means, or where to ask next. The
// error says that ctx ended.
func (r *Robots) request(ctx context.Context, target string, left time.Duration) (ruling *Ruling, next string, err error) {
	within, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	// A byte more than is read, so that the parser can tell that the last line is cut.
	resp, err := r.fetcher.fetch(within, target, parser.MaxRobots+1)
	switch {
	case err == nil:
		defer resp.Release()
		ruling, next = r.judge(resp)
		return ruling, next, nil
	case ctx.Err() != nil:
		return nil, "", err
	case within.Err() != nil:
		err = &Error{Kind: KindTimeout, Err: within.Err()}
	}
	return unreachable(err, 0), "", nil
}

func isForeign(origin, target string) bool { return !strings.HasPrefix(target, origin+"/") }

// known returns a good ruling that a request to another host would bring, if we have it.
func (r *Robots) known(origin, target string) *Ruling {
	if !isForeign(origin, target) {
		return nil
	}
	for _, key := range []string{target, strings.TrimSuffix(target, "/robots.txt")} {
		if ruling, ok := r.Cached(key); ok && ruling.err == nil {
			own := *ruling
			own.marks = Marks{} // those are of another origin
			return &own
		}
	}
	return nil
}

// judge returns what a response means (RFC 9309, section 2.3.1), or where to ask next.
func (r *Robots) judge(resp *Response) (ruling *Ruling, next string) {
	switch status := resp.Status; {
	case status/100 == 2:
		rules := parser.ParseRobots(resp.Body, r.cfg.Token)
		return learned(rules, len(resp.Body), r.serves(resp.Header)), ""
	case status/100 == 3:
		if next := redirect(resp); next != "" {
			return nil, next
		}
	case status == http.StatusTooManyRequests || status >= 500:
		return unreachable(fmt.Errorf("status %d", status), RetryAfter(resp.Header, time.Now())), ""
	}
	return r.allowAll(resp.Header), ""
}

func (r *Robots) allowAll(h http.Header) *Ruling { return learned(&parser.Robots{}, 0, r.serves(h)) }

// serves is how long an answer is good for: as long as we keep one, or less if its header says so (RFC 9111), but for
// that a site which forbids all caches is not asked again and again.
func (r *Robots) serves(h http.Header) time.Duration {
	life, ok := freshness(h, time.Now())
	if !ok {
		return r.cfg.Keep
	}
	return min(max(life, robotsBrief), r.cfg.Keep)
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
	if strings.ContainsFunc(to.Host, func(r rune) bool { return r >= 0x80 }) {
		// As net/http would send it, so that the guard sees that: an address can be written in other digits.
		host, err := idna.Lookup.ToASCII(to.Hostname())
		if err != nil {
			return ""
		}
		to.Host = strings.Replace(to.Host, to.Hostname(), host, 1)
	}
	to.Fragment, to.User = "", nil
	return to.String()
}
