package webtest

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// connSet is the connections that nobody else would close.
type connSet struct {
	mu      sync.Mutex
	conns   map[net.Conn]bool
	closing chan struct{}
}

// add tells whether the set still takes connections.
func (s *connSet) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *connSet) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *connSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return
	}
	close(s.closing)
	for c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

// canary counts the connections to a port of this machine that no crawler may connect to.
type canary struct {
	port      string
	listeners []net.Listener
	calls     atomic.Int64
	serving   sync.WaitGroup
}

// start listens on both loopback addresses, or on that which there is.
func (c *canary) start() error {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.listeners = []net.Listener{first}
	_, c.port, _ = net.SplitHostPort(first.Addr().String())
	if second, err := net.Listen("tcp", "[::1]:"+c.port); err == nil {
		c.listeners = append(c.listeners, second)
	}
	for _, l := range c.listeners {
		c.serving.Go(func() { c.serve(l) })
	}
	return nil
}

func (c *canary) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.calls.Add(1)
		conn.Close()
	}
}

func (c *canary) close() (err error) {
	for _, l := range c.listeners {
		err = errors.Join(err, l.Close())
	}
	c.serving.Wait()
	return err
}

// Canary returns how many connections the canary got: a port of 127.0.0.1 and [::1] that is there when hosts of class
// ssrf are. There must be none.
func (s *Server) Canary() int { return int(s.canary.calls.Load()) }
