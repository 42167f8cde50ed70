package crawler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// How long DNS answers are kept. Go's resolver does not tell the records' own times.
const (
	dnsPositive = 5 * time.Minute
	dnsNegative = 30 * time.Second
	dnsMax      = 10_000 // names
)

// resolver looks names up, remembers the answers, and asks once for callers that want the same name.
type resolver struct {
	lookup  func(ctx context.Context, host string) ([]netip.Addr, error)
	answers *cache[*answer]
}

type answer struct {
	addrs   []netip.Addr
	err     *Error
	expires time.Time
}

func (a *answer) fresh() bool { return a != nil && time.Now().Before(a.expires) }

// resolve returns the addresses of a host, which may be a literal address. IPv4-mapped addresses come out as IPv4.
func (r *resolver) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	if endsInNumber(host) {
		return nil, &Error{Kind: KindAddress, Err: fmt.Errorf("%s is another spelling of an address", host)}
	}
	if isLocalhost(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	a, err := r.answers.load(ctx, host, (*answer).fresh, func(*answer) (*answer, int, error) {
		a, err := r.ask(ctx, host)
		return a, 1, err
	})
	if err != nil {
		return nil, err
	}
	if a.err != nil { // not a.err alone: a nil *Error is not a nil error
		return nil, a.err
	}
	return a.addrs, nil
}

// ask returns an error, instead of an answer that says so, only when the context ended: that is not to be remembered.
func (r *resolver) ask(ctx context.Context, host string) (*answer, error) {
	addrs, err := r.lookup(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	switch {
	case err == nil:
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return &answer{addrs: addrs, expires: time.Now().Add(dnsPositive)}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	kind := KindDNS
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		kind = KindNoHost
	}
	return &answer{err: &Error{Kind: kind, Err: err}, expires: time.Now().Add(dnsNegative)}, nil
}

// isLocalhost knows the names that RFC 6761, section 6.3, keeps out of DNS.
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
