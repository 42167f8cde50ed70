package crawler

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestHTTP2IsSpokenWithThoseWhoCan(t *testing.T) {
	t.Parallel()
	s := newH2Server(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto+r.RequestURI) }, nil)
	r := fetch(t, newFetcher(t, Config{Insecure: true}), s.URL+"/a?b")
	if string(r.Body) != "HTTP/2.0/a?b" || r.Proto != "HTTP/2.0" || "https://"+r.RemoteAddr.String() != s.URL {
		t.Errorf("%s, %s from %v", r.Body, r.Proto, r.RemoteAddr)
	}
}

func TestAGetOverHTTP2IsAHeaderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan string, 1)
		c, wait := newH2(t, new(atomic.Int32), func(c *h2Conn) {
			var answers sync.Mutex
			c.WriteSettings()
			c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			for {
				f, err := c.ReadFrame()
				if err != nil {
					return
				}
				if h, ok := f.(*http2.MetaHeadersFrame); ok {
					var text []string
					for _, field := range h.Fields {
						text = append(text, field.Name+"="+field.Value)
					}
					if h.StreamEnded() {
						text = append(text, "END")
					}
					got <- strings.Join(text, " ")
					answers.Lock()
					go func() {
						defer answers.Unlock()
						c.answer(h.StreamID)
					}()
				}
			}
		})
		f := newFetcher(t, c)
		for _, path := range []string{"/", "//double", "/a|b%?c=%zz"} {
			fetch(t, f, "https://example.com"+path)
			want := ":authority=example.com :method=GET :path=" + path + " :scheme=https "
			text := <-got
			if !strings.HasPrefix(text, want) || !strings.HasSuffix(text, " END") || strings.Contains(text, "content-length") {
				t.Errorf("sent %s", text)
			}
		}
		f.Close()
		wait()
	})
}

// What a server does to a request, on a new connection and on one that has served before. Each costs one request, and
// an error that says: try again.
func TestNoRequestIsSentTwiceOverHTTP2(t *testing.T) {
	goAway := func(last uint32, code http2.ErrCode) func(*h2Conn, uint32) {
		return func(c *h2Conn, stream uint32) { c.WriteGoAway(last, code, nil) }
	}
	for name, spoil := range map[string]func(c *h2Conn, stream uint32){
		"refused":            func(c *h2Conn, stream uint32) { c.WriteRSTStream(stream, http2.ErrCodeRefusedStream) },
		"internal error":     func(c *h2Conn, stream uint32) { c.WriteRSTStream(stream, http2.ErrCodeInternal) },
		"cancelled":          func(c *h2Conn, stream uint32) { c.WriteRSTStream(stream, http2.ErrCodeCancel) },
		"goaway before":      goAway(0, http2.ErrCodeNo),
		"goaway and blame":   goAway(0, http2.ErrCodeEnhanceYourCalm),
		"goaway after":       func(c *h2Conn, stream uint32) { c.WriteGoAway(stream, http2.ErrCodeNo, nil); c.conn.Close() },
		"closed":             func(c *h2Conn, stream uint32) { c.conn.Close() },
		"closed in the body": func(c *h2Conn, stream uint32) { c.head(stream, false); c.conn.Close() },
		"short": func(c *h2Conn, stream uint32) {
			c.head(stream, false, "content-length", "9")
			c.WriteData(stream, true, nil)
		},
	} {
		for answers := range 2 {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var requests atomic.Int32
					c, wait := newH2(t, &requests, func(c *h2Conn) {
						c.listen()
						for stream := range c.streams {
							if requests.Load() <= int32(answers) {
								c.answer(stream)
							} else {
								spoil(c, stream)
							}
						}
					})
					f := newFetcher(t, c)
					for range answers {
						fetch(t, f, "https://example.com/")
					}
					_, err := f.Fetch(t.Context(), "https://example.com/")
					wantKind(t, err, KindReset)
					if n := requests.Load(); n != int32(answers)+1 {
						t.Errorf("the server saw %d requests, want %d", n, answers+1)
					}
					f.Close()
					wait()
				})
			})
		}
	}
}

func TestAHostileHTTP2ServerCostsOneErrorOfItsKind(t *testing.T) {
	answering := func(answer func(c *h2Conn, stream uint32)) func(*h2Conn) {
		return func(c *h2Conn) {
			c.listen()
			answer(c, <-c.streams)
			c.wait()
		}
	}
	many := func(n int, name, value string) []string {
		var fields []string
		for range n {
			fields = append(fields, name, value)
		}
		return fields
	}
	for _, test := range []struct {
		name  string
		serve func(*h2Conn)
		want  Kind
		after time.Duration // at most
	}{
		{"says nothing", func(c *h2Conn) { io.Copy(io.Discard, c.conn) }, KindTimeout, 20 * time.Second},
		{"never answers", func(c *h2Conn) { c.listen(); c.wait() }, KindTimeout, 20 * time.Second},
		{"allows no stream", func(c *h2Conn) {
			c.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
			io.Copy(io.Discard, c.conn)
		}, KindTimeout, 30 * time.Second},
		{"sends 300 KiB of header", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, true, many(300, "x-long", strings.Repeat("x", 1<<10))...)
		}), KindHeader, 0},
		{"sends 1 MiB of header", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, true, many(64, "x-long", strings.Repeat("x", 16<<10))...)
		}), KindProtocol, 0}, // all that net/http can tell us
		{"sends 100,000 small headers", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, true, many(100_000, "x", "y")...)
		}), KindProtocol, 0},
		{"sends 10,000 small headers", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, true, many(10_000, "x", "y")...)
		}), KindHeader, 0},
		{"never ends its header", answering(func(c *h2Conn, stream uint32) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: nil})
			for c.WriteContinuation(stream, false, nil) == nil {
				time.Sleep(time.Millisecond)
			}
		}), KindTimeout, 30 * time.Second},
		{"sends endless interim responses", answering(func(c *h2Conn, stream uint32) {
			for {
				var block bytes.Buffer
				enc := hpack.NewEncoder(&block)
				enc.WriteField(hpack.HeaderField{Name: ":status", Value: "103"})
				enc.WriteField(hpack.HeaderField{Name: "link", Value: strings.Repeat("x", 1000)})
				h := http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}
				if c.WriteHeaders(h) != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}), KindHeader, time.Second},
		{"drips a body", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, false)
			for c.WriteData(stream, false, []byte("x")) == nil {
				time.Sleep(time.Second)
			}
		}), KindTimeout, 30 * time.Second},
		{"sends more than there is room for", answering(func(c *h2Conn, stream uint32) {
			c.head(stream, false)
			for c.WriteData(stream+2, false, make([]byte, 16<<10)) == nil {
			}
		}), KindProtocol, 0},
		{"speaks no HTTP/2", func(c *h2Conn) { io.WriteString(c.conn, strings.Repeat("HTTP/1.1 200 OK\r\n", 10)) }, KindProtocol, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, wait := newH2(t, new(atomic.Int32), test.serve)
				f := newFetcher(t, c)
				start := time.Now()
				_, err := f.Fetch(t.Context(), "https://example.com/")
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

// Over real connections: a goroutine that cannot write makes others wait for its lock, where virtual time stands still.
func TestAnHTTP2FloodEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*http2.Framer) error{
		"pings":       func(f *http2.Framer) error { return f.WritePing(false, [8]byte{}) },
		"settings":    func(f *http2.Framer) error { return f.WriteSettings() },
		"resets":      func(f *http2.Framer) error { return f.WriteRSTStream(3, http2.ErrCodeCancel) },
		"windows":     func(f *http2.Framer) error { return f.WriteWindowUpdate(3, 1) },
		"empty data":  func(f *http2.Framer) error { return f.WriteData(3, false, nil) },
		"unknown one": func(f *http2.Framer) error { return f.WritePriority(3, http2.PriorityParam{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			err := fetchFrom(t, 300*time.Millisecond, func(c net.Conn) {
				f := http2.NewFramer(c, c)
				f.WriteSettings()
				for write(f) == nil { // and read nothing
				}
			})
			if e := (*Error)(nil); !errors.As(err, &e) || e.Kind != KindTimeout && e.Kind != KindProtocol && e.Kind != KindReset {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestAnHTTP2ConnectionServesAsManyAtOnceAsItsServerAllows(t *testing.T) {
	t.Parallel()
	const limit = 3
	var mu sync.Mutex
	now, most := map[string]int{}, map[string]int{}
	all := make(chan struct{})
	s := newH2Server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			return
		}
		mu.Lock()
		now[r.RemoteAddr]++
		most[r.RemoteAddr] = max(most[r.RemoteAddr], now[r.RemoteAddr])
		sum := 0
		for _, n := range now {
			sum += n
		}
		if sum == 3*limit {
			close(all)
		}
		mu.Unlock()
		<-all // so that all are under way at once
	}, func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit} })
	f := newFetcher(t, Config{Insecure: true})
	fetch(t, f, s.URL+"/first").Release()
	fetchAtOnce(t, f, s.URL, 3*limit)
	shared := false
	for _, n := range most {
		shared = shared || n > 1
		if n > limit {
			t.Errorf("%d requests at once on a connection, want at most %d", n, limit)
		}
	}
	if !shared {
		t.Errorf("no connection had several requests at once: %v", most)
	}
}

func TestAConnectionThatWasToldToGoIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns, requests atomic.Int32
		c, wait := newH2(t, &requests, func(c *h2Conn) {
			conns.Add(1)
			c.listen()
			stream := <-c.streams
			c.WriteGoAway(stream, http2.ErrCodeNo, nil) // the answer still comes
			c.answer(stream)
			c.wait()
		})
		f := newFetcher(t, c)
		for range 3 {
			fetch(t, f, "https://example.com/")
		}
		if conns.Load() != 3 || requests.Load() != 3 {
			t.Errorf("%d requests over %d connections, want 3 over 3", requests.Load(), conns.Load())
		}
		f.Close()
		wait()
	})
}

// A dead network looks like this.
func TestAnHTTP2ConnectionThatFailedARequestIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns atomic.Int32
		c, wait := newH2(t, new(atomic.Int32), func(c *h2Conn) {
			n := conns.Add(1)
			c.listen()
			for stream := range c.streams {
				if n > 1 {
					c.answer(stream)
				}
			}
		})
		f := newFetcher(t, c)
		_, err := f.Fetch(t.Context(), "https://example.com/")
		wantKind(t, err, KindTimeout)
		fetch(t, f, "https://example.com/")
		f.Close()
		wait()
	})
}
