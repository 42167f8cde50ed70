package crawler

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Fetcher fetches pages, over connections that it keeps open for the next one. Its methods may be called from many
// goroutines.
type Fetcher struct {
	cfg       Config
	header    http.Header
	dialer    *dialer
	transport *http.Transport
	fresh     *http.Transport // opens a connection for each request
	bodies    *bodies
}

// New returns a Fetcher, or says what is wrong with the configuration.
func New(c Config) (*Fetcher, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	d := newDialer(c)
	fresh := newTransport(c, d)
	fresh.DisableKeepAlives = true
	return &Fetcher{
		fresh:     fresh,
		cfg:       c,
		header:    c.header(),
		dialer:    d,
		transport: newTransport(c, d),
		bodies:    newBodies(c.LargeBodies),
	}, nil
}

func newTransport(c Config, d *dialer) *http.Transport {
	var h1 http.Protocols
	h1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyURL(c.Proxy),
		DialContext:            d.dial,
		Protocols:              &h1,
		TLSHandshakeTimeout:    min(connectTimeout, c.Timeout),
		TLSClientConfig:        tlsConfig(c),
		ResponseHeaderTimeout:  c.Timeout * 2 / 3, // a third is left for the body
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           c.MaxIdle,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
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
	return f.fetch(ctx, rawURL, f.cfg.MaxBody)
}

// Close closes the idle connections and returns when all are closed. No Fetch may be running.
func (f *Fetcher) Close() {
	f.transport.CloseIdleConnections()
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
		e.Status = r.Status
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
	case err != nil:
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("not an http or https URL")
	case u.Hostname() == "":
		return nil, errors.New("no host in URL")
	}
	if whole, err := url.Parse(raw); err == nil && whole.RequestURI() == target {
		return whole, nil
	}
	// net/url does not accept a lone %, and writes characters such as | in another way; browsers send them as they are.
	u.Opaque = target
	if strings.HasPrefix(target, "//") || proxied && u.Scheme == "http" {
		u.Opaque = "//" + u.Host + target // sent with scheme and host, as to a proxy
	}
	return u, nil
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
func (f *Fetcher) get(ctx context.Context, u *url.URL, r *Response, maxBody int64) error {
	if f.cfg.Proxy != nil {
		if err := f.dialer.vet(ctx, u); err != nil {
			return err
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { r.RemoteAddr = addrPort(i.Conn) }}
	if sent := sentOf(ctx); sent != nil {
		// The header has been flushed by then, for it is followed by a body: see request.
		trace.WroteRequest = func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				sent()
			}
		}
	}
	transport := f.transport
	if wantsFresh(ctx) {
		transport = f.fresh
	}
	resp, err := transport.RoundTrip(f.request(httptrace.WithClientTrace(ctx, trace), u))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 100 || resp.StatusCode > 599 {
		return &Error{Kind: KindProtocol, Err: fmt.Errorf("status %03d", resp.StatusCode)}
	}
	r.Status, r.Header, r.Proto = resp.StatusCode, resp.Header, resp.Proto
	if f.cfg.Jar != nil {
		f.cfg.Jar.SetCookies(u, resp.Cookies())
	}
	return f.bodies.read(ctx, resp, r, maxBody)
}

// request makes a GET that net/http's transport sends at most once. It would repeat one whose reused connection was
// reset, at once and unseen; but not one with a body that it cannot rewind. The body is empty, and the transfer
// encoding keeps net/http from announcing or probing it: on the wire this is a GET like any other.
func (f *Fetcher) request(ctx context.Context, u *url.URL) *http.Request {
	req := &http.Request{
		Method:           http.MethodGet,
		URL:              u,
		Host:             u.Host,
		Header:           f.header,
		Proto:            "HTTP/1.1",
		ProtoMajor:       1,
		ProtoMinor:       1,
		Body:             emptyBody{},
		TransferEncoding: []string{"identity"},
	}
	if f.cfg.Jar != nil {
		req.Header = f.header.Clone()
		for _, c := range f.cfg.Jar.Cookies(u) {
			req.AddCookie(c)
		}
	}
	return req.WithContext(ctx)
}

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

// WriteTo spares net/http the 32 KiB buffer it would copy with.
func (emptyBody) WriteTo(io.Writer) (int64, error) { return 0, nil }

func addrPort(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
