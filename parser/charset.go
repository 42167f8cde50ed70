package parser

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

const (
	prescanLen = 16 << 10 // of a page, searched for its charset; the standard asks for 1 KiB at least
	sniffLen   = 64 << 10 // of a page without a charset, looked at to tell whether it is UTF-8
)

// IsHTML decides whether a response is a page to read links from. A content type of HTML or XHTML is trusted; without
// one, or with one of the two that servers give to what they do not know, the body decides.
func IsHTML(contentType string, body []byte) bool {
	switch t := mediaType(contentType); t {
	case "", "text/plain", "application/octet-stream":
		return mediaType(http.DetectContentType(body)) == "text/html"
	default:
		return isPageType(t)
	}
}

func isPageType(t string) bool { return t == "text/html" || t == "application/xhtml+xml" }

// mediaType returns the type in a Content-Type without its parameters, in lower case. It is more lenient than the mime
// package: servers write parameters that are none.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// detect finds the encoding of a page and its name: by byte order mark, header, what the page itself says, or else a
// look at its bytes (HTML standard, section 13.2.3.2).
func detect(body []byte, contentType string) (encoding.Encoding, string) {
	if label := bom(body); label != "" {
		return byLabel(label)
	}
	if enc, name := byLabel(charsetIn(contentType)); enc != nil {
		return enc, name
	}
	if enc, name := prescan(body[:min(len(body), prescanLen)]); enc != nil {
		return enc, name
	}
	// The standard leaves this guess to the reader. Pages without a charset are UTF-8 more often than not, today.
	if looksUTF8(body) {
		return byLabel("utf-8")
	}
	return byLabel("windows-1252")
}

// bom returns the label of the encoding whose byte order mark b begins with, or nothing.
func bom(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return "utf-8"
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return "utf-16be"
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return "utf-16le"
	}
	return ""
}

// byLabel finds an encoding by one of its many labels; nil if there is none.
func byLabel(label string) (encoding.Encoding, string) {
	if label == "" {
		return nil, ""
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, ""
	}
	name, err := htmlindex.Name(enc)
	if err != nil {
		return nil, ""
	}
	return enc, name
}

// prescan looks for the encoding that the page itself states, in a meta element or an XML declaration.
func prescan(head []byte) (encoding.Encoding, string) {
	if bytes.HasPrefix(head, []byte("<?xml")) {
		decl, _, _ := bytes.Cut(head, []byte(">"))
		if enc, name := declared(valueAfter(string(decl), "encoding")); enc != nil {
			return enc, name
		}
	}
	s := scanner{buf: head}
	for s.next() { // as the standard has it, a meta in a script or title counts too
		if s.tag != tagMeta {
			continue
		}
		label, ok := s.attr(attrCharset)
		if !ok {
			if v, _ := s.attr(attrHTTPEquiv); !equalFold(v, []byte("content-type")) {
				continue
			}
			v, _ := s.attr(attrContent)
			label = []byte(charsetIn(string(v)))
		}
		if enc, name := declared(string(label)); enc != nil {
			return enc, name
		}
	}
	return nil, ""
}

// declared is byLabel for what a page says of itself: a page that could be read so far is not in UTF-16.
func declared(label string) (encoding.Encoding, string) {
	enc, name := byLabel(label)
	switch {
	case strings.HasPrefix(name, "utf-16"):
		return byLabel("utf-8")
	case name == "x-user-defined":
		return byLabel("windows-1252")
	}
	return enc, name
}

// charsetIn finds the charset in a Content-Type, of a header or of a meta element, leniently.
func charsetIn(contentType string) string { return valueAfter(contentType, "charset") }

// valueAfter finds "key = value" or "key='value'" in s (HTML standard, "extracting a character encoding from a meta
// element").
func valueAfter(s, key string) string {
	const space = " \t\n\f\r"
	for i := 0; i+len(key) <= len(s); i++ {
		if !strings.EqualFold(s[i:i+len(key)], key) {
			continue
		}
		rest := strings.TrimLeft(s[i+len(key):], space)
		if !strings.HasPrefix(rest, "=") {
			continue
		}
		rest = strings.TrimLeft(rest[1:], space)
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			value, _, ok := strings.Cut(rest[1:], rest[:1])
			if !ok {
				return ""
			}
			return value
		}
		if end := strings.IndexAny(rest, ";"+space); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
	return ""
}

// looksUTF8 tells whether the bytes above 0x7F of a page, if it has any, make sense as UTF-8.
func looksUTF8(body []byte) bool {
	head := body[:min(len(body), sniffLen)]
	if len(head) < len(body) { // the cut may be in the middle of a character
		for i := 0; i < utf8.UTFMax && len(head) > 0 && !utf8.RuneStart(body[len(head)]); i++ {
			head = head[:len(head)-1]
		}
	}
	return !isASCII(head) && utf8.Valid(head)
}

// newDecoder returns the decoder for an encoding.
func newDecoder(enc encoding.Encoding, name string) decoder {
	return decoder{enc: enc, utf8: name == "utf-8", ascii: asciiCompatible(name)}
}

// asciiCompatible tells whether tags can be found without transcoding: a byte below 0x40 stands for itself wherever it
// is (but for digits, in GB 18030), and so do letters outside of a character of several bytes.
func asciiCompatible(name string) bool {
	return name != "utf-16le" && name != "utf-16be" && name != "iso-2022-jp" && name != "replacement"
}

// trimBOM cuts the byte order mark of a page in UTF-8.
func trimBOM(body []byte, name string) []byte {
	if name == "utf-8" {
		return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	}
	return body
}

// decoder turns pieces of a page into UTF-8.
type decoder struct {
	enc   encoding.Encoding
	utf8  bool // it is UTF-8
	ascii bool // bytes of ASCII stand for themselves
}

// bytes transcodes b, each bad sequence to U+FFFD. What is UTF-8 already is returned as it is.
func (d decoder) bytes(b []byte) []byte {
	if d.utf8 && utf8.Valid(b) || d.ascii && isASCII(b) {
		return b
	}
	out, err := d.enc.NewDecoder().Bytes(b)
	if err != nil { // the encodings of the web replace what they cannot decode; this is for what they may become
		return bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	return out
}

// text decodes a piece of text outside of tags.
func (d decoder) text(b []byte) string {
	return html.UnescapeString(strings.ReplaceAll(string(d.bytes(b)), "\x00", "\ufffd"))
}

// isPlain tells whether a value stands for itself in any charset.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == '&' || c == '\r' || c == 0 {
			return false
		}
	}
	return true
}
