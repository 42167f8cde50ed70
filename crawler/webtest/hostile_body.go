package webtest

import (
	"bytes"
	"net/http"
	"strconv"
)

// Classes whose bodies are hostile.
var bodyTraits = []trait{
	{class: "endless-body", does: "a body without end", front: done, page: endlessBody},
	{class: "bomb-gzip", does: "10 GiB of zeros in gzip", front: done, page: bombPage("gzip")},
	{class: "bomb-deflate", does: "10 GiB of zeros in deflate", front: settled, page: bombPage("deflate")},
	{class: "bomb-brotli", does: "10 GiB of zeros in brotli", front: done, page: bombPage("br")},
	{class: "bomb-zstd", does: "10 GiB of zeros in zstd", front: done, page: bombPage("zstd")},
	{class: "bomb-tree", does: "300,000 tags in gzip at every URL", front: done, page: bombTree},
	{class: "bomb-window", does: "a zstd frame that asks for a window of 2 GiB", front: settled, page: bombWindow},
	{class: "deep-nesting", does: "very many nested elements", front: done, page: deepNesting},
	{class: "many-links", does: "very many links to its own host", front: done, page: manyLinks},
	{class: "many-hosts", does: "very many links to other hosts", front: done, page: manyHosts},
	{class: "large-attribute", does: "10 MiB of one attribute", front: settled, page: largeAttribute},
	{class: "garbage", does: "NUL and invalid UTF-8 in text and links", front: done, page: garbage},
	{class: "wrong-type", does: "images called HTML, HTML called something else", front: done, page: wrongType},
	{class: "wrong-encoding", does: "plain text called gzip", front: dead, page: wrongEncoding},
}

// endlessBody writes until nobody reads.
func endlessBody(v *visit) {
	v.Header().Set("Content-Type", htmlType)
	v.repeat("<p>And so on, and so on, and so on.</p>\n", -1)
}

// repeat writes a text n times, or without end; false when nobody reads any more. It holds no more than 64 KiB.
func (v *visit) repeat(text string, n int) bool {
	perBlock := max(64<<10/len(text), 1)
	if n >= 0 {
		perBlock = min(perBlock, max(n, 1))
	}
	block := bytes.Repeat([]byte(text), perBlock)
	for n != 0 {
		if n > 0 {
			block = block[:min(n, perBlock)*len(text)]
			n -= min(n, perBlock)
		}
		if _, err := v.Write(block); err != nil {
			return false
		}
	}
	return true
}

func deepNesting(v *visit) {
	if !v.front() {
		return
	}
	v.Header().Set("Content-Type", htmlType)
	v.repeat("<div><b>", v.many()/4)
	v.repeat("<table><tr><td>", v.many()/12)
	v.repeat(`<a href="/deep">`, 1)
}

func manyLinks(v *visit) {
	if !v.front() {
		return
	}
	v.Header().Set("Content-Type", htmlType)
	v.eachLink(v.many(), func(b []byte, i int) []byte { return strconv.AppendInt(append(b, "/n/"...), int64(i), 10) })
}

// manyHosts has addresses for hosts, since names would be looked up: no resolver outside this machine is to be asked. They
// are fewer than the links of manyLinks, since each costs a crawl more.
func manyHosts(v *visit) {
	if !v.front() {
		return
	}
	v.Header().Set("Content-Type", htmlType)
	v.eachLink(v.many()/10, func(b []byte, i int) []byte {
		b = strconv.AppendInt(append(b, "http://127.201."...), int64(i/250%250), 10)
		b = strconv.AppendInt(append(b, '.'), int64(1+i%250), 10)
		b = strconv.AppendInt(append(b, ':'), int64(2+i/62500), 10)
		return append(b, '/')
	})
}

// eachLink writes n links.
func (v *visit) eachLink(n int, link func(b []byte, i int) []byte) {
	v.each(n, func(b []byte, i int) []byte { return append(link(append(b, `<a href="`...), i), "\">x</a>\n"...) })
}

// each writes n things, a block of them at a time.
func (v *visit) each(n int, appendTo func(b []byte, i int) []byte) {
	var b []byte
	for i := range n {
		b = appendTo(b, i)
		if len(b) < 32<<10 && i < n-1 {
			continue
		}
		if _, err := v.Write(b); err != nil {
			return
		}
		b = b[:0]
	}
}

func largeAttribute(v *visit) {
	if !v.front() {
		return
	}
	v.Header().Set("Content-Type", htmlType)
	v.repeat(`<a href="/before">x</a><a title="`, 1)
	v.repeat("many words ", 10<<20/11)
	v.repeat(`" href="/after">x</a>`, 1)
}

func garbage(v *visit) {
	if !v.front() {
		return
	}
	v.html("NUL \x00 and \xff\xfe", "text \x00 \xc3\x28 \xf0\x9f <a href='/half"+
		"\x00' <b <!-- <a href=/\xe9t\xe9>x</a> --!> <a\x00href=/nul>x</a> </ a> <a href=",
		"/a\x00b", "/\xff\xfe", "/\xc0\xaf..\xc0\xaf", "http://\x00/", "http://[::1", "//\xff/", "\x00", "/\xed\xa0\x80")
}

// wrongType has a front page that is right, and links to what is not.
func wrongType(v *visit) {
	const image = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR<a href=/in-image>\x00"
	switch v.path {
	case "/":
		v.html("types", "", "/image", "/octets", "/none", "/nonsense")
	case "/image":
		v.Header().Set("Content-Type", "text/html")
		v.Write([]byte(image))
	case "/octets":
		v.as("application/octet-stream")
	case "/none":
		v.Header()["Content-Type"] = nil // net/http does not guess then
		v.Write(smallPage("none", "", nil))
	case "/nonsense":
		v.as("text/html/;;=\xff; charset=\"")
	default:
		v.notFound()
	}
}

func (v *visit) as(contentType string) {
	v.Header().Set("Content-Type", contentType)
	v.Write(smallPage("page", "", []string{"/called-something-else"}))
}

func wrongEncoding(v *visit) {
	v.Header().Set("Content-Encoding", "gzip")
	v.html("plain", "this is not gzip")
}

// bombPage answers with a bomb.
func bombPage(encoding string) func(*visit) {
	return func(v *visit) {
		v.Header().Set("Content-Type", htmlType)
		v.Header().Set("Content-Encoding", encoding)
		v.WriteHeader(http.StatusOK)
		writeBomb(v, encoding, bombMiB)
	}
}

func bombWindow(v *visit) {
	v.Header().Set("Content-Type", htmlType)
	v.Header().Set("Content-Encoding", "zstd")
	// RFC 8878, section 3.1.1: a window of 2^31 bytes, then one block of four bytes.
	v.Write([]byte("\x28\xb5\x2f\xfd\x00\xa8\x21\x00\x00long"))
}
