package frontier

import (
	"errors"
	"strings"
	"testing"
)

// mustParse is for tests that are about something else.
func mustParse(t testing.TB, raw string) URL {
	t.Helper()
	u, err := ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestParseURLMakesURLsCanonical(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://example.com":                     "http://example.com/",
		"HTTP://Example.COM/Path":                "http://example.com/Path",
		"  https://example.com/a b \n":           "https://example.com/a%20b",
		"https://example.com:443/":               "https://example.com/",
		"http://example.com:443/":                "http://example.com:443/",
		"http://example.com:0080/":               "http://example.com/",
		"http://example.com/#top":                "http://example.com/",
		"http://example.com/ #top":               "http://example.com/%20",
		"http://example.com?":                    "http://example.com/?",
		"http://me:secret@example.com/":          "http://example.com/",
		"http://example.com/a/./b/../c":          "http://example.com/a/c",
		"http://example.com/a/%2e%2E/c":          "http://example.com/c",
		"http://example.com/../../x":             "http://example.com/x",
		"http://example.com\\a\\b":               "http://example.com/a/b",
		"http:example.com/x":                     "http://example.com/x",
		"http:///example.com/x":                  "http://example.com/x",
		"http://ex\tam\nple.com/":                "http://example.com/",
		"http://bücher.example/ü?ü":              "http://xn--bcher-kva.example/%C3%BC?%C3%BC",
		"http://0x7f.1/":                         "http://127.0.0.1/",
		"http://2130706433/":                     "http://127.0.0.1/",
		"http://[0:0:0:0:0:0:0:1]:8090/":         "http://[::1]:8090/",
		"http://[::ffff:10.0.0.1]/":              "http://[::ffff:a00:1]/",
		"http://example.com/?q='<>\"&r=`{}^|\\":  "http://example.com/?q=%27%3C%3E%22&r=`{}^|\\",
		"http://example.com/'<>\"`{}^|":          "http://example.com/'%3C%3E%22%60%7B%7D%5E|",
		"http://example.com/\xff":                "http://example.com/%EF%BF%BD",
		"http://a_b.example.com/":                "http://a_b.example.com/",
		"http://example.com./":                   "http://example.com./",
		"http://example.com/%7Euser/100%?x=%zz%": "http://example.com/%7Euser/100%?x=%zz%",
	} {
		u, err := ParseURL(raw)
		if err != nil || u.String() != want {
			t.Errorf("ParseURL(%q) = %q, %v; want %q", raw, u, err, want)
		}
		if again, err := ParseURL(want); err != nil || again != u {
			t.Errorf("ParseURL(%q) is not what it was made from: %q, %v", want, again, err)
		}
	}
}

func TestParseURLSaysWhyNot(t *testing.T) {
	t.Parallel()
	long := "http://example.com/" + strings.Repeat("a", MaxURLLen)
	for raw, want := range map[string]Reason{
		"":                          BadURL,
		"example.com":               BadURL,
		"/path":                     BadURL,
		"//example.com/":            BadURL,
		"http://":                   BadURL,
		"http://exa mple.com/":      BadURL,
		"http://example.com:99999/": BadURL,
		"http://1.2.3.4.5/":         BadURL,
		"http://[::1/":              BadURL,
		"http://%zz/":               BadURL,
		"ftp://example.com/":        BadScheme,
		"mailto:me@example.com":     BadScheme,
		"java\nscript:alert(1)":     BadScheme,
		"localhost:8080":            BadScheme,
		long:                        TooLong,
		"http://example.com/" + strings.Repeat("ü", MaxURLLen/4): TooLong,
		"data:," + long: BadScheme,
	} {
		u, err := ParseURL(raw)
		bad, ok := errors.AsType[*URLError](err)
		if !ok || bad.Reason != want || !u.IsZero() {
			t.Errorf("ParseURL(%.40q) = %q, %v; want reason %q", raw, u, err, want)
		}
	}
}

func TestURLErrorIsOneShortLineThatNamesTheURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"ftp://x":                               `"ftp://x": not an http or https URL`,
		"a\nb":                                  `"a\nb": not a URL (expected something like http://example.com/)`,
		"http://a/" + strings.Repeat("b", 3000): `"http://a/` + strings.Repeat("b", 91) + `...": longer than 2048 bytes`,
	} {
		if _, err := ParseURL(raw); err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

func TestURLOfMaxURLLenIsTheLongest(t *testing.T) {
	t.Parallel()
	raw := "http://example.com/"
	raw += strings.Repeat("a", MaxURLLen-len(raw))
	if _, err := ParseURL(raw + "#fragments do not count"); err != nil {
		t.Error(err)
	}
	if _, err := ParseURL(raw + "a"); err == nil {
		t.Error("one byte more was accepted")
	}
}

func TestParseSeedTakesWhatPeopleType(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		" http://example.com/ ": "http://example.com/",
		"https://example.com":   "https://example.com/",
		"example.com":           "http://example.com/",
		"example.com/x?y#z":     "http://example.com/x?y",
		"example.com:8080/x":    "http://example.com:8080/x",
		"example.com?x":         "http://example.com/?x",
		"localhost":             "http://localhost/",
		"localhost:8080/x":      "http://localhost:8080/x",
		"devbox:3000":           "http://devbox:3000/",
		"127.0.0.1:80":          "http://127.0.0.1/",
		"[::1]:80/":             "http://[::1]/",
		"bücher.example":        "http://xn--bcher-kva.example/",
	} {
		if u, err := ParseSeed(raw); err != nil || u.String() != want {
			t.Errorf("ParseSeed(%q) = %q, %v; want %q", raw, u, err, want)
		}
	}
}

func TestParseSeedGuessesNoFurther(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Reason{
		"":               BadURL,
		"word":           BadURL,
		"word/path":      BadURL,
		"./file.txt":     BadURL,
		"/etc/hosts":     BadURL,
		"me@example.com": BadURL,
		"two words.com":  BadURL,
		"[::1":           BadURL,
		"example.com:x":  BadScheme,
		"mailto:me@x.y":  BadScheme,
		"ftp://x.y/":     BadScheme,
		`C:\sites.txt`:   BadScheme,
	} {
		_, err := ParseSeed(raw)
		if bad, ok := errors.AsType[*URLError](err); !ok || bad.Reason != want || bad.Raw != raw {
			t.Errorf("ParseSeed(%q): %v; want reason %q and the text as typed", raw, err, want)
		}
	}
}

func TestPartsOfAURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, host, authority, hostname, path string }{
		{"https://example.com/a/b?c=d", "https://example.com", "example.com", "example.com", "/a/b?c=d"},
		{"http://example.com:8090", "http://example.com:8090", "example.com:8090", "example.com", "/"},
		{"http://example.com?x", "http://example.com", "example.com", "example.com", "/?x"},
		{"http://[::1]:8090/x", "http://[::1]:8090", "[::1]:8090", "::1", "/x"},
		{"http://[::1]/x", "http://[::1]", "[::1]", "::1", "/x"},
	} {
		u := mustParse(t, c.raw)
		h := u.Host()
		if string(h) != c.host || h.Authority() != c.authority || u.Hostname() != c.hostname || u.Path() != c.path {
			t.Errorf("%s: host %q, authority %q, host name %q, path %q", u, h, h.Authority(), u.Hostname(), u.Path())
		}
		if h.URL(u.Path()) != u {
			t.Errorf("%s is not its host and path put together", u)
		}
	}
}

func TestZeroURLHasEmptyParts(t *testing.T) {
	t.Parallel()
	var u URL
	if !u.IsZero() || u.String()+string(u.Host())+u.Hostname()+u.Path()+u.Key()+u.Host().Authority() != "" {
		t.Error("it has parts")
	}
}
