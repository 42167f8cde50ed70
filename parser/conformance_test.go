package parser

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// conformanceCases reads a file of the third-party cases that TRAWL_CONFORMANCE points to, one a line; the test is
// skipped without them.
func conformanceCases[T any](t *testing.T, name string) []T {
	t.Helper()
	dir := os.Getenv("TRAWL_CONFORMANCE")
	if dir == "" {
		t.Skip("TRAWL_CONFORMANCE is not set")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c T
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// score logs one line of the table that make conformance prints, and fails under the goal.
func score(t *testing.T, group string, passed, total int, goal float64) {
	t.Helper()
	got := float64(passed) / float64(max(total, 1))
	t.Logf("row| %s | %d of %d | %.2f %% | %.2f %% | ", group, passed, total, 100*got, 100*goal)
	if total == 0 || got < goal {
		t.Errorf("%s: goal is %.2f %%", group, 100*goal)
	}
}

func TestConformanceHTMLLinks(t *testing.T) {
	cases := conformanceCases[struct {
		ID, HTML  string
		Scripting *bool
		Links     []string
		Base      *string
	}](t, "html-links.jsonl")
	passed := 0
	for _, c := range cases {
		d := HTML([]byte(c.HTML), "text/html; charset=utf-8", Options{Agent: "trawl"})
		var got, want []string
		for _, l := range d.Links {
			got = append(got, l.URL)
		}
		for _, l := range c.Links {
			want = append(want, string(trimSpace([]byte(l))))
		}
		base := ""
		if c.Base != nil {
			base = *c.Base
		}
		if slices.Equal(set(got), set(want)) && d.Base == base {
			passed++
			continue
		}
		t.Logf("%s: %q: got %q, base %q; want %q, base %q", c.ID, c.HTML, got, d.Base, want, base)
	}
	score(t, "html-links", passed, len(cases), 1)
}

func set(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func TestConformanceCharset(t *testing.T) {
	cases := conformanceCases[struct {
		ID       string
		Data     []byte `json:"data_b64"`
		Encoding string
	}](t, "charset.jsonl")
	passed := 0
	for _, c := range cases {
		if _, name := detect(c.Data, ""); name == strings.ToLower(c.Encoding) {
			passed++
		} else {
			t.Logf("%s: %.80q...%.80q: got %s, want %s", c.ID, c.Data, c.Data[max(0, len(c.Data)-80):], name, c.Encoding)
		}
	}
	score(t, "charset", passed, len(cases), 72.0/82)
}

func TestConformanceRobots(t *testing.T) {
	type robotsCase struct {
		ID, Tier, Class string
		Text            string `json:"robots_txt"`
		Base64          string `json:"robots_txt_b64"`
		Agent           string `json:"user_agent"`
		URL             string
		Allowed         bool
		Conflict        bool
	}
	passed, total := map[string]int{}, map[string]int{}
	for _, c := range conformanceCases[robotsCase](t, "robots.jsonl") {
		if c.Conflict {
			continue
		}
		body := []byte(c.Text)
		if c.Base64 != "" {
			var err error
			if body, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
				t.Fatal(err)
			}
		}
		agent, _, _ := strings.Cut(c.Agent, "/") // without its version
		ok, rule := ParseRobots(body, agent).Allowed(pathOf(c.URL))
		for _, group := range []string{c.Tier, "all"} {
			total[group]++
			if ok == c.Allowed {
				passed[group]++
			}
		}
		if ok != c.Allowed {
			t.Logf("%s: %s %s: %s for %q: got %v by %q\n%.300s", c.ID, c.Tier, c.Class, c.URL, c.Agent, ok, rule, body)
		}
	}
	score(t, "robots rfc", passed["rfc"], total["rfc"], 1)
	score(t, "robots all", passed["all"], total["all"], 0.95)
	for _, tier := range []string{"google", "vendor"} {
		t.Logf("of these, %s: %d of %d", tier, passed[tier], total[tier])
	}
}

// pathOf returns the path and query of a URL, or of a path with a fragment.
func pathOf(url string) string {
	url, _, _ = strings.Cut(url, "#")
	if _, rest, ok := strings.Cut(url, "://"); ok {
		i := strings.IndexAny(rest, "/?")
		if i < 0 {
			return "/"
		}
		url = rest[i:]
	}
	if !strings.HasPrefix(url, "/") {
		url = "/" + url
	}
	return url
}

func TestConformanceRobotsRealWorld(t *testing.T) {
	type verdict struct {
		ID, File, URL      string
		Agent              string `json:"user_agent"`
		Allowed, Consensus bool
	}
	cases := conformanceCases[verdict](t, "robots-realworld.jsonl")
	passed, total, all := 0, 0, 0
	wronglyAllowed, disallowed := map[string]int{}, map[string]int{}
	for _, c := range cases {
		body, err := os.ReadFile(filepath.Join(os.Getenv("TRAWL_CONFORMANCE"), c.File))
		if err != nil {
			t.Fatal(err)
		}
		ok, rule := ParseRobots(body, c.Agent).Allowed(pathOf(c.URL))
		if ok == c.Allowed {
			all++
		}
		if !c.Consensus {
			continue
		}
		total++
		if !c.Allowed {
			disallowed[c.File]++
		}
		if ok == c.Allowed {
			passed++
			continue
		}
		if ok {
			wronglyAllowed[c.File]++
		}
		t.Logf("%s: %s %s for %q: got %v by %q", c.ID, c.File, c.URL, c.Agent, ok, rule)
	}
	score(t, "robots-realworld consensus", passed, total, 0.997)
	t.Logf("Google's verdicts, without consensus too: %d of %d", all, len(cases))
	for file, n := range wronglyAllowed {
		if n == disallowed[file] {
			t.Errorf("%s fails open: all %d disallowed URLs are allowed", file, n)
		}
	}
}

func TestConformanceRobotsMeta(t *testing.T) {
	type metaCase struct {
		ID, Source string
		Text       string          `json:"robots_txt"`
		Agent      string          `json:"user_agent"`
		Delay      json.RawMessage `json:"crawl_delay"`
		Sitemaps   []string
	}
	cases := conformanceCases[metaCase](t, "robots-meta.jsonl")
	passed := 0
	for _, c := range cases {
		r := ParseRobots([]byte(c.Text), c.Agent)
		ok := c.Sitemaps == nil || slices.Equal(r.Sitemaps(), c.Sitemaps)
		if c.Delay != nil {
			seconds := 0.0 // of null
			if !bytes.Equal(c.Delay, []byte("null")) {
				if err := json.Unmarshal(c.Delay, &seconds); err != nil {
					t.Fatal(err)
				}
			}
			ok = ok && r.CrawlDelay() == time.Duration(seconds*float64(time.Second))
		}
		if ok {
			passed++
		} else {
			t.Logf("%s: %s: got %v, %q", c.ID, c.Source, r.CrawlDelay(), r.Sitemaps())
		}
	}
	score(t, "robots-meta", passed, len(cases), 1)
}

// sitemapRules say why a case of the third party may come out otherwise here, by a word that its source or its flags
// show. Each names what we do instead.
var sitemapRules = []struct {
	name, why string
	applies   func(c *sitemapCase) bool
}{
	{"namespace", "asked for strict namespaces, crawler-commons refuses a sitemap with a misspelt one; we read it: such files are common, and harmless",
		func(c *sitemapCase) bool { return c.StrictNamespace && c.Error != "" }},
}

type sitemapCase struct {
	ID, Source, File, URL, Error, Type string
	ContentType                        string `json:"content_type"`
	StrictNamespace                    bool
	URLs                               []struct {
		Loc        string
		LastMod    *time.Time
		ChangeFreq string
		Priority   *float64
	}
}

// entries are those expected, as text. A default of crawler-commons is its own.
func (c *sitemapCase) entries() (list []string) {
	for _, u := range c.URLs {
		e := SitemapEntry{Priority: 0.5}
		if u.LastMod != nil {
			e.LastMod = *u.LastMod
		}
		if u.Priority != nil {
			e.Priority = *u.Priority
		}
		if u.ChangeFreq != "null" {
			e.ChangeFreq = strings.ToLower(u.ChangeFreq)
		}
		list = append(list, describe(u.Loc, e))
	}
	return list
}

func describe(loc string, e SitemapEntry) string {
	return fmt.Sprint(loc, " ", e.LastMod.UTC().Format(time.RFC3339), " ", e.ChangeFreq, " ", e.Priority)
}

func TestConformanceSitemaps(t *testing.T) {
	formats := map[string][]SitemapFormat{"XML": {SitemapXML}, "INDEX": {SitemapIndex}, "TEXT": {SitemapText}, "RSS": {SitemapRSS}, "ATOM": {SitemapAtom}}
	cases := conformanceCases[sitemapCase](t, "sitemaps.jsonl")
	passed, explained := 0, map[string]int{}
	for _, c := range cases {
		body, err := os.ReadFile(filepath.Join(os.Getenv("TRAWL_CONFORMANCE"), c.File))
		if err != nil {
			t.Fatal(err)
		}
		base, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		info, err := Sitemap(bytes.NewReader(body), c.ContentType, func(e SitemapEntry) bool {
			if u, err := base.Parse(e.Loc); err == nil {
				u.Fragment = ""
				got = append(got, describe(u.String(), e))
			}
			return true
		})
		if want := c.entries(); slices.Equal(got, want) && errors.Is(err, ErrNotSitemap) == (c.Error != "") &&
			(c.Error != "" || slices.Contains(formats[c.Type], info.Format)) {
			passed++
			continue
		}
		why := "unexplained"
		for _, r := range sitemapRules {
			if r.applies(&c) {
				why, explained[r.name] = r.why, explained[r.name]+1
				break
			}
		}
		t.Logf("%s: %s: got %s %q, %v; want %s %q %s: %s", c.ID, c.Source, info.Format, got, err, c.Type, c.entries(), c.Error, why)
	}
	t.Logf("sitemaps: %d of %d as crawler-commons has them", passed, len(cases))
	for _, r := range sitemapRules {
		t.Logf("%-10s %3d  %s", r.name, explained[r.name], r.why)
		passed += explained[r.name]
	}
	score(t, "sitemaps, explained ones included", passed, len(cases), 1)
}
