package webtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Server serves a web on loopback addresses. It remembers which passing errors it has shown, and logs requests; a new
// server has forgotten both.
type Server struct {
	web     *Web
	http    http.Server
	port    string // with its colon
	log     *Log
	failed  []atomic.Uint64 // by Web.number: the first answer was given; nil without Config.Errors
	serving errgroup.Group
	conns   sync.WaitGroup
	raws    connSet        // hijacked by hostile hosts
	asked   []atomic.Int64 // by hostile host: requests for its pages
	canary  canary
}

// Start serves the web on a free port of the loopback interface, until Close.
func (w *Web) Start() (*Server, error) { return w.start("127.0.0.1:0") }

// Serve serves the web that cfg describes on addr until ctx is done, for programs that need it in a process of its
// own and on a port they know. Of addr only the port counts with Config.ByAddress. Requests are seen by Config.LogTo.
func Serve(ctx context.Context, cfg Config, addr string) error {
	s, err := New(cfg).start(addr)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

func (w *Web) start(addr string) (*Server, error) {
	if err := w.cfg.checkHostile(); err != nil {
		return nil, fmt.Errorf("serve synthetic web: %w", err)
	}
	listeners, err := w.listen(addr)
	if err != nil {
		return nil, fmt.Errorf("serve synthetic web: %w", err)
	}
	s := newServer(w)
	if w.cfg.hasCanary() {
		err = s.canary.start() // pages name its port
	}
	s.serve(listeners)
	if err != nil {
		return nil, fmt.Errorf("serve synthetic web: canary: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

// serve starts a goroutine for each listener; Close waits for them.
func (s *Server) serve(listeners []net.Listener) {
	_, port, _ := net.SplitHostPort(listeners[0].Addr().String())
	s.port = ":" + port
	for _, l := range listeners {
		s.serving.Go(func() error {
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
}

func newServer(w *Web) *Server {
	s := &Server{web: w, log: newLog(w.cfg.CountsOnly, w.cfg.LogTo)}
	s.raws = connSet{conns: map[net.Conn]bool{}, closing: make(chan struct{})}
	s.asked = make([]atomic.Int64, len(w.cfg.Hostile))
	if w.cfg.Errors > 0 {
		s.failed = make([]atomic.Uint64, (w.cfg.Hosts*w.perHost()+63)/64)
	}
	s.http = http.Server{
		Handler:           s,
		ReadHeaderTimeout: time.Minute,
		WriteTimeout:      time.Minute + w.cfg.Latency,
		IdleTimeout:       5 * time.Minute, // longer than any crawler's, so that it is never the server who hangs up
		ConnState:         s.countConn,
	}
	return s
}

// listen opens the one listener of named hosts, or one for each host that is an address, all on the same port.
func (w *Web) listen(addr string) (ls []net.Listener, err error) {
	quiet := net.ListenConfig{KeepAlive: -1} // probes are of no use on loopback and cost system calls
	if !w.cfg.ByAddress {
		l, err := quiet.Listen(context.Background(), "tcp", addr)
		return []net.Listener{l}, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	for _, name := range w.addresses() {
		l, err := quiet.Listen(context.Background(), "tcp", name+":"+port)
		if err != nil {
			for _, l := range ls {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
		ls = append(ls, l)
		_, port, _ = net.SplitHostPort(l.Addr().String())
	}
	return ls, nil
}

// addresses are those of the hosts that are listened on, the honest ones first.
func (w *Web) addresses() (all []string) {
	for host := range w.cfg.Hosts {
		all = append(all, string(w.appendHost(nil, host)))
	}
	for i, class := range w.cfg.Hostile {
		if class != closed {
			all = append(all, string(w.appendHostile(nil, i)))
		}
	}
	return all
}

// countConn lets Close wait for connections, and so for handlers, which http.Server.Close does not.
func (s *Server) countConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Close cuts all connections and waits until nothing of the server runs any more. It returns the first error of
// accepting connections or of writing Config.LogTo.
func (s *Server) Close() error {
	err := errors.Join(s.http.Close(), s.serving.Wait(), s.canary.close())
	s.raws.close()
	s.conns.Wait()
	return errors.Join(err, s.log.writeError())
}

// URL returns the URL of a path, which begins with a slash, on a host, of which the first is 0.
func (s *Server) URL(host int, path string) string {
	return "http://" + string(s.web.appendHost(nil, host)) + s.port + path
}

// Seeds returns the front page of every host.
func (s *Server) Seeds() []string {
	seeds := make([]string, s.web.cfg.Hosts)
	for host := range seeds {
		seeds[host] = s.URL(host, "/")
	}
	return seeds
}

// Log returns the log of all requests. It may be read at any time.
func (s *Server) Log() *Log { return s.log }

// ServeHTTP answers one request and logs it. The request is over, for the log, just before any of its answer is
// sent: a client that has its answer cannot be thought to wait for it still.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if host, ok := s.web.hostile(r.Host); ok {
		s.serveHostile(rw, r, host)
		return
	}
	done := s.log.begin(r.Host, requestURI(r))
	if !s.wait(r.Context()) {
		done(statusClientGone)
		return
	}
	a := s.web.answer(r)
	if a.status == http.StatusOK && s.web.flaky(a.place) && s.firstTime(a.place) {
		a.status = http.StatusServiceUnavailable
	}
	done(a.status)
	s.web.send(rw, a)
}

// statusClientGone is logged for a request whose client left before the answer.
const statusClientGone = 499

// wait sleeps for the latency, and tells whether the client is still there.
func (s *Server) wait(ctx context.Context) bool {
	if s.web.cfg.Latency <= 0 {
		return true
	}
	t := time.NewTimer(s.web.cfg.Latency)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) firstTime(p place) bool {
	n := s.web.number(p)
	bit := uint64(1) << (n % 64)
	return s.failed[n/64].Or(bit)&bit == 0
}
