package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"sync"
	"time"

	"trawl/frontier"
	"trawl/worker"
)

// monitor serves what an operator wants to see of a running crawl. A nil monitor does nothing.
type monitor struct {
	listener net.Listener
	server   http.Server
	done     sync.WaitGroup
}

// listen opens the port of --listen. Profiles are nobody else's business, so an address without a host is loopback.
func listen(addr string) (*monitor, error) {
	if addr == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if _, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil {
		return nil, usagef("--listen %q: want an address such as :6060 or 10.0.0.1:6060", addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err
		}
		return nil, fmt.Errorf("--listen %s: %w", addr, err)
	}
	return &monitor{listener: l}, nil
}

// serve answers requests about a session until close is called.
func (m *monitor) serve(w io.Writer, s *session) {
	if m == nil {
		return
	}
	fmt.Fprintf(w, "trawl: listening on http://%s/\n", m.listener.Addr())
	m.server = http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	m.done.Go(func() { m.server.Serve(m.listener) }) // ends with an error that close causes
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

// handler is what the monitor serves.
func (s *session) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.sendHealth)
	mux.HandleFunc("GET /status", s.sendStatus)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// sendHealth says ok for as long as the frontier answers.
func (s *session) sendHealth(w http.ResponseWriter, r *http.Request) {
	if _, err := s.store.Stats(r.Context()); err != nil {
		http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *session) sendStatus(w http.ResponseWriter, r *http.Request) {
	st, err := s.store.Stats(r.Context())
	if err != nil {
		http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct { // an error: the client has gone
		Crawl string         `json:"crawl"`
		Began time.Time      `json:"began"` // this run
		Stats frontier.Stats `json:"stats"` // of the crawl
		Run   worker.Totals  `json:"run"`   // of this run
	}{s.crawl.Name, s.began, st, s.tally.Totals()})
}
