package redis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// conn is a connection that the link can close.
type conn struct {
	net.Conn
	link   *link
	server string
	heard  bool // something from the server
	full   bool // it takes no more connections, it said
}

// sysConn lets the client see whether an idle connection was closed by the server.
type sysConn struct {
	*conn
	syscall.Conn
}

// errFull is what the refusal of one connection more is turned into: else the client takes it for the answer of an old
// server to its greeting, and goes on.
var errFull = errors.New("the server has its maxclients already")

// errRefused is the same without the server's word, which can be lost with the connection.
var errRefused = errors.New("the server closed a new connection")

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.failed(err)
	if c.heard {
		return n, err
	}
	if bytes.HasPrefix(b[:n], []byte("-ERR max number of clients")) {
		c.full = true
	}
	if c.full {
		return 0, errFull // each time: somebody may have read ahead, and not have cared
	}
	c.heard = n > 0
	return n, c.refusal(err)
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.failed(err)
	if err != nil {
		err = c.refusal(err)
	}
	return n, err
}

// SetReadDeadline implements net.Conn. A server that is frozen takes connections and says nothing: it is not waited for as
// long as one that works.
func (c *conn) SetReadDeadline(t time.Time) error {
	if limit := time.Now().Add(nodeTimeout); !c.heard && (t.IsZero() || t.After(limit)) {
		t = limit
	}
	return c.Conn.SetReadDeadline(t)
}

// failed tells the link of a connection that broke, unless the link broke it.
func (c *conn) failed(err error) {
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.link.forget(c.server)
	}
}

// refusal tells by an error that a connection ended before the server said anything. No command was sent on it then.
func (c *conn) refusal(err error) error {
	if c.full {
		return errFull
	}
	if !c.heard && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}

// brokenConn is a connection that could not be made. Its error is wrapped once more, for the client unwraps it.
type brokenConn struct {
	net.Conn
	err error
}

// Read implements net.Conn.
func (c brokenConn) Read([]byte) (int, error) { return 0, fmt.Errorf("%w", c.err) }

// Write implements net.Conn.
func (c brokenConn) Write([]byte) (int, error) { return 0, fmt.Errorf("%w", c.err) }

// Close implements net.Conn.
func (c brokenConn) Close() error { return nil }

// LocalAddr implements net.Conn.
func (c brokenConn) LocalAddr() net.Addr { return &net.UnixAddr{} }

// RemoteAddr implements net.Conn.
func (c brokenConn) RemoteAddr() net.Addr { return &net.UnixAddr{} }

// SetDeadline implements net.Conn.
func (c brokenConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (c brokenConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (c brokenConn) SetWriteDeadline(time.Time) error { return nil }
