package webtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswersOfEachKindOfURL(t *testing.T) {
	t.Parallel()
	_, s := start(t, Config{RobotsDenied: 0.1, Redirects: 0.1, DeadLinks: 0.1})
	c := client(t)
	for path, want := range map[string]int{
		"/": 200, "/s3/3.html": 200, "/view?n=9&s=9": 200, "/private/0.html": 200, "/robots.txt": 200,
		"/go/0": 301, "/go/1": 301, "/gone/3.html": 404, "/trap/script": 404, "/s3/103.html": 404,
	} {
		resp, body := get(t, c, s.URL(0, path))
		if resp.StatusCode != want {
			t.Errorf("%s: %s", path, resp.Status)
		}
		if to, err := resp.Location(); want == 301 && (err != nil || s.web.statusOf(to) != 200) {
			t.Errorf("%s leads to %v, %v", path, to, err)
		}
		if want == 200 && path != "/robots.txt" && resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s, %d bytes", path, resp.Header.Get("Content-Type"), len(body))
		}
	}
	if resp, _ := get(t, c, "http://127.0.0.1"+s.port+"/"); resp.StatusCode != 421 {
		t.Errorf("a host that is none: %s", resp.Status)
	}
}

func TestRedirectsAreRelativeAndAbsolute(t *testing.T) {
	t.Parallel()
	w := New(Config{Redirects: 0.1})
	for path, prefix := range map[string]string{"/go/0": "/", "/go/1": "http://h0000.localhost:80/"} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest("GET", "http://h0000.localhost:80"+path, nil))
		if to := rec.Header().Get("Location"); !strings.HasPrefix(to, prefix) {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

// onWrite is called when the first bytes of an answer leave.
type onWrite struct {
	*httptest.ResponseRecorder
	f func()
}

func (w onWrite) Write(b []byte) (int, error) {
	w.f()
	return w.ResponseRecorder.Write(b)
}

// TestARequestIsOverBeforeItsAnswerLeaves: else a client that goes on at once would be seen to have two in flight.
func TestARequestIsOverBeforeItsAnswerLeaves(t *testing.T) {
	t.Parallel()
	s := newServer(New(Config{}))
	written := false
	rw := onWrite{httptest.NewRecorder(), func() {
		written = true
		if n := len(s.Log().Requests("h0000.localhost")); n != 1 {
			t.Errorf("%d requests are over", n)
		}
	}}
	s.ServeHTTP(rw, httptest.NewRequest("GET", "http://h0000.localhost/", nil))
	if !written {
		t.Error("nothing written")
	}
}

// statusOf is what a URL is answered with.
func (w *Web) statusOf(u *url.URL) int {
	return w.answer(&http.Request{Host: u.Host, RequestURI: u.RequestURI()}).status
}

func TestRobotsTxtForbidsAFolderOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for denied, want := range map[float64]string{
		0:   "User-agent: *\nDisallow:\n",
		0.1: "User-agent: *\nDisallow: /private/\n",
	} {
		rec := httptest.NewRecorder()
		New(Config{RobotsDenied: denied}).ServeHTTP(rec, httptest.NewRequest("GET", "http://h0000.localhost/robots.txt", nil))
		if rec.Body.String() != want {
			t.Errorf("%v denied: %q", denied, rec.Body)
		}
	}
}

func TestAPassingErrorIsShownOnceByEachServer(t *testing.T) {
	t.Parallel()
	w := New(Config{Errors: 1})
	for range 2 {
		s := newServer(w)
		for _, want := range []int{503, 200, 200} {
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, httptest.NewRequest("GET", "http://h0000.localhost/s3/3.html", nil))
			if rec.Code != want {
				t.Errorf("got %d, want %d", rec.Code, want)
			}
		}
	}
}

func TestErrorsIsTheShareOfPagesThatFail(t *testing.T) {
	t.Parallel()
	w := New(Config{PagesPerHost: 10_000, Errors: 0.2})
	n := 0
	everywhere(w, func(p place) {
		if w.flaky(p) {
			n++
		}
	})
	if n < 1850 || n > 2150 || w.flaky(place{}) {
		t.Errorf("%d of 10,000, front page %v", n, w.flaky(place{}))
	}
}

func TestLatencyPassesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(New(Config{Latency: 3 * time.Second}))
		began := time.Now()
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest("GET", "http://h0000.localhost/", nil))
		if took := time.Since(began); took != 3*time.Second || rec.Code != 200 {
			t.Errorf("status %d after %v", rec.Code, took)
		}
		rs := s.Log().Requests("h0000.localhost")
		if len(rs) != 1 || rs[0].End.Sub(rs[0].Start) != 3*time.Second {
			t.Errorf("logged %+v", rs)
		}
	})
}

func TestAClientThatLeavesIsLoggedAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(New(Config{Latency: time.Hour}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "http://h0000.localhost/", nil))
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
		if rs := s.Log().Requests("h0000.localhost"); len(rs) != 1 || rs[0].Status != 499 {
			t.Errorf("logged %+v", rs)
		}
	})
}

// TestCloseEndsAThousandWaitingRequests also shows that so many are served at once.
func TestCloseEndsAThousandWaitingRequests(t *testing.T) {
	const clients = 1000
	before := runtime.NumGoroutine()
	s, err := New(Config{Latency: time.Hour}).Start()
	if err != nil {
		t.Fatal(err)
	}
	c := client(t)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if resp, err := c.Get(s.URL(0, "/")); err == nil {
				resp.Body.Close()
				t.Error("an answer before its time")
			}
		})
	}
	host := hostOf(t, s.URL(0, ""))
	tick := time.Tick(time.Millisecond) // of the looks at a condition, which the test's time limit ends
	for s.Log().MaxConcurrent(host) < clients {
		<-tick
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if rs := s.Log().Requests(host); len(rs) != clients || rs[0].Status != 499 {
		t.Errorf("%d requests logged: the others still run", len(rs))
	}
	all.Wait()
	c.CloseIdleConnections()
	for runtime.NumGoroutine() > before {
		<-tick
	}
}

func TestHostsCanBeAddresses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 on its loopback interface")
	}
	cfg := full()
	cfg.ByAddress, cfg.PagesPerHost = true, 10
	w, s := start(t, cfg)
	got := crawl(t, Rules{AnyHost: true}, s.URL(0, "/"))
	if len(got) != w.Count() {
		t.Errorf("%d of %d URLs", len(got), w.Count())
	}
	if hosts := s.Log().Hosts(); len(hosts) != cfg.Hosts || hosts[4] != "127.1.0.5"+s.port {
		t.Errorf("hosts %v", hosts)
	}
}

func TestTheServerIsAProxyToItsHosts(t *testing.T) {
	t.Parallel()
	_, s := start(t, Config{Hosts: 3})
	proxy := &url.URL{Scheme: "http", Host: "127.0.0.1" + s.port}
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil }}
	defer transport.CloseIdleConnections()
	u := s.URL(2, "/view?n=9&s=9")
	if resp, _ := get(t, &http.Client{Transport: transport}, u); resp.StatusCode != 200 || s.Log().Count(u) != 1 {
		t.Errorf("%s, counted %d times", resp.Status, s.Log().Count(u))
	}
}

func TestHeadHasTheLengthAndNoBody(t *testing.T) {
	t.Parallel()
	_, s := start(t, Config{})
	resp, err := client(t).Head(s.URL(0, "/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ContentLength < 29<<10 || resp.StatusCode != 200 {
		t.Errorf("%s, length %d", resp.Status, resp.ContentLength)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Serve(ctx, Config{}, "127.0.0.1:0"); err != nil {
		t.Error(err)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.1.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	for _, cfg := range []Config{{}, {Hosts: 3, ByAddress: true}} {
		var opErr *net.OpError
		if err := Serve(t.Context(), cfg, l.Addr().String()); !errors.As(err, &opErr) {
			t.Errorf("got %v", err)
		}
	}
}

func TestTheLogFileSaysWhatTheLogSays(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	cfg := full()
	cfg.LogTo, cfg.Hosts = &file, 1
	_, s := start(t, cfg)
	crawl(t, Rules{}, s.URL(0, "/"))
	if err := s.Close(); err != nil { // before file is read
		t.Fatal(err)
	}
	read, err := ReadLog(&file)
	if err != nil {
		t.Fatal(err)
	}
	host := s.Log().Hosts()[0]
	got, want := read.Requests(host), s.Log().Requests(host)
	if len(got) != len(want) || len(got) != s.Log().Total() {
		t.Fatalf("%d requests, want %d", len(got), len(want))
	}
	for i, r := range got {
		w := want[i]
		if r.Path != w.Path || r.Status != w.Status || r.Start.UnixMicro() != w.Start.UnixMicro() || r.End.UnixMicro() != w.End.UnixMicro() {
			t.Errorf("line %d: %+v, want %+v", i, r, w)
		}
	}
	if g, w := read.MaxConcurrent(host), s.Log().MaxConcurrent(host); g != 1 || w != 1 {
		t.Errorf("one request at a time, yet %d and %d at once", g, w)
	}
}

type brokenFile struct{}

func (brokenFile) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestCloseReportsThatTheLogCouldNotBeWritten(t *testing.T) {
	t.Parallel()
	s, err := New(Config{LogTo: brokenFile{}}).Start()
	if err != nil {
		t.Fatal(err)
	}
	get(t, client(t), s.URL(0, "/"))
	if err := s.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

func TestCloseWaitsForWhatStillRuns(t *testing.T) {
	t.Parallel()
	s := newServer(New(Config{}))
	begun, ended := make(chan struct{}), false
	s.http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-time.After(50 * time.Millisecond) // takes no notice of its client
		ended = true
	})
	ls, err := s.web.listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.serve(ls)
	var asked sync.WaitGroup
	asked.Go(func() {
		if resp, err := client(t).Get(s.URL(0, "/")); err == nil { // cut off, most likely
			resp.Body.Close()
		}
	})
	<-begun
	if err := s.Close(); err != nil || !ended {
		t.Errorf("closed with %v, while a handler ran: %v", err, !ended)
	}
	asked.Wait()
}

func BenchmarkServe(b *testing.B) {
	_, s := start(b, Config{Hosts: 100, PagesPerHost: 2000, CountsOnly: true})
	c := client(b)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.Get(s.URL(3, "/s4/44.html"))
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}
