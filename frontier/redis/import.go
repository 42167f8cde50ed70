package redis

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"trawl/frontier"
)

// ErrExists is returned by Import when there is a crawl of that name.
var ErrExists = errors.New("there is a crawl already")

// Import makes a crawl of the parts that next hands out until io.EOF, with the name that cfg gives and the identity that
// the parts tell. Before all of it is there, and adds up, nobody can work on it; an import that fails removes what it
// made, as Purge does for one that was cut off.
func Import(ctx context.Context, address string, cfg Config, next func() (*frontier.Part, error)) error {
	s, err := newStore(address, cfg)
	if err != nil {
		return err
	}
	defer s.link.close()
	return s.load(ctx, next)
}

// load makes the crawl of parts.
func (s *Store) load(ctx context.Context, next func() (*frontier.Part, error)) error {
	m := &importer{s: s, ctx: ctx, large: map[string]int64{}}
	err := s.checkServer(ctx)
	if err == nil {
		err = m.run(next)
	}
	if err != nil && m.made {
		err = errors.Join(err, m.undo())
	}
	if err != nil {
		return fmt.Errorf("import: %w", s.named(err))
	}
	return nil
}

// importer writes parts as they come, in batches.
type importer struct {
	s   *Store
	ctx context.Context

	crawl    *frontier.CrawlPart
	made     bool              // there is something to remove
	imported int               // 1: some fingerprints are of no host's set
	large    map[string]int64  // seen sets that will be large, and how large
	sorting  frontier.SeenPart // of such a set
	sent     int               // batches
	batch    batch

	got    frontier.Stats
	prints int64 // that no set had
}

func (m *importer) run(next func() (*frontier.Part, error)) error {
	for {
		p, err := next()
		if errors.Is(err, io.EOF) {
			return m.finish()
		}
		if err == nil {
			err = m.take(p)
		}
		if err != nil {
			return err
		}
	}
}

func (m *importer) take(p *frontier.Part) error {
	switch {
	case p.Crawl != nil && m.crawl == nil:
		return m.begin(p.Crawl)
	case m.crawl == nil:
		return errors.New("it does not begin with a crawl: it is no export of one")
	case p.Host != nil:
		return m.host(p.Host)
	case p.Seen != nil:
		return m.seen(p.Seen)
	case p.URL != nil:
		return m.url(p.URL)
	}
	return errors.New("a part that is neither host, fingerprints nor URL")
}

// begin makes a crawl that nobody can open.
func (m *importer) begin(c *frontier.CrawlPart) error {
	if err := checkCrawlPart(c); err != nil {
		return err
	}
	fields, err := policyFields(c.Crawl.Policy)
	if err != nil {
		return err
	}
	rules, err := frontier.NewKeyRules(c.Crawl.Policy)
	if err != nil {
		return err
	}
	m.s.fp = frontier.NewFingerprints([16]byte{}, &rules) // which hosts share a set; fingerprints come as they are
	m.crawl, m.s.id = c, importing+randomHex(8)
	m.expect(imported, c.Stats.Seen)
	args := append([]any{
		"", 0,
		"schema", schema, "name", m.s.cfg.Crawl, "created", c.Crawl.Created.UTC().Format(time.RFC3339Nano), "secret", c.Secret,
		"state", string(frontier.Paused), "version", c.Crawl.Version,
	}, fields...)
	if _, err := m.s.insist(m.ctx, func() (any, error) { return m.s.run(m.ctx, initScript, args...) }); err != nil {
		return err
	}
	v, err := m.s.meta(m.ctx, "id")
	if err != nil {
		return err
	}
	if v[0] != m.s.id {
		return fmt.Errorf("%w: choose another name, or remove it with trawl purge", ErrExists)
	}
	m.made = true
	m.s.enlist(m.ctx)
	return m.examples()
}

func checkCrawlPart(c *frontier.CrawlPart) error {
	secret, err := hex.DecodeString(c.Secret)
	switch {
	case c.Format != frontier.PartFormat:
		return fmt.Errorf("its format is %d; this trawl reads %d", c.Format, frontier.PartFormat)
	case c.Bits != printBits && c.Bits != 64:
		return fmt.Errorf("its fingerprints have %d bits, not %d or 64", c.Bits, printBits)
	case err != nil || len(secret) != 16:
		return errors.New("its secret is damaged")
	case c.Crawl.ID == "" || strings.Contains(c.Crawl.ID, ":"):
		return fmt.Errorf("the crawl's id is %q", c.Crawl.ID)
	case c.Stats.Leased > 0:
		return fmt.Errorf("%d URLs were lent when it was exported", c.Stats.Leased)
	}
	return nil
}

// examples writes what is kept by reason.
func (m *importer) examples() error {
	for _, why := range slices.Sorted(maps.Keys(m.crawl.Examples)) {
		for _, url := range m.crawl.Examples[why] {
			if err := m.put("list", "e:"+string(why), url); err != nil {
				return err
			}
		}
	}
	for kind, counts := range map[string]map[frontier.Reason]int64{"refused:": m.crawl.Stats.Refused, "dead:": m.crawl.Stats.DeadFor} {
		for why, n := range counts {
			if err := m.put("hash", "f", kind+string(why), n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *importer) host(h *frontier.HostPart) error {
	if u, err := frontier.ParseURL(string(h.Host) + "/"); err != nil || u.Host() != h.Host {
		return fmt.Errorf("a host called %q", h.Host)
	}
	m.got.Hosts++
	m.got.Done += h.Done
	m.expect(m.s.seenSet(h.Host), h.Accepted)
	return m.put("hosts", "", string(h.Host), unixMilli(h.Next), max(millis(h.Delay), 0), h.Accepted, h.Done, h.Dead, kept(h.Failures))
}

// A large seen set is made with all its buckets, and gets fingerprints in the order of those: else each one would be a
// command of its own.
const (
	largeSet    = 10_000
	sortedBytes = 8 << 18
)

// expect notes how large a set will be, by what is said of the hosts whose URLs are in it.
func (m *importer) expect(set string, n int64) {
	if n >= largeSet {
		m.large[set] += n
	}
}

func (m *importer) seen(p *frontier.SeenPart) error {
	if len(p.Prints)%8 != 0 {
		return errors.New("fingerprints are cut off")
	}
	m.got.Seen += int64(len(p.Prints) / 8)
	if p.Set == imported {
		m.imported = 1
	}
	if m.sorting.Set != p.Set || len(m.sorting.Prints) >= sortedBytes {
		if err := m.sorted(); err != nil {
			return err
		}
		m.sorting.Set = p.Set
	}
	m.sorting.Prints = append(m.sorting.Prints, p.Prints...)
	return nil
}

// sorted puts the fingerprints that were gathered into the batch.
func (m *importer) sorted() error {
	set, fps := m.sorting.Set, make([]uint64, len(m.sorting.Prints)/8)
	if len(fps) == 0 {
		return nil
	}
	for i := range fps {
		fps[i] = binary.LittleEndian.Uint64(m.sorting.Prints[8*i:]) >> (64 - printBits)
	}
	m.sorting.Prints = m.sorting.Prints[:0]
	if n, large := m.large[set]; large {
		slices.SortFunc(fps, func(a, b uint64) int { return cmp.Compare(bits.Reverse64(a), bits.Reverse64(b)) })
		if n > 0 {
			m.large[set] = 0 // only once
			field := seenField{buckets: bucketsFor(n)}
			if err := m.put("hash", "s", set, field.text()); err != nil {
				return err
			}
		}
	}
	for part := range slices.Chunk(fps, maxLinks) {
		run := []any{set, len(part)}
		for _, fp := range part {
			run = append(run, fp)
		}
		if err := m.put("seen", "", run...); err != nil {
			return err
		}
	}
	return nil
}

func (m *importer) url(p *frontier.URLPart) error {
	u, err := frontier.ParseURL(p.URL)
	if err != nil {
		return err
	}
	it := frontier.Item{Entry: frontier.Entry{
		URL: u, Via: p.Via, Depth: p.Depth, Hops: p.Hops, Priority: min(p.Priority, frontier.MaxPriority), Seed: p.Seed,
		Sitemap: p.Sitemap,
	}, Attempt: p.Attempt, Generation: p.Generation}
	host, element := string(u.Host()), encodeTried(&it)
	switch p.State {
	case frontier.URLQueued:
		m.got.Queued++
		return m.put("waiting", "", host, "", element)
	case frontier.URLDelayed:
		m.got.Delayed++
		return m.put("waiting", "", host, unixMilli(p.Due), element)
	case frontier.URLDead:
		m.got.Dead++
		d := deadURL{Item: it, reason: p.Reason, detail: p.Detail, at: unixMilli(p.At)}
		return m.put("list", "x", d.text(element))
	case frontier.URLSeed:
		return m.put("list", "seeds", host+"\x00"+element)
	}
	return fmt.Errorf("%s is in a state called %q", u, p.State)
}

// unixMilli rounds up, so that nothing happens before its time. No time is 0.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.Add(time.Millisecond-1).UnixMilli(), 0)
}

// encodeTried encodes an item that may have been tried.
func encodeTried(it *frontier.Item) string {
	element := encodeElement(it)
	if it.Attempt <= 0 {
		return element
	}
	return string([]byte{element[0] | flagTried, byte(min(it.Attempt, attemptMask))}) + element[1:]
}

// finish makes a crawl of it that can be opened, if it adds up.
func (m *importer) finish() error {
	if m.crawl == nil {
		return errors.New("it is empty")
	}
	if err := m.sorted(); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	st, got := m.crawl.Stats, m.got
	if got.Hosts != st.Hosts || got.Queued+got.Delayed != st.Queued+st.Delayed || got.Done != st.Done || got.Dead != st.Dead || !m.printed() {
		return fmt.Errorf("it should have %d hosts, %d URLs seen, %d waiting, %d done and %d dead, and has %d, %d, %d, %d and %d: it is not whole",
			st.Hosts, st.Seen, st.Queued+st.Delayed, st.Done, st.Dead, got.Hosts, got.Seen, got.Queued+got.Delayed, got.Done, got.Dead)
	}
	id := randomHex(8) // whoever had the crawl open that was exported has nothing to do with this one
	fields := []any{
		"id", id, "crawl", m.crawl.Crawl.ID, "state", string(cmp.Or(st.State, frontier.Running)), "seen", st.Seen, "queued", got.Queued, "delayed", got.Delayed,
		"done", st.Done, "dead", st.Dead, "retries", st.Retries, "reclaimed", st.Reclaimed, "wake", 0,
		"imported", m.imported, "unprinted", st.Seen - m.prints,
	}
	_, err := m.s.insist(m.ctx, func() (any, error) { return m.s.run(m.ctx, setScript, fields...) })
	if errors.Is(err, ErrNoCrawl) { // an answer can be lost
		if v, failed := m.s.meta(m.ctx, "id"); failed == nil && v[0] == id {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	m.made, m.s.id = false, id
	return m.s.renewRun(m.ctx)
}

// printed tells whether all fingerprints came. A few can be less than the URLs: of two URLs that the exporting store told
// apart, by more bits or by their hosts, it may have known but one.
func (m *importer) printed() bool {
	missing := m.crawl.Stats.Seen - m.got.Seen
	return missing >= 0 && missing <= m.crawl.Stats.Seen>>20
}

// undoTime is how long an import that failed cares for what it made.
const undoTime = 30 * time.Second

// undo removes what was made, also when the context has ended. Somebody may have purged it, and made another, meanwhile.
func (m *importer) undo() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), undoTime)
	defer cancel()
	v, err := m.s.meta(ctx, "id")
	if err == nil && v[0] == m.s.id {
		err = m.s.purge(ctx)
	}
	if err != nil {
		return fmt.Errorf("what there is of it is left for trawl purge: %w", err)
	}
	return nil
}
