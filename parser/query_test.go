package parser

import (
	"strings"
	"testing"
)

func TestQueriesAreInThePagesCharset(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ charset, url, want string }{
		{"windows-1251", "/мир?q=мир&x=1#мир", "/мир?q=%EC%E8%F0&x=1#мир"},
		{"windows-1251", "?a=ж b'\"&amp;c=%ж", "?a=%E6 b'\"&c=%%E6"}, // ASCII is the resolver's
		{"windows-1252", "/é?é=€", "/é?%E9=%80"},
		{"iso-8859-1", "//é.test/é?é", "//é.test/é?%E9"}, // which is windows-1252 on the web
		{"iso-8859-2", "http://a.test/ž?ž?#?ž", "http://a.test/ž?%BE?#?ž"},
		{"windows-1252", "HTTPS:/?é", "HTTPS:/?%E9"},
		{"windows-1252", "/a:b?é", "/a:b?%E9"},
		{"windows-1252", "mailto:é?é", "mailto:é?é"},
		{"windows-1252", "/é#?é", "/é#?é"},
		{"windows-1252", "/?&#9731;&eacute;&#x1F600;", "/?%26%239731%3B%E9%26%23128512%3B"},
		{"shift_jis", "/日本?日本ソ", "/日本?%93%FA%96{%83\\"},
		{"euc-jp", "/?日本", "/?%C6%FC%CB%DC"},
		{"iso-2022-jp", "/日?日本&x=&eacute;", "/日?%1B$BF|K\\%1B(B&x=%26%23233%3B"},
		{"gbk", "/中?中文=1&é=&#9731;", "/中?%D6%D0%CE%C4=1&%A8%A6=%26%239731%3B"},
		{"gb18030", "?☃", "?%817%A30"},
		{"big5", "?功", "?%A5\\"},
		{"euc-kr", "/한국?한국", "/한국?%C7%D1%B1%B9"},
		{"utf-8", "/é?é", "/é?é"},
		{"utf-16le", "/é?é", "/é?é"},
		{"utf-16be", "/é?é", "/é?é"},
	} {
		page := encode(t, test.charset, "<a href='"+strings.ReplaceAll(test.url, "'", "&#39;")+"'>")
		d := HTML([]byte(page), "text/html; charset="+test.charset, Options{})
		if len(d.Links) != 1 || d.Links[0].URL != test.want {
			t.Errorf("%s %s: got %+v, want %q", test.charset, test.url, d.Links, test.want)
		}
	}
}
