package frontier

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// conformance reads a file of foreign cases, one JSON object a line.
func conformance[T any](t *testing.T, file string) []T {
	t.Helper()
	dir := os.Getenv("TRAWL_CONFORMANCE")
	if dir == "" {
		t.Skip("TRAWL_CONFORMANCE names no folder of test data")
	}
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []T
	for lines := json.NewDecoder(f); ; {
		var c T
		err := lines.Decode(&c)
		if errors.Is(err, io.EOF) {
			return cases
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, c)
	}
}

// The bare library reads 237 of 244 of the standard's hard cases of http and https.
func TestConformanceOfURLs(t *testing.T) {
	t.Parallel()
	var passed, total, refused, mustFail int
	for _, c := range conformance[struct {
		Input      string
		Base, Href *string
		Failure    bool
		HTTP       bool
	}](t, "urltestdata.jsonl") {
		got, err := resolveOn(c.Base, c.Input)
		switch {
		case c.Failure:
			mustFail++
			if err != nil {
				refused++
			} else {
				t.Errorf("%q must be refused, is %q", c.Input, got)
			}
		case c.HTTP:
			total++
			want, err := ParseURL(*c.Href) // drops fragment and userinfo
			if err == nil && got == want {
				passed++
			} else {
				t.Logf("%q is %q; want %q", c.Input, got, *c.Href)
			}
		}
	}
	t.Logf("%d of %d read as they should, %d of %d refused", passed, total, refused, mustFail)
	if passed*244 < total*237 {
		t.Error("fewer than the library is known to read")
	}
}

// resolveOn resolves ref on a base that may be missing, or of another scheme.
func resolveOn(base *string, ref string) (URL, error) {
	if base == nil {
		return ParseURL(ref)
	}
	page, err := ParseURL(*base)
	if err != nil {
		return ParseURL(ref)
	}
	return NewBase(page, "").Resolve(ref)
}

// The normalizers contradict each other and the rules of Key: only "resolve", the plain resolving of references, has one
// right answer. The others are read for what they bring to light. An expected URL is read by ParseURL first, since most
// of them keep fragment and userinfo; one of another scheme is expected to be refused.
func TestConformanceOfKeys(t *testing.T) {
	t.Parallel()
	agreed, cases := map[string]int{}, map[string]int{}
	for _, c := range conformance[struct {
		Normalizer, Input string
		Expected, Base    *string
		Options           any
	}](t, "url-canonical.jsonl") {
		if c.Options != nil {
			continue
		}
		var want URL
		if c.Expected != nil {
			want, _ = ParseURL(*c.Expected)
		}
		cases[c.Normalizer]++
		if got, _ := resolveOn(c.Base, c.Input); got.Key() == want.String() || c.Normalizer == "resolve" && got == want {
			agreed[c.Normalizer]++
		} else {
			t.Logf("%s: %q is %q; want %q", c.Normalizer, c.Input, got.Key(), want)
		}
	}
	for normalizer, n := range cases {
		t.Logf("%s: %d of %d agree", normalizer, agreed[normalizer], n)
	}
	if agreed["resolve"] < cases["resolve"] {
		t.Error("references are resolved otherwise")
	}
}
