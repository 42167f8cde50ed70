package worker

import (
	"bytes"
	"hash/maphash"
	"math"
	"strings"
	"sync"

	"trawl/frontier"
)

// How much is kept about traps, by a whole worker: some 30 MB when all of it is in use, beside the pages of crowds that are
// not asked about yet (crowd.add).
const (
	maxTemplates = 32_768
	maxCrowds    = 16_384
	maxDue       = 1024
	maxBodies    = 16_384
)

const (
	maxSitemaps   = 10_000 // of one host: some have one for each day
	sessionsOfOne = 3      // URLs that differ in nothing but a session
	datesToTrust  = 50     // of a template, without a misfit, until dates that could be other numbers are taken for dates
	yearsAhead    = 2
)

// What is limited for a template is limited for a host too, as there can be any number of templates. Only those count of
// which there are several URLs: articles have a date, and a title that no other has.
const (
	several     = 10
	hostDates   = 20 // times Policy.MaxDates
	hostQueries = 10 // times Policy.MaxQueries
	ownHosts    = 10 // Policy.MaxDomainHosts by this, for those that are named by others of their domain
)

// traps finds sites that make up URLs without end, by what the worker saw of them. It counts for this worker alone,
// since it began, and approximately: its limits keep a crawl from growing for ever, they are not quotas.
type traps struct {
	seed maphash.Seed

	mu        sync.Mutex
	templates *table[distinct, *distinct]
	crowds    *table[crowd, *crowd]
	series    *table[series, *series]
	bodies    *table[body, *body]
	due       map[frontier.Host]*probe
	echoes    marks // pages of crowds that echo, and whether those are of a whole host: see isEchoed
	repeats   marks // pages that are repeated too often: likewise
}

func newTraps() *traps {
	return &traps{
		seed:      maphash.MakeSeed(),
		templates: newTable[distinct](maxTemplates),
		crowds:    newTable[crowd](maxCrowds),
		series:    newTable[series](maxSeries),
		bodies:    newTable[body](maxBodies),
		due:       map[frontier.Host]*probe{},
		echoes:    marks{},
		repeats:   marks{},
	}
}

// refuses returns why a link is refused by what was seen of its site before, or "" if it is not. Cost: 20 ns for URLs
// that cannot vary in one of the ways below, else 0.5 us, and 0.2 us more for those that are counted for their host too.
func (t *traps) refuses(u frontier.URL, p *frontier.Policy) frontier.Reason {
	if !mayVary(u.Path()) {
		return ""
	}
	var room, more [512]byte
	v := variant{host: string(u.Host()), path: u.Path()}
	v.template, v.session = withoutSessions(room[:0], v.path)
	v.undated, v.date = withoutDates(more[:0], v.template)
	v.end = bytes.IndexByte(v.template, '?')
	switch {
	case !v.session && !v.dated && !v.misfit && v.end < 0:
		return ""
	case p.MaxDates > 0 && v.sure && v.isLate():
		return frontier.Calendar
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case v.session && t.sessions(&v) > sessionsOfOne:
		return frontier.SessionID
	case p.MaxDates > 0 && (v.dated || v.misfit) && t.isCalendar(&v, p.MaxDates):
		return frontier.Calendar
	case p.MaxQueries > 0 && v.end >= 0 && t.isQueried(&v, p.MaxQueries):
		return frontier.ManyQueries
	}
	return ""
}

// variant is a URL and its templates.
type variant struct {
	host, path string
	template   []byte // without sessions
	end        int    // of the path in it; -1: it has no query
	session    bool
	undated    []byte // without dates too
	date
}

func (t *traps) sessions(v *variant) int {
	return t.count(v.host, 's', v.template).add(maphash.String(t.seed, v.path), sessionsOfOne)
}

// isQueried counts a URL that has a query, and tells whether there are too many.
func (t *traps) isQueried(v *variant, limit int) bool {
	n := t.count(v.host, 'q', v.template[:v.end]).add(maphash.Bytes(t.seed, v.template[v.end:]), limit)
	return n > limit || n > several && t.ofHost(v, 'Q', maphash.Bytes(t.seed, v.template), hostQueries, limit)
}

// ofHost counts what is limited for a host as a whole, to so many times a limit, and tells whether there are too many.
func (t *traps) ofHost(v *variant, what byte, hash uint64, times, limit int) bool {
	most := times * min(limit, math.MaxInt/times)
	return t.count(v.host, what, nil).add(hash, most) > most
}

// sitemaps counts those of a host, and returns how many there are: indexes can name others without end, and so can a
// robots.txt each time it is asked for.
func (t *traps) sitemaps(u frontier.URL) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count(string(u.Host()), 'm', nil).add(maphash.String(t.seed, u.Path()), maxSitemaps)
}

// isOneOfMany counts the hosts of a registrable domain that others link to, and tells whether there are too many. A name
// server that answers any name makes as many as its pages care to name: so far fewer are let pass that are named by hosts
// of their own domain; namer is the host that does, "" if it is not to matter. Names such as www.example.com are not made up; they are what most links lead to, and cost nothing.
func (t *traps) isOneOfMany(u frontier.URL, namer frontier.Host, limit int) bool {
	domain := domainOf(u)
	if limit <= 0 || domain == "" {
		return false
	}
	own := namer != "" && namer.URL("/").Domain() == domain
	hash := maphash.String(t.seed, string(u.Host()))
	t.mu.Lock()
	defer t.mu.Unlock()
	if most := max(1, limit/ownHosts); own && t.count(domain, 'o', nil).add(hash, most) > most {
		return true
	}
	return t.count(domain, 'h', nil).add(hash, limit) > limit
}

// crowdedDomain is how many hosts of a registrable domain that others link to make it a crowded one.
const crowdedDomain = 100

// isCrowded tells whether a host is of a crowded domain. A name server that answers any name makes as many hosts as are
// wanted, which all answer: as strangers they stay in the other line, and do not take the turns of honest ones.
func (t *traps) isCrowded(h frontier.Host, limit int) bool {
	domain := domainOf(h.URL("/"))
	if limit <= 0 || domain == "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	hosts := t.templates.find(t.countKey(domain, 'h', nil))
	return hosts != nil && hosts.count(limit) > crowdedDomain
}

// domainOf is the registrable domain of a host that may be one of many, or "".
func domainOf(u frontier.URL) string {
	name := strings.TrimPrefix(u.Host().Authority(), "www.")
	if strings.Count(name, ".") < 2 && !strings.Contains(name, ":") {
		return ""
	}
	if domain := u.Domain(); domain != name {
		return domain
	}
	return ""
}

// isCalendar counts a URL that has a date, and tells whether there are too many. Numbers that may be dates are, where
// all of a template's are; and once there are too many, one that is none changes nothing.
func (t *traps) isCalendar(v *variant, limit int) bool {
	if v.bare {
		return t.isYears(v)
	}
	c := t.count(v.host, 'd', v.undated)
	if c.count(limit) <= limit {
		c.misfit = c.misfit || v.misfit || v.second > 0 && c.second > 0 && v.second != c.second
		c.second = max(c.second, v.second)
	}
	if c.misfit && !v.sure {
		return false
	}
	trusted := datesToTrust
	if v.sure {
		trusted = several
	}
	hash := maphash.Bytes(t.seed, v.template)
	n := c.add(hash, limit)
	return n > limit || n > datesToTrust && v.isLate() || n > trusted && t.ofHost(v, 'D', hash, hostDates, limit)
}

// isYears is isCalendar for a year alone, which is more often the number of a thing. There are not many, so only those
// that are too late are counted.
func (t *traps) isYears(v *variant) bool {
	c := t.count(v.host, 'y', v.undated)
	if v.misfit && c.count(datesToTrust) <= datesToTrust {
		c.misfit = true
	}
	return v.dated && !c.misfit && v.isLate() && c.add(maphash.Bytes(t.seed, v.template), datesToTrust) > datesToTrust
}

// mayVary tells, at a byte a step, whether a path could have a session, a date or a query.
func mayVary(path string) bool {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '?', ';':
			return true
		case '/':
			if beginsVariant(path[i+1:]) {
				return true
			}
		case '-', '_':
			if beginsSuffix(path[i:]) || beginsSeconds(path[i:]) {
				return true
			}
		}
	}
	return false
}

// beginsVariant tells whether a segment could have a session or a date. It knows names of sessions by their beginning.
func beginsVariant(s string) bool {
	if len(s) < 4 {
		return false
	}
	if c := s[0]; c <= '9' {
		return c == '(' || beginsDate(s)
	}
	switch name := begin(s); name {
	case 'w'<<16 | 'e'<<8 | 'e':
		return len(s) > len("week/") && s[4] == '/'
	case 's'<<16 | 'i'<<8 | 'd', 's'<<16 | 'e'<<8 | 's', 'p'<<16 | 'h'<<8 | 'p', 'j'<<16 | 's'<<8 | 'e', 'a'<<16 | 's'<<8 | 'p',
		'c'<<16 | 'f'<<8 | 'i', 'c'<<16 | 'f'<<8 | 't', 'o'<<16 | 's'<<8 | 'c', 'z'<<16 | 'e'<<8 | 'n', 'x'<<16 | 't'<<8 | 'c',
		't'<<16 | 'o'<<8 | 'k':
		return true
	default:
		return isMonth(name) && beginsMonthYear(s) || isWeekday(name) && beginsWeekday(s)
	}
}

// begin is the first three letters of a name that has so many, in lower case, as a number.
func begin(s string) uint32 { return uint32(s[0]|0x20)<<16 | uint32(s[1]|0x20)<<8 | uint32(s[2]|0x20) }

// count returns what is counted of a template.
func (t *traps) count(host string, of byte, template []byte) *distinct {
	return t.templates.get(t.countKey(host, of, template))
}

func (t *traps) countKey(host string, of byte, template []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteByte(of)
	h.WriteString(host)
	h.Write(template)
	return h.Sum64()
}
