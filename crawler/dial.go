package crawler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"
)

// dialer connects to hosts, but not to addresses outside the public internet, and knows which connections are open.
type dialer struct {
	resolver  resolver
	guard     *ssrf.Guardian
	allowHost func(addr string) bool
	proxied   bool // whatever is dialled is the proxy, which the user chose
	open      net.Dialer
	guarded   net.Dialer
	replaced  func(ctx context.Context, network, addr string) (net.Conn, error) // Config.Dial

	mu     sync.Mutex
	closed bool
	conns  sync.WaitGroup
}

func newDialer(c Config) *dialer {
	guard := newGuard(c.AllowNet)
	return &dialer{
		resolver:  resolver{lookup: c.Resolve, answers: newCache[*answer](dnsMax)},
		guard:     guard,
		allowHost: c.AllowHost,
		proxied:   c.Proxy != nil,
		guarded:   net.Dialer{Control: guard.Safe},
		replaced:  c.Dial,
	}
}

// newGuard refuses the special ranges of IANA's registries, and what lies outside IPv6's global unicast range.
func newGuard(allowed []netip.Prefix) *ssrf.Guardian {
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	// Azure's metadata service hides behind an address that looks public.
	azure := netip.PrefixFrom(netip.AddrFrom4([4]byte{168, 63, 129, 16}), 32)
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...),
		ssrf.WithDeniedV4Prefixes(azure))
}

// dial is the transport's DialContext. Its connections count as open until they are closed.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, net.ErrClosed
	}
	d.conns.Add(1) // never beside Wait: close sets closed first
	d.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	connect := d.connect
	if d.replaced != nil {
		connect = d.replaced
	}
	c, err := connect(ctx, network, addr)
	if err != nil {
		d.conns.Done()
		if d.proxied { // says nothing about the page, not even when the proxy's name does not exist
			err = &Error{Kind: KindConnect, Err: fmt.Errorf("proxy: %w", err)}
		}
		return nil, err
	}
	return &conn{Conn: c, done: sync.OnceFunc(d.conns.Done)}, nil
}

// close refuses further connections and waits until those that are open are closed.
func (d *dialer) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.conns.Wait()
}

// connect tries the addresses of a host one after the other, each for its share of the time that is left.
func (d *dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addrs, err := d.resolver.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	via := &d.guarded
	if d.proxied || d.exempt(addr) {
		via = &d.open
	}
	var first error
	for i, ip := range addrs {
		c, err := dialOne(ctx, via, network, net.JoinHostPort(ip.String(), port), len(addrs)-i)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func dialOne(ctx context.Context, via *net.Dialer, network, addr string, left int) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	c, err := via.DialContext(ctx, network, addr)
	if isGuard(err) {
		return nil, &Error{Kind: KindAddress, Err: err}
	}
	return c, err
}

func isGuard(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) ||
		errors.Is(err, ssrf.ErrInvalidHostPort)
}

func (d *dialer) exempt(addr string) bool {
	return d.allowHost != nil && d.allowHost(strings.ToLower(addr))
}

// vet checks a target before a proxy is asked for it, for the proxy's own dialling is out of our sight. A name that
// cannot be looked up from here passes: where there is a proxy there is often no DNS.
func (d *dialer) vet(ctx context.Context, u *url.URL) error {
	if d.exempt(hostPort(u)) {
		return nil
	}
	if host := u.Hostname(); endsInNumber(host) {
		return &Error{Kind: KindAddress, Err: fmt.Errorf("%s is another spelling of an address", host)}
	}
	addrs, err := d.resolver.resolve(ctx, u.Hostname())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return nil
	}
	for _, ip := range addrs {
		if err := d.guard.SafeAddr(ip); err != nil {
			return &Error{Kind: KindAddress, Err: err}
		}
	}
	return nil
}

// hostPort is the address that is dialled for a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// endsInNumber finds hosts like 2130706433 and 127.1, which are no IPv4 address to us but are one to inet_aton, and so
// perhaps to a proxy (the "ends in a number" rule of the URL standard).
func endsInNumber(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	digits, hex := strings.CutPrefix(last, "0x")
	allowed := "0123456789"
	if hex {
		allowed += "abcdef"
	}
	return last != "" && strings.Trim(digits, allowed) == ""
}

// conn tells when it is closed, however often that is.
type conn struct {
	net.Conn
	done func()
}

func (c *conn) Close() error {
	defer c.done()
	return c.Conn.Close()
}
