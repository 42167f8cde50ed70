package parser

// foreign knows whether the tags at hand are SVG or MathML, where the elements of HTML that hold only text (style,
// title, textarea ...) do not, and CDATA sections exist. It follows the rules of the HTML standard (section 13.2.6.5) as
// far as they can be known without the tree: the zero value is HTML; each svg, math and island of HTML inside them adds
// an entry.
type foreign []tag

// maxForeign bounds the nesting that is followed. Deeper, entries are not added, which costs at most the links in it.
const maxForeign = 256

// inside tells whether the next tag is foreign.
func (f foreign) inside() bool {
	return len(f) > 0 && (f[len(f)-1] == tagSVG || f[len(f)-1] == tagMath)
}

// see takes note of the tag the scanner stands at, and tells whether the tag itself is foreign. It tells the scanner
// what changes.
func (f *foreign) see(s *scanner) bool {
	if len(*f) == 0 && s.tag != tagSVG && s.tag != tagMath {
		return false
	}
	was := f.note(s)
	s.cdata, s.ends = f.inside(), len(*f) > 0
	return was
}

// note is see, once something is foreign.
func (f *foreign) note(s *scanner) bool {
	if s.end {
		return f.close(s)
	}
	if f.inside() && breaksOut(s.name) {
		f.breakOut()
	}
	was := f.inside()
	if f.opens(s, was) && !s.selfClosing && len(*f) < maxForeign {
		*f = append(*f, s.tag)
	}
	return was
}

// opens tells whether a start tag begins foreign content or an island in it.
func (f foreign) opens(s *scanner, inside bool) bool {
	if s.tag == tagSVG || s.tag == tagMath {
		return true
	}
	if !inside {
		return false
	}
	if f[len(f)-1] == tagSVG {
		return s.tag == tagSVGPoint || s.tag == tagTitle
	}
	if s.tag == tagAnnotation {
		v, _ := s.attr(attrEncoding)
		return equalFold(v, []byte("text/html")) || equalFold(v, []byte("application/xhtml+xml"))
	}
	return s.tag == tagMathPoint
}

// close ends the innermost open element of the end tag's kind, and what is in it.
func (f *foreign) close(s *scanner) bool {
	was := f.inside()
	if was && breaksOut(s.name) {
		f.breakOut()
		return false
	}
	// What is open inside ends with it, as in the tree. An end tag without its start changes nothing.
	for i := len(*f) - 1; i >= 0; i-- {
		if (*f)[i] == s.tag {
			*f = (*f)[:i]
			break
		}
	}
	return was
}

// breakOut leaves SVG and MathML, up to the innermost island of HTML.
func (f *foreign) breakOut() {
	for f.inside() {
		*f = (*f)[:len(*f)-1]
	}
}

// breaksOut tells the tags that end foreign content, as authors who forget its end tag expect. The standard says so of
// start tags; an end tag of that kind closes an element outside, which ends it as well.
func breaksOut(name []byte) bool {
	var low [10]byte
	if len(name) > len(low) {
		return false
	}
	switch string(lower(low[:0], name)) {
	case "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed",
		"h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "html", "i", "img", "li", "listing", "menu", "meta", "nobr",
		"ol", "p", "pre", "ruby", "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var":
		return true
	}
	return false
}
