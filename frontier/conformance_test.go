package frontier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// row logs one line of the table that make conformance prints, and fails under the goal.
func row(t *testing.T, suite string, passed, total int, goal float64, note string) {
	t.Helper()
	share := 100 * float64(passed) / float64(max(total, 1))
	t.Logf("row| %s | %d of %d | %.2f %% | %.2f %% | %s", suite, passed, total, share, goal, note)
	if total == 0 || share < goal-0.005 {
		t.Errorf("%s: goal is %.2f %%", suite, goal)
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
	row(t, "URL: WPT, http(s)", passed, total, 100*237.0/244, "")
	row(t, "URL: WPT, refused", refused, mustFail, 100, "")
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

type keyCase struct {
	Normalizer, Input string
	Expected, Base    *string
	Options           any
}

// The normalizers contradict each other and the rules of keys. Where they do, the rule that our key follows instead is
// named; a difference that no rule explains counts as a failure. An expected URL is read by ParseURL first, since most of them
// keep fragment and userinfo; one of another scheme is expected to be refused.
func TestConformanceOfKeys(t *testing.T) {
	t.Parallel()
	agreed, otherwise, explained, cases := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range conformance[keyCase](t, "url-canonical.jsonl") {
		rules, ok := rulesFor(c)
		if !ok {
			continue
		}
		cases[c.Normalizer]++
		got, _ := resolveOn(c.Base, c.Input)
		var want URL
		if c.Expected != nil {
			want, _ = ParseURL(*c.Expected)
		}
		key := rules.Of(got)
		why := difference(c.Input, key, want.String(), rules)
		switch {
		case key == want.String() || c.Normalizer == "resolve" && got == want:
			agreed[c.Normalizer]++
		case c.Normalizer != "resolve" && why != "":
			otherwise[c.Normalizer]++
			explained[why]++
			t.Logf("%s: %q is %q, not %q: %s", c.Normalizer, c.Input, key, want, why)
		default:
			t.Logf("%s: %q is %q; want %q", c.Normalizer, c.Input, key, want)
			t.Logf("row| - unexplained: %s makes %q of %q | | | |", c.Normalizer, want, c.Input)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		row(t, "URL key: "+name, agreed[name]+otherwise[name], cases[name], 95, fmt.Sprintf("%d of them by another rule, below", otherwise[name]))
	}
	for _, why := range slices.Sorted(maps.Keys(explained)) {
		t.Logf("row| - %d x %s | | | |", explained[why], why)
	}
}

// rulesFor are the rules that options of another normalizer ask for; false: ours have nothing like them.
func rulesFor(c keyCase) (r KeyRules, ok bool) {
	p := DefaultPolicy()
	switch options, _ := c.Options.(string); {
	case c.Options == nil:
	case options == "idn=PUNYCODE remove=[jsessionid, phpsessid, sessionid, sid]":
		p.DropParams = []string{";jsessionid", "jsessionid", "phpsessid", "sessionid", "sid"}
	case options == "FlagRemoveTrailingSlash":
		p.Fold = []string{FoldSlash}
	case options == "FlagForceHTTP":
		p.Fold = []string{FoldScheme}
	case options == "FlagLowercaseScheme", options == "FlagRemoveDefaultPort", options == "FlagSortQuery",
		options == "FlagLowercaseHost | FlagLowercaseScheme":
	default:
		return r, false
	}
	r, err := NewKeyRules(p)
	return r, err == nil
}

// difference names the rule by which a key is not what another normalizer makes of a URL; "": none does.
func difference(input, key, want string, rules KeyRules) string {
	wanted, _ := ParseURL(want)
	decoded := func(s string) string { s, _ = url.PathUnescape(s); return s }
	switch {
	case key == "" && !strings.Contains(input, "://"):
		return "a reference without a scheme is no URL by itself (seeds may leave http:// out)"
	case key == "":
		return "what the WHATWG standard refuses is no URL"
	case rules.Of(wanted) == key:
		return "in a key, parameters are sorted and no ? stands before nothing"
	case decoded(key) == decoded(want), rules.Of(URL{text: decoded(want), hostLen: wanted.hostLen}) == decoded(key):
		return "what the WHATWG standard leaves unescaped stays so"
	case sortedParams(key) == sortedParams(want):
		return "parameters of one name stay in their order"
	case duplicateSlashes.ReplaceAllString(key, "$1/") == want:
		return "// in a path is kept: servers tell it apart"
	case strings.ReplaceAll(key+"&", "=&", "&") == want+"&", strings.Contains(key, "?=") || key+"=" == strings.ReplaceAll(want, "%2C", ","):
		return "a parameter stays as it is, with or without a name and a ="
	case strings.ReplaceAll(key, "%20", "+") == want:
		return "a space in a query is %20, a + is a plus"
	case decoded(decoded(key)) == decoded(decoded(want)), strings.Contains(key, "%25"):
		return "escapes are decoded once"
	case strings.HasSuffix(wanted.Hostname(), "com") && strings.Contains(key, "com..."):
		return "a name with several dots at its end is no name, and stays"
	case strings.Count(key, ":") > strings.Count(want, ":"):
		return "a port is part of the host"
	}
	return ""
}

func sortedParams(u string) string {
	path, query, _ := strings.Cut(u, "?")
	params := strings.Split(query, "&")
	slices.Sort(params)
	return path + "?" + strings.Join(params, "&")
}

var duplicateSlashes = regexp.MustCompile(`([^:/])/+`)
