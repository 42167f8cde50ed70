package parser

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/transform"
)

var gzipMagic = []byte{0x1f, 0x8b}

// maxGzip is how many layers of gzip a sitemap may have: servers compress what is already.
const maxGzip = 2

// openSitemap returns a sitemap's text in UTF-8, from its first character that is no space on, and what bounds it.
func openSitemap(r io.Reader, contentType string) (*bufio.Reader, *limited, error) {
	src, limit, err := gunzip(r)
	if err != nil {
		return nil, nil, err
	}
	if src, err = toUTF8(src, contentType); err != nil {
		return nil, nil, err
	}
	return src, limit, skipBlank(src)
}

// gunzip takes the layers of gzip off, each of them bounded: a bomb in a bomb ends with the outer one.
func gunzip(r io.Reader) (*bufio.Reader, *limited, error) {
	limit := &limited{r: r, left: MaxSitemap}
	src := bufio.NewReader(limit)
	for range maxGzip {
		if head, _ := src.Peek(len(gzipMagic)); !bytes.Equal(head, gzipMagic) {
			break
		}
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, nil, err
		}
		limit = &limited{r: z, left: MaxSitemap, outer: limit}
		src = bufio.NewReader(limit)
	}
	return src, limit, nil
}

// limited fails after so many bytes, if there is more, and tells so.
type limited struct {
	r       io.Reader
	left    int64
	outer   *limited // of the layer around it; nil: none
	reached bool     // a limit, its own or one around it
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if !l.reached && !hasByte(l.r) {
			return 0, io.EOF
		}
		l.reached = true
		return 0, io.ErrUnexpectedEOF
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	l.reached = l.reached || l.outer != nil && l.outer.reached
	return n, err
}

func hasByte(r io.Reader) bool {
	n, _ := io.ReadFull(r, make([]byte, 1))
	return n > 0
}

// toUTF8 decodes a sitemap by its byte order mark, the header, or its XML declaration (RFC 7303 section 3).
func toUTF8(src *bufio.Reader, contentType string) (*bufio.Reader, error) {
	head, err := src.Peek(sniffSitemap)
	if len(head) == 0 {
		return nil, notSitemap(err)
	}
	label := bom(head)
	if label == "" {
		label = wideXML(head)
	}
	enc, name := byLabel(label)
	if enc == nil {
		enc, name = byLabel(charsetIn(contentType))
	}
	if enc == nil && bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<?xml")) {
		decl, _, _ := bytes.Cut(head, []byte(">"))
		enc, name = declared(valueAfter(string(decl), "encoding"))
	}
	if enc == nil || name == "utf-8" {
		return src, nil
	}
	return bufio.NewReader(transform.NewReader(src, enc.NewDecoder())), nil
}

// wideXML tells UTF-16 without a byte order mark by how an XML file in it begins (XML 1.0, appendix F).
func wideXML(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("<\x00")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\x00<")):
		return "utf-16be"
	}
	return ""
}

// skipBlank skips byte order marks and white space, which XML allows nowhere before its declaration, and which is there.
func skipBlank(src *bufio.Reader) error {
	for {
		c, _, err := src.ReadRune()
		switch {
		case err != nil:
			return notSitemap(err)
		case c != '\ufeff' && (c >= 0x80 || !isSpace(byte(c))):
			return src.UnreadRune()
		}
	}
}
