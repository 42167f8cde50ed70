package parser

import (
	"errors"
	"io"
	"strings"
)

// property is an element that matters within an entry.
type property uint8

const (
	propNone property = iota
	propOwn           // the text of the entry itself: some indexes have no loc
	propLoc
	propLink // of Atom: in an attribute
	propGUID // of RSS: a URL, unless it says that it is none
	propLastMod
	propChangeFreq
	propPriority
)

// propertiesOf are the elements of an entry in each format, by their names.
var propertiesOf = map[SitemapFormat]map[string]property{
	SitemapXML:   {"loc": propLoc, "lastmod": propLastMod, "changefreq": propChangeFreq, "priority": propPriority},
	SitemapIndex: {"loc": propLoc, "lastmod": propLastMod},
	SitemapRSS:   {"link": propLoc, "guid": propGUID, "pubdate": propLastMod},
	SitemapAtom:  {"link": propLink, "updated": propLastMod},
}

// entryOf is the element that is an entry, in each format.
var entryOf = map[SitemapFormat]string{SitemapXML: "url", SitemapIndex: "sitemap", SitemapRSS: "item", SitemapAtom: "entry"}

// readXML reads the entries of a file whose root element was just read.
func (s *sitemap) readXML(x *xmlScanner) error {
	s.emit() // nothing yet
	w := walk{sitemap: s, x: x, root: x.name, prefix: x.prefix, item: entryOf[s.info.Format], properties: propertiesOf[s.info.Format]}
	for x.next() {
		if over, err := w.step(); over || err != nil {
			return err
		}
	}
	w.collect() // its end tag is not whole, but it is
	w.take()
	if err := s.emit(); err != nil {
		return err
	}
	if errors.Is(x.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return x.err
}

// walk is the way through the elements of a sitemap. There is no stack, so that an element that is not closed takes
// nothing with it but the rest of its entry.
type walk struct {
	*sitemap
	x            *xmlScanner
	root, prefix string
	item         string // the element that is an entry
	properties   map[string]property

	inside    bool   // of an entry
	itemSpace string // its prefix
	depth     int    // of elements open in it
	open      property
	text      []byte // of it, so far
	cut       bool   // it was longer
	guid      string
}

// step deals with a tag. It returns true at the end of the sitemap.
func (w *walk) step() (over bool, err error) {
	x := w.x
	w.collect()
	isItem := x.name == w.item && (x.prefix == "" || x.prefix == w.prefix)
	switch {
	case x.end && x.name == w.root && x.prefix == w.prefix:
		return true, w.close()
	case x.end && isItem:
		return false, w.close()
	case x.end:
		w.take()
		w.depth = max(0, w.depth-1)
	case isItem:
		if err := w.close(); err != nil { // of one that was not closed
			return false, err
		}
		w.inside, w.itemSpace, w.depth = true, x.prefix, 0
		w.begin(propOwn)
	default:
		return false, w.child()
	}
	return false, nil
}

// child deals with a start tag that begins no entry.
func (w *walk) child() error {
	x := w.x
	if !w.inside {
		return nil
	}
	w.take()
	p := propNone
	if w.depth == 0 && x.prefix == w.itemSpace {
		p = w.properties[x.name]
	}
	if !x.empty {
		w.depth++
		w.begin(p)
	}
	switch {
	case p == propLink && x.href != "" && (x.rel == "" || strings.EqualFold(x.rel, "alternate")):
		w.begin(propNone)
		return w.next(x.href)
	case p == propGUID && !x.permalink:
		w.begin(propNone)
	case p == propLoc && w.has: // another one in the same entry
		return w.emit()
	}
	return nil
}

// begin begins to collect the text of a property.
func (w *walk) begin(p property) { w.open, w.text, w.cut = p, w.text[:0], false }

// collect adds the text before a tag to the property that is open.
func (w *walk) collect() {
	if w.open != propNone {
		w.text, w.cut = append(w.text, w.x.text...), w.x.cut
	}
}

// take takes the property that is open.
func (w *walk) take() {
	p, text, cut := w.open, strings.TrimSpace(strings.ToValidUTF8(string(w.text), "\ufffd")), w.cut
	w.begin(propNone)
	switch {
	case p == propNone || text == "" && !cut:
	case p == propLoc:
		w.loc(text, cut)
	case cut:
	case p == propGUID:
		w.guid = text
	case p == propOwn:
		if isLoc(text) {
			w.loc(text, false)
		}
	default:
		w.set(p, text)
	}
}

// next takes a URL, after those before it.
func (w *walk) next(loc string) error {
	if w.has {
		if err := w.emit(); err != nil {
			return err
		}
	}
	w.loc(strings.TrimSpace(strings.ToValidUTF8(loc, "\ufffd")), false)
	return nil
}

// close ends an entry.
func (w *walk) close() error {
	w.take()
	if !w.has && isLoc(w.guid) {
		w.loc(w.guid, false)
	}
	w.inside, w.guid = false, ""
	return w.emit()
}
