package crawler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
)

// ErrNoSpace is wrapped by what a sink returns when its disk or quota is full.
var ErrNoSpace = errors.New("no space left")

// Kind says in a word why a fetch failed. Kinds are counted and written to records, so there are few.
type Kind string

// The kinds.
const (
	KindURL      Kind = "url"      // not an absolute http or https URL
	KindAddress  Kind = "address"  // refused by the guard: not part of the public internet
	KindNoHost   Kind = "no-host"  // DNS says that the name does not exist
	KindDNS      Kind = "dns"      // DNS gave no answer
	KindConnect  Kind = "connect"  // refused or unreachable
	KindProxy    Kind = "proxy"    // the proxy cannot be reached, or does not let us in: says nothing about the host
	KindTLS      Kind = "tls"      // no handshake, or a certificate that does not hold
	KindTimeout  Kind = "timeout"  // a phase, or the whole request, took too long; or a large body came too slowly while others waited
	KindMemory   Kind = "memory"   // other large bodies took the memory for them (Config.LargeBodies) until the deadline
	KindReset    Kind = "reset"    // the connection ended before the response did
	KindHeader   Kind = "header"   // more than 256 KiB of response header
	KindProtocol Kind = "protocol" // not HTTP
	KindDecode   Kind = "decode"   // the body is not what its Content-Encoding says
	KindCanceled Kind = "canceled" // the caller's context ended; says nothing about the page
)

// Temporary tells whether the same request may well succeed later.
func (k Kind) Temporary() bool {
	switch k {
	case KindDNS, KindConnect, KindProxy, KindTimeout, KindReset, KindMemory:
		return true
	}
	return false
}

// Error is every error of a fetch.
type Error struct {
	Kind   Kind
	Err    error
	Status int  // of HTTP, when it was the body that failed; 0: there was no answer
	Got    int  // bytes of the body that came before it failed, as sent
	Unsent bool // there was no connection, so nothing was asked: it says nothing about the page
}

func (e *Error) Error() string { return string(e.Kind) + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// classify gives err its kind. The parent context is the caller's, without our own deadline: if it has ended, that is
// the reason, whatever the error looks like.
func classify(parent context.Context, err error) *Error {
	if parent.Err() != nil {
		return &Error{Kind: KindCanceled, Err: context.Cause(parent)}
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Kind: kindOf(err), Err: err}
}

// kindOf knows the errors of net, crypto/tls and net/http. Where those have no type or value to compare, only their
// text remains; the tests meet each of them on a real connection.
func kindOf(err error) Kind {
	var timeout net.Error
	switch text := err.Error(); {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return KindTimeout
	case strings.Contains(text, "tls: "), errors.Is(err, http.ErrSchemeMismatch):
		return KindTLS
	case containsAny(text, "response headers exceeded", "header list larger than", "header list too large"):
		return KindHeader
	case isReset(err), containsAny(text, gone...):
		return KindReset
	case isDial(err):
		return KindConnect
	}
	return KindProtocol
}

// gone is how net/http says that a connection, or a stream of HTTP/2, ended before its response.
var gone = []string{
	"server closed idle connection", "GOAWAY", "received from peer", "client conn not usable", "client conn is closed",
	"client connection lost", "client connection force closed", "ClientConn closed",
}

// cutShort makes what net/http takes for malformed a reset, if the connection ended in the midst of headers of HTTP/1.
func cutShort(err error) error {
	_, what, found := strings.Cut(err.Error(), "malformed ")
	if !found {
		return err
	}
	line, isLine := strings.CutPrefix(what, `HTTP response "`)
	status, isStatus := strings.CutPrefix(what, `HTTP status code "`)
	switch {
	case isLine && (strings.HasPrefix(line, "HTTP/") || strings.HasPrefix("HTTP/", strings.TrimSuffix(line, `"`))):
	case isStatus && strings.Trim(status, "0123456789") == `"`:
	case strings.HasPrefix(what, "MIME header"):
	default:
		return err
	}
	return &Error{Kind: KindReset, Err: fmt.Errorf("the connection ended within the headers: %w", err)}
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func isReset(err error) bool {
	for _, e := range []error{
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
		syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect")
}
