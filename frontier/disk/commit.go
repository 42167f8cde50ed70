package disk

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"trawl/frontier"
)

// batch is what memory has and the file has not. Hosts and chunks are listed once, however often they change.
type batch struct {
	hosts    []*host
	chunks   []*chunk
	erased   []int64 // chunk rows, of retries that go on under another id
	revived  []int64 // rows of dead URLs that are in line again
	seen     []run
	dead     []deadURL
	seeds    []frontier.Entry
	notes    map[int64]note // on hosts, by id: the latest ones
	examples map[frontier.Reason]string
	meta     bool // the crawl, its state, or whether there is progress

	committed chan struct{} // closed after the commit
	err       error         // its error; read it after committed
}

// run is fingerprints that all became seen, or were all forgotten.
type run struct {
	forgotten bool
	fps       []byte
}

// deadURL is a row of the table dead.
type deadURL struct {
	frontier.Item
	id     int64 // of its row, if it was read from the file
	reason frontier.Reason
	detail string
	at     int64
}

func newBatch() *batch {
	return &batch{notes: map[int64]note{}, examples: map[frontier.Reason]string{}, committed: make(chan struct{})}
}

func (b *batch) empty() bool {
	return len(b.hosts)+len(b.chunks)+len(b.erased)+len(b.revived)+len(b.seen)+len(b.dead)+len(b.seeds) == 0 &&
		len(b.notes)+len(b.examples) == 0 && !b.meta
}

func (b *batch) touch(h *host) {
	if !h.dirty {
		h.dirty = true
		b.hosts = append(b.hosts, h)
	}
}

func (b *batch) change(c *chunk) {
	if !c.dirty {
		c.dirty = true
		b.chunks = append(b.chunks, c)
	}
}

// note lists a fingerprint in its turn: the order of the runs is that of what happened.
func (b *batch) note(fp uint64, forgotten bool) {
	last := len(b.seen) - 1
	if last < 0 || b.seen[last].forgotten != forgotten {
		b.seen = append(b.seen, run{forgotten: forgotten})
		last++
	}
	b.seen[last].fps = binary.BigEndian.AppendUint64(b.seen[last].fps, fp)
}

// row is one statement to execute.
type row struct {
	do   statement
	args []any
}

type statement int

const (
	putHost statement = iota
	putChunk
	updateChunk
	deleteChunk
	putSeen
	putDead
	deleteDead
	putSeed
	putNote
	putRefused
	putMeta
)

var statements = map[statement]string{
	putHost: `insert or replace into host (id, name, next, delay, failures, accepted, done, dead, lent, alone, probation)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	putChunk: `insert into chunk (id, host, priority, depth, hops, seed, sitemap, generation, via, due, n, settled, tries, paths)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	// The rest of a row never changes: paths are fixed when the chunk is sealed, and a retry that falls due gets a new row.
	updateChunk: `update chunk set settled = ?, tries = ? where id = ?`,
	deleteChunk: `delete from chunk where id = ?`,
	putSeen:     `insert into seen (forgotten, fingerprints) values (?, ?)`,
	putDead: `insert into dead (url, reason, detail, attempts, at, depth, hops, priority, seed, sitemap, via, generation)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	deleteDead: `delete from dead where id = ?`,
	putSeed:    `insert into seed (url, via, sitemap) values (?, ?, ?)`,
	putNote:    `insert or replace into note (host, at, text) values (?, ?, ?)`,
	putRefused: `insert or replace into refused (reason, slot, url) values (?, ?, ?)`,
	putMeta:    `insert or replace into meta (k, v) values (?, ?)`,
}

// write commits batches until the store is closed.
func (s *Store) write() {
	w, err := s.prepare()
	if err != nil { // it goes on nevertheless: calls wait for their batch
		s.fail(err) // every call says so from now on
	}
	var linger time.Duration
	for open := true; open; {
		select {
		case <-s.kick:
			open = s.pause(linger)
		case <-s.quit:
			open = false
		}
		began := time.Now()
		s.flush(w)
		linger = min(10*time.Since(began), s.cfg.Linger) // commits take a tenth of the time, but nobody waits for long
	}
	w.close()
}

// pause waits, so that more calls share the next commit; not once the store is being closed.
func (s *Store) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.quit:
		return false
	}
}

// flush commits the open batch. It holds the lock to copy rows and not while SQLite works: calls fill the next batch then,
// and end finds the one that is under way in flying.
func (s *Store) flush(w *writer) {
	s.mu.Lock()
	b := s.batch
	s.batch, s.flying = newBatch(), b
	err := s.err
	var rows []row
	if err == nil && !b.empty() {
		rows = s.rows(b)
	}
	s.mu.Unlock()
	if err == nil && w.gone(s.lock) { // before calls are told that they are safe in a file that nobody finds
		err = s.fail(errGone)
	}
	if err == nil && len(rows) > 0 {
		if err = w.commit(rows); err != nil {
			err = s.fail(err)
		} else {
			s.spill(b.chunks)
		}
	}
	b.err = err
	s.mu.Lock()
	s.flying = nil
	s.mu.Unlock()
	close(b.committed)
}

// fail makes the store refuse all further calls.
func (s *Store) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = fmt.Errorf("frontier file %s: %w", s.file, storeError(err))
	return s.err
}

// storeError adds frontier.ErrFull to what means that the disk is full.
func storeError(err error) error {
	var e *sqlite.Error
	full := errors.Is(err, syscall.ENOSPC)
	if errors.As(err, &e) { // the latter is of the file in shared memory that belongs to a WAL
		full = full || e.Code()&0xff == sqlitelib.SQLITE_FULL || e.Code() == sqlitelib.SQLITE_IOERR_SHMSIZE
	}
	if full {
		return fmt.Errorf("%w: %w", frontier.ErrFull, err)
	}
	return err
}

// rows copies what the batch changed, so that it can be written without the lock.
func (s *Store) rows(b *batch) []row {
	rows := make([]row, 0, len(b.hosts)+len(b.chunks)+len(b.erased)+4)
	for _, h := range b.hosts {
		h.dirty = false
		rows = append(rows, h.row())
	}
	for _, id := range b.erased {
		rows = append(rows, row{deleteChunk, []any{id}})
	}
	for _, id := range b.revived {
		rows = append(rows, row{deleteDead, []any{id}})
	}
	for _, c := range b.chunks {
		rows = append(rows, c.row()...)
	}
	for _, r := range b.seen {
		rows = append(rows, row{putSeen, []any{r.forgotten, r.fps}})
	}
	for _, d := range b.dead {
		rows = append(rows, d.row())
	}
	for _, e := range b.seeds {
		rows = append(rows, seedRow(e))
	}
	for id, n := range b.notes {
		rows = append(rows, row{putNote, []any{id, n.at, n.text}})
	}
	for reason, url := range b.examples {
		rows = append(rows, row{putRefused, []any{string(reason), slot(s.stats.Refused[reason], 0), url}})
	}
	if b.meta {
		rows = append(rows, metaRow("crawl", s.crawl), metaRow("state", s.state), metaRow("progress", s.progress))
	}
	return append(rows, metaRow("stats", s.counts())) // each time: Open compares it with the rows
}

func (h *host) row() row {
	return row{putHost, []any{h.id, string(h.name), toMillis(h.next), h.delay, h.failures, h.accepted, h.done, h.dead,
		h.lent().String(), h.live() && len(h.lease.chunks) == 1, h.probation}}
}

func (d *deadURL) row() row {
	return row{putDead, []any{d.URL.String(), string(d.reason), d.detail, d.Attempt + 1, toMillis(d.at), d.Depth, d.Hops,
		int(d.Priority), d.Seed, d.Sitemap, d.Via, d.Generation}}
}

func seedRow(e frontier.Entry) row { return row{putSeed, []any{e.URL.String(), e.Via, e.Sitemap}} }

// row is what brings the chunk's row up to date.
func (c *chunk) row() []row {
	c.dirty = false
	wasStored := c.stored
	c.stored = true
	switch {
	case c.gone && !wasStored:
		return nil
	case c.gone:
		return []row{{deleteChunk, []any{c.id}}}
	case wasStored:
		return []row{{updateChunk, []any{c.settled, bytes.Clone(c.tries), c.id}}}
	}
	return []row{{putChunk, []any{c.id, c.host.id, int(c.priority), c.depth, c.hops, c.seed, c.sitemap, c.generation, c.via,
		toMillis(c.due), c.n, c.settled, bytes.Clone(c.tries), string(c.text)}}}
}

func metaRow(k string, v any) row {
	text, _ := json.Marshal(v) // plain structs
	return row{putMeta, []any{k, string(text)}}
}

// toMillis rounds up: a host is never asked early.
func toMillis(ns int64) int64 { return ns/1e6 + min(1, ns%1e6) }

// writer is the connection that writes.
type writer struct {
	conn    *sql.Conn
	stmts   map[statement]*sql.Stmt
	checked time.Time
}

var errGone = errors.New("the folder was removed or replaced while it was in use")

// gone looks every second whether the folder is still there: SQLite would go on writing to a file without a name.
func (w *writer) gone(l *lock) bool {
	if time.Since(w.checked) < time.Second {
		return false
	}
	w.checked = time.Now()
	return l.lost()
}

// prepare takes the one connection that writes, with its statements. With an error there may be some of them, to close.
func (s *Store) prepare() (*writer, error) {
	ctx := context.Background()
	w := &writer{stmts: map[statement]*sql.Stmt{}}
	var err error
	if w.conn, err = s.db.Conn(ctx); err != nil {
		return w, err
	}
	for k, text := range statements {
		if w.stmts[k], err = w.conn.PrepareContext(ctx, text); err != nil {
			return w, err
		}
	}
	return w, nil
}

// commit writes rows in one transaction. They are not tried again: after an error the file is behind memory for good.
func (w *writer) commit(rows []row) error {
	ctx := context.Background()
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	for _, r := range rows {
		if _, err := w.stmts[r.do].ExecContext(ctx, r.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (w *writer) close() {
	for _, st := range w.stmts {
		if st != nil {
			st.Close()
		}
	}
	if w.conn != nil {
		w.conn.Close()
	}
}
