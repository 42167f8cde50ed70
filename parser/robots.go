package parser

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxRobots is how much of a robots.txt is read, in bytes; RFC 9309 section 2.5 asks for as much at least.
const MaxRobots = 500 << 10

// Robots are the rules of one site for one agent (RFC 9309). The zero Robots allows everything. It does not change and
// may be shared; it keeps no part of the file it was made of but the rules.
type Robots struct {
	rules    []rule
	starred  int // rules with a star
	delay    time.Duration
	sitemaps []string
}

// rule is one Allow or Disallow.
type rule struct {
	pattern pattern
	hints   hints
	allow   bool
	line    string // as written
}

// ParseRobots reads a robots.txt for the agent with the given product token: the groups that name it, taken together,
// or else those for "*". It reads what it can of what is no robots.txt. Of RFC 9309 it is tolerant as Google's parser
// is: a missing colon, white space before it, and common misspellings of the words. Cost: O(len(body)).
func ParseRobots(body []byte, token string) *Robots {
	p := robotsParser{token: token}
	body = trimRobotsBOM(body)
	if len(body) > MaxRobots { // not the line that the cut goes through: it could say something else
		body = body[:bytes.LastIndexAny(body[:MaxRobots], "\r\n")+1]
	}
	for len(body) > 0 {
		line := body
		if i := bytes.IndexAny(body, "\r\n"); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		p.line(line)
	}
	return p.robots()
}

// trimRobotsBOM cuts a byte order mark. A file in UTF-16, which no RFC allows, would forbid nothing, so its zero bytes go
// as well, which leaves ASCII; some files are ASCII behind that mark.
func trimRobotsBOM(body []byte) []byte {
	switch bom(body) {
	case "utf-8":
		return body[3:]
	case "utf-16le", "utf-16be":
		return bytes.ReplaceAll(body[2:min(len(body), 2*MaxRobots)], []byte{0}, nil)
	}
	return body
}

// Allowed tells whether the agent may fetch path, a URL's path and query from its first slash on, and which line decided,
// as written: "Disallow: /x". No line decides where no rule matches, nor for /robots.txt itself, which is always allowed.
// The longest matching pattern decides; of an Allow and a Disallow of the same length, the Allow (RFC 9309 section
// 2.2.2). Cost: O(rules x len(path)) at worst, 20 ms for 500 KiB of rules that were made for it; for a rule without "*", no
// more than a comparison of prefixes.
func (r *Robots) Allowed(path string) (ok bool, line string) {
	if len(r.rules) == 0 || path == "/robots.txt" {
		return true, ""
	}
	path = canonical(path, false)
	// Rules are few and most fail at their first bytes: an index would cost more than it saves. Where many have stars it is
	// hints that save a search.
	var best *rule
	var in trigrams
	many := r.starred > manyStarred
	if many {
		in.add(path)
	}
	for i := range r.rules {
		if c := &r.rules[i]; c.outranks(best) && (!many || c.hints.mayMatch(&in)) && c.pattern.matches(path) {
			best = c
		}
	}
	if best == nil {
		return true, ""
	}
	return best.allow, best.line
}

// Starred is how many rules have a star, for which the whole path may have to be searched.
func (r *Robots) Starred() int { return r.starred }

// outranks tells whether the rule decides where both match.
func (r *rule) outranks(best *rule) bool {
	if best == nil {
		return true
	}
	longer := r.pattern.length() - best.pattern.length()
	return longer > 0 || longer == 0 && r.allow && !best.allow
}

// CrawlDelay returns the Crawl-delay of the agent's group, 0 if it has none. It is no part of RFC 9309. It is as large
// as the site wrote it: to clamp it is up to the caller.
func (r *Robots) CrawlDelay() time.Duration { return r.delay }

// Sitemaps returns the URLs of the site's sitemaps as written, for whatever agent. The caller must not change it.
func (r *Robots) Sitemaps() []string { return r.sitemaps }

// ProductToken tells what is wrong with s as the name by which a robots.txt addresses an agent (RFC 9309 section 2.2.1).
func ProductToken(s string) error {
	if s == "" {
		return errors.New("the robots token is empty: it must be letters, '_' and '-', as in \"trawl\"")
	}
	if t := leadingToken(s); t != s {
		return fmt.Errorf("robots token %q: %q cannot be in it, only letters, '_' and '-'", s, []rune(s[len(t):])[0])
	}
	return nil
}

// leadingToken returns the product token that s begins with.
func leadingToken(s string) string {
	n := 0
	for n < len(s) && (isLetter(s[n]) || s[n] == '_' || s[n] == '-') {
		n++
	}
	return s[:n]
}

// robotsParser gathers what a robots.txt says to one agent and, as long as it is not named, to all.
type robotsParser struct {
	token    string
	own, all group
	sitemaps []string

	inOwn, inAll bool // the lines at hand belong to the group
	inRules      bool // the group at hand has rules: the next User-agent begins another
}

// group is the sum of a robots.txt's groups for one agent (RFC 9309 section 2.2.1).
type group struct {
	named bool // there is one: without rules it allows all, whatever the group for "*" says
	rules []rule
	delay time.Duration
}

// line reads one line, without its end.
func (p *robotsParser) line(b []byte) {
	b, _, _ = bytes.Cut(b, []byte("#"))
	b = bytes.TrimSpace(b)
	key, value, ok := splitLine(b)
	if !ok {
		return
	}
	// Whatever else stands there is passed over and, as the RFC wants it, does not end a row of agents: section 2.2.4.
	switch word(key) {
	case "user-agent":
		p.userAgent(value)
	case "allow":
		p.rule(b, value, true)
	case "disallow":
		p.rule(b, value, false)
	case "crawl-delay":
		p.crawlDelay(value)
	case "sitemap":
		if len(value) > 0 {
			p.sitemaps = append(p.sitemaps, strings.ToValidUTF8(string(value), "\ufffd"))
		}
	}
}

// splitLine parts a line at its colon; without one, at its only white space.
func splitLine(b []byte) (key, value []byte, ok bool) {
	if key, value, ok := bytes.Cut(b, []byte(":")); ok {
		return bytes.TrimSpace(key), bytes.TrimSpace(value), true
	}
	if i := bytes.IndexAny(b, " \t"); i > 0 {
		key, value = b[:i], bytes.TrimSpace(b[i:])
		return key, value, !bytes.ContainsAny(value, " \t")
	}
	return nil, nil, false
}

// word returns the word that a line's key means, for the spellings that Google's parser knows.
func word(key []byte) string {
	var low [12]byte
	if len(key) > len(low) {
		return ""
	}
	switch string(lower(low[:0], key)) {
	case "user-agent", "useragent", "user agent":
		return "user-agent"
	case "allow":
		return "allow"
	case "disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw":
		return "disallow"
	case "crawl-delay":
		return "crawl-delay"
	case "sitemap", "site-map":
		return "sitemap"
	}
	return ""
}

// userAgent begins a group, or adds an agent to one that has no rules yet.
func (p *robotsParser) userAgent(value []byte) {
	if p.inRules { // a new group; otherwise this agent joins those of the lines before
		p.inRules, p.inOwn, p.inAll = false, false, false
	}
	switch name := string(value); {
	case name == "*" || len(name) > 1 && name[0] == '*' && isSpace(name[1]):
		p.inAll, p.all.named = true, true
	case p.names(name):
		p.inOwn, p.own.named = true, true
	}
}

// names tells whether the value of a User-agent line means our agent: by the product token that it begins with, as
// "Trawl/2.0" does, or by its first word, which on some sites is a name with digits.
func (p *robotsParser) names(value string) bool {
	first, _, _ := strings.Cut(value, " ")
	return p.token != "" && (strings.EqualFold(leadingToken(value), p.token) || strings.EqualFold(first, p.token))
}

// rule adds a rule to the groups at hand. An empty one forbids nothing, but is a rule: it ends the list of agents.
func (p *robotsParser) rule(line, value []byte, allow bool) {
	p.inRules = true
	if len(value) == 0 || !p.inOwn && !p.inAll {
		return
	}
	text := string(line) // value is its end: with luck, one copy serves both
	pattern := newPattern(text[len(text)-len(value):])
	r := rule{pattern, pattern.hints(), allow, strings.ToValidUTF8(text, "\ufffd")}
	if p.inOwn {
		p.own.rules = append(p.own.rules, r)
	}
	if p.inAll {
		p.all.rules = append(p.all.rules, r)
	}
}

// crawlDelay takes a number of seconds; of several, the largest.
func (p *robotsParser) crawlDelay(value []byte) {
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(seconds > 0) {
		return
	}
	d := time.Duration(math.MaxInt64)
	if ns := math.Round(seconds * float64(time.Second)); ns < float64(math.MaxInt64) {
		d = time.Duration(ns)
	}
	if p.inOwn {
		p.own.delay = max(p.own.delay, d)
	}
	if p.inAll {
		p.all.delay = max(p.all.delay, d)
	}
}

// robots returns what applies: our own group if the file names us.
func (p *robotsParser) robots() *Robots {
	g := p.all
	if p.own.named {
		g = p.own
	}
	r := &Robots{rules: slices.Clip(g.rules), delay: g.delay, sitemaps: p.sitemaps}
	for i := range r.rules {
		if r.rules[i].pattern.hasStar() {
			r.starred++
		}
	}
	return r
}
