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

// Bounds of what is taken from a page. Over the last three of them Fields says that it took not all.
const (
	maxValue  = 64 << 10 // bytes of one
	maxValues = 1000     // of a field
	maxRead   = 8 << 20  // bytes and nodes read for the values of all fields
	maxPairs  = 1 << 28  // of nodes that a selector may have to compare: some seconds
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
// contentType are as for [HTML]. whole is false if there are more: of a page that is nested more than 512 elements deep,
// or of so many elements that its tree would be out of proportion, there are none; of one with too many values, or too
// long ones, the first.
func (x *Extractor) Fields(body []byte, contentType string) (values map[string][]string, whole bool) {
	root := tree(body, contentType)
	if root == nil {
		return nil, false
	}
	t := taker{values: map[string][]string{}, left: maxRead, whole: true}
	page := goquery.NewDocumentFromNode(root)
	for _, f := range x.fields {
		for _, n := range page.FindMatcher(f.selector).Nodes {
			if !t.take(&f, n) {
				break
			}
		}
	}
	return t.values, t.whole
}

// tree builds the tree of a page; nil if it would be too large.
func tree(body []byte, contentType string) *html.Node {
	enc, name := detect(body, contentType)
	text := newDecoder(enc, name).bytes(trimBOM(body, name))
	if isHeavy(text) {
		return nil
	}
	// With scripting on, the content of noscript would be text.
	root, err := html.ParseWithOptions(bytes.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil || pairs(root, 0) > maxPairs {
		return nil
	}
	return root
}

// pairs counts the pairs of siblings in a tree, which a selector such as :nth-child compares, and those of a piece of
// text and an element around it, which one such as :contains does, and which cost more. The tree is no deeper than its
// parser allows.
func pairs(n *html.Node, depth int) int {
	children, sum := 0, depth*(8+len(n.Data)/8)
	for c := range n.ChildNodes() {
		children++
		sum += pairs(c, depth+1)
	}
	return sum + children*children
}

// taker gathers the values of a page.
type taker struct {
	values map[string][]string
	left   int // of maxRead
	whole  bool
}

// take takes what a field says of one element; false if no more can be taken.
func (t *taker) take(f *field, n *html.Node) bool {
	raw, ok := "", true
	if f.attribute == "" {
		raw = t.text(n)
	} else {
		raw, ok = attributeOf(n, f.attribute)
		t.left -= 1 + len(raw)
	}
	if t.left < 0 || ok && len(t.values[f.name]) == maxValues {
		t.whole = false
		return false
	}
	if ok {
		t.values[f.name] = append(t.values[f.name], collapse(raw, maxValue))
	}
	return true
}

// text returns the text in an element, or as much of it as is enough for a value.
func (t *taker) text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		t.left--
		if c.Type == html.TextNode {
			t.left -= len(c.Data)
			b.WriteString(c.Data)
		}
		if t.left < 0 || b.Len() > 2*maxValue {
			break
		}
	}
	return b.String()
}

func attributeOf(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}
