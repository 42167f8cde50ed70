package crawler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Config says how to fetch. Zero fields mean the defaults named beside them.
type Config struct {
	UserAgent string        // sent with every request; required
	Timeout   time.Duration // of one request, from DNS to the last byte of the body; 30 s
	MaxBody   int64         // bytes kept of a body, after decoding; 10 MiB

	// LargeBodies bounds the memory of all bodies over 256 KiB together, in bytes; 64 MiB. When it is used up one body at
	// a time may grow beyond it, up to its limit; others wait until their own deadline. While somebody waits, a body that
	// holds some of it has to come at least so fast that its buffer would be filled within Timeout.
	LargeBodies int64
	// MaxIdle is how many connections are kept open for the next page, in all; 256. The number of requests under way
	// at once is a good choice.
	MaxIdle int

	// Proxy is one of http, https, socks5 or socks5h; nil: none. The environment is not asked. Only socks5h and the
	// first two look names up themselves: what they reach is vetted by what the names are here.
	Proxy *url.URL
	// Header is sent with every request, over our own; except Host. What may be a secret, judged by its name
	// (Authorization, Cookie, and all with auth, token, key, secret, session, password or credential in it), goes to
	// the Named hosts alone.
	Header   http.Header
	Jar      http.CookieJar // nil: cookies are neither kept nor sent; else so many of each host, and no long ones
	Insecure bool           // accept any TLS certificate

	// AllowNet are networks that may be dialled although they are not part of the public internet.
	AllowNet []netip.Prefix
	// Named tells whether the user named a host, given as dialled: "host:port", in lower case. Such a host is exempt
	// from the guard, whatever it resolves to, and is sent the secrets among Header. nil: none was named.
	Named func(addr string) bool

	// Resolve looks up a host name; nil: the system's DNS. Answers are cached either way.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial makes connections instead of DNS, guard and TCP; nil: those. Meant for tests without a network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Bounds that are not worth a setting.
const (
	connectTimeout = 10 * time.Second // DNS and TCP; also the TLS handshake
	idleTimeout    = 30 * time.Second
	maxHeader      = 256 << 10
	maxUnread      = 512 << 10 // of a response of HTTP/2: 50 MiB in 20 s when a round trip takes 200 ms
)

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.MaxBody = cmp.Or(c.MaxBody, 10<<20)
	c.LargeBodies = cmp.Or(c.LargeBodies, 64<<20)
	c.MaxIdle = cmp.Or(c.MaxIdle, 256)
	if c.Resolve == nil {
		// Go's own resolver: it obeys the context and takes no thread per lookup.
		r := &net.Resolver{PreferGo: true}
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return r.LookupNetIP(ctx, "ip", host)
		}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.UserAgent == "":
		return errors.New("crawler: no user agent")
	case c.Timeout < 0 || c.MaxBody < 0 || c.LargeBodies < 0 || c.MaxIdle < 0:
		return errors.New("crawler: a limit is negative")
	case c.Proxy != nil && c.Proxy.Host == "":
		return errors.New("crawler: the proxy has no host")
	case c.Proxy != nil && !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, c.Proxy.Scheme):
		return fmt.Errorf("crawler: a proxy cannot be reached by %q", c.Proxy.Scheme)
	}
	if err := CheckHeader(c.header()); err != nil {
		return fmt.Errorf("crawler: %w", err)
	}
	return nil
}

// CheckHeader tells what is wrong with headers that are to be sent with every request. It shows no values: they can be
// secrets.
func CheckHeader(h http.Header) error {
	for name, values := range h {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("%q is no name of a header", name)
		case slices.Contains(ofRequest, http.CanonicalHeaderKey(name)):
			return fmt.Errorf("%s belongs to the connection, or to the request itself, and cannot be chosen", name)
		case slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }):
			return fmt.Errorf("a value of %s cannot be sent", name)
		}
	}
	return nil
}

// ofRequest are headers that HTTP/2 forbids (RFC 9113, section 8.2.2), and those that say what the request is.
var ofRequest = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade", "Host", "Content-Length", "Trailer",
}

// header is what every request carries. It is shared by all of them, so nobody may write to it.
func (c Config) header() http.Header {
	h := http.Header{
		"User-Agent":      {c.UserAgent},
		"Accept":          {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"},
		"Accept-Encoding": {"gzip, br, zstd"},
	}
	for k, v := range c.Header {
		h[http.CanonicalHeaderKey(k)] = v
	}
	return h
}

// webProxy is the proxy if it is one of HTTP.
func (c *Config) webProxy() *url.URL {
	if isSocks(c.Proxy) {
		return nil
	}
	return c.Proxy
}
