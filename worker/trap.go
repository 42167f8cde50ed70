package worker

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"trawl/frontier"
)

// How much is kept about traps, by a whole worker: some 20 MB when all of it is in use.
const (
	maxTemplates = 32_768
	maxCrowds    = 16_384
	maxDue       = 1024
)

const (
	sessionsOfOne = 3  // URLs that differ in nothing but a session
	datesToTrust  = 50 // of a template, without a misfit, until dates that could be other numbers are taken for dates
	yearsAhead    = 2
)

// traps finds sites that make up URLs without end, by what the worker saw of them. It counts for this worker alone,
// since it began, and approximately: its limits keep a crawl from growing for ever, they are not quotas.
type traps struct {
	seed maphash.Seed

	mu        sync.Mutex
	templates *table[distinct, *distinct]
	crowds    *table[crowd, *crowd]
	due       map[frontier.Host]*probe
}

func newTraps() *traps {
	return &traps{
		seed:      maphash.MakeSeed(),
		templates: newTable[distinct](maxTemplates), crowds: newTable[crowd](maxCrowds), due: map[frontier.Host]*probe{},
	}
}

// refuses returns why a link is refused by what was seen of its site before, or "" if it is not. Cost: 20 ns for URLs
// that cannot vary in one of the ways below, else 0.5 us.
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
	case p.MaxDates > 0 && v.sure && v.after(time.Now().AddDate(yearsAhead, 0, 0)):
		return frontier.Calendar
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case v.session && t.sessions(&v) > sessionsOfOne:
		return frontier.SessionID
	case p.MaxDates > 0 && (v.dated || v.misfit) && t.isCalendar(&v, p.MaxDates):
		return frontier.Calendar
	case p.MaxQueries > 0 && v.end >= 0 && t.queries(&v, p.MaxQueries) > p.MaxQueries:
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

func (t *traps) queries(v *variant, limit int) int {
	return t.count(v.host, 'q', v.template[:v.end]).add(maphash.Bytes(t.seed, v.template[v.end:]), limit)
}

// isCalendar counts a URL that has a date, and tells whether there are too many. Numbers that may be dates are, where
// all of a template's are; and once there are too many, one that is none changes nothing.
func (t *traps) isCalendar(v *variant, limit int) bool {
	c := t.count(v.host, 'd', v.undated)
	if v.misfit && c.count(limit) <= limit {
		c.misfit = true
	}
	if c.misfit && !v.sure {
		return false
	}
	n := c.add(maphash.Bytes(t.seed, v.template), limit)
	return n > limit || n > datesToTrust && v.after(time.Now().AddDate(yearsAhead, 0, 0))
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
	switch [3]byte{s[0] | 0x20, s[1] | 0x20, s[2] | 0x20} {
	case [3]byte{'s', 'i', 'd'}, [3]byte{'s', 'e', 's'}, [3]byte{'p', 'h', 'p'}, [3]byte{'j', 's', 'e'}, [3]byte{'a', 's', 'p'},
		[3]byte{'c', 'f', 'i'}, [3]byte{'c', 'f', 't'}, [3]byte{'o', 's', 'c'}, [3]byte{'z', 'e', 'n'}, [3]byte{'x', 't', 'c'},
		[3]byte{'t', 'o', 'k'}:
		return true
	}
	return false
}

// beginsDate tells whether a segment, and what follows it, could be a date: see date.path. Many names begin with digits.
func beginsDate(s string) bool {
	n := digits(s)
	rest := s[n:]
	switch n {
	case 4:
		if rest == "" || rest[0] != '/' && rest[0] != '-' {
			return false
		}
		more := digits(rest[1:])
		return more == 1 || more == 2
	case 6, 8:
		return rest == "" || strings.IndexByte("/.?", rest[0]) >= 0
	}
	return false
}

// digits is how many digits a string begins with.
func digits(s string) (n int) {
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// count returns what is counted of a template.
func (t *traps) count(host string, of byte, template []byte) *distinct {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteByte(of)
	h.WriteString(host)
	h.Write(template)
	return t.templates.get(h.Sum64())
}
