package parser

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
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

// score reports how many cases of a group passed, and fails under the goal.
func score(t *testing.T, group string, passed, total int, goal float64) {
	t.Helper()
	got := float64(passed) / float64(total)
	t.Logf("%s: %d of %d (%.2f %%)", group, passed, total, 100*got)
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
		d := HTML([]byte(c.HTML), "text/html; charset=utf-8", "trawl")
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
	score(t, "charset", passed, len(cases), 0.9)
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
