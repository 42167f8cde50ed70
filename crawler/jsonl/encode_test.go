package jsonl

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"trawl/crawler"
)

var at = time.Date(2026, 11, 20, 12, 30, 0, 123_000_000, time.UTC)

// full is a record with every field set.
func full() *crawler.Record {
	return &crawler.Record{
		ID: "id", URL: "http://a.example/", Host: "http://a.example", Status: 200, FetchedAt: at, DurationMS: 12,
		Depth: 1, Attempt: 2, Length: 3, Via: "http://b.example/", Redirect: "http://c.example/", ContentType: "text/html",
		Charset: "utf-8", Digest: "sha1:X", Title: "A title", Truncated: true, Links: []string{"http://d.example/", "e"},
		Fields: map[string][]string{"b": {"1", "2\n"}, "a\"": {"x"}},
		Error:  &crawler.RecordError{Kind: "reset", Detail: "gone"}, Worker: "w1",
	}
}

// The encoder must say what encoding/json says by Record's tags: a field forgotten here is found by reflection.
func TestEveryFieldIsWrittenAsItsTagSays(t *testing.T) {
	t.Parallel()
	v := reflect.ValueOf(*full())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("full() lacks %s", v.Type().Field(i).Name)
		}
	}
	for name, r := range map[string]*crawler.Record{"full": full(), "zero": {FetchedAt: at}} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendRecord(nil, r); string(got) != string(want) {
			t.Errorf("%s record:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestTheTimeIsUTCWithMilliseconds(t *testing.T) {
	t.Parallel()
	r := &crawler.Record{FetchedAt: time.Date(2026, 11, 20, 1, 0, 0, 0, time.FixedZone("", 2*3600))}
	if got, want := string(appendRecord(nil, r)), `"fetched_at":"2026-11-19T23:00:00.000Z"`; !strings.Contains(got, want) {
		t.Errorf("%s lacks %s", got, want)
	}
}

// check holds the encoder to the decoder of encoding/json.
func check(t *testing.T, s string) {
	b := appendString(nil, s)
	var got string
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%q: %s: %v", s, b, err)
	}
	// strings.ToValidUTF8 joins runs of bad bytes; JSON writers replace each byte.
	if want := string([]rune(s)); got != want {
		t.Errorf("%q: %s decodes to %q, want %q", s, b, got, want)
	}
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			t.Errorf("%q: %s has a control character", s, b)
		}
	}
	if !utf8.Valid(b) || strings.ContainsFunc(string(b), func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) }) {
		t.Errorf("%q: %q ends a line, commands a terminal or turns text around, or is no UTF-8", s, b)
	}
}

func TestAnyStringBecomesOneLine(t *testing.T) {
	t.Parallel()
	for c := range 0x300 {
		check(t, "a"+string(rune(c))+"b")
		check(t, "a"+string([]byte{byte(c)})+"b")
	}
	for _, s := range []string{"", "\u2028x\u2029", "\u061c\u200e\u200f\u202a\u202e\u2066\u2069", "e\u200d\ufeff", "\xff\xfe", "a\xe2\x80", "\xed\xa0\x80", "😀", "\ufffd", `</script>"\`} {
		check(t, s)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\"\\\n\u2028\xff\xc3")
	f.Fuzz(check)
}

// A record of whatever a server and a page said is one line, and reads as it was.
func FuzzRecord(f *testing.F) {
	f.Add("http://a.example/", "text/html", "A title", "http://b.example/", "name", "gone", int64(3), 200)
	f.Add("\x00", "\u2028\n", "\x1b[2J\u009b2J", "\xff\xc3", "a\"b", "\\", int64(-1), -5)
	f.Fuzz(func(t *testing.T, url, kind, title, link, name, detail string, length int64, status int) {
		r := full()
		r.URL, r.ContentType, r.Title, r.Links, r.Length, r.Status = url, kind, title, []string{link, link}, length, status
		r.Fields, r.Error.Detail = map[string][]string{name: {title, link}}, detail
		line := appendRecord(nil, r)
		var got crawler.Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		valid := func(s string) string { return string([]rune(s)) }
		want := *r
		want.URL, want.ContentType, want.Title, want.Links = valid(url), valid(kind), valid(title), []string{valid(link), valid(link)}
		want.Fields, want.Error = map[string][]string{valid(name): {valid(title), valid(link)}}, &crawler.RecordError{Kind: r.Error.Kind, Detail: valid(detail)}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nreads as %+v\nwant     %+v", line, got, want)
		}
		check(t, title)
	})
}

// page is a record of 60 links, like most.
func page() *crawler.Record {
	r := full()
	r.Error, r.Links = nil, nil
	for i := range 60 {
		r.Links = append(r.Links, fmt.Sprintf("http://www.a.example/some/folder/page-%04d.html?q=%d", i, i))
	}
	return r
}

func BenchmarkEncode(b *testing.B) {
	r := page()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}
