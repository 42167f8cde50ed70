package parser

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// Limits on what is taken from one page. Real pages stay far below them.
const (
	MaxLinks = 100_000 // links; of a page that has more, the first ones are kept and it is marked Truncated
	MaxLink  = 8 << 10 // bytes of a link, cut to which it is still longer than any that is fetched
	MaxTitle = 1 << 10 // bytes of the title
)

// Options say what to take from a page. The zero value is good.
type Options struct {
	Agent  string // the product token that meta elements may name beside "robots"; empty: none
	Assets bool   // take the links of what a page only loads, too: see Kind.IsAsset
}

// Document is what a page says. Its strings are UTF-8, whatever the page's charset.
type Document struct {
	Base      string // of the first base element with an href, as written; empty without one, or when that is empty
	Title     string // white space collapsed, cut to MaxTitle bytes
	Charset   string // the WHATWG name of the encoding, in lower case: "utf-8", "windows-1252"
	Links     []Link // in the order of the page, each URL once per Kind
	Truncated bool   // the page had more than MaxLinks links

	// Shape is a fingerprint of how the page is built: of which tags it has, in whatever order and number. Two pages of one
	// template mostly have one Shape, however much they say. It is the same in every process, with and without Assets. What
	// follows the last of MaxLinks links does not count. Pages can be made to have any Shape: it tells what to look at, and
	// proves nothing.
	Shape uint64

	NoFollow  bool   // meta robots says that the page's links are not to be followed
	NoIndex   bool   // meta robots says that the page is not to be listed
	Canonical string // of the first link rel=canonical, as written
	Refresh   string // where the first meta refresh leads, as written
}

// Link is a reference of a page, as written but for entities, which are decoded, and white space around it. It is not
// resolved and need not be a good URL: "javascript:" and "mailto:" are for the resolver to refuse and count. References
// to a place on the same page ("", "#top") are left out, unless a base element before them makes them point elsewhere.
//
// On a page whose charset is not UTF-8, a browser encodes the query of a URL in that charset (URL standard, "query
// state"). There, characters of the query beyond ASCII are escaped already; the path and the fragment are as written.
type Link struct {
	URL      string
	Kind     Kind
	NoFollow bool // each of its occurrences has rel=nofollow. ("ugc" and "sponsored" describe a link; they forbid nothing)
}

// Kind says what element of the page holds a link.
type Kind uint8

// The kinds of links. Those from Image on are only taken if Options.Assets asks for them.
const (
	Anchor    Kind = iota // a, also that of SVG
	Area                  // area of an image map
	Frame                 // frame of a frameset
	Iframe                // iframe
	Next                  // link rel=next
	Prev                  // link rel=prev
	Alternate             // link rel=alternate that is an HTML page: a translation, say; not a style sheet, not a feed
	Canonical             // link rel=canonical
	Refresh               // meta refresh
	Image                 // img, input type=image, poster, background, a candidate of srcset; image and use of SVG
	Media                 // video, audio, source, track
	Script                // script, module or not, also that of SVG
	Style                 // link rel=stylesheet, alternate or not
	Resource              // link rel=icon, apple-touch-icon, preload, modulepreload, manifest
	Embed                 // embed, object
)

// IsAsset tells the kinds of what a page only loads, from those of pages that it leads to.
func (k Kind) IsAsset() bool { return k >= Image }

// String returns the kind in a word.
func (k Kind) String() string {
	return [...]string{"a", "area", "frame", "iframe", "next", "prev", "alternate", "canonical", "refresh",
		"image", "media", "script", "style", "resource", "embed"}[k]
}

// HTML reads a page. body is decoded as to Content-Encoding; contentType is the header as received, or empty. HTML
// never fails: of a page that is none it finds nothing. Cost: one pass, and little memory beyond the links themselves.
func HTML(body []byte, contentType string, o Options) *Document {
	enc, name := detect(body, contentType)
	r := reader{
		doc:     &Document{Charset: name},
		options: o,
		text:    newDecoder(enc, name),
		query:   queryEncoding(enc, name),
	}
	r.scan.assets = o.Assets
	r.scan.buf = trimBOM(body, name)
	if !r.text.ascii {
		r.scan.buf = r.text.bytes(body)
		r.text = newDecoder(unicode.UTF8, "utf-8")
	}
	for !r.doc.Truncated && r.scan.next() {
		r.see()
	}
	r.doc.Links = r.links.list()
	r.doc.Shape = r.scan.shape
	return r.doc
}

// reader makes a Document of the tags of a page.
type reader struct {
	doc     *Document
	options Options
	scan    scanner
	foreign foreign
	text    decoder
	query   encoding.Encoding // of queries, if it is not UTF-8
	titled  bool
	based   bool
	links   linkSet
	scratch []byte // of values that had to be decoded; begun anew with every tag
}

// see takes what the tag at hand has to say.
func (r *reader) see() {
	s := &r.scan
	r.scratch = r.scratch[:0]
	isForeign := r.foreign.see(s)
	switch {
	case s.end || s.tag == other:
	case s.tag == tagA:
		r.anchor(isForeign)
	case isForeign: // an element of SVG or MathML, or one that only shares its name with one of HTML
		if r.options.Assets {
			r.foreignAsset()
		}
	case s.tag.isRaw(): // its text must be skipped here: to the scanner it would be tags
		if s.tag == tagIframe {
			r.link(Iframe, attrSrc, false)
		} else if s.tag == tagScript && r.options.Assets {
			r.asset(Script, attrSrc)
		}
		text := s.rawText()
		if s.tag == tagTitle && !r.titled {
			r.titled = true
			// Of a title that never ends, the whole page is text: it is cut before it is decoded.
			r.doc.Title = collapse(r.text.text(text[:min(len(text), 16*MaxTitle)]), MaxTitle)
		}
	default:
		r.element()
	}
}

// element takes an HTML element that holds no raw text.
func (r *reader) element() {
	switch r.scan.tag {
	case tagArea:
		r.link(Area, attrHref, r.rel().nofollow)
	case tagFrame:
		r.link(Frame, attrSrc, false)
	case tagBase:
		if v, ok := r.url(attrHref); ok && !r.based {
			r.based, r.doc.Base = true, string(v)
		}
	case tagLink:
		r.linkElement()
	case tagMeta:
		r.meta()
	default:
		if r.options.Assets {
			r.assetElement()
		}
	}
}

// anchor takes an a element. SVG 2 prefers href to the older xlink:href.
func (r *reader) anchor(isForeign bool) {
	a := attrHref
	if _, ok := r.scan.attr(attrHref); !ok && isForeign {
		a = attrXlink
	}
	r.link(Anchor, a, r.rel().nofollow)
}

// linkElement takes a link element, which may be of several kinds at once. Its other relations lead to ones that some
// anchor leads to as well (author, help, index), or to no page.
func (r *reader) linkElement() {
	rel := r.rel()
	if r.options.Assets {
		r.linkAssets(rel)
	}
	v, ok := r.url(attrHref)
	if !ok {
		return
	}
	if rel.next {
		r.add(Next, v, rel.nofollow)
	}
	if rel.prev {
		r.add(Prev, v, rel.nofollow)
	}
	if rel.alternate && !rel.stylesheet && r.mayBePage() {
		r.add(Alternate, v, rel.nofollow)
	}
	if rel.canonical {
		if r.doc.Canonical == "" {
			r.doc.Canonical = string(v)
		}
		r.add(Canonical, v, rel.nofollow)
	}
}

// rels are the words of a rel attribute that matter.
type rels struct {
	next, prev, alternate, stylesheet, canonical, nofollow bool
	resource                                               bool // one of those of the kind Resource
}

// rel reads the rel attribute of the tag at hand.
func (r *reader) rel() rels {
	var rel rels
	v, ok := r.value(attrRel)
	if !ok {
		return rel
	}
	for word := range bytes.FieldsSeq(v) {
		var low [16]byte
		if len(word) > len(low) {
			continue
		}
		switch string(lower(low[:0], word)) {
		case "next":
			rel.next = true
		case "prev", "previous":
			rel.prev = true
		case "alternate":
			rel.alternate = true
		case "stylesheet":
			rel.stylesheet = true
		case "canonical":
			rel.canonical = true
		case "nofollow":
			rel.nofollow = true
		case "icon", "apple-touch-icon", "preload", "modulepreload", "manifest":
			rel.resource = true
		}
	}
	return rel
}

// mayBePage tells whether the type of a link element, a hint, is missing or that of a page. Alternates are feeds,
// oEmbed answers and PDFs more often than pages, and to fetch them all would double the load on a site.
func (r *reader) mayBePage() bool {
	v, _ := r.value(attrType)
	return len(v) == 0 || isPageType(mediaType(string(v)))
}

// meta takes a meta element: refresh, or what it says to robots.
func (r *reader) meta() {
	content, ok := r.value(attrContent)
	if !ok {
		return
	}
	if v, ok := r.value(attrHTTPEquiv); ok && equalFold(v, []byte("refresh")) {
		if u := r.encodeQuery(refreshURL(content)); len(u) > 0 {
			if r.doc.Refresh == "" {
				r.doc.Refresh = string(u)
			}
			r.add(Refresh, u, false)
		}
		return
	}
	name, ok := r.value(attrName)
	isOurs := ok && r.options.Agent != "" && equalFold(name, []byte(r.options.Agent))
	if !isOurs && !equalFold(name, []byte("robots")) {
		return
	}
	noindex, nofollow := directives(string(content))
	r.doc.NoIndex = r.doc.NoIndex || noindex
	r.doc.NoFollow = r.doc.NoFollow || nofollow
}

// link adds the URL in an attribute of the tag at hand.
func (r *reader) link(k Kind, a attribute, nofollow bool) {
	if v, ok := r.url(a); ok {
		r.add(k, v, nofollow)
	}
}

// url is value, for an attribute that is a URL.
func (r *reader) url(a attribute) ([]byte, bool) {
	v, ok := r.value(a)
	return r.encodeQuery(v), ok
}

// add adds a link, unless the page has it already or it leads nowhere. One that is too long is cut: whoever resolves it
// will refuse it and count it, and a picture of some megabytes that is written as a URL is not kept.
func (r *reader) add(k Kind, url []byte, nofollow bool) {
	// Documentation links to its own headings by the hundred. Authors must put base before all links, and do.
	if samePage := len(url) == 0 || url[0] == '#'; samePage && r.doc.Base == "" {
		return
	}
	r.doc.Truncated = r.links.add(k, cut(url, MaxLink), nofollow) || r.doc.Truncated
}

// value returns an attribute of the tag at hand, decoded and without white space around it. It is good until the next
// tag.
func (r *reader) value(a attribute) ([]byte, bool) {
	v, ok := r.scan.attr(a)
	if v = trimSpace(v); !isPlain(v) {
		start := len(r.scratch)
		r.scratch = unescape(r.scratch, r.text.bytes(v))
		v = trimSpace(r.scratch[start:])
	}
	return v, ok
}

// refreshURL finds the URL in the content of a meta refresh: "5; url='/next'" (HTML standard, "shared declarative
// refresh steps"). Empty: the page reloads itself, or the content is none.
func refreshURL(b []byte) []byte {
	n := 0
	for n < len(b) && ('0' <= b[n] && b[n] <= '9' || b[n] == '.') {
		n++
	}
	if n == 0 || n == len(b) || !isSpace(b[n]) && b[n] != ';' && b[n] != ',' {
		return nil
	}
	b = trimSpace(b[n:])
	if len(b) > 0 && (b[0] == ';' || b[0] == ',') {
		b = trimSpace(b[1:])
	}
	if len(b) > 3 && equalFold(b[:3], []byte("url")) {
		if rest := trimSpace(b[3:]); len(rest) > 0 && rest[0] == '=' {
			b = trimSpace(rest[1:])
		}
	}
	if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
		quote := b[0]
		b = b[1:]
		if i := bytes.IndexByte(b, quote); i >= 0 {
			b = b[:i]
		}
	}
	return trimSpace(b)
}

// cut cuts b to at most max bytes of whole characters.
func cut(b []byte, max int) []byte {
	if len(b) <= max {
		return b
	}
	for max > 0 && !utf8.RuneStart(b[max]) {
		max--
	}
	return trimSpace(b[:max])
}

// collapse makes every run of white space one blank, and cuts the rest to at most max bytes of whole characters.
func collapse(s string, max int) string {
	var out strings.Builder
	for w := range strings.FieldsSeq(s) {
		if out.Len() > 0 {
			w = " " + w
		}
		if out.Len()+len(w) > max {
			n := max - out.Len()
			for n > 0 && !utf8.RuneStart(w[n]) {
				n--
			}
			out.WriteString(w[:n])
			break
		}
		out.WriteString(w)
	}
	return strings.TrimRight(out.String(), " ")
}
