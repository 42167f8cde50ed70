package parser

import (
	"bytes"
	"math/bits"
)

// scanner steps from tag to tag of a page, by the rules of the tokenizer of the HTML standard (section 13.2.5). It
// allocates nothing. A tag that the end of the page cuts off is no tag.
//
// In one place it follows golang.org/x/net/html, its oracle in the tests, against the standard: in a script inside
// "<!--", a "<" before neither letter nor slash ends the escape.
type scanner struct {
	buf []byte
	pos int

	// What the reader of the page has to tell of the place where it stands, see foreign.
	cdata  bool // CDATA sections are text
	ends   bool // end tags matter: next stops at them too
	assets bool // so do the attributes of elements that only load something

	shape uint64 // a bit for each name of a tag so far; names can share one

	// The tag that next stopped at. Only attributes that matter have a place, so that a tag of a million attributes
	// takes no memory. values are as written: entities not decoded.
	tag         tag
	name        []byte
	end         bool // it is an end tag
	selfClosing bool
	values      [numAttributes][]byte
	found       uint16 // bit n: values[n] was given
	attributes  int    // how many it has, with those that do not matter
}

// next goes to the next tag; false at the end of the page.
func (s *scanner) next() bool {
	for {
		i := bytes.IndexByte(s.buf[s.pos:], '<')
		if i < 0 || s.pos+i+1 >= len(s.buf) {
			s.pos = len(s.buf)
			return false
		}
		s.pos += i + 1
		switch c := s.buf[s.pos]; {
		case isLetter(c):
			return s.readTag(false)
		case c == '/' && s.pos+1 < len(s.buf) && isLetter(s.buf[s.pos+1]):
			s.pos++
			// Half of all tags are end tags, and outside of SVG and MathML they say nothing.
			if ok := s.readTag(true); !ok || s.ends {
				return ok
			}
		case c == '/':
			s.pos++
			s.skipPast(">")
		case c == '!':
			s.skipDeclaration()
		case c == '?':
			s.skipPast(">")
		}
	}
}

// readTag reads the tag whose name begins at pos; false when the page ends first.
func (s *scanner) readTag(end bool) bool {
	b, p := s.buf, s.pos
	var name uint64
	for p < len(b) && !endsName[b[p]] {
		name = bits.RotateLeft64(name, 8) ^ uint64(b[p]|0x20)
		p++
	}
	s.shape |= 1 << (name * 0x9e3779b97f4a7c15 >> 58)
	s.name, s.end, s.selfClosing, s.found = b[s.pos:p], end, false, 0
	s.pos = p
	s.tag = other
	if !end || s.ends {
		s.tag = lookupTag(s.name)
	}
	return s.readAttributes(!end && s.tag.hasAttributes(s.assets))
}

// readAttributes reads on to behind the ">" of a tag, and keeps the attributes that matter if keep is set.
func (s *scanner) readAttributes(keep bool) bool {
	b, p, n := s.buf, s.pos, 0
	for {
		p = skipSpace(b, p)
		if p == len(b) {
			break
		}
		if b[p] == '>' {
			s.pos, s.attributes = p+1, n
			return true
		}
		if b[p] == '/' {
			p++
			s.selfClosing = p < len(b) && b[p] == '>'
			continue
		}
		n++
		start := p
		p++ // whatever it is, an "=" too, it begins a name
		for p < len(b) && !endsKey[b[p]] {
			p++
		}
		key := b[start:p]
		var value []byte
		if p = skipSpace(b, p); p < len(b) && b[p] == '=' {
			value, p = attributeValue(b, skipSpace(b, p+1))
		}
		if keep {
			s.keep(key, value)
		}
	}
	s.pos = len(b)
	return false
}

// attributeValue reads the value that begins at b[p], and returns what follows it; len(b) when the page ends first.
func attributeValue(b []byte, p int) (value []byte, next int) {
	if p == len(b) {
		return nil, p
	}
	// A ">" in quotes does not end the tag: this is why tags cannot be found by their ends alone.
	if quote := b[p]; quote == '"' || quote == '\'' {
		n := bytes.IndexByte(b[p+1:], quote)
		if n < 0 {
			return nil, len(b)
		}
		return b[p+1 : p+1+n], p + n + 2
	}
	start := p
	for p < len(b) && b[p] != '>' && !isSpace(b[p]) {
		p++
	}
	return b[start:p], p
}

// keep notes an attribute if it matters; of several with one name, the first counts.
func (s *scanner) keep(key, value []byte) {
	a := lookupAttribute(key)
	if a < numAttributes && s.found&(1<<a) == 0 {
		s.found |= 1 << a
		s.values[a] = value
	}
}

// attr returns an attribute of the tag as written, and whether it was given.
func (s *scanner) attr(a attribute) ([]byte, bool) {
	if s.found&(1<<a) == 0 {
		return nil, false
	}
	return s.values[a], true
}

// skipDeclaration skips what begins with "<!": a comment, a doctype, a CDATA section, or a bogus comment.
func (s *scanner) skipDeclaration() {
	s.pos++
	rest := s.buf[s.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("--")):
		s.pos += len("--")
		s.skipComment()
	case s.cdata && bytes.HasPrefix(rest, []byte("[CDATA[")):
		s.pos += len("[CDATA[")
		s.skipPast("]]>")
	default:
		s.skipPast(">")
	}
}

// skipComment skips the comment whose text begins at pos. It ends with "-->" or "--!>"; "<!-->" and "<!--->" are whole.
func (s *scanner) skipComment() {
	text := s.buf[s.pos:]
	for i := 0; ; i++ {
		n := bytes.IndexByte(text[i:], '>')
		if n < 0 {
			s.pos = len(s.buf)
			return
		}
		i += n
		if t := text[:i]; i == 0 || i == 1 && t[0] == '-' || bytes.HasSuffix(t, []byte("--")) || bytes.HasSuffix(t, []byte("--!")) {
			s.pos += i + 1
			return
		}
	}
}

// skipPast goes behind the next mark, or to the end of the page.
func (s *scanner) skipPast(mark string) {
	i := bytes.Index(s.buf[s.pos:], []byte(mark))
	if i < 0 {
		s.pos = len(s.buf)
		return
	}
	s.pos += i + len(mark)
}

// rawText reads the text of the element whose start tag was just read, in which there are no tags, up to its end tag
// or else the end of the page.
func (s *scanner) rawText() []byte {
	text := s.buf[s.pos:]
	switch s.tag {
	case tagPlaintext:
	case tagScript:
		text = text[:scriptEnd(text)]
	default:
		text = text[:rawEnd(text, s.name)]
	}
	s.pos += len(text)
	return text
}

// rawEnd returns where the end tag of name begins in b, or len(b).
func rawEnd(b, name []byte) int {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			return len(b)
		}
		i += n
		if isEndTag(b[i:], name) {
			return i
		}
	}
}

// The states of a script, whose text may hold whole other scripts (HTML standard, section 13.2.5.15 and on).
type scriptState uint8

const (
	scriptData          scriptState = iota
	scriptEscaped                   // after "<!--"
	scriptDoubleEscaped             // after "<!-- <script>"
)

// scriptEnd returns where the end tag of a script begins in b, or len(b).
func scriptEnd(b []byte) int {
	state := scriptData
	for i := 0; i < len(b); i++ {
		rest := b[i:]
		switch {
		case rest[0] == '>':
			if state != scriptData && bytes.HasSuffix(b[:i], []byte("--")) {
				state = scriptData
			}
		case rest[0] != '<':
		case isEndTag(rest, []byte("script")):
			if state != scriptDoubleEscaped {
				return i
			}
			state = scriptEscaped
			i += len("</script")
		case state == scriptData && bytes.HasPrefix(rest, []byte("<!--")):
			state = scriptEscaped
			i += len("<!-")
		case state == scriptEscaped:
			state = afterEscapedAngle(rest[1:])
		}
	}
	return len(b)
}

// afterEscapedAngle is the state that a "<" followed by rest leads to in an escaped script.
func afterEscapedAngle(rest []byte) scriptState {
	switch {
	case len(rest) == 0 || rest[0] == '/':
		return scriptEscaped
	case !isLetter(rest[0]):
		return scriptData
	case hasName(rest, []byte("script")):
		return scriptDoubleEscaped
	}
	return scriptEscaped
}

// isEndTag tells whether b begins with the end tag of name.
func isEndTag(b, name []byte) bool {
	return len(b) > 1 && b[1] == '/' && hasName(b[2:], name)
}
