package frontier

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Scope decides which links belong to a crawl, by its policy and its seeds. Its methods may be called from many
// goroutines at once; Judge and SameSite take no lock.
type Scope struct {
	rule             ScopeRule
	depth            int
	include, exclude []*regexp.Regexp
	maxSegments      int
	maxRepeats       int
	keys             KeyRules

	// seeds holds a hash of each seed's authority, and of what else the rule keeps of it: its key, folder or domain. A
	// million seeds on one host are one entry under ScopeHost. Should two hashes ever be equal, a link too many gets in.
	seeds  hashSet
	secret maphash.Seed
}

// NewScope makes the scope of a policy, without seeds. The error names the flag and the value that is wrong.
func NewScope(p Policy) (*Scope, error) {
	switch p.Scope {
	case ScopePage, ScopePrefix, ScopeHost, ScopeDomain, ScopeAny:
	default:
		return nil, fmt.Errorf("--scope %q: unknown; use page, prefix, host, domain or any", p.Scope)
	}
	include, err := compile("--include", p.Include)
	if err != nil {
		return nil, err
	}
	exclude, err := compile("--exclude", p.Exclude)
	if err != nil {
		return nil, err
	}
	keys, err := NewKeyRules(p)
	if err != nil {
		return nil, err
	}
	return &Scope{
		rule: p.Scope, keys: keys, depth: p.Depth, include: include, exclude: exclude,
		maxSegments: p.MaxPathDepth, maxRepeats: p.MaxPathRepeats, secret: maphash.MakeSeed(),
	}, nil
}

func compile(flag string, patterns []string) ([]*regexp.Regexp, error) {
	var all []*regexp.Regexp
	for _, pattern := range patterns {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", flag, pattern, err)
		}
		all = append(all, re)
	}
	return all, nil
}

// Add widens the scope by a seed. Cost: two hashes, and 16 to 32 bytes for each that is new.
func (s *Scope) Add(seed URL) {
	s.seeds.add(s.hash(site(seed)))
	switch s.rule {
	case ScopePage:
		s.seeds.add(s.hash(s.keys.Of(seed)))
	case ScopePrefix:
		path, _, _ := strings.Cut(seed.Path(), "?")
		s.seeds.add(s.hash(site(seed), path[:strings.LastIndexByte(path, '/')+1]))
	case ScopeDomain:
		s.seeds.add(s.hash(".", seed.Domain()))
	}
}

// IsSeed tells whether a host is a seed's.
func (s *Scope) IsSeed(h Host) bool { return s.seeds.has(s.hash(h.Authority())) }

// Has tells whether pages of a host can be in scope, whatever its other rules say of them.
func (s *Scope) Has(h Host) bool {
	switch s.rule {
	case ScopeAny:
		return true
	case ScopePage:
		return false // a host is not what this rule is about
	case ScopeDomain:
		return s.seeds.has(s.hash(".", h.URL("/").Domain()))
	default:
		return s.IsSeed(h)
	}
}

// Judge returns why an entry is refused, or "" if it is not. Only the limits on length and redirects hold for seeds and
// sitemaps, and MaxSitemapDepth: a sitemap is no page, and its own pages are judged.
func (s *Scope) Judge(e *Entry) Reason { return s.judge(e, false) }

// JudgeAsset is Judge for what a page is made of, an image or a script. It belongs to its page: on the same site it is in
// scope, whatever the rule.
func (s *Scope) JudgeAsset(e *Entry, page URL) Reason { return s.judge(e, s.SameSite(page, e.URL)) }

func (s *Scope) judge(e *Entry, covered bool) Reason {
	switch {
	case len(e.URL.text) > MaxURLLen:
		return TooLong
	case e.Hops > MaxHops:
		return TooManyHops
	case e.Sitemap && e.Depth > MaxSitemapDepth:
		return SitemapDepth
	case e.Seed || e.Sitemap:
		return ""
	case s.depth >= 0 && e.Depth > s.depth:
		return TooDeep
	case !covered && !s.covers(e):
		return OutOfScope
	case len(s.include) > 0 && !matchesAny(s.include, e.URL.text):
		return NotIncluded
	case matchesAny(s.exclude, e.URL.text):
		return Excluded
	}
	return s.pathTrap(e.URL.Path())
}

// covers applies the scope rule.
func (s *Scope) covers(e *Entry) bool {
	switch s.rule {
	case ScopeAny:
		return true
	case ScopePage:
		// Where a seed redirects to is the page that was asked for; a redirect adds no depth.
		return e.Hops > 0 && e.Depth == 0 || s.seeds.has(s.hash(s.keys.Of(e.URL)))
	case ScopePrefix:
		return s.coversFolder(e.URL)
	case ScopeDomain:
		return s.seeds.has(s.hash(".", e.URL.Domain()))
	default:
		return s.seeds.has(s.hash(site(e.URL)))
	}
}

// coversFolder looks for a seed's folder among those that hold the URL, the root first. The hash goes along the path
// once, however many folders there are.
func (s *Scope) coversFolder(u URL) bool {
	path := u.Path() // with the query: no seed's folder has a ? in it
	var h maphash.Hash
	h.SetSeed(s.secret)
	h.WriteString(site(u))
	for {
		slash := strings.IndexByte(path, '/')
		if slash < 0 {
			return false
		}
		h.WriteString(path[:slash+1])
		if s.seeds.has(h.Sum64()) {
			return true
		}
		path = path[slash+1:]
	}
}

func (s *Scope) hash(parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.secret)
	for _, part := range parts {
		h.WriteString(part)
	}
	return h.Sum64()
}

func matchesAny(patterns []*regexp.Regexp, text string) bool {
	for _, re := range patterns {
		if re.MatchString(text) {
			return true
		}
	}
	return false
}

// SameSite tells whether two URLs are of the same registrable domain by the public suffix list or, where there is none
// (IP addresses, localhost), of the same host name. A redirect that stays on the seed's site widens the scope.
func (s *Scope) SameSite(a, b URL) bool {
	return a.Hostname() == b.Hostname() || a.Domain() == b.Domain()
}

// site returns the authority, in which http and https with their default ports are one.
func site(u URL) string { return u.Host().Authority() }

// Domain returns the registrable domain by the public suffix list, or the host name where there is none: for addresses,
// names of one label, and public suffixes themselves. Cost: 0.3 µs.
func (u URL) Domain() string {
	name := strings.TrimSuffix(u.Hostname(), ".")
	d, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return d
}
