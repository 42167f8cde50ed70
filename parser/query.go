package parser

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// queryEncoding returns the encoding of the queries of a page's links: that of the page, or nil for UTF-8 (encoding
// standard, "get an output encoding").
func queryEncoding(enc encoding.Encoding, name string) encoding.Encoding {
	if name == "utf-8" || name == "replacement" || strings.HasPrefix(name, "utf-16") {
		return nil
	}
	return enc
}

// encodeQuery escapes what is not ASCII in the query of a URL, in the charset of the page. ASCII stays as it is, for the
// resolver to see to. A query longer than MaxLink, which leads nowhere, is not worth it. The result is good until the
// next tag.
func (r *reader) encodeQuery(url []byte) []byte {
	if r.query == nil || isASCII(url) {
		return url
	}
	start, end := query(url)
	if q := url[start:end]; end-start > MaxLink || isASCII(q) || !hasQueryEncoding(url) {
		return url
	}
	out := append([]byte(nil), url[:start]...)
	for q := url[start:end]; len(q) > 0; {
		n := 0
		for n < len(q) && q[n] < utf8.RuneSelf {
			n++
		}
		out, q = append(out, q[:n]...), q[n:]
		for n = 0; n < len(q) && q[n] >= utf8.RuneSelf; {
			n++
		}
		out, q = r.appendEncoded(out, q[:n]), q[n:]
	}
	return append(out, url[end:]...)
}

// query returns where the query of a URL is.
func query(url []byte) (start, end int) {
	end = len(url)
	if i := bytes.IndexByte(url, '#'); i >= 0 {
		end = i
	}
	if i := bytes.IndexByte(url[:end], '?'); i >= 0 {
		return i + 1, end
	}
	return end, end
}

// hasQueryEncoding tells whether a URL is relative, and so of the page's scheme, or of HTTP. The queries of others are
// in UTF-8.
func hasQueryEncoding(url []byte) bool {
	scheme, _, ok := bytes.Cut(url, []byte(":"))
	if !ok || len(scheme) == 0 || !isLetter(scheme[0]) {
		return true
	}
	for _, c := range scheme {
		if !isAlphanumeric(c) && c != '+' && c != '-' && c != '.' {
			return true
		}
	}
	return equalFold(scheme, []byte("http")) || equalFold(scheme, []byte("https"))
}

// appendEncoded appends a run of characters beyond ASCII (URL standard, "percent-encode after encoding"). Of a run with
// one that the charset has not, each is encoded by itself; this makes a difference only in ISO-2022-JP, to its escapes.
func (r *reader) appendEncoded(dst, run []byte) []byte {
	if out, err := r.query.NewEncoder().Bytes(run); err == nil {
		return appendEscaped(dst, out)
	}
	encoder := r.query.NewEncoder()
	for len(run) > 0 {
		c, n := utf8.DecodeRune(run)
		if out, err := encoder.Bytes(run[:n]); err == nil {
			dst = appendEscaped(dst, out)
		} else {
			dst = fmt.Appendf(dst, "%%26%%23%d%%3B", c)
		}
		run = run[n:]
	}
	return dst
}

// appendEscaped appends b with the bytes of the special-query percent-encode set escaped. The others stay, also as the
// second byte of a character: "ソ" is "%83\" in Shift_JIS.
func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		if c <= ' ' || c >= 0x7F || c == '"' || c == '#' || c == '<' || c == '>' || c == '\'' {
			dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
