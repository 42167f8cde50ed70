package crawler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"trawl/parser"
)

func newRobots(t testing.TB, f *Fetcher) *Robots {
	t.Helper()
	r, err := NewRobots(f, RobotsConfig{Token: "trawl"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func noPace(context.Context, string) error { return nil }

func get(t testing.TB, r *Robots, origin string) *Ruling {
	t.Helper()
	ruling, err := r.Get(t.Context(), origin, noPace)
	if err != nil {
		t.Fatal(err)
	}
	return ruling
}

// local is an in-memory web for synctest: requests for any host go to h, over pipes. wait returns when all is closed.
func local(t testing.TB, h http.HandlerFunc) (f *Fetcher, wait func()) {
	c, served := piped(func(c net.Conn) {
		l := &oneConn{c: c, closed: make(chan struct{})}
		s := &http.Server{Handler: h, ErrorLog: discardLog(), ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed || s == http.StateHijacked {
				l.Close()
			}
		}}
		s.Serve(l)
	})
	f = newFetcher(t, c)
	return f, func() { f.Close(); served() }
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	c      net.Conn
	once   sync.Once
	end    sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.c })
	if c != nil {
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { l.end.Do(func() { close(l.closed) }); return nil }
func (l *oneConn) Addr() net.Addr { return l.c.LocalAddr() }

func TestRobotsFollowTheStandard(t *testing.T) {
	t.Parallel()
	const rules = "User-agent: trawl\nDisallow: /private\nCrawl-delay: 7\n"
	hops := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) < len("/robots.txt")+n {
				http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
				return
			}
			fmt.Fprint(w, rules)
		}
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	silent := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	late := "User-agent: trawl\n" + strings.Repeat("# ", 256<<10) + "\nDisallow: /private\n"
	cut := "User-agent: trawl\n# " // the limit falls behind "Disallow: /p"
	cut += strings.Repeat("x", parser.MaxRobots-len(cut)-len("\nDisallow: /p")) + "\nDisallow: /private\n"
	tests := []struct {
		name            string
		serve           http.HandlerFunc
		public, private bool // allowed
		unreachable     bool
	}{
		{"200: the rules", status(200, rules), true, false, false},
		{"204: no rules", status(204, ""), true, true, false},
		{"404: all is allowed, whatever the body says", status(404, "User-agent: *\nDisallow: /\n"), true, true, false},
		{"401: all is allowed", status(401, ""), true, true, false},
		{"403: all is allowed", status(403, ""), true, true, false},
		{"410: all is allowed", status(410, ""), true, true, false},
		{"429: nothing is allowed for now", status(429, rules), false, false, true},
		{"500: nothing is allowed for now", status(500, rules), false, false, true},
		{"503: nothing is allowed for now", status(503, ""), false, false, true},
		{"no answer: nothing is allowed for now", silent, false, false, true},
		{"five redirects are followed", hops(5), true, false, false},
		{"six are as good as none", hops(6), true, true, false},
		{"a redirect to nowhere is as good as none", status(302, ""), true, true, false},
		{"a rule cut at 500 KiB is not read", status(200, cut), true, true, false},
		{"rules after 500 KiB are not read", status(200, late), true, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ruling := get(t, newRobots(t, newFetcher(t, Config{})), newServer(t, test.serve).URL)
			public, _ := ruling.Allowed("/public")
			private, line := ruling.Allowed("/private?x")
			if public != test.public || private != test.private {
				t.Errorf("/public %v, /private %v (%s); want %v, %v", public, private, line, test.public, test.private)
			}
			if err := ruling.Unreachable(); (err != nil) != test.unreachable {
				t.Errorf("unreachable: %v, want %v", err, test.unreachable)
			}
			if test.public && !test.private && ruling.CrawlDelay() != 7*time.Second {
				t.Errorf("crawl delay %v, want 7s", ruling.CrawlDelay())
			}
		})
	}
}

func TestEachRequestForRobotsIsPaced(t *testing.T) {
	t.Parallel()
	var requests, paced atomic.Int32
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) < 4 {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}
	})
	pace := func(context.Context, string) error {
		if paced.Add(1) != requests.Load()+1 {
			t.Error("a request went before its pace")
		}
		return nil
	}
	if _, err := newRobots(t, newFetcher(t, Config{})).Get(t.Context(), s.URL, pace); err != nil {
		t.Fatal(err)
	}
	if paced.Load() != 4 {
		t.Errorf("paced %d times for %d requests", paced.Load(), requests.Load())
	}
}

func TestAPaceThatFailsAsksNobody(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	r := newRobots(t, newFetcher(t, Config{}))
	stop := errors.New("stop")
	if _, err := r.Get(t.Context(), s.URL, func(context.Context, string) error { return stop }); err != stop {
		t.Errorf("error %v, want %v", err, stop)
	}
	if _, ok := r.Cached(s.URL); ok {
		t.Error("a ruling was kept")
	}
}

func TestARedirectToAKnownRobotsAsksNobody(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, "User-agent: *\nDisallow: /\n")
	})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/robots.txt", http.StatusMovedPermanently)
	})
	r := newRobots(t, newFetcher(t, Config{}))
	get(t, r, other.URL)
	if ok, _ := get(t, r, s.URL).Allowed("/x"); ok || asked.Load() != 1 {
		t.Errorf("allowed %v after %d requests, want false after 1", ok, asked.Load())
	}
}

func TestAGuardErrorOfRobotsIsTold(t *testing.T) {
	t.Parallel()
	private := httptest.NewServer(http.NotFoundHandler())
	defer private.Close()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(private.URL, "127.0.0.1", "10.0.0.1", 1)+"/robots.txt", http.StatusFound)
	})
	ruling := get(t, newRobots(t, newFetcher(t, Config{})), s.URL)
	wantKind(t, ruling.Unreachable(), KindAddress)
}

func TestAnUnreachableRobotsIsAskedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wait := local(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		defer wait()
		r := newRobots(t, f)
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600} {
			ruling := get(t, r, "http://a.example")
			if got := time.Until(ruling.Expires()); got != want*time.Second || ruling.Failures() != i+1 {
				t.Errorf("failure %d: again in %v, want %ds", ruling.Failures(), got, want)
			}
			time.Sleep(time.Until(ruling.Expires()))
		}
	})
}

func TestRetryAfterOfRobotsIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wait := local(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(503)
		})
		defer wait()
		if got := time.Until(get(t, newRobots(t, f), "http://a.example").Expires()); got != time.Hour {
			t.Errorf("again in %v, want 1h", got)
		}
	})
}

func TestOldRulesServeForADayWhileTheOriginIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		f, wait := local(t, func(w http.ResponseWriter, _ *http.Request) {
			if down.Load() {
				w.WriteHeader(503)
			}
			fmt.Fprint(w, "User-agent: *\nDisallow: /private\n")
		})
		defer wait()
		r := newRobots(t, f)
		start := time.Now()
		get(t, r, "http://a.example")
		down.Store(true)
		for time.Since(start) < 26*time.Hour {
			ruling := get(t, r, "http://a.example")
			asked := time.Now()
			public, _ := ruling.Allowed("/public")
			if young := time.Since(start) < robotsStale; public != young || (ruling.Unreachable() == nil) != young {
				t.Fatalf("after %v: public %v, %v", time.Since(start), public, ruling.Unreachable())
			}
			time.Sleep(max(ruling.Expires().Sub(asked), time.Minute))
		}
		down.Store(false)
		time.Sleep(maxBackoff)
		if ruling := get(t, r, "http://a.example"); ruling.Failures() != 0 || ruling.Unreachable() != nil {
			t.Errorf("when it is back: %d failures, %v", ruling.Failures(), ruling.Unreachable())
		}
	})
}

func TestAnOriginIsAskedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		f, wait := local(t, func(http.ResponseWriter, *http.Request) {
			requests.Add(1)
			time.Sleep(time.Second)
		})
		defer wait()
		r := newRobots(t, f)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { get(t, r, "http://a.example") })
		}
		wg.Wait()
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if _, ok := r.Cached("http://a.example"); !ok {
			t.Error("not cached")
		}
		time.Sleep(robotsFresh)
		if _, ok := r.Cached("http://a.example"); ok {
			t.Error("cached for ever")
		}
	})
}

func TestABadRobotsTokenIsRefused(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "trawl/1.0", "a b", "träwl", "x9"} {
		if _, err := NewRobots(nil, RobotsConfig{Token: token}); err == nil {
			t.Errorf("%q: accepted", token)
		}
	}
}
