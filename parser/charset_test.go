package parser

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"
)

// encode writes s in an encoding.
func encode(t testing.TB, label, s string) string {
	t.Helper()
	enc, err := htmlindex.Get(label)
	if err != nil {
		t.Fatal(err)
	}
	out, err := enc.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCharset(t *testing.T) {
	t.Parallel()
	const cyrillic = "<title>Привет</title><a href=/мир?a&amp;b>"
	for _, test := range []struct {
		law, page, contentType, want string
	}{
		{"a byte order mark beats the header", "\xef\xbb\xbf<a href=/ü>", "text/html; charset=koi8-r", "utf-8"},
		{"the header beats the page", "<meta charset=utf-8>" + encode(t, "koi8-r", cyrillic), "text/html; charset=koi8-r", "koi8-r"},
		{"the header may be sloppy", encode(t, "koi8-r", cyrillic), `text/html;; Charset = "KOI8-R" ; x`, "koi8-r"},
		{"a header that means nothing does not count", encode(t, "koi8-r", "<meta charset=koi8-r>"+cyrillic), "text/html; charset=none", "koi8-r"},
		{"the page says it in meta charset", encode(t, "windows-1251", "<p><META charset=' cp1251 '>"+cyrillic), "", "windows-1251"},
		{"or in meta http-equiv", encode(t, "windows-1251", `<meta content="text/html; charset=windows-1251" http-equiv=Content-Type>`+cyrillic), "text/html", "windows-1251"},
		{"or in an XML declaration", encode(t, "windows-1251", `<?xml version="1.0" encoding="windows-1251"?>`+cyrillic), "application/xhtml+xml", "windows-1251"},
		{"but not in a comment", "<!-- <meta charset=koi8-r> --><p>ü", "", "utf-8"},
		{"a page of ASCII letters that says UTF-16 is in UTF-8", "<meta charset=utf-16>" + cyrillic, "", "utf-8"},
		{"a page that says nothing may look like UTF-8", cyrillic, "text/html", "utf-8"},
		{"also far down", strings.Repeat("<p>", 4000) + cyrillic, "text/html", "utf-8"},
		{"or else is in windows-1252", "<a href=/\xfc>", "text/html", "windows-1252"},
		{"UTF-16 is known by its mark", "\xff\xfe" + encode(t, "utf-16le", cyrillic), "", "utf-16le"},
		{"in either order", "\xfe\xff" + encode(t, "utf-16be", cyrillic), "", "utf-16be"},
		{"or by the header", encode(t, "utf-16be", cyrillic), "text/html; charset=utf-16be", "utf-16be"},
		{"encodings of several bytes are read", encode(t, "shift_jis", "<title>日本語ソ</title><a href=/ソ\">"), "text/html; charset=sjis", "shift_jis"},
		{"those with escapes too", encode(t, "iso-2022-jp", "<title>日本語</title><a href=/語>"), "text/html; charset=iso-2022-jp", "iso-2022-jp"},
		{"GB 18030 is read", encode(t, "gb18030", "<title>中文ü</title><a href=/ü>"), "text/html; charset=gb18030", "gb18030"},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			d := HTML([]byte(test.page), test.contentType, Options{})
			if d.Charset != test.want {
				t.Errorf("got %s, want %s", d.Charset, test.want)
			}
			if !slices.Contains([]string{"", "Привет", "日本語ソ", "日本語", "中文ü"}, d.Title) {
				t.Errorf("got title %q", d.Title)
			}
			if d.Title == "Привет" && (len(d.Links) != 1 || d.Links[0].URL != "/мир?a&b") {
				t.Errorf("got links %v", d.Links)
			}
		})
	}
}

func TestValuesAreTranscoded(t *testing.T) {
	t.Parallel()
	for charset, text := range map[string]string{
		"koi8-r": "Привет мир", "windows-1252": "café €", "iso-8859-2": "žluťoučký", "shift_jis": "日本語ソ表", "euc-kr": "한국어",
		"gbk": "中文页面", "gb18030": "中文 ü ḿ", "big5": "功許蓋", "euc-jp": "日本語", "iso-2022-jp": "日本語", "utf-8": "日本語 ü", "utf-16le": "日本語 ü",
	} {
		page := encode(t, charset, "<title>"+text+"</title><a rel=nofollow href='/"+text+"&amp;'><base href=\""+text+"\">")
		d := HTML([]byte(page), "text/html; charset="+charset, Options{})
		want := []Link{{URL: "/" + text + "&", NoFollow: true}}
		if d.Charset != charset || d.Title != text || d.Base != text || !slices.Equal(d.Links, want) {
			t.Errorf("%s: got %+v", charset, d)
		}
	}
}

func TestBadBytesAreReplaced(t *testing.T) {
	t.Parallel()
	d := HTML([]byte("<a href='/\xff\xc3x'><title>\xe2\x82</title>"), "text/html; charset=utf-8", Options{})
	if len(d.Links) != 1 || d.Links[0].URL != "/\ufffd\ufffdx" || d.Title != "\ufffd" {
		t.Errorf("got %+v", d)
	}
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	const page, text = "  <!DOCTYPE html><p>x", "just text"
	for _, test := range []struct {
		contentType, body string
		want              bool
	}{
		{"text/html", text, true},
		{"Text/HTML ;charset=x", text, true},
		{"application/xhtml+xml", text, true},
		{"", page, true}, {"", text, false}, {"", "", false},
		{"text/plain; charset=utf-8", page, true}, {"text/plain", text, false},
		{"application/octet-stream", page, true}, {"application/octet-stream", "\x89PNG\r\n\x1a\n", false},
		{"application/pdf", page, false}, {"image/png", page, false}, {"text/xml", page, false},
	} {
		if got := IsHTML(test.contentType, []byte(test.body)); got != test.want {
			t.Errorf("%q, %q: got %v", test.contentType, test.body, got)
		}
	}
}
