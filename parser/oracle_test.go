package parser

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// scannerEvents lists what our scanner finds in a page of UTF-8: tags with the attributes that matter, and titles.
func scannerEvents(page []byte, assets bool) []string {
	var events []string
	var f foreign
	s := scanner{buf: page, assets: assets}
	for s.next() {
		inForeign := f.see(&s)
		events = append(events, tagEvent(&s, func(b []byte) []byte { return unescape(nil, b) }))
		if !s.end && s.tag.isRaw() && !inForeign {
			isTitle := s.tag == tagTitle
			if text := s.rawText(); isTitle && len(text) > 0 {
				events = append(events, collapse(textOf(text), MaxTitle))
			}
		}
	}
	return events
}

// textOf decodes text as it is, even if it is no UTF-8: the tokenizer does not look.
func textOf(b []byte) string {
	return html.UnescapeString(strings.ReplaceAll(string(b), "\x00", "\ufffd"))
}

// tokenizerEvents lists the same with the tokenizer of x/net/html in place of the scanner.
func tokenizerEvents(page []byte, assets bool) []string {
	var events []string
	var f foreign
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			return events
		}
		if tt != html.StartTagToken && tt != html.SelfClosingTagToken && tt != html.EndTagToken {
			continue
		}
		s := tokenTag(z, tt, assets)
		if s.end && len(f) == 0 { // where the scanner does not stop
			continue
		}
		inForeign := f.see(&s)
		z.AllowCDATA(f.inside())
		events = append(events, tagEvent(&s, func(b []byte) []byte { return b }))
		if s.end || !s.tag.isRaw() || inForeign {
			z.NextIsNotRawText()
			continue
		}
		if s.tag == tagTitle {
			if z.Next() == html.TextToken {
				events = append(events, collapse(string(z.Text()), MaxTitle))
			} else if z.Err() == nil && len(f) > 0 { // an empty title: this is its end
				end := tokenTag(z, html.EndTagToken, assets)
				f.see(&end)
				events = append(events, tagEvent(&end, nil))
			}
		}
	}
}

// tokenTag makes the tokenizer's tag look like one of the scanner's.
func tokenTag(z *html.Tokenizer, tt html.TokenType, assets bool) scanner {
	name, more := z.TagName()
	s := scanner{name: bytes.Clone(name), end: tt == html.EndTagToken, selfClosing: tt == html.SelfClosingTagToken}
	s.tag = lookupTag(s.name)
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if s.tag.hasAttributes(assets) {
			s.keep(key, bytes.Clone(value))
		}
	}
	return s
}

func tagEvent(s *scanner, decode func([]byte) []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s end=%v", bytes.ReplaceAll(lower(nil, s.name), []byte{0}, []byte("\ufffd")), s.end)
	for a := range numAttributes {
		if v, ok := s.attr(a); ok {
			fmt.Fprintf(&b, " %d=%q", a, decode(v))
		}
	}
	return b.String()
}

// domLinks lists the links of a page as its tree has them, scripting off.
func domLinks(t testing.TB, page string) []string {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for n := range root.Descendants() {
		key := ""
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "a", n.Data == "area" && n.Namespace == "":
			key = "href"
		case (n.Data == "frame" || n.Data == "iframe") && n.Namespace == "":
			key = "src"
		}
		for _, a := range n.Attr {
			v := strings.Trim(a.Val, " \t\n\r\f")
			if a.Key == key && a.Namespace == "" && v != "" && v[0] != '#' {
				links = append(links, v)
			}
		}
	}
	return set(links)
}

// elementLinks lists those links of a Document that domLinks looks for.
func elementLinks(d *Document) []string {
	var links []string
	for _, l := range d.Links {
		if l.Kind <= Iframe && l.URL[0] != '#' {
			links = append(links, l.URL)
		}
	}
	return set(links)
}
