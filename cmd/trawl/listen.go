package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"trawl/frontier"
	"trawl/worker"
)

// monitor serves what an operator wants to see of a crawl. A nil monitor does nothing.
type monitor struct {
	listener net.Listener
	server   http.Server
	done     sync.WaitGroup
	session  atomic.Pointer[session] // nil: it is not open yet
}

// listen opens the port of --listen. Profiles are nobody else's business, so an address without a host is loopback.
func listen(addr string) (*monitor, error) {
	if addr == "" {
		return nil, nil
	}
	at, err := listenAddress(addr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", addr, withoutCall(err))
	}
	return &monitor{listener: l}, nil
}

// listenAddress reads --listen.
func listenAddress(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if _, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil {
		return "", usagef("--listen %q: want an address such as :6060 or 10.0.0.1:6060", addr)
	}
	return net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port), nil
}

// withoutCall is the error of a network operation without the operation.
func withoutCall(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// serve answers requests until close is called.
func (m *monitor) serve(w io.Writer) {
	if m == nil {
		return
	}
	fmt.Fprintf(w, "trawl: listening on http://%s/\n", m.listener.Addr())
	m.server = http.Server{Handler: m.handler(), ReadHeaderTimeout: 10 * time.Second}
	m.done.Go(func() { m.server.Serve(m.listener) }) // ends with an error that close causes
}

// show makes it a session's monitor.
func (m *monitor) show(s *session) {
	if m != nil {
		m.session.Store(s)
	}
}

// close cuts off whoever is being answered.
func (m *monitor) close() {
	if m == nil {
		return
	}
	m.listener.Close()
	m.server.Close()
	m.done.Wait()
}

// handler is what the monitor serves. The command line is not among it: it can hold passwords.
func (m *monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", m.sendHealth)
	mux.HandleFunc("GET /status", m.sendStatus)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// sendHealth says ok for as long as the frontier answers, and while the crawl is waited for.
func (m *monitor) sendHealth(w http.ResponseWriter, r *http.Request) {
	s := m.session.Load()
	if s == nil {
		fmt.Fprintln(w, "ok, but the crawl is not open yet")
		return
	}
	if _, err := s.stats(r.Context()); err != nil {
		http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// sendStatus tells what is cheap to know, for whoever asks often: trawl status also tells hosts and workers.
func (m *monitor) sendStatus(w http.ResponseWriter, r *http.Request) {
	s := m.session.Load()
	if s == nil {
		http.Error(w, "the crawl is not open yet", http.StatusServiceUnavailable)
		return
	}
	st, err := s.stats(r.Context())
	if err != nil {
		http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = writeJSON(w, struct { // an error: the client has gone
		Crawl  string         `json:"crawl"`
		Worker string         `json:"worker,omitempty"` // its name in the fleet
		Began  time.Time      `json:"began"`            // this run
		Stats  frontier.Stats `json:"stats"`            // of the crawl
		Run    worker.Totals  `json:"run"`              // of this run
	}{s.plans.latest().Name, s.name, s.began, st, s.tally.Totals()})
}
