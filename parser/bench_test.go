package parser

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/temoto/robotstxt"
	"golang.org/x/net/html"
)

// benchPage is a page of some 30 KB with 60 links, of which 37 recur on every page of a site.
func benchPage() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the quick brown fox jumps over a lazy dog while crawlers read pages of many words in no time")
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page &amp; more</title><link rel="stylesheet" href="/s.css"><script>var x = 1 < 2;</script></head><body class="page">`)
	for i := range 37 {
		fmt.Fprintf(&b, "<li class=\"nav-item\"><a class=\"nav-link\" href=\"/section/%d/\">Section %d</a></li>\n", i, i)
	}
	for i := range 23 {
		fmt.Fprintf(&b, "<div class=\"entry\" id=\"e%d\"><h2><a href=\"/articles/2026/%d?ref=list&amp;page=2\" title=\"An article\">Title</a></h2><p>", i, i)
		for range 200 {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
			if r.IntN(40) == 0 {
				b.WriteString("<em>word</em><br>")
			}
		}
		b.WriteString("</p></div>\n")
	}
	b.WriteString("</body></html>")
	return []byte(b.String())
}

func BenchmarkHTML(b *testing.B) {
	page := benchPage()
	if n := len(HTML(page, "text/html", Options{Agent: "trawl"}).Links); n != 60 {
		b.Fatalf("%d links", n)
	}
	b.Run("HTML", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			HTML(page, "text/html", Options{Agent: "trawl"})
		}
	})
	b.Run("HTML/assets", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			HTML(page, "text/html", Options{Agent: "trawl", Assets: true})
		}
	})
	b.Run("floor=Tokenizer", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			z := html.NewTokenizer(bytes.NewReader(page))
			for z.Next() != html.ErrorToken {
			}
			if z.Err() != io.EOF {
				b.Fatal(z.Err())
			}
		}
	})
}

// benchRobots is a robots.txt of some 10 KB, with 200 rules for us.
func benchRobots() []byte {
	var b strings.Builder
	b.WriteString("User-agent: other\nDisallow: /\n\nUser-agent: *\nCrawl-delay: 2\n")
	for i := range 200 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "Disallow: /private/%d/\n", i)
		case 1:
			fmt.Fprintf(&b, "Allow: /private/%d/public\n", i)
		case 2:
			fmt.Fprintf(&b, "Disallow: /*?session=%d&*sort=\n", i)
		case 3:
			fmt.Fprintf(&b, "Disallow: /*.ext%d$ # no files\n", i)
		}
	}
	b.WriteString("Sitemap: https://example.com/sitemap.xml\n")
	return []byte(b.String())
}

func BenchmarkRobots(b *testing.B) {
	body := benchRobots()
	const path = "/articles/2026/a-page-of-some-length.html?ref=list&page=2"
	b.Run("ParseRobots", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			ParseRobots(body, "trawl")
		}
	})
	b.Run("Allowed", func(b *testing.B) {
		r := ParseRobots(body, "trawl")
		b.ReportAllocs()
		for b.Loop() {
			if ok, _ := r.Allowed(path); !ok {
				b.Fatal("not allowed")
			}
		}
	})
	b.Run("Allowed/600 KiB of stars", func(b *testing.B) {
		var body strings.Builder
		for i := 0; body.Len() < 600<<10; i++ {
			fmt.Fprintf(&body, "Disallow: /*word%d*a*e*i*o*u*%d*$\n", i%1000, i)
		}
		r, long := ParseRobots([]byte("User-agent: *\n"+body.String()), "trawl"), path+strings.Repeat("aeiou", 350)
		b.ReportAllocs()
		for b.Loop() {
			if ok, _ := r.Allowed(long); !ok {
				b.Fatal("not allowed")
			}
		}
	})
	b.Run("ParseRobots/temoto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := robotstxt.FromBytes(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Allowed/temoto", func(b *testing.B) {
		r, err := robotstxt.FromBytes(body)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			r.TestAgent(path, "trawl")
		}
	})
}
