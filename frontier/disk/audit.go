package disk

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"trawl/frontier"
)

// audit compares the tables of a file with each other. What it finds it says in words, each with what puts it right.
// URLs are rather fetched twice than lost.
type audit struct {
	ctx context.Context
	db  querier

	crawl  frontier.Crawl
	stats  frontier.Stats
	fp     frontier.Fingerprints
	prints prints
	hosts  map[int64]*tally
	named  map[frontier.Host]*tally
	seen   set
	line   set // complete fingerprints of waiting URLs
	lost   []byte
	dead   map[frontier.Reason]int64
	sum    frontier.Stats // what the tables say

	words []string
	fixes []fix
}

// tally is what is found of a host.
type tally struct {
	id                   int64
	name                 frontier.Host
	accepted, done, dead int64 // as it says
	waiting, buried      int64 // in the other tables
}

type fix struct {
	statement string
	args      []any
}

// shownFindings bounds what a check tells: a ruined file has millions.
const shownFindings = 1000

// find notes what does not fit, and what puts it right.
func (a *audit) find(f fix, format string, args ...any) {
	switch n := len(a.words); {
	case n < shownFindings:
		a.words = append(a.words, fmt.Sprintf(format, args...))
	case n == shownFindings:
		a.words = append(a.words, "and more of the kind")
	}
	if f.statement != "" {
		a.fixes = append(a.fixes, f)
	}
}

// run looks at hosts and fingerprints first: what comes after is looked up among them.
func (a *audit) run() error {
	for _, look := range []func() error{a.readMeta, a.readHosts, a.readSeen, a.readLine, a.readDead, a.readSeeds, a.readNotes} {
		if err := look(); err != nil {
			return err
		}
	}
	a.compareHosts()
	a.compareStats()
	return nil
}

// readMeta reads what is kept of the crawl. Without its secret and its policy there is no crawl.
func (a *audit) readMeta() error {
	var secret string
	if err := readMeta(a.db, map[string]any{"crawl": &a.crawl, "secret": &secret}); err != nil {
		return err
	}
	var err error
	if a.fp, err = fingerprints(secret, a.crawl.Policy); err != nil {
		return err
	}
	var state frontier.State
	var progress bool
	for _, k := range []struct {
		name     string
		into     any
		standard any
	}{
		{"state", &state, frontier.Paused}, {"progress", &progress, false}, {"stats", &a.stats, frontier.Stats{}},
		{"prints", &a.prints, prints{Bits: 64}},
	} {
		err := readMeta(a.db, map[string]any{k.name: k.into})
		switch {
		case errors.Is(err, ErrCorrupt):
			r := metaRow(k.name, k.standard)
			a.find(fix{statements[r.do], r.args}, "%s of the crawl cannot be read", k.name)
		case err != nil:
			return err
		}
	}
	if a.prints.Bits == 0 {
		a.prints.Bits = 64
	}
	return nil
}

// readHosts looks at the rows of hosts. A second row of one is joined to the first.
func (a *audit) readHosts() error {
	a.hosts, a.named = map[int64]*tally{}, map[frontier.Host]*tally{}
	return each(a.ctx, a.db, "select id, name, failures, accepted, done, dead, lent from host order by id", func(rows *sql.Rows) error {
		var h tally
		var lent string
		var failures int
		if err := rows.Scan(&h.id, &h.name, &failures, &h.accepted, &h.done, &h.dead, &lent); err != nil {
			return err
		}
		if first := a.named[h.name]; first != nil {
			a.find(fix{"update chunk set host = ? where host = ?", []any{first.id, h.id}}, "%s has two rows", h.name)
			a.find(fix{"update host set done = done + ? where id = ?", []any{h.done, first.id}}, "%s has %d URLs done in its second row", h.name, h.done)
			a.fixes = append(a.fixes, fix{"delete from host where id = ?", []any{h.id}})
			return nil
		}
		if u, err := frontier.ParseURL(string(h.name) + "/"); err != nil || u.Host() != h.name {
			a.find(fix{"delete from host where id = ?", []any{h.id}}, "host %d is called %q", h.id, h.name)
			return nil
		}
		if lent != "" && json.Unmarshal([]byte(lent), new(perLevel)) != nil {
			a.find(fix{"update host set lent = '' where id = ?", []any{h.id}}, "%s: what is lent cannot be read: %q", h.name, lent)
		}
		if failures < -1 {
			a.find(fix{"update host set failures = -1 where id = ?", []any{h.id}}, "%s: %d requests failed", h.name, failures)
		}
		a.hosts[h.id], a.named[h.name] = &h, &h
		return nil
	})
}

// readSeen reads the seen set as Open does. It needs as much memory.
func (a *audit) readSeen() error {
	return each(a.ctx, a.db, "select id, forgotten, fingerprints from seen order by id", func(rows *sql.Rows) error {
		var id int64
		var forgotten bool
		var fps sql.RawBytes
		if err := rows.Scan(&id, &forgotten, &fps); err != nil {
			return err
		}
		if rest := len(fps) % 8; rest != 0 {
			whole := slices.Clone(fps[:len(fps)-rest])
			a.find(fix{"update seen set fingerprints = ? where id = ?", []any{[]byte(whole), id}}, "fingerprints %d are cut off", id)
		}
		for ; len(fps) >= 8; fps = fps[8:] {
			if fp := binary.BigEndian.Uint64(fps); forgotten {
				a.seen.remove(fp)
			} else {
				a.seen.add(fp)
			}
		}
		return nil
	})
}

// isSeen looks for a URL that is known by name among the seen. One that is not is added, so it is told once.
func (a *audit) isSeen(u frontier.URL) {
	if fp := a.prints.mask(a.fp.Of(u)); a.seen.add(fp) {
		a.find(fix{}, "%s is not among the seen", u)
		a.lost = binary.BigEndian.AppendUint64(a.lost, fp)
	}
}

// readLine looks at waiting URLs. Those of no host, or that cannot be read, are given up: nobody could name them.
func (a *audit) readLine() error {
	return each(a.ctx, a.db, "select id, host, priority, n, settled, tries, due, paths from chunk order by id", func(rows *sql.Rows) error {
		var c chunk
		var host int64
		var text string
		if err := rows.Scan(&c.id, &host, &c.priority, &c.n, &c.settled, &c.tries, &c.due, &text); err != nil {
			return err
		}
		c.text = []byte(text)
		h := a.hosts[host]
		if h == nil {
			a.find(fix{statements[deleteChunk], []any{c.id}}, "URLs %s are of no host", shorten(text))
			return nil
		}
		if err := json.Unmarshal(c.text, &c.paths); err != nil || len(c.paths) == 0 {
			a.find(fix{statements[deleteChunk], []any{c.id}}, "%s: URLs of it cannot be read: %s", h.name, shorten(text))
			return nil
		}
		if !a.fits(&c, h.name) {
			return nil // it is looked at when it has been put right
		}
		left := a.waits(&c, h.name)
		h.waiting += left
		if c.due > 0 {
			a.sum.Delayed += left
		}
		return nil
	})
}

func shorten(text string) string { return text[:min(len(text), 100)] }

// fits looks at what a chunk says of its paths. Where that is wrong they are lent from the first one.
func (a *audit) fits(c *chunk, h frontier.Host) bool {
	if c.n == len(c.paths) && c.settled >= 0 && c.settled < c.n && c.priority <= frontier.MaxPriority &&
		(c.tries == nil || len(c.tries) == c.n) && (c.due == 0 || c.n == 1) {
		return true
	}
	n := len(c.paths)
	a.find(fix{"update chunk set n = ?, settled = 0, tries = null, priority = min(priority, ?), due = 0 where id = ?",
		[]any{n, int(frontier.MaxPriority), c.id}}, "%s: what is said of URLs of it is wrong: %s", h, shorten(string(c.text)))
	return false
}

// waits looks at the URLs of a chunk that are in line, and takes out of it what cannot be.
func (a *audit) waits(c *chunk, h frontier.Host) (left int64) {
	kept := chunk{id: c.id}
	for i := c.settled; i < c.n; i++ {
		if !a.canWait(h.URL(c.paths[i])) {
			continue
		}
		kept.add(c.paths[i])
		if c.tries != nil {
			kept.tries = append(kept.tries, c.tries[i])
		}
	}
	switch kept.seal(); kept.n {
	case c.n - c.settled:
	case 0:
		a.fixes = append(a.fixes, fix{statements[deleteChunk], []any{c.id}})
	default:
		a.fixes = append(a.fixes, fix{"update chunk set n = ?, settled = 0, tries = ?, paths = ? where id = ?",
			[]any{kept.n, kept.tries, string(kept.text), c.id}})
	}
	return int64(kept.n)
}

// canWait looks at a URL in line.
func (a *audit) canWait(u frontier.URL) bool {
	if parsed, err := frontier.ParseURL(u.String()); err != nil || parsed.Host() != u.Host() {
		a.find(fix{}, "%s in line is no URL", shorten(u.String()))
		return false
	}
	if !a.line.add(a.fp.Of(u)) { // with all its bits: two URLs may share those that count
		a.find(fix{}, "%s is in line twice", u)
		return false
	}
	a.isSeen(u)
	return true
}

// readDead counts dead URLs by host and by reason.
func (a *audit) readDead() error {
	a.dead = map[frontier.Reason]int64{}
	return each(a.ctx, a.db, "select id, url, reason from dead order by id", func(rows *sql.Rows) error {
		var id int64
		var text string
		var why frontier.Reason
		if err := rows.Scan(&id, &text, &why); err != nil {
			return err
		}
		u, err := frontier.ParseURL(text)
		if err != nil || a.named[u.Host()] == nil {
			a.find(fix{statements[deleteDead], []any{id}}, "a dead URL is of no host: %s", shorten(text))
			return nil
		}
		a.named[u.Host()].buried++
		a.dead[why]++
		a.isSeen(u)
		return nil
	})
}

func (a *audit) readSeeds() error {
	return each(a.ctx, a.db, "select id, url from seed", func(rows *sql.Rows) error {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		if _, err := frontier.ParseURL(text); err != nil {
			a.find(fix{"delete from seed where id = ?", []any{id}}, "a seed is no URL: %s", shorten(text))
		}
		return nil
	})
}

func (a *audit) readNotes() error {
	return each(a.ctx, a.db, "select host from note", func(rows *sql.Rows) error {
		var host int64
		if err := rows.Scan(&host); err != nil {
			return err
		}
		if a.hosts[host] == nil {
			a.find(fix{"delete from note where host = ?", []any{host}}, "a note is on no host: %d", host)
		}
		return nil
	})
}

// compareHosts compares what hosts say of themselves with their URLs.
func (a *audit) compareHosts() {
	for _, h := range a.hosts {
		if h.dead != h.buried || h.accepted != h.waiting+h.done+h.buried {
			accepted := h.waiting + h.done + h.buried
			a.find(fix{"update host set dead = ?, accepted = ? where id = ?", []any{h.buried, accepted, h.id}},
				"%s counts %d URLs accepted and %d dead, and has %d and %d", h.name, h.accepted, h.dead, accepted, h.buried)
		}
		a.sum.Queued += h.waiting
		a.sum.Done += h.done
		a.sum.Dead += h.buried
	}
	a.sum.Queued -= a.sum.Delayed
	a.sum.Seen = a.sum.Queued + a.sum.Delayed + a.sum.Done + a.sum.Dead
}

// compareStats compares the counts of the crawl with the sums over its tables.
func (a *audit) compareStats() {
	if len(a.lost) > 0 {
		a.fixes = append(a.fixes, fix{statements[putSeen], []any{false, a.lost}})
	}
	zero := func(_ frontier.Reason, n int64) bool { return n == 0 }
	deadFor := clone(a.stats.DeadFor)
	maps.DeleteFunc(deadFor, zero)
	is, want := a.stats, a.sum
	if is.Seen != want.Seen || is.Queued+is.Delayed+is.Leased != want.Queued+want.Delayed || is.Done != want.Done || is.Dead != want.Dead {
		a.find(fix{}, "the crawl counts %d URLs seen, %d waiting, %d done and %d dead, and has %d, %d, %d and %d", is.Seen,
			is.Queued+is.Delayed+is.Leased, is.Done, is.Dead, want.Seen, want.Queued+want.Delayed, want.Done, want.Dead)
	}
	if !maps.Equal(deadFor, a.dead) {
		a.find(fix{}, "the crawl counts dead URLs by reason as %v, and has %v", deadFor, a.dead)
	}
	if int64(len(a.hosts)) != is.Hosts {
		a.find(fix{}, "the crawl counts %d hosts, and has %d", is.Hosts, len(a.hosts))
	}
	if have := int64(a.seen.n) + a.prints.Extra; have != want.Seen {
		a.find(fix{}, "%d URLs are seen, and %d have a fingerprint", want.Seen, have)
	}
	if len(a.words) > 0 {
		a.recount()
	}
}

// recount writes the sums. They are right in the last round, when nothing else is wrong any more.
func (a *audit) recount() {
	st := a.stats
	st.Seen, st.Queued, st.Delayed, st.Leased = a.sum.Seen, a.sum.Queued, a.sum.Delayed, 0
	st.Done, st.Dead, st.DeadFor = a.sum.Done, a.sum.Dead, a.dead
	st.Hosts, st.HostsLeased = int64(len(a.hosts)), 0
	p := prints{Bits: a.prints.Bits, Extra: a.sum.Seen - int64(a.seen.n)}
	for _, r := range []row{metaRow("stats", st), metaRow("prints", p)} {
		a.fixes = append(a.fixes, fix{statements[r.do], r.args})
	}
}
