package frontier

import (
	"cmp"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// Base resolves the references of one page. It keeps a buffer and a parsed base between calls, so it belongs to one
// goroutine. The zero Base resolves absolute URLs only.
type Base struct {
	url     URL         // what references are relative to
	pathEnd int         // url.text[:pathEnd] is without the query
	dirEnd  int         // url.text[:dirEnd] ends with the path's last slash
	parsed  *whatwg.Url // url for the slow tier, once it was needed
	buf     []byte      // of the fast tier
}

// NewBase returns the base of a page's references: href, the page's first <base href>, resolved against the page, or
// the page itself when href is empty, not a URL, or not http or https.
func NewBase(page URL, href string) *Base {
	b := newBase(page)
	if href == "" {
		return b
	}
	if u, err := b.Resolve(href); err == nil {
		return newBase(u)
	}
	return b
}

func newBase(u URL) *Base {
	b := &Base{url: u, pathEnd: len(u.text)}
	if q := strings.IndexByte(u.text, '?'); q >= 0 {
		b.pathEnd = q
	}
	b.dirEnd = strings.LastIndexByte(u.text[:b.pathEnd], '/') + 1
	return b
}

// Resolve reads a reference as it stands in a page (entities decoded), by the WHATWG URL standard's basic URL parser.
// The error is a *URLError. A reference that is itself longer than MaxURLLen, fragment aside, is TooLong too: it bounds
// the work that a hostile page can cause.
//
// There are two tiers that give the same answers. Nearly all references are plain: ASCII that needs no escaping, a
// lower-case host name without tricks. These cost one string. All others go through a complete parser, some twenty
// times slower.
func (b *Base) Resolve(ref string) (URL, error) {
	ref = trimControls(ref)
	if u, ok := b.plain(ref); ok {
		return u, nil
	}
	return b.slow(ref)
}

// trimControls removes C0 controls and spaces at both ends, the first step of the standard's parser.
func trimControls(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// newlines removes what the standard's parser removes anywhere in a URL.
var newlines = strings.NewReplacer("\t", "", "\n", "", "\r", "")

// slow resolves any reference.
func (b *Base) slow(raw string) (URL, error) {
	ref := newlines.Replace(raw)
	if foreign(ref) {
		return URL{}, &URLError{Raw: raw, Reason: BadScheme}
	}
	if hash := strings.IndexByte(ref, '#'); hash >= 0 {
		ref = ref[:hash+1] // the # stays: it keeps a space before it from being trimmed
	}
	if len(ref) > MaxURLLen {
		return URL{}, &URLError{Raw: raw, Reason: TooLong}
	}
	u, err := b.parse(ref)
	if err != nil {
		// The parser's own words ("missing-scheme-non-relative-URL") say no more to people than the Reason.
		return URL{}, &URLError{Raw: raw, Reason: BadURL}
	}
	if name := u.Hostname(); strings.Contains(name, "xn--") && !consistsOf(name, inHost) {
		// The library would not read it again as it writes it: "İ!" becomes xn--i!-rub. No such host can exist.
		return URL{}, &URLError{Raw: raw, Reason: BadURL}
	}
	u.SetUsername("")
	u.SetPassword("")
	text := u.Href(true)
	if len(text) > MaxURLLen {
		return URL{}, &URLError{Raw: raw, Reason: TooLong}
	}
	return URL{text: text, hostLen: len(u.Protocol()) + len("//") + len(u.Host())}, nil
}

// parse hands ref to the library, and the base too, once.
func (b *Base) parse(ref string) (*whatwg.Url, error) {
	if b.url.IsZero() {
		return newParser().Parse(ref)
	}
	if b.parsed == nil {
		base, err := newParser().Parse(b.url.text)
		if err != nil {
			return nil, err
		}
		b.parsed = base
	}
	return b.parsed.Parse(ref)
}

// pathEscapes are the characters that are escaped in a path. ^ joined them after the library's release.
var pathEscapes = whatwg.PathPercentEncodeSet.Set('^')

// newParser returns the library's parser, brought up to the standard as of 2026 in one more point: a domain of ASCII is
// put in lower case and that is all. The library looks into its xn-- labels too and refuses names of living sites. So
// such a name is kept out of its sight. The parser carries the name from one hook to the other, hence one for each Base.
func newParser() whatwg.Parser {
	var kept string
	hide := func(_ *whatwg.Url, host string) string {
		kept = ""
		if lower := strings.ToLower(host); plainName(lower) && strings.Contains(lower, "xn--") {
			kept = lower
			return "kept"
		}
		return host
	}
	restore := func(_ *whatwg.Url, host string) string { return cmp.Or(kept, host) }
	return whatwg.NewParser(whatwg.WithPathPercentEncodeSet(pathEscapes),
		whatwg.WithPreParseHostFunc(hide), whatwg.WithPostParseHostFunc(restore))
}

// foreign tells a reference that has a scheme other than http and https. Pages are full of them (mailto:, javascript:,
// data: of a megabyte), so they are told without parsing the rest.
func foreign(ref string) bool {
	colon := strings.IndexByte(ref, ':')
	if colon <= 0 || !isAlpha(ref[0]) {
		return false
	}
	scheme := ref[:colon]
	for i := range len(scheme) {
		c := scheme[i]
		if !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https")
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
