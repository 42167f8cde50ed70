package parser

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// urls lists the links of a page of UTF-8, as "kind URL"; a nofollow has a "!" behind it.
func urls(page string) []string {
	list := []string{}
	for _, l := range HTML([]byte(page), "text/html; charset=utf-8", Options{Agent: "trawl"}).Links {
		s := l.Kind.String() + " " + l.URL
		if l.NoFollow {
			s += " !"
		}
		list = append(list, s)
	}
	return list
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		law, page string
		want      []string
	}{
		{"every kind of link is found, in the order of the page",
			`<link rel=canonical href=/c><a href=/a>x</a><area href=/b><iframe src=/i></iframe><frame src=/f><meta http-equiv=Refresh content="3; URL=/r">`,
			[]string{"canonical /c", "a /a", "area /b", "iframe /i", "frame /f", "refresh /r"}},
		{"a link of rel next or prev is followed", `<link rel="next" href=2><link rel="Prev" href=0><link rel=previous href=-1>`, []string{"next 2", "prev 0", "prev -1"}},
		{"an alternate is followed if it may be a page",
			`<link rel=alternate hreflang=de href=/de><link rel=alternate type="text/html; charset=utf-8" href=/m><link rel=alternate type=application/rss+xml href=/feed><link rel="alternate stylesheet" href=/s>`,
			[]string{"alternate /de", "alternate /m"}},
		{"a link element of another kind is not followed", `<link rel=stylesheet href=/s><link rel=icon href=/i><link href=/n><link rel=nextish href=/n>`, []string{}},
		{"an element without its attribute has no link", `<a><a href><a name=x><iframe></iframe><link rel=next><area>`, []string{}},
		{"places on the same page are no links", `<a href="#top"><a href=""><a href=" # ">`, []string{}},
		{"with a base, the same words lead elsewhere", `<base href=/other/><a href="#top"><a href="">`, []string{"a #top", "a "}},
		{"other schemes are left to the resolver", `<a href="javascript:x()"><a href="mailto:a@b">`, []string{"a javascript:x()", "a mailto:a@b"}},
		{"white space around a URL goes, in it stays", "<a href='\n /a b\tc\f'>", []string{"a /a b\tc"}},
		{"the first of two attributes counts", `<a href=/1 href=/2 HREF=/3>`, []string{"a /1"}},
		{"a URL counts once per kind", `<a href=/x><a href=/x><area href=/x><a href=" /x ">`, []string{"a /x", "area /x"}},
		{"entities are decoded", `<a href="/?a=1&amp;b=2&#38;c=&#x33;&eacute;">`, []string{"a /?a=1&b=2&c=3é"}},
		{"what only looks like an entity stays", `<a href="/?x&copy=1&notit;&nosuch;&&#;&#x;&amp">`, []string{"a /?x&copy=1&notit;&nosuch;&&#;&#x;&"}},
		{"entities of one character, and of two", `<a href="&semi;&fjlig;&amp;&lt">`, []string{"a ;fj&<"}},
		{"nofollow is a word of rel", `<a rel="noopener NoFollow" href=/1><a rel=nofollower href=/2><a rel="ugc sponsored" href=/3><area rel=nofollow href=/4>`,
			[]string{"a /1 !", "a /2", "a /3", "area /4 !"}},
		{"a URL is nofollow only if it always is", `<a rel=nofollow href=/1><a href=/1><a href=/2><a rel=nofollow href=/2><a rel=nofollow href=/3><a rel=nofollow href=/3>`,
			[]string{"a /1", "a /2", "a /3 !"}},
		{"text is no markup", `<script>"<a href=/1>"</script><style><a href=/2></style><textarea><a href=/3></textarea><title><a href=/4></title><xmp><a href=/5></xmp><!-- <a href=/6> --><iframe><a href=/7></iframe><noembed><a href=/8></noembed><noframes><a href=/9></noframes>`, []string{}},
		{"noscript and template are markup", `<noscript><a href=/1></noscript><template><a href=/2></template>`, []string{"a /1", "a /2"}},
		{"a script may quote a script in a comment", `<script><!-- <script> </script> <a href=/no> --></script><a href=/y>`, []string{"a /y"}},
		{"an end tag has no attributes", `</a href=/no>`, []string{}},
		{"a tag cut off by the end of the page is none", `<a href=/1><a href=/2`, []string{"a /1"}},
		{"in SVG, title is markup and CDATA is text", `<svg><title><a href=/1></title><style><a href=/2></style><![CDATA[<a href=/no>]]></svg><style><a href=/no></style>`,
			[]string{"a /1", "a /2"}},
		{"in SVG, only a is a link, and has two attributes", `<svg><a xlink:href=/1><a xlink:href=/no href=/2><link rel=next href=/no><base href=/no><iframe src=/no></svg><a xlink:href=/no>`,
			[]string{"a /1", "a /2"}},
		{"HTML in SVG is HTML", `<svg><foreignObject><style><a href=/no></style><a href=/1></foreignObject><style><a href=/2></svg>`, []string{"a /1", "a /2"}},
		{"and so it is in the title of SVG", `<svg><title><style><a href=/no></style></title><style><a href=/1></svg>`, []string{"a /1"}},
		{"MathML has places for HTML too", `<math><mi><style><a href=/no></style></mi><annotation-xml encoding=text/html><xmp><a href=/no></xmp></annotation-xml><annotation-xml><xmp><a href=/1></math>`, []string{"a /1"}},
		{"a forgotten end of SVG costs nothing", `<svg><path><p><style><a href=/no></style><div><svg></div><script>"<a href=/no>"</script>`, []string{}},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			if got := urls(test.page); !slices.Equal(got, test.want) {
				t.Errorf("%s:\ngot  %q\nwant %q", test.page, got, test.want)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"0; URL='/r?a=1'": "/r?a=1", "5;/r2": "/r2", "0,url=/r": "/r", "0 url = /r": "/r", `0;url="/a"b`: "/a", "1.5; url=/r": "/r",
		"0; url=/a b ": "/a b", "0;url='/r": "/r", "0; urls": "urls", "5": "", "5;": "", "": "", "/r": "", "x;url=/r": "", "5x;url=/r": "", " 0;url=/r": "/r",
	} {
		d := HTML([]byte(fmt.Sprintf(`<meta http-equiv="refresh" content="%s">`, strings.ReplaceAll(content, `"`, "&quot;"))), "", Options{})
		if d.Refresh != want {
			t.Errorf("%q: got %q, want %q", content, d.Refresh, want)
		}
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		law, page string
		want      Document
	}{
		{"the first base with an href counts", `<base target=x><base href=" /1/ "><base href=/2/>`, Document{Base: "/1/"}},
		{"also if it is empty", `<base href><base href=/no>`, Document{}},
		{"the first title counts, in order", "<title>\n a &amp;  b\r\n\tc </title><title>no</title>", Document{Title: "a & b c"}},
		{"a title of SVG is none of the page", `<svg><title>no</title></svg><title>yes</title>`, Document{Title: "yes"}},
		{"a title that never ends is one", `<title>a`, Document{Title: "a"}},
		{"meta robots is heard", `<meta name=ROBOTS content="NoIndex, nofollow">`, Document{NoIndex: true, NoFollow: true}},
		{"none is both", `<meta content=none name=robots>`, Document{NoIndex: true, NoFollow: true}},
		{"meta of our name is heard, and adds up", `<meta name=robots content=noindex><meta name=Trawl content="nofollow max-snippet:3">`, Document{NoIndex: true, NoFollow: true}},
		{"meta for others is not", `<meta name content=none><meta content=none><meta name=googlebot content=none><meta name=description content=none><meta name=robots content="all, index">`, Document{}},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			test.want.Charset = "utf-8"
			got := HTML([]byte(test.page), "text/html;charset=utf-8", Options{Agent: "trawl"})
			got.Shape = 0 // see TestShape
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", test.page, *got, test.want)
			}
		})
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	shape := func(page string) uint64 {
		return HTML([]byte(page), "text/html; charset=utf-8", Options{}).Shape
	}
	const page = `<!DOCTYPE html><title>Not found</title><p class=x>There is no <b>page /one/two</b> here.<ul><li><a href=/a>A</a></ul><script>f(1)</script><!-- 10:01 -->`
	want := shape(page)
	if want != 1153062310815221824 {
		t.Errorf("got %d: not what another process found", want)
	}
	same := strings.NewReplacer("/one/two", "/three/", "Not found", "None such, of a longer title", "class=x", `id=1 title="a > b"`, "href=/a", "href=/b", "f(1)",
		`f("<p><p>", 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)`, "10:01", "at some other time", "<ul>", "<UL>").Replace(page) + strings.Repeat("<p>more <b>text</b>", 100)
	if got := shape(same); got != want {
		t.Errorf("words, links, attributes, scripts, comments, case and length change the shape of a page")
	}
	for _, other := range []string{page + "<em>", strings.Replace(page, "<b>", "<i>", 1), strings.ReplaceAll(page, "ul>", "ol>"), "", "<p>"} {
		if shape(other) == want {
			t.Errorf("%s: has the shape of another page", other)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("a link is cut between characters, and stays too long to be fetched", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("é", MaxLink)
		d := HTML([]byte("<a href=/"+long+"><a href="+long+"><a href=/"+long+"x>"), "text/html; charset=utf-8", Options{})
		want := []Link{{URL: "/" + long[:MaxLink-2]}, {URL: long[:MaxLink]}}
		if !slices.Equal(d.Links, want) {
			t.Errorf("got %d links, the first of %d bytes", len(d.Links), len(d.Links[0].URL))
		}
	})
	t.Run("a title is cut between characters", func(t *testing.T) {
		t.Parallel()
		d := HTML([]byte("<title>x"+strings.Repeat("é", MaxTitle)+"</title>"), "text/html; charset=utf-8", Options{})
		if want := "x" + strings.Repeat("é", MaxTitle/2-1); d.Title != want {
			t.Errorf("got %d bytes, want %d", len(d.Title), len(want))
		}
	})
	t.Run("links beyond the limit are cut and said to be", func(t *testing.T) {
		t.Parallel()
		var page strings.Builder
		for i := range MaxLinks {
			fmt.Fprintf(&page, "<a href=/%d>", i)
		}
		page.WriteString("<a href=/1>")
		if d := HTML([]byte(page.String()), "", Options{}); len(d.Links) != MaxLinks || d.Truncated {
			t.Errorf("at the limit: %d links, truncated %v", len(d.Links), d.Truncated)
		}
		page.WriteString("<a href=/more>")
		if d := HTML([]byte(page.String()), "", Options{}); len(d.Links) != MaxLinks || !d.Truncated {
			t.Errorf("over the limit: %d links, truncated %v", len(d.Links), d.Truncated)
		}
	})
}

// Where a page is well formed, its tree has the same links.
func TestLinksAreThoseOfTheTree(t *testing.T) {
	t.Parallel()
	const page = `<!DOCTYPE html><html><head><title>t</title><script>var a = "<a href=/no>" < 2;</script></head><body>
		<ul><li><a href="/1?a=b&amp;c=d">1</a><li><a href='/2#frag'>2</a></ul><noscript><a href=/3>3</a></noscript>
		<table><tr><td><a href=" /4 ">4</a></table><map><area href=/5></map><iframe src=/6><a href=/no></iframe>
		<p><svg viewBox="0 0 1 1"><title>x</title><a href=/7><path d="M0 0"/></a></svg><math><mi><a href=/8>8</a></mi></math>
		<textarea><a href=/no></textarea><!-- <a href=/no> --><button onclick="a>b">x</button><a href=/9 title='>'>9</a></p></body></html>`
	got, want := elementLinks(HTML([]byte(page), "text/html; charset=utf-8", Options{})), domLinks(t, page)
	if len(want) != 9 || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
