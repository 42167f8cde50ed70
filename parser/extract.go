package parser

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// Extractor takes named fields out of pages, by CSS selectors. Unlike [HTML] it builds the document's tree: it costs
// some ten times as much, and is used only when somebody asks for fields.
type Extractor struct{ fields []field }

type field struct {
	name      string
	selector  cascadia.Selector
	attribute string // empty: the text
}

// Bounds of what is taken from a page.
const (
	maxValues = 1000     // of a field
	maxValue  = 64 << 10 // bytes of one
)

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// NewExtractor reads rules of the form NAME=SELECTOR, for the text of the elements that match, or NAME=SELECTOR@ATTR,
// for that attribute of them: "price=.product .price", "image=meta[property='og:image']@content".
func NewExtractor(rules []string) (*Extractor, error) {
	x := &Extractor{}
	for _, rule := range rules {
		name, selector, ok := strings.Cut(rule, "=")
		if !ok || !fieldName.MatchString(name) {
			return nil, fmt.Errorf("%q: want NAME=SELECTOR or NAME=SELECTOR@ATTR", rule)
		}
		f := field{name: name}
		if i := strings.LastIndexByte(selector, '@'); i >= 0 && fieldName.MatchString(selector[i+1:]) {
			selector, f.attribute = selector[:i], strings.ToLower(selector[i+1:])
		}
		var err error
		if f.selector, err = cascadia.Compile(selector); err != nil {
			return nil, fmt.Errorf("%q: %w", rule, err)
		}
		x.fields = append(x.fields, f)
	}
	return x, nil
}

// Fields returns the values of each field that has any, in the order of the page, white space collapsed. body and
// contentType are as for [HTML].
func (x *Extractor) Fields(body []byte, contentType string) map[string][]string {
	enc, name := detect(body, contentType)
	text := newDecoder(enc, name).bytes(trimBOM(body, name))
	// With scripting on, the content of noscript would be text.
	root, err := html.ParseWithOptions(bytes.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil // nested too deeply to be a page
	}
	page := goquery.NewDocumentFromNode(root)
	values := map[string][]string{}
	for _, f := range x.fields {
		page.FindMatcher(f.selector).EachWithBreak(func(_ int, s *goquery.Selection) bool {
			if v, ok := f.value(s); ok {
				values[f.name] = append(values[f.name], v)
			}
			return len(values[f.name]) < maxValues
		})
	}
	return values
}

// value is what a field takes from one element; false when that has no such attribute.
func (f *field) value(s *goquery.Selection) (string, bool) {
	if f.attribute == "" {
		return collapse(s.Text(), maxValue), true
	}
	v, ok := s.Attr(f.attribute)
	return collapse(v, maxValue), ok
}
