package parser

import (
	"math/big"
	"strings"
	"time"
)

// Text returns a robots.txt that says to every agent what r says to its own: the rules as written, the delay and the
// sitemaps. ParseRobots makes of it, for any token, the same verdicts; it can be longer than MaxRobots, of which
// ParseRobots would cut the end. Cost: O(rules).
func (r *Robots) Text() string {
	var b strings.Builder
	if len(r.rules) > 0 || r.delay > 0 {
		b.WriteString("User-agent: *\n")
	}
	for i := range r.rules {
		b.WriteString(r.rules[i].text())
		b.WriteByte('\n')
	}
	if r.delay > 0 {
		b.WriteString("Crawl-delay: " + seconds(r.delay) + "\n")
	}
	for _, s := range r.sitemaps {
		b.WriteString("Sitemap: " + s + "\n")
	}
	return b.String()
}

// text is a line that makes the rule: the one that was written, unless that was no UTF-8, of which the pattern knows
// more.
func (r *rule) text() string {
	if _, value, ok := splitLine([]byte(r.line)); ok && newPattern(string(value)) == r.pattern {
		return r.line
	}
	key, end := "Disallow: ", ""
	if r.allow {
		key = "Allow: "
	}
	if r.pattern.anchored {
		end = "$"
	}
	return key + r.pattern.text + end
}

// seconds writes a duration exactly.
func seconds(d time.Duration) string {
	return new(big.Rat).SetFrac64(int64(d), int64(time.Second)).FloatString(9)
}
