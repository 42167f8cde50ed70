package parser

import (
	"bytes"

	"golang.org/x/net/html"
)

// unescape appends the value of an attribute to dst: entities decoded, line ends and NULs put right. In attributes,
// unlike text, "&copy=1" and "&notit" stay as they are: they are mostly parameters of a query (HTML standard, section
// 13.2.5.73).
func unescape(dst, b []byte) []byte {
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0}, []byte("\ufffd"))
	}
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return append(dst, b...)
		}
		n := i + referenceLen(b[i:])
		dst = append(dst, b[:i]...)
		dst = append(dst, reference(b[i:n], b[n:])...)
		b = b[n:]
	}
}

// referenceLen returns the length of what may be an entity at the start of b, which begins with "&".
func referenceLen(b []byte) int {
	n := 1
	for n < len(b) && (isAlphanumeric(b[n]) || n == 1 && b[n] == '#') {
		if b[1] == '#' && !isDigitOf(b, n) {
			break
		}
		n++
	}
	if n > 1 && n < len(b) && b[n] == ';' {
		n++
	}
	return n
}

// isDigitOf tells whether b[n] continues the numeric reference that b begins with: "&#38" or "&#x26".
func isDigitOf(b []byte, n int) bool {
	switch c := b[n]; {
	case n == 1, '0' <= c && c <= '9':
		return true
	case n == 2:
		return c|0x20 == 'x'
	default:
		return b[2]|0x20 == 'x' && 'a' <= c|0x20 && c|0x20 <= 'f'
	}
}

// reference decodes the possible entity ref, which rest follows. It leaves the tables to the library, whose decoder is
// that of text: there a name may be decoded in part ("&notit" as "¬it"), which its result gives away by ending like ref.
// (One whole entity does as well: "&semi;" is ";".)
func reference(ref, rest []byte) string {
	if string(ref) == "&amp;" { // nearly all there are in URLs
		return "&"
	}
	s := string(ref)
	last := s[len(s)-1]
	if last != ';' && s[1:] != "" && s[1] != '#' && len(rest) > 0 && rest[0] == '=' {
		return s
	}
	decoded := html.UnescapeString(s)
	if s[1:] != "" && s[1] != '#' && decoded[len(decoded)-1] == last && s != "&semi;" {
		return s
	}
	return decoded
}
