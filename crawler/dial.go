package crawler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"
)

// dialer connects to hosts, but not to addresses outside the public internet, and knows which connections are open.
type dialer struct {
	resolver resolver
	guard    *ssrf.Guardian
	isNamed  func(addr string) bool
	proxied  bool // whatever is dialled is the proxy, which the user chose
	open     net.Dialer
	guarded  net.Dialer
	replaced func(ctx context.Context, network, addr string) (net.Conn, error) // Config.Dial
	socks    *socksProxy                                                       // nil: none

	mu     sync.Mutex
	closed bool
	conns  sync.WaitGroup
}

func newDialer(c Config) (d *dialer, err error) {
	guard := newGuard(c.AllowNet)
	d = &dialer{
		resolver: resolver{lookup: c.Resolve, answers: newCache[*answer](dnsMax)},
		guard:    guard,
		isNamed:  c.Named,
		proxied:  c.Proxy != nil,
		guarded:  net.Dialer{Control: guard.Safe},
		replaced: c.Dial,
	}
	d.socks, err = newSocksProxy(c.Proxy, d)
	return d, err
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
	connect := d.reach
	if d.socks != nil {
		connect = d.socks.connect
	}
	c, err := connect(ctx, network, addr)
	if err != nil {
		d.conns.Done()
		return nil, err
	}
	counted := &conn{Conn: c, done: sync.OnceFunc(d.conns.Done), meter: newMeter()}
	if raw := rawOf(ctx); raw != nil {
		*raw = counted
	}
	return counted, nil
}

// close refuses further connections and waits until those that are open are closed.
func (d *dialer) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.conns.Wait()
}

// reach connects to an address as net/http asks for it: a target's, or the proxy's.
func (d *dialer) reach(ctx context.Context, network, addr string) (net.Conn, error) {
	connect := d.connect
	if d.replaced != nil {
		connect = d.replaced
	}
	c, err := connect(ctx, network, addr)
	if err != nil && d.proxied { // says nothing about the page, not even when the proxy's name does not exist
		err = &Error{Kind: KindProxy, Err: fmt.Errorf("proxy: %w", err)}
	}
	return c, err
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
	if d.proxied || d.named(addr) {
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

// named tells whether the user named a host, and so trusts it.
func (d *dialer) named(addr string) bool {
	return d.isNamed != nil && d.isNamed(strings.ToLower(addr))
}

// vet checks a target before a proxy is asked for it, for the proxy's own dialling is out of our sight. A name that
// cannot be looked up from here passes: where there is a proxy there is often no DNS.
func (d *dialer) vet(ctx context.Context, u *url.URL) error {
	if d.named(hostPort(u)) {
		return nil
	}
	addrs, err := d.resolver.resolve(ctx, u.Hostname())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := (*Error)(nil); errors.As(err, &e) && e.Kind == KindAddress {
		return err
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

// vetted returns the addresses, with the port, that a target may be reached at: what the guard says of each is what
// it would say if it were dialled.
func (d *dialer) vetted(ctx context.Context, addr string) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addrs, err := d.resolver.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var good []string
	for _, ip := range addrs {
		if refused := d.guard.SafeAddr(ip); refused != nil && !d.named(addr) {
			err = &Error{Kind: KindAddress, Err: refused}
			continue
		}
		good = append(good, net.JoinHostPort(ip.String(), port))
	}
	if good == nil {
		return nil, err
	}
	return good, nil
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

// conn tells when it is closed, however often that is, and when it has been written to. It ends when too much comes.
type conn struct {
	net.Conn
	meter meter
	done  func()
	wrote atomic.Pointer[func()]
	ended atomic.Bool // a read said that nothing more is coming
}

func (c *conn) Close() error {
	defer c.done()
	return c.Conn.Close()
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.meter.read(n) {
		return 0, errFlood
	}
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// afterWrite has f called after the next write, if that succeeds.
func (c *conn) afterWrite(f func()) { c.wrote.Store(&f) }

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if f := c.wrote.Load(); f != nil {
		c.wrote.Store(nil)
		if err == nil {
			(*f)()
		}
	}
	return n, err
}

type rawKey struct{}

// withRaw makes dial leave the connection it makes in raw: net/http does not give it away.
func withRaw(ctx context.Context, raw **conn) context.Context {
	return context.WithValue(ctx, rawKey{}, raw)
}

func rawOf(ctx context.Context) **conn {
	raw, _ := ctx.Value(rawKey{}).(**conn)
	return raw
}

// proxyAnswer is asked before net/http judges the answer to a CONNECT, which it would make an error of no kind, with
// the proxy's words in it.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return errShutOut
	}
	return &Error{Kind: KindConnect, Err: fmt.Errorf("proxy: status %d", resp.StatusCode)}
}

// errShutOut says that the proxy wants another user or password.
var errShutOut = &Error{Kind: KindProxy, Err: fmt.Errorf("proxy: status %d", http.StatusProxyAuthRequired)}
