package frontier

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// plain is the fast tier of Resolve: it takes references that the standard's parser would only join to the base, and
// says no to all others. It must never answer differently from slow; where it would take thought, it says no.
func (b *Base) plain(ref string) (URL, bool) {
	ref, _, _ = strings.Cut(ref, "#")
	if len(ref) > MaxURLLen {
		return URL{}, false
	}
	hostLen, rest, ok := b.start(ref)
	if !ok {
		return URL{}, false
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	if !plainPath(path) || !consistsOf(query, inQuery) {
		return URL{}, false
	}
	if strings.HasPrefix(path, ".") || strings.Contains(path, "/.") {
		b.buf = appendSegments(b.buf, hostLen+len("/"), path)
	} else {
		b.buf = append(b.buf, path...)
	}
	if hasQuery {
		b.buf = append(append(b.buf, '?'), query...)
	}
	switch {
	case len(b.buf) > MaxURLLen:
		return URL{}, false
	case string(b.buf) == b.url.text:
		return b.url, true // links of a page to itself are many, and cost nothing
	}
	return URL{text: string(b.buf), hostLen: hostLen}, true
}

// start puts into the buffer what comes before the reference's own path and query: a host and a slash, the base's
// folder, or more of the base. It returns the rest of the reference.
func (b *Base) start(ref string) (hostLen int, rest string, ok bool) {
	base, end := b.url.text, b.dirEnd
	switch {
	case base != "" && strings.HasPrefix(ref, base[:b.url.hostLen+len("/")]): // its own host as it is written, IPv6 too
		end, ref = b.url.hostLen+len("/"), ref[b.url.hostLen+len("/"):]
	case strings.HasPrefix(ref, "http://"):
		return b.startHost("http://", ref[len("http://"):])
	case strings.HasPrefix(ref, "https://"):
		return b.startHost("https://", ref[len("https://"):])
	case base == "":
		return 0, "", false
	case strings.HasPrefix(ref, "//"):
		return b.startHost(base[:strings.Index(base, "//")+len("//")], ref[len("//"):])
	case ref == "":
		end = len(base)
	case ref[0] == '?':
		end = b.pathEnd
	case ref[0] == '/':
		end, ref = b.url.hostLen+len("/"), ref[1:]
	case strings.IndexByte(ref, ':') >= 0:
		return 0, "", false // it may have a scheme
	}
	b.buf = append(b.buf[:0], base[:end]...)
	return b.url.hostLen, ref, true
}

// startHost does it for a reference with a host of its own, which follows the scheme.
func (b *Base) startHost(scheme, ref string) (hostLen int, rest string, ok bool) {
	end := strings.IndexAny(ref, "/?")
	if end < 0 {
		end = len(ref)
	}
	name, port, hasPort := strings.Cut(ref[:end], ":")
	if !plainName(name) || hasPort && !plainPort(port) {
		return 0, "", false
	}
	b.buf = append(append(b.buf[:0], scheme...), name...)
	if hasPort && !(port == "80" && scheme == "http://") && !(port == "443" && scheme == "https://") {
		b.buf = append(append(b.buf, ':'), port...)
	}
	hostLen = len(b.buf)
	b.buf = append(b.buf, '/')
	return hostLen, strings.TrimPrefix(ref[end:], "/"), true
}

// plainName tells a host name that the standard's parser would leave as it is: nothing for IDNA to do, and not an IP
// address in disguise, which would end in a label that begins with a digit as those do that are written as they should be.
func plainName(name string) bool {
	top := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case top == "":
		return false
	case isAlpha(top[0]):
		return consistsOf(name, inHost)
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Is4()
}

func plainPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port[0] != '0'
}

// plainPath leaves escaped dots to the parser: to it they are dots.
func plainPath(path string) bool {
	return consistsOf(path, inPath) && !strings.Contains(path, "%2e") && !strings.Contains(path, "%2E")
}

// appendSegments appends a path to buf, which ends with a slash, and resolves its dot segments. They do not climb above
// buf[:root], the host and the first slash.
func appendSegments(buf []byte, root int, path string) []byte {
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		switch segment {
		case ".":
		case "..":
			if len(buf) > root {
				buf = buf[:bytes.LastIndexByte(buf[:len(buf)-1], '/')+1]
			}
		default:
			buf = append(buf, segment...)
			if more {
				buf = append(buf, '/')
			}
		}
	}
	return buf
}

// The parts of a URL in which a byte can stand unescaped, and means nothing else.
const (
	inHost = 1 << iota
	inPath
	inQuery
)

// byteParts follows the percent-encode sets of the WHATWG URL standard, section 1.3.
var byteParts = func() (parts [256]uint8) {
	for c := byte('!'); c <= '~'; c++ {
		if strings.IndexByte("\"#<>?^`{}\\", c) < 0 {
			parts[c] |= inPath
		}
		if strings.IndexByte("\"#<>'", c) < 0 {
			parts[c] |= inQuery
		}
		if 'a' <= c && c <= 'z' || isDigit(c) || c == '-' || c == '.' {
			parts[c] |= inHost
		}
	}
	return parts
}()

func consistsOf(s string, part uint8) bool {
	for i := range len(s) {
		if byteParts[s[i]]&part == 0 {
			return false
		}
	}
	return true
}
