package main

import (
	"net"
	"strings"
	"sync"

	"trawl/frontier"
)

// hostSet holds addresses as they are dialled: host:port.
type hostSet struct{ m sync.Map }

func (s *hostSet) add(h frontier.Host) { s.m.Store(address(h), true) }

// has is crawler.Config.Named: it is asked at each dial, while seeds come in.
func (s *hostSet) has(addr string) bool {
	_, ok := s.m.Load(addr)
	return ok
}

// address is what is dialled for a host.
func address(h frontier.Host) string {
	port := "80"
	if strings.HasPrefix(string(h), "https:") {
		port = "443"
	}
	if _, p, err := net.SplitHostPort(h.Authority()); err == nil {
		port = p
	}
	return net.JoinHostPort(h.Hostname(), port)
}
