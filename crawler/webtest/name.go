package webtest

import (
	"strconv"
	"strings"
)

// appendHost appends the name of a host, without a port.
func (w *Web) appendHost(b []byte, host int) []byte {
	if w.cfg.ByAddress {
		// 250 addresses of each /24: none ends in 0 or 255, and none is 127.0.0.1, where others listen.
		b = append(b, "127."...)
		b = strconv.AppendInt(b, int64(1+host/62500), 10)
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(host/250%250), 10)
		b = append(b, '.')
		return strconv.AppendInt(b, int64(1+host%250), 10)
	}
	b = append(b, 'h')
	for limit := 1000; limit > max(host, 1); limit /= 10 {
		b = append(b, '0')
	}
	b = strconv.AppendInt(b, int64(host), 10)
	return append(append(b, '.'), w.cfg.Domain...)
}

// parseHost is the inverse of appendHost on an authority; port keeps its colon and may be empty.
func (w *Web) parseHost(authority string) (host int, port string, ok bool) {
	name := authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		name, port = authority[:i], authority[i:]
	}
	if w.cfg.ByAddress {
		for i, part := range strings.SplitN(name, ".", 5) {
			weight := [...]int{0, 62500, 250, 1, 0}[i]
			n, _ := strconv.Atoi(part)
			host += n * weight
		}
		host -= 62500 + 1
	} else {
		digits, _, _ := strings.Cut(name, ".")
		host, _ = strconv.Atoi(strings.TrimPrefix(digits, "h"))
	}
	if host < 0 || host >= w.cfg.Hosts {
		return 0, "", false
	}
	// Writing it again is the whole check: whatever was misread above does not come out the same.
	var buf [32]byte
	return host, port, string(w.appendHost(buf[:0], host)) == name
}

const sections = 10 // folders of a host's pages

// inQuery tells whether page n has a URL with a query.
func inQuery(n int) bool { return n%16 == 9 }

// appendPath appends the path and query of p, with amp for an ampersand, so that it can be had ready for HTML.
func appendPath(b []byte, p place, amp string) []byte {
	switch {
	case p.kind == gone:
		b = append(b, "/gone/"...)
	case p.kind == private:
		b = append(b, "/private/"...)
	case p.kind == redirect:
		return strconv.AppendInt(append(b, "/go/"...), int64(p.n), 10)
	case p.n == 0:
		return append(b, '/')
	case inQuery(p.n):
		b = strconv.AppendInt(append(b, "/view?n="...), int64(p.n), 10)
		b = append(b, amp...)
		return append(b, 's', '=', byte('0'+p.n%sections))
	default:
		b = append(b, '/', 's', byte('0'+p.n%sections), '/')
	}
	return append(strconv.AppendInt(b, int64(p.n), 10), ".html"...)
}

// parsePath is the inverse of appendPath with a plain ampersand, for the URLs that exist.
func (w *Web) parsePath(host int, path string) (place, bool) {
	p := place{host: host}
	var digits string
	switch {
	case path == "/":
		return p, true
	case strings.HasPrefix(path, "/gone/"):
		p.kind, digits = gone, path[len("/gone/"):]
	case strings.HasPrefix(path, "/private/"):
		p.kind, digits = private, path[len("/private/"):]
	case strings.HasPrefix(path, "/go/"):
		p.kind, digits = redirect, path[len("/go/"):]
	case strings.HasPrefix(path, "/view?n="):
		digits, _, _ = strings.Cut(path[len("/view?n="):], "&")
	case strings.HasPrefix(path, "/s") && len(path) > len("/s0/"):
		digits = path[len("/s0/"):]
	}
	p.n, _ = strconv.Atoi(strings.TrimSuffix(digits, ".html"))
	if p.n < 0 || p.n >= w.counts[p.kind] {
		return place{}, false
	}
	var buf [64]byte
	return p, string(appendPath(buf[:0], p, "&")) == path
}

// appendURL appends the URL of p on a port, which has its colon.
func (w *Web) appendURL(b []byte, p place, port string) []byte {
	b = w.appendHost(append(b, "http://"...), p.host)
	return appendPath(append(b, port...), p, "&")
}
