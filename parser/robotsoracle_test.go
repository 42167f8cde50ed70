package parser

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/temoto/robotstxt"
)

// TestRobotsAgreeWithTemoto compares with another parser on files that both read right: each agent named once and by no
// prefix of another's name, each group with a rule, and rules that are different plain paths.
func TestRobotsAgreeWithTemoto(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		file := plainRobots(rnd)
		theirs, err := robotstxt.FromString(file)
		if err != nil {
			t.Fatal(err)
		}
		ours := ParseRobots([]byte(file), "trawl")
		for range 10 {
			path := plainPath(rnd, 6)
			if ok, line := ours.Allowed(path); ok != theirs.TestAgent(path, "trawl") {
				t.Fatalf("%q: %v by %q\n%s", path, ok, line, file)
			}
		}
		if got, want := ours.CrawlDelay(), theirs.FindGroup("trawl").CrawlDelay; got != want {
			t.Fatalf("delay %v, want %v\n%s", got, want, file)
		}
		if got, want := fmt.Sprint(ours.Sitemaps()), fmt.Sprint(theirs.Sitemaps); got != want {
			t.Fatalf("sitemaps %s, want %s\n%s", got, want, file)
		}
	}
}

// plainRobots writes a file of a few groups.
func plainRobots(rnd *rand.Rand) string {
	var b strings.Builder
	agents := []string{"trawl", "*", "bot", "spider"}
	rnd.Shuffle(len(agents), func(i, j int) { agents[i], agents[j] = agents[j], agents[i] })
	for _, agent := range agents[:1+rnd.IntN(len(agents))] {
		fmt.Fprintf(&b, "User-agent: %s\n", agent)
		seen := map[string]bool{}
		for range 1 + rnd.IntN(5) {
			if path := plainPath(rnd, 4); !seen[path] {
				seen[path] = true
				fmt.Fprintf(&b, "%s: %s\n", []string{"Allow", "disallow"}[rnd.IntN(2)], path)
			}
		}
		if rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "Crawl-delay: %d\n", 1+rnd.IntN(9))
		}
		fmt.Fprintf(&b, "Sitemap: https://a.test/%d\n\n", rnd.IntN(9))
	}
	return b.String()
}

func plainPath(rnd *rand.Rand, most int) string {
	path := "/"
	for range rnd.IntN(most) {
		path += string("ab/?"[rnd.IntN(4)])
	}
	return path
}

// TestManyRulesWithStarsDecideAsOneByOne has files of so many rules that some are passed over without a search.
func TestManyRulesWithStarsDecideAsOneByOne(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	draw := func(letters string, n int) string {
		b := []byte("/")
		for range n {
			b = append(b, letters[rnd.IntN(len(letters))])
		}
		return string(b)
	}
	for range 2000 {
		all := make([]string, 3*manyStarred)
		for i := range all {
			all[i] = []string{"Allow: ", "Disallow: "}[rnd.IntN(2)] + draw("aaabbc/**", 2+rnd.IntN(10)) + []string{"", "$"}[rnd.IntN(2)]
		}
		many := ParseRobots([]byte("User-agent: *\n"+strings.Join(all, "\n")), "trawl")
		for range 20 {
			path, want := draw("aaabbc/", rnd.IntN(20)), (*rule)(nil)
			for _, line := range all {
				one := ParseRobots([]byte("User-agent: *\n"+line), "trawl")
				if _, by := one.Allowed(path); by != "" && one.rules[0].outranks(want) {
					want = &one.rules[0]
				}
			}
			ok, line := many.Allowed(path)
			if want == nil && (!ok || line != "") || want != nil && (ok != want.allow || line != want.line) {
				t.Fatalf("%s: %v by %q, want %+v\n%s", path, ok, line, want, strings.Join(all, "\n"))
			}
		}
	}
}
