package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
)

// unusual differs from the default policy in every field.
func unusual() frontier.Policy {
	return frontier.Policy{
		Scope: frontier.ScopeDomain, Include: []string{`^https:`, `"a: b"`}, Exclude: []string{`\.pdf$`, "#", " x"}, Depth: 7,
		MaxPages: 1234567, MaxHostPages: 11, MaxHostQueue: 12, Delay: 1500 * time.Millisecond, PerHost: 3,
		MaxCrawlDelay: 90 * time.Second, IgnoreRobots: true, UserAgent: "me/1 (+https://me.example: \"x\")",
		AllowNet: []string{"10.1.0.0/16", "::1"}, Timeout: 10 * time.Second, MaxBody: 1<<20 + 1, Retries: 5, HostFailures: 4,
		Sitemaps: false, Assets: true, DropParams: []string{"ref", "x_*"}, Fold: []string{"www", "slash"},
		MaxPathDepth: 6, MaxPathRepeats: 7, MaxDates: 8, MaxQueries: 9, EchoAfter: 10, MaxDomainHosts: 11, Adaptive: true, RobotsCache: time.Hour, MaxRetryAfter: 2 * time.Hour,
	}
}

func TestAShownPolicyMakesTheSamePolicy(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		for name, policy := range map[string]frontier.Policy{"unusual": unusual(), "default": frontier.DefaultPolicy()} {
			p.with(t, func(s store) {
				if err := s.SetPolicy(t.Context(), policy); err != nil {
					t.Fatal(err)
				}
			})
			file := filepath.Join(t.TempDir(), "p.yaml")
			write(t, file, p.fine(t, "policy", "show"))
			other := home{dir: t.TempDir()}
			s := site(t, map[string][]string{"/": nil})
			other.call(t, "crawl", "--config", file, "--progress", "none", "--max-time", "0.01", "--max-host-pages", "11", s.URL)
			got := policyJSON(t, other)
			policy.MaxHostPages = 11
			if policy.UserAgent == "" {
				policy.UserAgent = got.UserAgent
			}
			if !reflect.DeepEqual(got, policy) {
				t.Errorf("%s:\n%+v, not\n%+v", name, got, policy)
			}
			if shown := policyJSON(t, p); shown.Delay != policy.Delay {
				t.Errorf("%+v", shown)
			}
		}
	})
}

func policyJSON(t *testing.T, p home) (policy frontier.Policy) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.fine(t, "policy", "show", "--json")), &policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestPolicySetChangesWhatIsGivenAndSaysWhat(t *testing.T) {
	t.Parallel()
	eachHome(t, func(t *testing.T, p home) {
		p.fill(t)
		before := policyJSON(t, p)
		for _, step := range []struct {
			args []string
			says string
			do   func(*frontier.Policy)
		}{
			{[]string{"--delay", "2"}, "delay: 0 -> 2s\n", func(p *frontier.Policy) { p.Delay = 2 * time.Second }},
			{[]string{"--delay", "2s"}, "default: nothing to change\n", func(*frontier.Policy) {}},
			{[]string{"--max-pages", "5", "--robots", "ignore", "--max-body", "1MiB"}, "max-pages: 0 -> 5\nrobots: obey -> ignore\nmax-body: 10MiB -> 1MiB\n",
				func(p *frontier.Policy) { p.MaxPages, p.IgnoreRobots, p.MaxBody = 5, true, 1<<20 }},
			{[]string{"--exclude", "a", "--exclude", "b"}, "exclude: [] -> [a, b]\n", func(p *frontier.Policy) { p.Exclude = []string{"a", "b"} }},
			{[]string{"--exclude", "", "--allow-net", ""}, "exclude: [a, b] -> []\n", func(p *frontier.Policy) { p.Exclude = nil }},
			{[]string{"--contact", "me"}, "user-agent:  -> trawl/" + version() + " (+me)\n", func(p *frontier.Policy) { p.UserAgent = "trawl/" + version() + " (+me)" }},
		} {
			if got := p.fine(t, append([]string{"policy", "set"}, step.args...)...); got != step.says {
				t.Errorf("%q: %q, want %q", step.args, got, step.says)
			}
			step.do(&before)
			if got := policyJSON(t, p); !reflect.DeepEqual(got, before) {
				t.Errorf("%q: %+v, not %+v", step.args, got, before)
			}
		}
	})
}

func TestPolicySetReadsItsFlagsFromAFileToo(t *testing.T) {
	t.Parallel()
	p := homes(t)[0]
	p.fill(t)
	write(t, filepath.Join(p.dir, "c.yaml"), "delay: 3s\nprogress: none\n")
	if got := p.fine(t, "policy", "set", "--config", "c.yaml"); got != "delay: 0 -> 3s\n" {
		t.Errorf("%q", got)
	}
}

func TestPolicyAloneShowsItsHelp(t *testing.T) {
	t.Parallel()
	r := call(t, t.TempDir(), "policy")
	if r.code != exitDone || !strings.Contains(r.out, "show") || !strings.Contains(r.out, "set") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat("trawl-data"); err == nil {
		t.Error("it made a folder")
	}
}
