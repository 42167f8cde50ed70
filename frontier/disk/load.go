package disk

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"trawl/frontier"
)

// File is the name of the store's file in its folder.
const File = "crawl.db"

// ErrCorrupt is returned by Open for a file that cannot be what this package wrote.
var ErrCorrupt = errors.New("the frontier file is damaged")

// connect opens a file of any name with options of the driver. SQLite looks at it when it is first used.
func connect(file, options string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+options)
}

// load opens the file, makes it if need be, and reads the state from it.
func (s *Store) load() error {
	var err error
	// NORMAL: a commit survives the death of the process. A power cut may take the latest commits, never the order.
	s.db, err = connect(s.file, "_pragma=synchronous(normal)&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	err = s.checkFile()
	if err == nil {
		s.readable = true
		err = s.loadAll()
	}
	if err != nil {
		return openError(s.file, err)
	}
	return nil
}

// checkFile looks whether the file is one of ours, and whole, and brings it to this version of the schema.
func (s *Store) checkFile() error {
	if err := s.checkSchema(); err != nil {
		return err
	}
	if err := s.checkPages(); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	_, err := s.db.Exec("pragma journal_mode = wal") // not before: it changes the file, which must be ours
	return err
}

// loadAll reads the state.
func (s *Store) loadAll() error {
	var saved frontier.Stats
	if err := s.loadMeta(&saved); err != nil {
		return err
	}
	byID, cut, err := s.loadHosts()
	if err != nil {
		return err
	}
	if err := s.loadSeen(); err != nil {
		return err
	}
	if err := s.loadChunks(byID); err != nil {
		return err
	}
	if err := s.compare(saved); err != nil {
		return err
	}
	s.resume(cut)
	return nil
}

// openError makes errors of a foreign or damaged file readable.
func openError(file string, err error) error {
	text := err.Error()
	if strings.Contains(text, "readonly database") { // readers leave marks in a file beside it
		err = fmt.Errorf("%w: to look into it, too, takes leave to write in its folder", fs.ErrPermission)
	}
	for _, sign := range []string{"file is not a database", "malformed", "no such table", "no such column", "Scan error"} {
		if strings.Contains(text, sign) && !errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
			break
		}
	}
	return fmt.Errorf("%s: %w", file, storeError(err))
}

// checkPages looks for damage to the structure of the file. Cost: it reads all of it, some 500 MB a second.
func (s *Store) checkPages() error {
	var verdict string
	if err := s.db.QueryRow("pragma quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, verdict)
	}
	return nil
}

// loadMeta reads the crawl. Of its counts the store takes only those that no row tells; compare looks at the others.
func (s *Store) loadMeta(saved *frontier.Stats) error {
	var secret string
	s.crawl, s.prints = frontier.Crawl{}, prints{} // JSON leaves what it does not mention
	if err := readMeta(s.db, map[string]any{"crawl": &s.crawl, "state": &s.state, "stats": saved, "secret": &secret,
		"progress": &s.progress, "prints": &s.prints}); err != nil {
		return err
	}
	if s.crawl.Name != s.cfg.Crawl {
		return fmt.Errorf("the folder holds the crawl %q, not %q: use another folder, or --crawl %s", s.crawl.Name, s.cfg.Crawl, s.crawl.Name)
	}
	var err error
	if s.fp, err = fingerprints(secret, s.crawl.Policy); err != nil {
		return err
	}
	s.stats = frontier.Stats{Done: saved.Done, Dead: saved.Dead, Retries: saved.Retries, Reclaimed: saved.Reclaimed,
		Refused: clone(saved.Refused), DeadFor: clone(saved.DeadFor)}
	return nil
}

// fingerprints reads the secret that they are made with.
func fingerprints(secret string, p frontier.Policy) (frontier.Fingerprints, error) {
	var key [16]byte
	if len(secret) != hex.EncodedLen(len(key)) {
		return frontier.Fingerprints{}, fmt.Errorf("%w: bad secret", ErrCorrupt)
	}
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		return frontier.Fingerprints{}, fmt.Errorf("%w: bad secret", ErrCorrupt)
	}
	rules, err := frontier.NewKeyRules(p)
	if err != nil {
		return frontier.Fingerprints{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return frontier.NewFingerprints(key, &rules), nil
}

// querier is a database, or a transaction on one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
}

// each calls do for every row of a query.
func each(ctx context.Context, db querier, query string, do func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readMeta decodes the values of keys of the table meta. One that is missing is as damaged as one that is no JSON.
func readMeta(db querier, into map[string]any) error {
	for k, v := range into {
		var text string
		err := db.QueryRow("select v from meta where k = ?", k).Scan(&text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := json.Unmarshal([]byte(text), v); err != nil {
			return fmt.Errorf("%w: meta %s: %w", ErrCorrupt, k, err)
		}
	}
	return nil
}

// cut is a host that was lent when the last process ended.
type cut struct {
	*host
	lent  perLevel
	alone bool
}

// String is how the table host has it: a JSON array, or nothing.
func (n perLevel) String() string {
	if n == (perLevel{}) {
		return ""
	}
	text, _ := json.Marshal(n) // numbers
	return string(text)
}

// loadHosts reads the hosts, in the order in which they came, and tells which were lent.
func (s *Store) loadHosts() (byID map[int64]*host, lent []cut, err error) {
	rows, err := s.db.Query("select id, name, next, delay, failures, accepted, done, dead, lent, alone, probation from host order by id")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	byID = map[int64]*host{}
	for rows.Next() {
		c := cut{host: &host{}}
		h, held := c.host, ""
		err := rows.Scan(&h.id, &h.name, &h.next, &h.delay, &h.failures, &h.accepted, &h.done, &h.dead, &held, &c.alone, &h.probation)
		if err != nil {
			return nil, nil, err
		}
		h.next = s.fromMillis(h.next)
		s.hosts[h.name], byID[h.id] = h, h
		s.order = append(s.order, h)
		s.hostIDs = h.id
		if held == "" {
			continue
		}
		if err := json.Unmarshal([]byte(held), &c.lent); err != nil {
			return nil, nil, fmt.Errorf("%w: host %s: %w", ErrCorrupt, h.name, err)
		}
		lent = append(lent, c)
	}
	if len(s.hosts) != len(byID) {
		return nil, nil, fmt.Errorf("%w: a host has two rows", ErrCorrupt)
	}
	s.stats.Hosts = int64(len(s.hosts))
	return byID, lent, rows.Err()
}

// fromMillis reads a time to come. None is further off than a day, which is the longest pause that is ever asked for;
// one that is was written before the machine's clock went back.
func (s *Store) fromMillis(ms int64) int64 {
	return min(ms*1e6, s.cfg.Now().Add(24*time.Hour).UnixNano())
}

// loadSeen replays the runs in order: what was forgotten may have been seen again.
func (s *Store) loadSeen() error {
	rows, err := s.db.Query("select forgotten, fingerprints from seen order by id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var forgotten bool
		var fps sql.RawBytes
		if err := rows.Scan(&forgotten, &fps); err != nil {
			return err
		}
		for ; len(fps) >= 8; fps = fps[8:] {
			if fp := binary.BigEndian.Uint64(fps); forgotten {
				s.seen.remove(fp)
			} else {
				s.seen.add(fp)
			}
		}
	}
	s.stats.Seen = int64(s.seen.n) + s.prints.Extra
	return rows.Err()
}

// loadChunks reads the lines, by id, which is their order. Paths beyond the budget stay in the file, as spill leaves them.
func (s *Store) loadChunks(byID map[int64]*host) error {
	rows, err := s.db.Query("select " + chunkColumns + " from chunk order by id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c, hostID, err := scanChunk(rows)
		if err != nil {
			return err
		}
		c.host = byID[hostID]
		if c.host == nil || c.settled < 0 || c.settled >= c.n || c.priority > frontier.MaxPriority || c.tries != nil && len(c.tries) != c.n {
			return fmt.Errorf("%w: chunk %d", ErrCorrupt, c.id)
		}
		s.ids = max(s.ids, c.id)
		if c.due > 0 || s.inRAM < s.cfg.Budget {
			s.inRAM += int64(len(c.text))
		} else {
			c.text = nil
		}
		s.place(c)
	}
	return rows.Err()
}

const chunkColumns = "id, host, priority, depth, hops, seed, sitemap, generation, via, due, n, settled, tries, paths"

// scanChunk reads a row of chunkColumns.
func scanChunk(rows *sql.Rows) (c *chunk, host int64, err error) {
	c = &chunk{stored: true}
	err = rows.Scan(&c.id, &host, &c.priority, &c.depth, &c.hops, &c.seed, &c.sitemap, &c.generation, &c.via, &c.due, &c.n,
		&c.settled, &c.tries, &c.text)
	return c, host, err
}

// place puts a chunk that was read from the file where it belongs.
func (s *Store) place(c *chunk) {
	left := int64(c.n - c.settled)
	c.host.waiting += left
	if c.due > 0 {
		c.due = s.fromMillis(c.due)
		s.delayed.push(c.due, c)
		s.stats.Delayed += left
		c.host.delayed += left
		return
	}
	c.host.lines[c.priority].push(c)
	s.stats.Queued += left
}

// compare compares what was read with the counts that were written with it.
func (s *Store) compare(saved frontier.Stats) error {
	waiting := s.stats.Queued + s.stats.Delayed
	if s.stats.Seen != saved.Seen || waiting != saved.Queued+saved.Delayed+saved.Leased {
		return fmt.Errorf("%w: it should have %d URLs seen and %d waiting, and has %d and %d", ErrCorrupt,
			saved.Seen, saved.Queued+saved.Delayed+saved.Leased, s.stats.Seen, waiting)
	}
	return nil
}

// resume deals with hosts that the last process had leased when it ended. They may have been asked a moment ago, so
// they rest. If it died, one of their URLs may have been its death; which one is known only when no other was lent. The
// order is random, so that none is always tried first.
func (s *Store) resume(lent []cut) {
	s.clock = s.cfg.Now().UnixNano()
	s.cautious = s.lock.died && len(lent) > 0 && !s.progress
	s.progress, s.batch.meta = false, true // in the file before anything is lent: the first lease waits for its batch
	rand.Shuffle(len(lent), func(i, j int) { lent[i], lent[j] = lent[j], lent[i] })
	for _, c := range lent {
		if s.lock.died {
			s.cutOff(c.host, c.lent, c.alone && len(lent) == 1)
		}
		c.next = max(c.next, s.after(s.delay(c.host)))
		s.batch.touch(c.host)
		s.makeReady(c.host)
	}
	for _, h := range s.hosts {
		s.makeReady(h)
	}
}
