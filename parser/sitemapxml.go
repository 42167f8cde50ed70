package parser

import (
	"bufio"
	"bytes"
	"errors"
	"strings"

	"golang.org/x/net/html"
)

// Bounds of what is kept of an XML file at a time. Names, attributes and text that are longer are read, and cut.
const (
	maxWord = 64
	maxRun  = 4 * MaxLoc // with white space around a URL and its entities
)

// xmlScanner steps through an XML file, from tag to tag. It checks nothing, keeps no stack, and knows no entities but
// those of its own and of HTML: what a file that is not well-formed lists is as good as any other.
type xmlScanner struct {
	r   *bufio.Reader
	err error // why there is no further tag: io.EOF at the end

	// The tag that next stopped at.
	prefix, name string
	end, empty   bool // it is an end tag; it is both
	href, rel    string
	permalink    bool // isPermaLink, of a guid

	text []byte // between the tag before and this one, entities decoded; at most maxRun of it
	cut  bool   // there was more
	raw  []byte // what is not decoded yet
}

// root goes to the root element, and returns the format that it means.
func (x *xmlScanner) root() SitemapFormat {
	if !x.next() || x.end {
		return NotSitemap
	}
	switch x.name {
	case "urlset":
		return SitemapXML
	case "sitemapindex":
		return SitemapIndex
	case "rss", "rdf":
		return SitemapRSS
	case "feed":
		return SitemapAtom
	}
	return NotSitemap
}

// next goes to the next tag; false at the end of the file, or after an error. text is then what a tag ended, of which
// the rest is missing.
func (x *xmlScanner) next() bool {
	x.text, x.cut = x.text[:0], false
	for x.err == nil && x.readText() {
		switch c := x.byte(); {
		case x.err != nil:
		case c == '!':
			x.declaration()
		case c == '?':
			x.skipTo("?>")
		default:
			x.tag(c)
			return x.err == nil
		}
	}
	x.text = x.text[:0] // it may go on behind the end
	return false
}

// readText reads up to the next "<" and takes it.
func (x *xmlScanner) readText() bool {
	x.raw = x.raw[:0]
	for {
		piece, err := x.r.ReadSlice('<')
		x.raw = append(x.raw, piece[:min(len(piece), maxRun+1-len(x.raw))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			x.err = err // the text may be cut off: it is nothing
			return false
		}
		break
	}
	x.cut = x.cut || len(x.raw) > maxRun
	x.add(unescapeXML(x.raw[:len(x.raw)-1])...) // without the "<"
	return true
}

func (x *xmlScanner) add(b ...byte) {
	room := maxRun - len(x.text)
	x.cut = x.cut || len(b) > room
	x.text = append(x.text, b[:min(len(b), room)]...)
}

// unescapeXML decodes references to characters. An "&" that begins none stands for itself, as in a query that somebody
// forgot to escape.
func unescapeXML(b []byte) []byte {
	out, done := b[:0:0], 0
	for i := 0; i < len(b); i++ {
		if b[i] != '&' {
			continue
		}
		end := i + 1
		for end < len(b) && end-i < 32 && (isLetter(b[end]) || b[end] == '#' || b[end] >= '0' && b[end] <= '9') {
			end++
		}
		if end < len(b) && b[end] == ';' {
			out = append(append(out, b[done:i]...), html.UnescapeString(string(b[i:end+1]))...)
			i, done = end, end+1
		}
	}
	if done == 0 {
		return b
	}
	return append(out, b[done:]...)
}

// byte reads one byte; 0 when there is none.
func (x *xmlScanner) byte() byte {
	if x.err != nil {
		return 0
	}
	var c byte
	if c, x.err = x.r.ReadByte(); x.err != nil {
		return 0
	}
	return c
}

// tag reads a tag whose first character is c.
func (x *xmlScanner) tag(c byte) {
	x.end, x.empty, x.href, x.rel, x.permalink = false, false, "", "", true
	if c == '/' {
		x.end, c = true, x.byte()
	}
	c = x.word(c)
	x.prefix, x.name = "", strings.ToLower(string(x.raw))
	if prefix, local, ok := strings.Cut(x.name, ":"); ok {
		x.prefix, x.name = prefix, local
	}
	x.attributes(c)
}

// word reads a name that begins with c into raw, and returns what follows it.
func (x *xmlScanner) word(c byte) byte {
	x.raw = x.raw[:0]
	for ; x.err == nil && c != '>' && c != '/' && c != '=' && !isSpace(c); c = x.byte() {
		if len(x.raw) < maxWord {
			x.raw = append(x.raw, c)
		}
	}
	return c
}

// attributes reads on to behind the ">" of a tag; c is what its name ended with.
func (x *xmlScanner) attributes(c byte) {
	for x.err == nil && c != '>' {
		if isSpace(c) || c == '/' || c == '=' {
			x.empty = c == '/' || x.empty && isSpace(c)
			c = x.byte()
			continue
		}
		x.empty = false
		c = x.word(c)
		key := strings.ToLower(string(x.raw))
		for isSpace(c) && x.err == nil {
			c = x.byte()
		}
		if c == '=' {
			c = x.value(key)
		}
	}
}

// value reads the value of an attribute, and returns what follows it.
func (x *xmlScanner) value(key string) byte {
	c := x.byte()
	for isSpace(c) && x.err == nil {
		c = x.byte()
	}
	quote := c
	if quote != '"' && quote != '\'' {
		quote = 0
	}
	if quote != 0 {
		c = x.byte()
	}
	x.raw = x.raw[:0]
	for ; x.err == nil && c != quote && (quote != 0 || c != '>' && !isSpace(c)); c = x.byte() {
		if len(x.raw) < maxRun {
			x.raw = append(x.raw, c)
		}
	}
	if quote != 0 {
		c = x.byte()
	}
	x.keep(key)
	return c
}

// keep notes an attribute that matters, with raw as its value.
func (x *xmlScanner) keep(key string) {
	switch key {
	case "href":
		x.href = string(unescapeXML(x.raw))
	case "rel":
		x.rel = string(unescapeXML(x.raw))
	case "ispermalink":
		x.permalink = !strings.EqualFold(string(x.raw), "false")
	}
}

// declaration reads what begins with "<!": a comment, CDATA, which is text, or a doctype.
func (x *xmlScanner) declaration() {
	head, _ := x.r.Peek(len("[CDATA["))
	switch {
	case strings.HasPrefix(string(head), "--"):
		x.r.Discard(len("--")) // they are there
		x.skipTo("-->")
	case string(head) == "[CDATA[":
		_, _ = x.r.Discard(len(head)) // which was just peeked at
		x.cdata()
	default:
		x.doctype()
	}
}

// cdata takes a CDATA section. One that the file cuts off is nothing.
func (x *xmlScanner) cdata() {
	before := len(x.text)
	brackets := 0 // just read
	for x.err == nil {
		c := x.byte()
		switch {
		case c == '>' && brackets >= 2:
			x.text = x.text[:max(before, len(x.text)-2)]
			return
		case c == ']':
			brackets++
		default:
			brackets = 0
		}
		x.add(c)
	}
	x.text = x.text[:before]
}

// doctype skips a doctype, with the declarations in its brackets.
func (x *xmlScanner) doctype() {
	depth := 0
	var quote byte
	for x.err == nil {
		switch c := x.byte(); {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '"' || c == '\''):
			quote = c
		case c == '<' || c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '>' && depth == 0:
			return
		case c == '>':
			depth--
		}
	}
}

// skipTo skips to behind a mark of two or three characters.
func (x *xmlScanner) skipTo(mark string) {
	var last [3]byte
	for x.err == nil && !bytes.HasSuffix(last[:], []byte(mark)) {
		last = [3]byte{last[1], last[2], x.byte()}
	}
}
