package parser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRobotsRules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		law, robots, path string
		line              string // that decides
	}{
		{"an empty file allows all", "", "/x", ""},
		{"a rule before any agent is nobody's", "Disallow: /\nUser-agent: trawl\nDisallow: /a", "/x", ""},
		{"the group for all is for us", "User-agent: *\nDisallow: /x", "/x/y", "Disallow: /x"},
		{"a group of our own replaces it", "User-agent: *\nDisallow: /\nUser-agent: trawl\nDisallow: /a", "/x", ""},
		{"also one without rules", "User-agent: trawl\nUser-agent: *\nDisallow:\nUser-agent: *\nDisallow: /", "/x", ""},
		{"our name is known in any case and with a version", "User-agent: TRAWL/2.0 (x)\nDisallow: /", "/", "Disallow: /"},
		{"a longer name is another's", "User-agent: trawler\nDisallow: /", "/", ""},
		{"so is a shorter one", "User-agent: tra\nDisallow: /", "/", ""},
		{"groups of one agent are one", "User-agent: trawl\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: trawl\nDisallow: /b", "/b", "Disallow: /b"},
		{"agents in a row share a group", "User-agent: x\nUser-agent: trawl\n\n# note\nSitemap: s\nUser-agent: y\nDisallow: /b", "/b", "Disallow: /b"},
		{"an empty rule ends the row of agents", "User-agent: trawl\nDisallow:\nUser-agent: x\nDisallow: /", "/b", ""},
		{"the longest match decides", "User-agent: *\nDisallow: /a/b\nAllow: /a\nAllow: /a/b/c", "/a/b/d", "Disallow: /a/b"},
		{"of the same length, allow decides", "User-agent: *\nDisallow: /a\nAllow: /a", "/a", "Allow: /a"},
		{"of the same rule, the first line is told", "User-agent: *\nDisallow: /a #1\ndisallow:/a", "/a", "Disallow: /a"},
		{"paths have a case", "User-agent: *\nDisallow: /A", "/a", ""},
		{"a star is anything, nothing too", "User-agent: *\nDisallow: /a*b", "/ab", "Disallow: /a*b"},
		{"a dollar is the end", "User-agent: *\nDisallow: /*.gif$", "/a.gif?x", ""},
		{"and only the end", "User-agent: *\nDisallow: /*.gif$", "/a.gif.gif", "Disallow: /*.gif$"},
		{"a dollar elsewhere is a dollar", "User-agent: *\nDisallow: /a$b", "/a$b", "Disallow: /a$b"},
		{"an anchored rule without a star is the path", "User-agent: *\nDisallow: /a$", "/ab", ""},
		{"pieces between stars do not overlap", "User-agent: *\nDisallow: /*ab*ba$", "/aba", ""},
		{"a star escaped is a star", "User-agent: *\nDisallow: /%2A", "/*", "Disallow: /%2A"},
		{"a star escaped is no wildcard", "User-agent: *\nDisallow: /%2A", "/x", ""},
		{"a rule that begins with neither slash nor star matches nothing", "User-agent: *\nDisallow: a", "/a", ""},
		{"escapes are compared as what they mean", "User-agent: *\nDisallow: /%7ejoe/ü", "/~joe/%c3%bc", "Disallow: /%7ejoe/ü"},
		{"an escaped slash is no slash", "User-agent: *\nDisallow: /a/b", "/a%2Fb", ""},
		{"but in a query", "User-agent: *\nDisallow: /?u=http%3A%2F%2Fx", "/?u=http://x", "Disallow: /?u=http%3A%2F%2Fx"},
		{"a lone percent sign is itself", "User-agent: *\nDisallow: /100%", "/100%25", "Disallow: /100%"},
		{"robots.txt itself is allowed", "User-agent: *\nDisallow: /", "/robots.txt", ""},
		{"comments and white space do not count", " \tUser-agent\t:\t*#x\n  Disallow : /x  # y", "/x", "Disallow : /x"},
		{"each of the three ends of line is one", "User-agent: *\rDisallow: /a\r\nDisallow: /b\nDisallow: /c", "/c", "Disallow: /c"},
		{"misspellings are understood", "useragent: *\nDissalow: /x\ndisallow /y", "/y", "disallow /y"},
		{"a colon missing in prose is no rule", "User-agent: *\ndisallow /x and /y", "/x", ""},
		{"words of others are passed over", "User-agent: *\nNoindex: /x\nHost: a\nDisallow: /x", "/x", "Disallow: /x"},
		{"a byte order mark is passed over", "\xef\xbb\xbfUser-agent: *\nDisallow: /", "/", "Disallow: /"},
		{"UTF-16 is read", "\xff\xfeU\x00s\x00e\x00r\x00-\x00a\x00g\x00e\x00n\x00t\x00:\x00*\x00\n\x00D\x00i\x00s\x00a\x00l\x00l\x00o\x00w\x00:\x00/\x00", "/", "Disallow:/"},
		{"a page in its place allows all", "<!DOCTYPE html><title>404</title>\n<p>User-agent: *</p>\n<p>Disallow: /</p>", "/", ""},
	} {
		t.Run(test.law, func(t *testing.T) {
			t.Parallel()
			ok, line := ParseRobots([]byte(test.robots), "trawl").Allowed(test.path)
			if line != test.line || ok == strings.HasPrefix(strings.ToLower(test.line), "dis") {
				t.Errorf("%q: got %v by %q, want %q", test.robots, ok, line, test.line)
			}
		})
	}
}

func TestCrawlDelay(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"2": 2 * time.Second, "0.5": time.Second / 2, " 1e1 ": 10 * time.Second, "1e300": 1<<63 - 1, "+Inf": 1<<63 - 1,
		"": 0, "0": 0, "-1": 0, "NaN": 0, "fast": 0, "1s": 0,
	} {
		if got := ParseRobots([]byte("User-agent: *\nCrawl-delay: "+value), "trawl").CrawlDelay(); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
	r := ParseRobots([]byte("User-agent: *\nCrawl-delay: 9\nDisallow: /\nUser-agent: trawl\nCrawl-delay: 1\nCrawl-delay: 2\nCrawl-delay: x"), "trawl")
	if got := r.CrawlDelay(); got != 2*time.Second {
		t.Errorf("of our own group the largest counts: got %v", got)
	}
}

func TestSitemapsAreNamedForAll(t *testing.T) {
	t.Parallel()
	r := ParseRobots([]byte("Sitemap: https://a/1\nUser-agent: x\nDisallow: /\nsite-map: https://a/2 # x\nSitemap:\n"), "trawl")
	if got, want := r.Sitemaps(), []string{"https://a/1", "https://a/2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRobotsBeyondTheLimitAreNotRead(t *testing.T) {
	t.Parallel()
	const head, last = "User-agent: *\n", "Disallow: /last\n"
	filler := strings.Repeat("#", MaxRobots-len(head)-len(last)-1) + "\n"
	r := ParseRobots([]byte(head+filler+last+"Disallow: /more\n"), "trawl")
	if ok, _ := r.Allowed("/last"); ok {
		t.Error("the last line within the limit is not obeyed")
	}
	if ok, _ := r.Allowed("/more"); !ok {
		t.Error("a line behind the limit is obeyed")
	}
	if ok, line := ParseRobots([]byte(head+"####"+filler+last), "trawl").Allowed("/last"); !ok {
		t.Errorf("half a line at the limit is obeyed: %q", line)
	}
}

func TestTheZeroRobotsAllowsAll(t *testing.T) {
	t.Parallel()
	var r Robots
	if ok, line := r.Allowed("/x"); !ok || line != "" || r.CrawlDelay() != 0 || r.Sitemaps() != nil {
		t.Errorf("got %v %q", ok, line)
	}
}

// Stars make a backtracking matcher take for ever.
func TestMatchingIsLinearInStars(t *testing.T) {
	t.Parallel()
	r := ParseRobots([]byte("User-agent: *\nDisallow: /"+strings.Repeat("*a", 200_000)+"b$"), "trawl")
	start := time.Now()
	if ok, _ := r.Allowed("/" + strings.Repeat("a", 2000)); !ok {
		t.Error("it matches")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestProductToken(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"trawl", "My_Bot-x"} {
		if err := ProductToken(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{"": "empty", "bot2": `'2'`, "my bot": `' '`, "trawl/1.0": `'/'`, "*": `'*'`, "böt": `'ö'`} {
		if err := ProductToken(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error that names %s", bad, err, want)
		}
	}
}

func TestRobotsHeader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values string // parted by "|"
		want   string // noindex, nofollow
	}{
		{"", "false false"},
		{"noindex", "true false"},
		{"NoIndex, NOFOLLOW", "true true"},
		{"none", "true true"},
		{"noindex|nofollow", "true true"},
		{"trawl: nofollow", "false true"},
		{"Trawl: noarchive, nofollow", "false true"},
		{"googlebot: noindex, nofollow", "false false"},
		{"googlebot: noindex, trawl: nofollow", "false true"},
		{"nofollow, googlebot: noindex", "false true"},
		{"googlebot: noindex|nofollow", "false true"},
		{"unavailable_after: Wed, 25 Jun 2025 15:00:00 GMT, noindex", "true false"},
		{"max-snippet: 3, nofollow", "false true"},
		{"unavailable_after: none", "false false"},
	} {
		noindex, nofollow := RobotsHeader(strings.Split(test.values, "|"), "trawl")
		if got := fmt.Sprint(noindex, nofollow); got != test.want {
			t.Errorf("%q: got %s, want %s", test.values, got, test.want)
		}
	}
}
