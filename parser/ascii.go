package parser

import "unicode/utf8"

// What follows are the letters and spaces of HTML and of robots.txt, which are those of ASCII: the functions of the
// standard library know more of them, and would take bytes of other charsets for some.

// Bytes that end the name of a tag and of an attribute.
var (
	endsName = [256]bool{' ': true, '\n': true, '\r': true, '\t': true, '\f': true, '/': true, '>': true}
	endsKey  = [256]bool{' ': true, '\n': true, '\r': true, '\t': true, '\f': true, '/': true, '>': true, '=': true}
)

func skipSpace(b []byte, p int) int {
	for p < len(b) && isSpace(b[p]) {
		p++
	}
	return p
}

// isSpace tells the white space of HTML.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }

func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

// lower appends b to dst with ASCII letters in lower case.
func lower(dst, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// equalFold compares in ASCII, whatever the case; the letters of bytes above 0x7F have none.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if d := b[i]; c != d && (c|0x20 != d|0x20 || !isLetter(c)) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' }

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// trimSpace cuts the white space of HTML off both ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// hasName tells whether b begins with the name of a tag, in whatever case.
func hasName(b, name []byte) bool {
	return len(b) > len(name) && endsName[b[len(name)]] && equalFold(b[:len(name)], name)
}
