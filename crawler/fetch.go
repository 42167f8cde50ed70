package crawler

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Fetcher fetches pages, over connections that it keeps open for the next one. Its methods may be called from many
// goroutines.
type Fetcher struct {
	cfg      Config
	header   http.Header // for everybody; with those for named hosts they are:
	forNamed http.Header
	dialer   *dialer
	pool     *pool
	bodies   *bodies
}

// New returns a Fetcher, or says what is wrong with the configuration.
func New(c Config) (*Fetcher, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Jar != nil {
		c.Jar = newBoundedJar(c.Jar)
	}
	d, err := newDialer(c)
	if err != nil {
		return nil, fmt.Errorf("crawler: proxy: %w", err)
	}
	all := c.header()
	return &Fetcher{
		cfg:      c,
		header:   withoutSecrets(all),
		forNamed: all,
		dialer:   d,
		pool:     newPool(newTransport(c, d), c.MaxIdle),
		bodies:   newBodies(c.LargeBodies, c.Timeout),
	}, nil
}

func newTransport(c Config, d *dialer) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	// net/http speaks HTTP/1.1 to a proxy, but would let a proxy with TLS choose HTTP/2.
	protocols.SetHTTP2(c.Proxy == nil || c.Proxy.Scheme != "https")
	return &http.Transport{
		Proxy:                  http.ProxyURL(c.webProxy()),
		OnProxyConnectResponse: proxyAnswer,
		DialContext:            d.dial,
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: maxUnread},
		TLSHandshakeTimeout:    min(connectTimeout, c.Timeout),
		TLSClientConfig:        tlsConfig(c),
		ResponseHeaderTimeout:  c.Timeout * 2 / 3, // a third is left for the body
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // we ask for more than gzip, and count decoded bytes
	}
}

func tlsConfig(c Config) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: c.Insecure, // the user's explicit choice
		ClientSessionCache: tls.NewLRUClientSessionCache(c.MaxIdle),
	}
}

// Fetch sends one GET for an absolute http or https URL and reads the response. At most one request reaches the
// server. Every error is an [*Error]. The caller must Release the response.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) (*Response, error) {
	return f.fetch(ctx, rawURL, maxBodyOf(ctx, f.cfg.MaxBody))
}

// Close closes the idle connections and returns when all are closed. No Fetch may be running.
func (f *Fetcher) Close() {
	f.pool.close()
	f.dialer.close()
}

func (f *Fetcher) fetch(parent context.Context, rawURL string, maxBody int64) (*Response, error) {
	u, err := parseURL(rawURL, f.cfg.Proxy != nil)
	if err != nil {
		return nil, &Error{Kind: KindURL, Err: err}
	}
	ctx, cancel := context.WithTimeout(parent, f.cfg.Timeout)
	defer cancel()
	r := &Response{URL: rawURL, Started: time.Now()}
	if err := f.get(ctx, u, r, maxBody); err != nil {
		e := *classify(parent, err)
		e.Status, e.Got, e.Unsent = r.Status, len(r.Raw), !r.asked
		return nil, &e
	}
	r.Duration = time.Since(r.Started)
	return r, nil
}

// parseURL makes of a URL what net/http needs to send exactly that URL, perhaps to a proxy.
func parseURL(raw string, proxied bool) (*url.URL, error) {
	raw, _, _ = strings.Cut(raw, "#")
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errors.New("white space or a control character in URL")
	}
	origin, target := splitTarget(raw)
	u, err := url.Parse(origin)
	switch {
	case err != nil: // which shows the URL, and with it a password
		return nil, cause(err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("not an http or https URL")
	case u.Hostname() == "":
		return nil, errors.New("no host in URL")
	}
	if u.Host, err = httpguts.PunycodeHostPort(u.Host); err != nil {
		return nil, err
	}
	if whole, err := url.Parse(raw); err == nil && whole.RequestURI() == target {
		whole.Host = u.Host
		return whole, nil
	}
	// net/url does not accept a lone %, and writes characters such as | in another way; browsers send them as they are.
	u.Opaque = target
	if strings.HasPrefix(target, "//") || proxied && u.Scheme == "http" {
		u.Opaque = "//" + u.Host + target // sent with scheme and host, as to a proxy
	}
	return u, nil
}

// cause is what is wrong with a URL, without the URL.
func cause(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = e.Err
	}
	if e := url.EscapeError(""); errors.As(err, &e) {
		return errors.New("a % in the host that begins no escape")
	}
	return err
}

// splitTarget parts a URL before its path.
func splitTarget(raw string) (origin, target string) {
	_, rest, _ := strings.Cut(raw, "://")
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return raw, "/"
	}
	origin, target = raw[:len(raw)-len(rest)+i], rest[i:]
	if target[0] == '?' {
		target = "/" + target
	}
	return origin, target
}

// get sends the request and fills r.
func (f *Fetcher) get(ctx context.Context, u *url.URL, r *Response, maxBody int64) (err error) {
	if f.cfg.Proxy != nil {
		if err := f.dialer.vet(ctx, u); err != nil {
			return err
		}
	}
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	l, err := f.pool.take(ctx, f.origin(u), wantsFresh(ctx))
	if err != nil {
		return err
	}
	defer func() { f.pool.release(l, err != nil) }()
	r.asked = true
	r.RemoteAddr = addrPort(l.raw)
	if l.h2 {
		l.raw.meter.begin()
		defer l.raw.meter.end()
	}
	resp, err := l.RoundTrip(f.request(l.traced(ctx), u))
	if err != nil && !l.h2 && l.raw.ended.Load() {
		err = cutShort(err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if l.h2 {
		resp.Body = metered{resp.Body, &l.raw.meter}
	}
	if resp.StatusCode < 100 || resp.StatusCode > 599 {
		return &Error{Kind: KindProtocol, Err: fmt.Errorf("status %03d", resp.StatusCode)}
	}
	if resp.StatusCode == http.StatusProxyAuthRequired && l.origin == viaProxy {
		return errShutOut
	}
	r.Status, r.Header, r.Proto = resp.StatusCode, resp.Header, resp.Proto
	if f.cfg.Jar != nil {
		f.cfg.Jar.SetCookies(u, resp.Cookies())
	}
	return f.bodies.read(ctx, cut, resp, r, maxBody)
}

// viaProxy is the origin of connections to a proxy over which it is asked for plain pages of all hosts.
var viaProxy = origin{"http", "proxied:80"}

// origin is that of the connections for a URL.
func (f *Fetcher) origin(u *url.URL) origin {
	if u.Scheme == "http" && f.cfg.webProxy() != nil {
		return viaProxy
	}
	return origin{u.Scheme, strings.ToLower(hostPort(u))}
}

func (f *Fetcher) request(ctx context.Context, u *url.URL) *http.Request {
	req := &http.Request{
		Method:     http.MethodGet,
		URL:        u,
		Host:       u.Host,
		Header:     f.headerFor(u),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}
	if f.cfg.Jar != nil {
		req.Header = req.Header.Clone()
		for _, c := range f.cfg.Jar.Cookies(u) {
			req.AddCookie(c)
		}
	}
	return req.WithContext(ctx)
}

// headerFor returns what a URL's host may see.
func (f *Fetcher) headerFor(u *url.URL) http.Header {
	if len(f.forNamed) > len(f.header) && f.dialer.named(hostPort(u)) {
		return f.forNamed
	}
	return f.header
}

// traced makes the callback of WithSent come once the request has left. HTTP/2 has flushed its header when the trace
// comes; HTTP/1.1 is about to, so the next write is waited for.
func (l *link) traced(ctx context.Context) context.Context {
	sent := sentOf(ctx)
	if sent == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		switch {
		case i.Err != nil:
		case l.h2:
			sent()
		default:
			l.raw.afterWrite(sent)
		}
	}})
}

func addrPort(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
