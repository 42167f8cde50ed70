package crawler

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAResponseIsWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.RequestURI())
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	})
	r := fetch(t, newFetcher(t, Config{}), s.URL+"/a%20b?c=d")
	if r.Status != http.StatusTeapot || r.Header.Get("X-Path") != "/a%20b?c=d" || string(r.Body) != "short and stout" {
		t.Errorf("got %d, %q, %q", r.Status, r.Header.Get("X-Path"), r.Body)
	}
	if r.Truncated || r.Proto != "HTTP/1.1" || "http://"+r.RemoteAddr.String() != s.URL || r.Duration <= 0 {
		t.Errorf("truncated %v, %s, from %v, in %v", r.Truncated, r.Proto, r.RemoteAddr, r.Duration)
	}
}

func TestARequestSaysNoMoreThanItShould(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	f := newFetcher(t, Config{UserAgent: "trawl/1", Header: http.Header{"x-more": {"1", "2"}, "Accept": {"text/html"}}})
	fetch(t, f, s.URL)
	r := <-got
	want := http.Header{
		"User-Agent": {"trawl/1"}, "Accept": {"text/html"}, "Accept-Encoding": {"gzip, br, zstd"}, "X-More": {"1", "2"},
	}
	if fmt.Sprint(r.Header) != fmt.Sprint(want) {
		t.Errorf("header %v, want %v", r.Header, want)
	}
	if r.Method != "GET" || r.ContentLength != 0 || r.TransferEncoding != nil {
		t.Errorf("%s with length %d, encoding %v; want a GET without a body", r.Method, r.ContentLength, r.TransferEncoding)
	}
}

func TestARedirectIsReturnedAndNotFollowed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Encoding", "gzip") // as some do, without a body
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	s.Config.Handler = stripBody(s.Config.Handler)
	r := fetch(t, newFetcher(t, Config{}), s.URL)
	if r.Status != http.StatusFound || r.Header.Get("Location") != "/there" || requests.Load() != 1 {
		t.Errorf("%d to %q after %d requests", r.Status, r.Header.Get("Location"), requests.Load())
	}
}

// stripBody serves as h does, without the body.
func stripBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
	})
}

func TestKeepAliveServesManyPages(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	clients := make(map[string]bool)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		clients[r.RemoteAddr] = true
		w.Write(make([]byte, 100<<10))
	})
	f := newFetcher(t, Config{})
	for range 20 {
		fetch(t, f, s.URL)
	}
	if len(clients) != 1 {
		t.Errorf("20 pages over %d connections, want 1", len(clients))
	}
}

func TestWhatIsNoWebAddressIsAURLError(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	for _, raw := range []string{
		"", "/path", "ftp://example.com/", "http:///x", "http://:80/", "http://a b/", "mailto:a@b.c", "http://[::1/",
	} {
		_, err := f.Fetch(t.Context(), raw)
		wantKind(t, err, KindURL)
	}
}

func TestCookiesAreKeptOnlyInAJar(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		c, err := r.Cookie("seen")
		fmt.Fprint(w, err == nil && c.Value == "yes")
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		jar  http.CookieJar
		want string
	}{{nil, "false"}, {jar, "true"}} {
		f := newFetcher(t, Config{Jar: test.jar})
		fetch(t, f, s.URL)
		if r := fetch(t, f, s.URL); strings.TrimSpace(string(r.Body)) != test.want {
			t.Errorf("jar %v: the cookie came back: %s, want %s", test.jar != nil, r.Body, test.want)
		}
	}
}

func TestAWrongConfigIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no user agent":            {},
		"a line end in user agent": {UserAgent: "a\r\nb"},
		"a bad header name":        {UserAgent: "a", Header: http.Header{"a b": {"c"}}},
		"a bad header value":       {UserAgent: "a", Header: http.Header{"a": {"b\nc"}}},
		"a negative limit":         {UserAgent: "a", MaxBody: -1},
		"a proxy without a host":   {UserAgent: "a", Proxy: &url.URL{Scheme: "http"}},
		"a proxy of another kind":  {UserAgent: "a", Proxy: &url.URL{Scheme: "ftp", Host: "proxy"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLargeBodiesWaitForTheirShare(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	body := make([]byte, size)
	s := encodedServer(t, map[string][]byte{"": body, "gzip": encode(t, "gzip", body)})
	// Room for two plain bodies, or one encoded, and one beside; 32 want them.
	f := newFetcher(t, Config{MaxBody: size, LargeBodies: 2 * size})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			r, err := f.Fetch(t.Context(), s.URL+[]string{"/?", "/?gzip"}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			if len(r.Body) != size {
				t.Errorf("%d bytes, want %d", len(r.Body), size)
			}
			r.Release()
			r.Release() // does nothing
		})
	}
	wg.Wait()
	if f.bodies.large.left != 2*size || f.bodies.large.alone {
		t.Error("a share was not given back")
	}
}

// A large body that is held for long keeps others from growing, but never those that fit.
func TestALargeBodyThatFindsNoRoomIsAnErrorOfItsKind(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	s := encodedServer(t, map[string][]byte{"": make([]byte, size), "gzip": encode(t, "gzip", make([]byte, size))})
	f := newFetcher(t, Config{MaxBody: size, LargeBodies: 2 * size, Timeout: time.Second})
	first, second := fetch(t, f, s.URL), fetch(t, f, s.URL+"/?gzip") // the budget, and the place beside it
	for _, url := range []string{s.URL, s.URL + "/?gzip"} {
		_, err := f.Fetch(t.Context(), url)
		wantKind(t, err, KindMemory)
	}
	second.Release()
	fetch(t, f, s.URL+"/?gzip").Release()
	first.Release()
	fetch(t, f, s.URL).Release()
	if f.bodies.large.left != 2*size || f.bodies.large.alone {
		t.Error("a share was not given back")
	}
}

func TestAFailedFetchHoldsNoShare(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.Write(make([]byte, 900_000))
	})
	f := newFetcher(t, Config{})
	_, err := f.Fetch(t.Context(), s.URL)
	wantKind(t, err, KindReset)
	if f.bodies.large.left != f.cfg.LargeBodies {
		t.Error("a share was not given back")
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	before := runtime.NumGoroutine()
	f := newFetcher(t, Config{})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				cancel() // some are given up while they dial
			}
			if r, err := f.Fetch(ctx, s.URL); err == nil {
				r.Release()
			}
		})
	}
	wg.Wait()
	f.Close()
	s.Close()
	for runtime.NumGoroutine() > before { // the transport's end by themselves; the test's timeout is the limit
		runtime.Gosched()
	}
	_, err := f.Fetch(t.Context(), s.URL)
	if err == nil {
		t.Error("a closed fetcher fetched")
	}
}
