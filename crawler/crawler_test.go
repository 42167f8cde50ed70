package crawler

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// newFetcher returns a fetcher that may dial loopback and is closed with the test: Close hangs if a connection leaks.
func newFetcher(t testing.TB, c Config) *Fetcher {
	t.Helper()
	if c.UserAgent == "" {
		c.UserAgent = "trawl-test"
	}
	if c.AllowNet == nil {
		c.AllowNet = loopback
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func newServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// fetch expects a response; it is released with the test.
func fetch(t testing.TB, f *Fetcher, url string) *Response {
	t.Helper()
	r, err := f.Fetch(t.Context(), url)
	if err != nil {
		t.Fatalf("fetch %s: %v", url, err)
	}
	t.Cleanup(r.Release)
	return r
}

// fetchAtOnce fetches a page n times, side by side.
func fetchAtOnce(t *testing.T, f *Fetcher, url string, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r, err := f.Fetch(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			r.Release()
		})
	}
	wg.Wait()
}

func wantKind(t testing.TB, err error, want Kind) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Errorf("error %v, want kind %q", err, want)
	}
}

// piped connects a fetcher to serve without a network, so that it works in a synctest bubble. Each connection is
// served in its own goroutine; the returned func waits for them, after the fetcher was closed.
func piped(serve func(net.Conn)) (Config, func()) {
	var wg sync.WaitGroup
	dial := func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		wg.Go(func() {
			defer server.Close()
			serve(server)
		})
		return client, nil
	}
	return Config{UserAgent: "trawl-test", Dial: dial}, wg.Wait
}

// reply reads one request and writes text as the answer.
func reply(c net.Conn, text string) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.WriteString(c, text)
	}
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
