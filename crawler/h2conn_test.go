package crawler

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// newH2Server is newServer for HTTP/2; configure may be nil.
func newH2Server(t testing.TB, h http.HandlerFunc, configure func(*http.Server)) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = discardLog()
	if configure != nil {
		configure(s.Config)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// h2Conn is the server's end of a connection, for scripts that do what no server should.
type h2Conn struct {
	*http2.Framer
	conn     net.Conn
	streams  chan uint32 // of the requests that came, closed with the connection
	requests *atomic.Int32
}

// newH2 connects a fetcher, in a synctest bubble, to a script for each connection. The returned func waits for them.
func newH2(t *testing.T, requests *atomic.Int32, script func(*h2Conn)) (Config, func()) {
	config := serverTLS(t)
	c, wait := piped(func(raw net.Conn) {
		conn := tls.Server(raw, config)
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		script(&h2Conn{Framer: http2.NewFramer(conn, conn), conn: conn, streams: make(chan uint32, 100), requests: requests})
	})
	c.Insecure = true
	return c, wait
}

func serverTLS(t testing.TB) *tls.Config {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}}
}

// listen reads what the client sends, for a pipe holds nothing, and counts its requests.
func (c *h2Conn) listen(settings ...http2.Setting) {
	c.WriteSettings(settings...)
	go func() {
		defer close(c.streams)
		for {
			f, err := c.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := f.(*http2.HeadersFrame); ok {
				c.requests.Add(1)
				c.streams <- h.StreamID
			}
		}
	}()
}

func (c *h2Conn) head(stream uint32, end bool, fields ...string) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	for i := 0; i < len(fields); i += 2 {
		enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	first := block.Next(16 << 10)
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: block.Len() == 0})
	for block.Len() > 0 {
		if c.WriteContinuation(stream, block.Len() <= 16<<10, block.Next(16<<10)) != nil {
			return
		}
	}
}

func (c *h2Conn) answer(stream uint32) {
	c.head(stream, false)
	c.WriteData(stream, true, []byte("ok"))
}

// wait waits until the client hangs up.
func (c *h2Conn) wait() {
	for range c.streams {
	}
}
