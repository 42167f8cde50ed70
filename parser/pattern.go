package parser

import "strings"

// pattern is the path of a rule: "*" stands for any characters, "$" at the end for the end of the path.
type pattern struct {
	text     string // in canonical form, without the "$"
	anchored bool   // it had one
}

func newPattern(s string) pattern {
	// Before the rest: in canonical form it could not be told from an escaped "$", which is no anchor.
	s, anchored := strings.CutSuffix(s, "$")
	return pattern{text: canonical(s, true), anchored: anchored}
}

func (p pattern) hasStar() bool { return strings.IndexByte(p.text, '*') >= 0 }

// length is what patterns that match the same path are ranked by.
func (p pattern) length() int {
	if p.anchored {
		return len(p.text) + 1
	}
	return len(p.text)
}

// matches tells whether the pattern matches a path in canonical form. Each piece between stars is searched for behind
// the one before it, and taken where it comes first; going back could not help, so there is no blow-up on many stars.
func (p pattern) matches(path string) bool {
	piece, rest, star := strings.Cut(p.text, "*")
	path, ok := strings.CutPrefix(path, piece)
	for ok && star {
		piece, rest, star = strings.Cut(rest, "*")
		if !star && p.anchored {
			return strings.HasSuffix(path, piece)
		}
		_, path, ok = strings.Cut(path, piece)
	}
	return ok && (!p.anchored || path == "")
}

// canonical brings a path, or the path of a rule, into the form in which they are compared, byte by byte (RFC 9309
// section 2.2.2): escapes in upper case, none for what needs none, one for what does. In a query "/", ":", "?" and "@"
// need none, as they part nothing there. In a rule, "*" is the star; "%2A" and "%24" are the characters, and so are
// "*" and "$" in a path.
func canonical(s string, isRule bool) string {
	if isCanonical(s, isRule) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	inQuery := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		escaped := c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
		if escaped {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		switch {
		case !escaped && (c == '*' && isRule || !needsEscape(c)):
			b.WriteByte(c)
		case escaped && (isUnreserved(c) || inQuery && strings.IndexByte("/:?@", c) >= 0):
			b.WriteByte(c)
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
		inQuery = inQuery || c == '?' && !escaped
	}
	return b.String()
}

// isCanonical tells whether canonical would change nothing: most paths are plain.
func isCanonical(s string, isRule bool) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; needsEscape(c) && !(c == '*' && isRule) {
			return false
		}
	}
	return true
}

// needsEscape tells a byte that stands for itself only as an escape: what a URL cannot hold, and what means something
// in a rule.
func needsEscape(c byte) bool {
	return !isUnreserved(c) && strings.IndexByte(":/?#[]@!&'()+,;=", c) < 0
}

// isUnreserved tells the characters that mean the same escaped or not (RFC 3986 section 2.3).
func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
