package worker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trawl/crawler"
	"trawl/frontier"
)

// proxied is a fetcher whose proxy is away from and to a time since the beginning.
type proxied struct {
	Fetcher
	begin    time.Time
	from, to time.Duration
}

var errNoProxy = errors.New("proxy: connection refused")

func (p proxied) Fetch(ctx context.Context, url string) (*crawler.Response, error) {
	if since := time.Since(p.begin); since >= p.from && since < p.to {
		return nil, &crawler.Error{Kind: crawler.KindProxy, Err: errNoProxy, Unsent: true}
	}
	return p.Fetcher.Fetch(ctx, url)
}

// byProxy runs a crawl of two hosts by a proxy, which is away for a time.
func byProxy(t *testing.T, from, to time.Duration, test func(x *trial, took time.Duration, err error)) {
	p := policy(func(p *frontier.Policy) { p.HostFailures, p.Retries = 2, 1 })
	inBubble(t, p, empty, func(x *trial) {
		begin := time.Now()
		x.cfg.Plan.Fetch = proxied{x.fetcher, begin, from, to}
		x.seed(append(urls("a.test", 10), urls("b.test", 10)...)...)
		err := x.work(x.Context())
		test(x, time.Since(begin), err)
	})
}

func TestAProxyThatGoesAwayCostsNothing(t *testing.T) {
	byProxy(t, 5*time.Second, 20*time.Minute, func(x *trial, took time.Duration, err error) {
		if err != nil || took > 30*time.Minute {
			x.Errorf("after %v: %v", took, err)
		}
		x.settled(20, 0)
	})
}

func TestAProxyThatDoesNotComeBackEndsTheCrawlAndNoURL(t *testing.T) {
	byProxy(t, 5*time.Second, forEver, func(x *trial, took time.Duration, err error) {
		if !errors.Is(err, errNoProxy) || took < longestOutage || took > longestOutage+2*backoffMax {
			x.Errorf("after %v: %v", took, err)
		}
		if s := x.stats(); s.Done == 0 || s.Dead > 0 || s.Retries > 0 || s.Queued != 20-s.Done {
			x.Errorf("stats %+v", s)
		}
	})
}

// A host that wants to be left alone answers by the proxy like any other.
func TestAProxyThatGoesAwayTwiceIsWaitedForEachTime(t *testing.T) {
	busy := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/0" {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	p := policy(func(p *frontier.Policy) { p.HostFailures, p.Retries = 8, 10 })
	inBubble(t, p, busy, func(x *trial) {
		begin := time.Now()
		first := proxied{x.fetcher, begin, time.Second / 2, 5 * time.Second}
		x.cfg.Plan.Fetch = proxied{first, begin, 42 * time.Minute, 55 * time.Minute}
		x.seed(urls("a.test", 2)...)
		x.run()
		x.settled(1, 1)
	})
}

func TestAProxyThatNeverWorkedEndsTheCrawlAtOnce(t *testing.T) {
	byProxy(t, 0, forEver, func(x *trial, took time.Duration, err error) {
		if !errors.Is(err, errNoProxy) || took > time.Second {
			x.Errorf("after %v: %v", took, err)
		}
		if s := x.stats(); s.Queued != 20 {
			x.Errorf("stats %+v", s)
		}
	})
}

// unproxied is a fetcher whose proxy is away the first times that it is to ask for a URL which nothing leads to.
type unproxied struct {
	Fetcher
	known *sync.Map // URLs that something leads to
	left  *atomic.Int32
}

func (p unproxied) Fetch(ctx context.Context, url string) (*crawler.Response, error) {
	if _, known := p.known.Load(url); !known && p.left.Add(-1) >= 0 {
		return nil, &crawler.Error{Kind: crawler.KindProxy, Err: errNoProxy, Unsent: true}
	}
	return p.Fetcher.Fetch(ctx, url)
}

func TestAProxyThatGoesAwaySavesNoTrap(t *testing.T) {
	var known sync.Map
	known.Store("http://a.test/", true)
	trap := site(func(*url.URL) (list []string) {
		for range 2 {
			path := "/x/" + word() + ".html"
			known.Store("http://a.test"+path, true)
			list = append(list, path)
		}
		return list
	})
	inBubble(t, echoes(func(p *frontier.Policy) { p.MaxPages = 1000 }), trap, func(x *trial) {
		var left atomic.Int32
		left.Store(2 * maxTries)
		x.cfg.Plan.Fetch = unproxied{x.fetcher, &known, &left}
		x.seed("http://a.test/")
		x.run()
		if s := x.stats(); s.Done == 1000 || s.Refused[frontier.Echo] == 0 || left.Load() >= 0 {
			x.Errorf("stats %+v", s)
		}
	})
}
