package parser

import (
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
		got := x.Fields([]byte(page), "text/html; charset=utf-8")
		name, _, _ := strings.Cut(rule, "=")
		if !slices.Equal(got[name], want) {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
}

func TestFieldsAreUTF8WhateverThePagesCharset(t *testing.T) {
	x, err := NewExtractor([]string{"p=p", "title=p@title"})
	if err != nil {
		t.Fatal(err)
	}
	got := x.Fields([]byte("<p title=\"\xfcber\">caf\xe9"), "text/html; charset=iso-8859-1")
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
	x, err := NewExtractor([]string{"b=b", "deep=i"})
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Fields([]byte(strings.Repeat("<b>x</b>", 5000)), "text/html"); len(got["b"]) != maxValues {
		t.Errorf("%d values", len(got["b"]))
	}
	x.Fields([]byte(strings.Repeat("<div>", 100_000)), "text/html") // returns
	long := "<b>" + strings.Repeat("y", 2*maxValue)
	if got := x.Fields([]byte(long), "text/html"); len(got["b"]) != 1 || len(got["b"][0]) > maxValue {
		t.Errorf("a value of %d bytes", len(got["b"][0]))
	}
}
