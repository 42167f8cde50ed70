package crawler

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// A server that is read by somebody could flood for as long as the request may take, at half a processor's cost.
func TestAnHTTP2FloodEndsSoon(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*http2.Framer, uint32) error{
		"pings":      func(f *http2.Framer, _ uint32) error { return f.WritePing(false, [8]byte{}) },
		"settings":   func(f *http2.Framer, _ uint32) error { return f.WriteSettings() },
		"windows":    func(f *http2.Framer, id uint32) error { return f.WriteWindowUpdate(id, 1) },
		"priorities": func(f *http2.Framer, id uint32) error { return f.WritePriority(id, http2.PriorityParam{}) },
		"empty data": func(f *http2.Framer, id uint32) error { return f.WriteData(id, false, nil) },
		"padding":    func(f *http2.Framer, id uint32) error { return f.WriteDataPadded(id, false, nil, make([]byte, 255)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrote, err := floodedBy(t, write)
			if e := (*Error)(nil); !errors.As(err, &e) || e.Kind != KindProtocol {
				t.Errorf("error %v", err)
			}
			if wrote > 8<<20 { // with what the sockets hold
				t.Errorf("it took %d bytes", wrote)
			}
		})
	}
}

// floodedBy fetches a page that begins, and goes on with frames of one kind.
func floodedBy(t *testing.T, write func(*http2.Framer, uint32) error) (wrote int64, err error) {
	err = fetchFrom(t, time.Minute, func(raw net.Conn) {
		if _, err := io.ReadFull(raw, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		c := &h2Conn{Framer: http2.NewFramer(writeCounter{raw, &wrote}, raw), conn: raw, streams: make(chan uint32, 1), requests: new(atomic.Int32)}
		c.listen()
		id := <-c.streams
		c.head(id, false)
		for id > 0 && write(c.Framer, id) == nil {
		}
	})
	return wrote, err
}

// fetchFrom fetches a page from a server of one connection, over TLS.
func fetchFrom(t *testing.T, timeout time.Duration, serve func(net.Conn)) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", serverTLS(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var server sync.WaitGroup
	defer server.Wait()
	server.Go(func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			serve(c)
		}
	})
	f := newFetcher(t, Config{Insecure: true, Timeout: timeout})
	defer f.Close()
	_, err = f.Fetch(t.Context(), "https://"+l.Addr().String())
	return err
}

type writeCounter struct {
	io.Writer
	n *int64
}

func (w writeCounter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	*w.n += int64(n)
	return n, err
}
