package crawler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"
)

// socksProxy asks a SOCKS5 proxy (RFC 1928) for connections. Of the two ways of naming a target, socks5 means an
// address that was looked up here and passed the guard, so no other can be reached; socks5h means the name, which the
// proxy looks up: of that only vet can judge, by what the name is here.
type socksProxy struct {
	dialer *dialer
	named  bool // socks5h
	dial   proxy.ContextDialer
}

// newSocksProxy returns nil when the proxy is none of SOCKS.
func newSocksProxy(u *url.URL, d *dialer) (*socksProxy, error) {
	if !isSocks(u) {
		return nil, nil
	}
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	port := u.Port()
	if port == "" {
		port = "1080"
	}
	dial, err := proxy.SOCKS5("tcp", net.JoinHostPort(u.Hostname(), port), auth, toProxy{d})
	if err != nil {
		return nil, err
	}
	return &socksProxy{dialer: d, named: u.Scheme == "socks5h", dial: dial.(proxy.ContextDialer)}, nil
}

func isSocks(u *url.URL) bool { return u != nil && (u.Scheme == "socks5" || u.Scheme == "socks5h") }

func (s *socksProxy) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	targets := []string{addr}
	if !s.named {
		var err error
		if targets, err = s.dialer.vetted(ctx, addr); err != nil {
			return nil, err
		}
	}
	var first error
	for _, target := range targets {
		c, err := s.dial.DialContext(ctx, network, target)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	var itself *Error // it is the proxy that was not reached
	switch {
	case errors.As(first, &itself):
		return nil, itself
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.Contains(first.Error(), "authentication"):
		return nil, &Error{Kind: KindProxy, Err: fmt.Errorf("proxy: %w", first)}
	}
	return nil, &Error{Kind: KindConnect, Err: fmt.Errorf("proxy: %w", first)}
}

// toProxy makes the connections to the proxy itself.
type toProxy struct{ *dialer }

func (p toProxy) Dial(network, addr string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, addr)
}

func (p toProxy) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return p.reach(ctx, network, addr)
}
