package frontier

import (
	"slices"
	"strings"
)

// Key returns the dedupe key by the default rules: two URLs with the same key are the same page to the crawl. It is the
// fetch form with
//
//   - the dot after the host name removed;
//   - percent escapes in upper case, those of unreserved characters decoded (RFC 3986, 6.2.2), a lone % escaped;
//   - parameters that tell no pages apart removed from path and query (DefaultDropParams), and dot segments after that;
//   - the other parameters of the query in the order of their names, those of the same name in the order they came; and
//     no ? before nothing.
//
// Schemes, www., index.html and trailing slashes are left alone, unless the rules fold them: servers do tell them apart.
// The key is a URL itself, and its own key, but it is not to be fetched. Where nothing changes it costs no allocation.
func (u URL) Key() string { return defaultKeyRules.Of(u) }

// Of returns the dedupe key of a URL.
func (r *KeyRules) Of(u URL) string {
	host, path := u.text[:u.hostLen], u.text[u.hostLen:]
	path, query, hasQuery := strings.Cut(path, "?")
	if u.IsZero() || !r.folds && !hasRootDot(host) && plainEscapes(path) && !r.hasParam(path) && (!hasQuery || r.isKeyQuery(query)) {
		return u.text
	}
	key := make([]byte, 0, len(u.text)+8)
	key = append(key, r.Host(Host(host))...)
	root := len(key) + 1
	key = append(key, '/')
	key = appendSegments(key, root, r.withoutParams(normalEscapes(path))[1:])
	if r.folds {
		key = append(key[:root], r.foldPath(string(key[root:]))...)
	}
	if query = r.keyQuery(query); query != "" {
		key = append(append(key, '?'), query...)
	}
	return string(key)
}

// hasRootDot tells a fully qualified name, "example.com.". A name with two dots at the end is no name; it is left alone.
func hasRootDot(host string) bool { return len(withoutRootDot(host)) < len(host) }

func withoutRootDot(host string) string {
	name, port := host, ""
	if colon := strings.LastIndexByte(host, ':'); colon > len("https") && host[len(host)-1] != ']' {
		name, port = host[:colon], host[colon:]
	}
	n := len(name)
	if name[n-1] != '.' || name[n-2] == '.' || name[n-2] == '/' {
		return host
	}
	return name[:n-1] + port
}

// param returns where the first parameter of a path that is dropped begins, or -1.
func (r *KeyRules) param(path string) int {
	for i := 0; len(r.inPath) > 0 && i < len(path); i++ {
		next := strings.IndexByte(path[i:], ';')
		if next < 0 {
			return -1
		}
		i += next
		for _, name := range r.inPath {
			if hasPrefixFold(path[i:], name) {
				return i
			}
		}
	}
	return -1
}

func (r *KeyRules) hasParam(path string) bool { return r.param(path) >= 0 }

// withoutParams removes the parameters of a path that are dropped, each up to the next parameter or segment.
func (r *KeyRules) withoutParams(path string) string {
	for {
		i := r.param(path)
		if i < 0 {
			return path
		}
		rest := path[i+1:]
		end := strings.IndexAny(rest, ";/")
		if end < 0 {
			return path[:i]
		}
		path = path[:i] + rest[end:]
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isKeyQuery tells whether keyQuery would change nothing.
func (r *KeyRules) isKeyQuery(query string) bool {
	if query == "" || !plainEscapes(query) {
		return false
	}
	before := ""
	for more := true; more; {
		var param string
		param, query, more = strings.Cut(query, "&")
		name := paramName(param)
		if name < before || r.drops(name) {
			return false
		}
		before = name
	}
	return true
}

func (r *KeyRules) keyQuery(query string) string {
	params := strings.Split(normalEscapes(query), "&")
	params = slices.DeleteFunc(params, func(p string) bool { return r.drops(paramName(p)) })
	slices.SortStableFunc(params, func(a, b string) int { return strings.Compare(paramName(a), paramName(b)) })
	return strings.Join(params, "&")
}

func paramName(param string) string {
	name, _, _ := strings.Cut(param, "=")
	return name
}

// plainEscapes tells whether normalEscapes would change nothing.
func plainEscapes(s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			return true
		}
		c, ok := unescape(s[i:])
		if !ok || isUnreserved(c) || isLowerHex(s[i+1]) || isLowerHex(s[i+2]) {
			return false
		}
		s = s[i+3:]
	}
}

// normalEscapes puts percent escapes in upper case, decodes those of unreserved characters, and escapes a lone %.
func normalEscapes(s string) string {
	if plainEscapes(s) {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			out = append(out, c)
			continue
		}
		c, ok := unescape(s[i:])
		switch {
		case !ok:
			out = append(out, "%25"...)
			continue
		case isUnreserved(c):
			out = append(out, c)
		default:
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
		i += 2
	}
	return string(out)
}

const upperHex = "0123456789ABCDEF"

// unescape decodes the escape that s begins with, if its % is not a lone one.
func unescape(s string) (c byte, ok bool) {
	if len(s) < 3 {
		return 0, false
	}
	high, ok1 := hexValue(s[1])
	low, ok2 := hexValue(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexValue(c byte) (value byte, ok bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func isLowerHex(c byte) bool { return 'a' <= c && c <= 'f' }

// isUnreserved follows RFC 3986, 2.3.
func isUnreserved(c byte) bool {
	return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}
