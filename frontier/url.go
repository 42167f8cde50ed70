package frontier

import (
	"errors"
	"fmt"
	"strings"
)

// URL is a canonical http or https URL: what the WHATWG URL standard makes of it, without fragment and userinfo, at
// most MaxURLLen bytes long. URLs are comparable. The zero URL is no URL.
type URL struct {
	text    string // the fetch form
	hostLen int    // text[:hostLen] is the Host
}

// URLError says why a text is not a URL that can be crawled.
type URLError struct {
	Raw    string // as it was given
	Reason Reason // BadURL, BadScheme or TooLong
}

// shownURL is how much of a bad URL an error shows: enough to find it by, and still one line on a terminal.
const shownURL = 100

// Error is meant for the person who typed the URL.
func (e *URLError) Error() string {
	raw := e.Raw
	if len(raw) > shownURL {
		raw = raw[:shownURL] + "..."
	}
	switch e.Reason {
	case BadScheme:
		return fmt.Sprintf("%q: not an http or https URL", raw)
	case TooLong:
		return fmt.Sprintf("%q: longer than %d bytes", raw, MaxURLLen)
	default:
		return fmt.Sprintf("%q: not a URL (expected something like http://example.com/)", raw)
	}
}

// ParseURL reads an absolute URL by the rules of the WHATWG URL standard, as a browser's address bar would if it did no
// guessing: white space around it, missing slashes, odd spellings of an IP address and the like are put right. Fragment
// and userinfo are dropped. The error is a *URLError.
func ParseURL(raw string) (URL, error) {
	var nowhere Base
	return nowhere.Resolve(raw)
}

// ParseSeed reads a URL as people type it: like ParseURL, but http:// may be left out before something that looks like a
// host, as in example.com/x, localhost:8080 or [::1]:80.
func ParseSeed(raw string) (URL, error) {
	raw = strings.TrimSpace(raw)
	if !looksLikeHost(raw) {
		return ParseURL(raw)
	}
	u, err := ParseURL("http://" + raw)
	if e, ok := errors.AsType[*URLError](err); ok {
		e.Raw = raw // they should find in the error what they typed
	}
	return u, err
}

// looksLikeHost tells whether raw starts with a host and perhaps a port. A bare word does not count: it is more often a
// mistake (a file name, a subcommand) than the name of a machine.
func looksLikeHost(raw string) bool {
	authority := raw
	if end := strings.IndexAny(raw, "/?#"); end >= 0 {
		authority = raw[:end]
	}
	if strings.HasPrefix(authority, "[") {
		return true
	}
	name, port, hasPort := strings.Cut(authority, ":")
	if name == "" || name[0] == '.' || strings.ContainsAny(name, " @\\") || strings.Trim(port, "0123456789") != "" {
		return false // a path, a mail address, or a scheme as in mailto:x and http://x
	}
	return strings.Contains(name, ".") || name == "localhost" || hasPort && port != ""
}

// String returns the fetch form: what is sent and printed.
func (u URL) String() string { return u.text }

// IsZero tells the zero URL.
func (u URL) IsZero() bool { return u.text == "" }

// Host returns the politeness key.
func (u URL) Host() Host { return Host(u.text[:u.hostLen]) }

// Hostname returns the host's name or address, without port and without the brackets of an IPv6 address.
func (u URL) Hostname() string { return u.Host().Hostname() }

// Path returns the fetch form without the host: path and query, beginning with a slash.
func (u URL) Path() string { return u.text[u.hostLen:] }

// URL puts a host and a path that came from one canonical URL together again. It trusts them: nothing is checked.
func (h Host) URL(path string) URL { return URL{text: string(h) + path, hostLen: len(h)} }

// Authority returns the host without its scheme: "example.com", "[::1]:8090".
func (h Host) Authority() string {
	_, authority, _ := strings.Cut(string(h), "://")
	return authority
}

// Hostname returns the host's name or address, without port and without the brackets of an IPv6 address.
func (h Host) Hostname() string {
	authority := h.Authority()
	if strings.HasPrefix(authority, "[") {
		address, _, _ := strings.Cut(authority[1:], "]")
		return address
	}
	name, _, _ := strings.Cut(authority, ":")
	return name
}
