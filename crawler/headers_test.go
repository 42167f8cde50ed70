package crawler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHeadersAreGivenAsTheyCame(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("X: y\r\n", 20_000)
	for name, test := range map[string]struct{ head, location string }{
		"latin-1":       {"Location: /caf\xe9?\xff\x80\r\n", "/caf\xe9?\xff\x80"},
		"utf-8":         {"Location: /café\r\n", "/café"},
		"no space":      {"Location:/a\r\n", "/a"},
		"folded":        {"Location: /a\r\n b\r\n", "/a b"},
		"twice":         {"Location: /a\r\nLocation: /b\r\n", "/a"},
		"empty":         {"Location:\r\n", ""},
		"bare newlines": {"Location: /a\n", "/a"},
		"many":          {many + "Location: /a\r\n", "/a"},
	} {
		c, wait := piped(say("HTTP/1.1 302 Found\r\n" + test.head + "Content-Length: 0\r\n\r\n"))
		f := newFetcher(t, c)
		r, err := f.Fetch(t.Context(), "http://a.example/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := r.Header.Get("Location"); got != test.location {
			t.Errorf("%s: Location %q, want %q", name, got, test.location)
		}
		r.Release()
		f.Close()
		wait()
	}
}

func TestAHeaderOfTheConnectionIsNotTheUsers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Connection", "keep-alive", "Transfer-Encoding", "Upgrade", "TE", "Proxy-Connection"} {
		if _, err := New(Config{UserAgent: "a", Header: http.Header{name: {"x"}}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzHeaders answers a request with the bytes, and closes the connection. Whatever they are, there comes a response
// within its limits or an error of a known kind, at once, and nothing is left behind.
func FuzzHeaders(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, head := range []string{
		"", ok, ok + "\r\n", ok + "Content-Length: 2\r\n\r\nok", ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
		ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b", ok + "Content-Encoding: deflate\r\n\r\n\x78\x9c", ok + "Content-Encoding: br\r\n\r\nx",
		ok + "Content-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd", ok + "Content-Length: -1\r\n\r\n", ok + "Content-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 302 \r\nLocation: \xff\xfe\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.0 999 \r\n\r\n", "HTTP/1.1 000 x\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
		ok + "Set-Cookie: a=b; Max-Age=-1\r\nRetry-After: 99999999999999999999\r\n\r\n", ok + "A: b\r\n c\r\n\x00: x\r\n\r\n", ok + ": x\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	var head []byte
	served := make(chan struct{})
	fetcher := newFetcher(f, Config{
		MaxBody: 64 << 10,
		Timeout: 10 * time.Second,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer func() { served <- struct{}{} }()
				defer server.Close()
				server.Read(make([]byte, 4096))
				io.Copy(server, bytes.NewReader(head))
			}()
			return client, nil
		},
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		head = raw
		start := time.Now()
		r, err := fetcher.Fetch(WithFresh(t.Context()), "http://a.example/")
		if err == nil {
			checkResponse(t, r)
			r.Release()
		} else if e := (*Error)(nil); !errors.As(err, &e) || !known(e.Kind) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		closeAll(fetcher.pool.discardAll())
		<-served
	})
}

func checkResponse(t *testing.T, r *Response) {
	size := 0
	for name, values := range r.Header {
		size += len(name) + len(fmt.Sprint(values))
	}
	if r.Status < 100 || r.Status > 599 || len(r.Body) > 64<<10 || size > 2*maxHeader {
		t.Errorf("status %d, %d bytes of body, %d of header", r.Status, len(r.Body), size)
	}
	if wait := RetryAfter(r.Header, time.Now()); wait < 0 || wait > maxRetryAfter {
		t.Errorf("to be left alone for %v", wait)
	}
}

func known(k Kind) bool {
	switch k {
	case KindReset, KindHeader, KindProtocol, KindDecode:
		return true
	}
	return false
}
