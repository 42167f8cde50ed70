package crawler

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// drip writes text, then one byte a second for as long as somebody reads.
func drip(text string) func(net.Conn) {
	return func(c net.Conn) {
		reply(c, text)
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(time.Second) // virtual
		}
	}
}

func say(text string) func(net.Conn) {
	return func(c net.Conn) { reply(c, text) }
}

func TestAHostileServerCostsOneErrorOfItsKind(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	kilobyte := "X-Long: " + strings.Repeat("x", 1016) + "\r\n"
	silent := func(c net.Conn) { reply(c, ""); io.Copy(io.Discard, c) }
	tests := []struct {
		name  string
		serve func(net.Conn)
		want  Kind
		after time.Duration // at most
	}{
		{"reads nothing", func(c net.Conn) { time.Sleep(time.Hour) }, KindTimeout, 30 * time.Second},
		{"never answers", silent, KindTimeout, 20 * time.Second},
		{"drips headers", drip(ok + "X-Long: "), KindTimeout, 20 * time.Second},
		{"drips a body", drip(ok + "Content-Length: 1000\r\n\r\n"), KindTimeout, 30 * time.Second},
		{"drips an endless body", drip(ok + "\r\n"), KindTimeout, 30 * time.Second},
		{"closes at once", say(""), KindReset, 0},
		{"closes within the headers", say(ok + "Content-Length: 5\r\n"), KindReset, 0},
		{"closes within a header", say(ok + "Content-Le"), KindReset, 0},
		{"closes within the status", say("HTTP/1.1 20"), KindReset, 0},
		{"closes within the version", say("HTTP/1."), KindReset, 0},
		{"closes within the protocol", say("HT"), KindReset, 0},
		{"sends an alert of TLS", say("\x15\x03\x01\x00\x02\x02\x16"), KindProtocol, 0},
		{"says two words", say("Not allowed"), KindProtocol, 0},
		{"sends no headers", say("<html>gone</html>"), KindProtocol, 0},
		{"closes before the end of the body", say(ok + "Content-Length: 10\r\n\r\nshort"), KindReset, 0},
		{"closes within a chunk", say(ok + "Transfer-Encoding: chunked\r\n\r\n10\r\nshort"), KindReset, 0},
		{"sends no chunks", say(ok + "Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"), KindProtocol, 0},
		{"speaks no HTTP", say("220 mail.example ESMTP\r\n"), KindProtocol, 0},
		{"has two lengths", say(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), KindProtocol, 0},
		{"sends 1 MiB of headers", say(ok + strings.Repeat(kilobyte, 1024) + "\r\n"), KindHeader, 0},
		{"sends endless interim responses", say(strings.Repeat("HTTP/1.1 103 Early Hints\r\n"+kilobyte+"\r\n", 1024)), KindHeader, 0},
		{"names an encoding that it does not use", say(ok + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"), KindDecode, 0},
		{"names an encoding twice", say(ok + "Content-Encoding: gzip, gzip\r\nContent-Length: 5\r\n\r\nplain"), KindDecode, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, wait := piped(test.serve)
				f := newFetcher(t, c)
				start := time.Now()
				_, err := f.Fetch(t.Context(), "http://example.com/")
				wantKind(t, err, test.want)
				if took := time.Since(start); took > test.after {
					t.Errorf("took %v, want at most %v", took, test.after)
				}
				f.Close()
				wait()
			})
		})
	}
}

func TestAConnectionThatIsNotMadeTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFetcher(t, Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		_, err := f.Fetch(t.Context(), "http://example.com/")
		wantKind(t, err, KindTimeout)
		if took := time.Since(start); took != connectTimeout {
			t.Errorf("took %v, want %v", took, connectTimeout)
		}
	})
}

func TestATLSHandshakeThatDoesNotEndTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wait := piped(func(c net.Conn) { io.Copy(io.Discard, c) })
		f := newFetcher(t, c)
		start := time.Now()
		_, err := f.Fetch(t.Context(), "https://example.com/")
		wantKind(t, err, KindTimeout)
		if took := time.Since(start); took != connectTimeout {
			t.Errorf("took %v, want %v", took, connectTimeout)
		}
		f.Close()
		wait()
	})
}

func TestAnEndlessBodyIsCut(t *testing.T) {
	t.Parallel()
	block := make([]byte, 32<<10)
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	r := fetch(t, newFetcher(t, Config{MaxBody: 1 << 20}), s.URL)
	if len(r.Body) != 1<<20 || !r.Truncated {
		t.Errorf("%d bytes, truncated %v; want 1 MiB, true", len(r.Body), r.Truncated)
	}
}

func TestTheCallersContextEndsAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wait := piped(func(c net.Conn) { reply(c, ""); io.Copy(io.Discard, c) })
		f := newFetcher(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Fetch(ctx, "http://example.com/")
		wantKind(t, err, KindCanceled)
		f.Close()
		wait()
	})
}

// The servers below reset connections, which a pipe cannot do.

// resetter answers the first so many requests of each connection and resets it on the next.
func resetter(t *testing.T, answers int) (url string, requests *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go resetAfter(c.(*net.TCPConn), answers, requests)
		}
	}()
	return "http://" + l.Addr().String() + "/", requests
}

func resetAfter(c *net.TCPConn, answers int, requests *atomic.Int32) {
	defer c.Close()
	c.SetLinger(0) // Close sends RST
	buf := make([]byte, 4096)
	for range answers + 1 {
		if _, err := c.Read(buf); err != nil {
			return
		}
		requests.Add(1)
		if answers--; answers >= 0 {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}

func TestARequestIsNotRepeatedWhenAReusedConnectionIsReset(t *testing.T) {
	t.Parallel()
	url, requests := resetter(t, 3)
	f := newFetcher(t, Config{})
	for range 3 {
		fetch(t, f, url)
	}
	_, err := f.Fetch(t.Context(), url)
	wantKind(t, err, KindReset)
	if n := requests.Load(); n != 4 {
		t.Errorf("the server saw %d requests, want 4", n)
	}
}

func TestARequestIsNotRepeatedWhenAReusedConnectionIsClosed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			c, _, _ := http.NewResponseController(w).Hijack()
			c.Close() // FIN where an answer is due
		}
	})
	f := newFetcher(t, Config{})
	fetch(t, f, s.URL)
	_, err := f.Fetch(t.Context(), s.URL)
	wantKind(t, err, KindReset)
	if n := requests.Load(); n != 2 {
		t.Errorf("the server saw %d requests, want 2", n)
	}
}

func TestARefusedConnectionIsAConnectError(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := newFetcher(t, Config{}).Fetch(t.Context(), s.URL)
	wantKind(t, err, KindConnect)
}

func TestTLSErrorsAreTold(t *testing.T) {
	t.Parallel()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	secure := httptest.NewUnstartedServer(hello)
	secure.Config.ErrorLog = discardLog()
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := newServer(t, hello)

	_, err := newFetcher(t, Config{}).Fetch(t.Context(), secure.URL)
	wantKind(t, err, KindTLS)
	_, err = newFetcher(t, Config{Insecure: true}).Fetch(t.Context(), strings.Replace(plain.URL, "http", "https", 1))
	wantKind(t, err, KindTLS)
	if r := fetch(t, newFetcher(t, Config{Insecure: true}), secure.URL); string(r.Body) != "hello" {
		t.Errorf("body %q with Insecure, want hello", r.Body)
	}
}

func TestAnErrorTellsWhetherAnythingWasAsked(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	broken := newServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for url, unsent := range map[string]bool{closed.URL: true, "http://nowhere.example/": true, broken.URL: false} {
		_, err := newFetcher(t, Config{Resolve: names{}.resolve}).Fetch(t.Context(), url)
		var e *Error
		if !errors.As(err, &e) || e.Unsent != unsent {
			t.Errorf("%s: %+v, want Unsent %v", url, e, unsent)
		}
	}
}
