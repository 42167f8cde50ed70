package crawler

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counting serves "ok" over HTTP/1.1 and counts the connections: all, and those that are open.
func counting(all, open *atomic.Int32) (Config, func()) {
	return piped(func(c net.Conn) {
		all.Add(1)
		open.Add(1)
		defer open.Add(-1)
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
}

func TestAnIdleConnectionIsClosedAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, open atomic.Int32
		c, wait := counting(&all, &open)
		f := newFetcher(t, c)
		for range 3 {
			fetch(t, f, "http://a.example/")
			time.Sleep(idleTimeout - time.Second)
		}
		fetch(t, f, "http://b.example/")
		if all.Load() != 2 || open.Load() != 2 {
			t.Errorf("%d connections, %d open; want 2, 2", all.Load(), open.Load())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if open.Load() != 1 {
			t.Errorf("%d connections open, want that of b alone", open.Load())
		}
		time.Sleep(idleTimeout)
		synctest.Wait()
		if open.Load() != 0 {
			t.Errorf("%d connections open, want none", open.Load())
		}
		f.Close()
		wait()
	})
}

func TestOnlySoManyIdleConnectionsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, open atomic.Int32
		c, wait := counting(&all, &open)
		c.MaxIdle = 3
		f := newFetcher(t, c)
		for i := range 10 {
			fetch(t, f, "http://used.example/")
			fetch(t, f, fmt.Sprintf("http://h%d.example/", i))
		}
		synctest.Wait()
		if all.Load() != 11 || open.Load() != 3 {
			t.Errorf("%d connections, %d open; want 11, 3", all.Load(), open.Load())
		}
		f.Close()
		wait()
		if open.Load() != 0 {
			t.Errorf("%d connections open after Close", open.Load())
		}
	})
}

func TestAConnectionServesOneOriginOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, open atomic.Int32
		c, wait := counting(&all, &open)
		f := newFetcher(t, c)
		for range 2 {
			for _, u := range []string{"http://a.example/", "http://b.example/", "http://a.example:81/", "http://A.example:80/"} {
				fetch(t, f, u)
			}
		}
		if all.Load() != 3 {
			t.Errorf("%d connections for 3 origins", all.Load())
		}
		f.Close()
		wait()
	})
}

func TestAConnectionThatTheServerClosedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wait := piped(say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) // and closes
		f := newFetcher(t, c)
		for range 3 {
			fetch(t, f, "http://a.example/")
			synctest.Wait() // the end is seen
			if n := f.pool.idle.Len() + len(f.pool.ready); n != 0 {
				t.Errorf("%d connections are kept", n)
			}
		}
		f.Close()
		wait()
	})
}

func TestFirstRequestsAtOnceDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests, conns atomic.Int32
		c, wait := newH2(t, &requests, func(c *h2Conn) {
			if conns.Add(1) == 1 {
				io.Copy(io.Discard, c.conn) // the first one hangs
				return
			}
			c.listen()
			for stream := range c.streams {
				c.answer(stream)
			}
		})
		f := newFetcher(t, c)
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				r, err := f.Fetch(t.Context(), "https://example.com/")
				if err != nil {
					failed.Add(1)
					return
				}
				r.Release()
			})
		}
		wg.Wait()
		if conns.Load() > 50 || requests.Load()+failed.Load() != 50 {
			t.Errorf("%d connections, %d requests, %d failed", conns.Load(), requests.Load(), failed.Load())
		}
		f.Close()
		wait()
	})
}

func TestARequestOfHTTP1WaitsForNoOther(t *testing.T) {
	t.Parallel()
	const n = 5
	var under atomic.Int32
	all := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			return
		}
		if under.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
	})
	f := newFetcher(t, Config{Timeout: 10 * time.Second})
	fetch(t, f, s.URL+"/first")
	fetchAtOnce(t, f, s.URL, n)
}

// All that a server can do to many requests at once; nothing may stay.
func TestCloseLeavesNothingOfHTTP2Behind(t *testing.T) {
	var served atomic.Int32
	s := newH2Server(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := served.Add(1); {
		case n%7 == 0:
			panic(http.ErrAbortHandler) // a reset
		case n%5 == 0:
			w.Header().Set("Connection", "close") // a GOAWAY
		case n%3 == 0:
			w.Write(make([]byte, 1<<20)) // more than is read
		}
		io.WriteString(w, "ok")
	}, func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 4} })
	before := runtime.NumGoroutine()
	f := newFetcher(t, Config{Insecure: true, MaxBody: 1000, MaxIdle: 2})
	var asked, failed atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				asked.Add(1)
				r, err := f.Fetch(t.Context(), s.URL)
				if err == nil {
					r.Release()
					continue
				}
				failed.Add(1)
				if e := (*Error)(nil); !errors.As(err, &e) || e.Kind != KindReset {
					t.Errorf("error %v, want a reset", err)
				}
			}
		})
	}
	wg.Wait()
	if n := f.pool.idle.Len(); n > 2 {
		t.Errorf("%d idle connections are kept, want at most 2", n)
	}
	f.Close()
	if served.Load() > asked.Load() || failed.Load() < asked.Load()/8 {
		t.Errorf("%d requests served of %d, %d failed", served.Load(), asked.Load(), failed.Load())
	}
	s.Close()
	for runtime.NumGoroutine() > before { // they end by themselves; the test's timeout is the limit
		runtime.Gosched()
	}
}
