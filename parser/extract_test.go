package parser

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestFieldsAreTakenBySelector(t *testing.T) {
	const page = `<html><head><meta property="og:image" content=" /i.png "><title>T</title></head><body>
		<h1>  Two
		words </h1><ul><li class=x>one<li class="x y">tw<b>o</b></ul><a href=/a>A</a><a>none</a>
		<noscript><p id=n>seen</p></noscript>`
	for rule, want := range map[string][]string{
		"h=h1":   {"Two words"},
		"li=.x":  {"one", "two"},
		"y=li.y": {"two"},
		"image=meta[property='og:image']@content": {"/i.png"},
		"href=a@HREF":          {"/a"},
		"noscript=noscript #n": {"seen"},
		"both=h1, li.y":        {"Two words", "two"},
		"absent=table":         nil,
		"at=a[href='x@y']":     nil,
	} {
		x, err := NewExtractor([]string{rule})
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		got, whole := x.Fields([]byte(page), "text/html; charset=utf-8")
		name, _, _ := strings.Cut(rule, "=")
		if !slices.Equal(got[name], want) || !whole {
			t.Errorf("%s: %q, want %q; whole: %v", rule, got, want, whole)
		}
	}
}

func TestFieldsAreUTF8WhateverThePagesCharset(t *testing.T) {
	x, err := NewExtractor([]string{"p=p", "title=p@title"})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := x.Fields([]byte("<p title=\"\xfcber\">caf\xe9"), "text/html; charset=iso-8859-1")
	want := map[string][]string{"p": {"café"}, "title": {"über"}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBadExtractionRulesAreRefused(t *testing.T) {
	for _, rule := range []string{"", "h1", "=h1", "a b=h1", "x=", "x=[", "x=p:nonsense", "1=p"} {
		if _, err := NewExtractor([]string{"ok=p", rule}); err == nil || !strings.Contains(err.Error(), "\""+rule+"\"") {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func TestAHostilePageYieldsBoundedFields(t *testing.T) {
	x, err := NewExtractor([]string{"b=b", "tall=i"})
	if err != nil {
		t.Fatal(err)
	}
	const max = maxRead / maxValue / 2
	var formatted, hidden, cells, roots string
	for i := range 300 {
		formatted += fmt.Sprintf("<b x=%d>", i)
		hidden += fmt.Sprintf("<p><b x=%d><marquee></b></marquee></p>", i)
		cells += fmt.Sprintf("<p><b x=%d><table><td></b></table></p>", i)
	}
	for i := range 3000 {
		roots += fmt.Sprintf("<html x%d><body x%d>", i, i)
	}
	for _, test := range []struct {
		law, page string
		values    int
		whole     bool
	}{
		{"as many values as there may be", strings.Repeat("<b>x</b>", maxValues), maxValues, true},
		{"one more", strings.Repeat("<b>x</b>", maxValues+1), maxValues, false},
		{"a long value is cut, and that is all of it", "<b>" + strings.Repeat("y", 2*maxValue), 1, true},
		{"values that are long together", strings.Repeat("<b>"+strings.Repeat("y ", maxValue)+"</b>", max+1), max - 1, false},
		{"elements in elements in elements", strings.Repeat("<div>", 100_000) + "<b>x", 0, false},
		{"elements without end", strings.Repeat("<br>", maxWeight+1), 0, false},
		{"attributes without end", "<p " + strings.Repeat("x ", maxWeight+1) + ">", 0, false},
		{"formatting that is made again in each paragraph", formatted + strings.Repeat("<p>x", 20_000), 0, false},
		{"and that a hidden end tag did not end", hidden + strings.Repeat("<p>x", 20_000), 0, false},
		{"nor one in a table", cells + strings.Repeat("<p>x", 20_000), 0, false},
		{"attributes of many roots", roots, 0, false},
		{"formatting that is ended", "<b>x</b>" + strings.Repeat("<p><em class=x>y</em> <a href=/>z</a>", 10_000), 1, true},
		{"more siblings than a selector can compare", "<b>x</b>" + strings.Repeat("<br>", 20_000), 0, false},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			got, whole := x.Fields([]byte(test.page), "text/html")
			if len(got["b"]) != test.values || whole != test.whole {
				t.Errorf("%d values, whole: %v; want %d, %v", len(got["b"]), whole, test.values, test.whole)
			}
			for _, v := range got["b"] {
				if len(v) > maxValue {
					t.Errorf("a value of %d bytes", len(v))
				}
			}
		})
	}
}
