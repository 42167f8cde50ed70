package disk

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"trawl/frontier"
)

// ErrExists is returned by Import when the folder holds a crawl.
var ErrExists = errors.New("there is a crawl already")

// Import makes a store in folder dir of the parts that next hands out until io.EOF. There is none before all of it is
// there, and adds up: an import that fails leaves nothing behind that could be opened.
func Import(dir string, next func() (*frontier.Part, error)) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("frontier folder: %w", err)
	}
	l, err := acquire(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer l.release()
	if Exists(dir) {
		return fmt.Errorf("%w in %s: remove it first, or use another folder", ErrExists, dir)
	}
	file := filepath.Join(dir, File)
	unfinished := file + ".import" // of an import that was killed
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("import: %w", err)
	}
	if err = build(unfinished, next); err == nil {
		err = publish(unfinished, file)
	}
	if err != nil {
		os.Remove(unfinished) // it is not opened by that name
		return fmt.Errorf("import into %s: %w", dir, storeError(err))
	}
	return nil
}

// publish makes a file durable under its name. In this order a power cut leaves all of it there, or nothing.
func publish(from, to string) error {
	for _, sync := range []func() error{
		func() error { return syncFile(from) },
		func() error { return os.Rename(from, to) },
		func() error { return syncFile(filepath.Dir(to)) },
	} {
		if err := sync(); err != nil {
			return err
		}
	}
	return nil
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// build writes the parts into a new file.
func build(file string, next func() (*frontier.Part, error)) error {
	// Nobody opens the file before it is whole and synced, and one that is not is removed: a journal would be for nothing.
	db, err := connect(file, "_pragma=journal_mode(off)&_pragma=synchronous(off)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.Exec(schema + fmt.Sprintf("; pragma user_version = %d", Schema)); err != nil {
		return err
	}
	m := &importer{tx: tx, stmts: map[statement]*sql.Stmt{}, hosts: map[frontier.Host]*host{}}
	for k, text := range statements {
		if m.stmts[k], err = tx.Prepare(text); err != nil {
			return err
		}
		defer m.stmts[k].Close()
	}
	for {
		p, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = m.take(p)
		}
		if err != nil {
			return err
		}
	}
	if err := m.finish(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return db.Close()
}

// importer writes parts as they come. It keeps what they must fit: the hosts, and the fingerprints.
type importer struct {
	tx    *sql.Tx
	stmts map[statement]*sql.Stmt

	crawl *frontier.CrawlPart
	hosts map[frontier.Host]*host
	seen  set
	open  *chunk // that takes URLs of the same origin
	ids   int64
	got   frontier.Stats
}

func (m *importer) exec(r row) error {
	_, err := m.stmts[r.do].Exec(r.args...)
	return err
}

func (m *importer) take(p *frontier.Part) error {
	switch {
	case p.Crawl != nil && m.crawl == nil:
		return m.takeCrawl(p.Crawl)
	case m.crawl == nil:
		return errors.New("it does not begin with a crawl: it is no export of one")
	case p.Host != nil:
		return m.takeHost(p.Host)
	case p.Seen != nil:
		return m.takePrints(p.Seen.Prints)
	case p.URL != nil:
		return m.takeURL(p.URL)
	}
	return errors.New("a part that is neither host, fingerprints nor URL")
}

func (m *importer) takeCrawl(c *frontier.CrawlPart) error {
	switch {
	case c.Format != frontier.PartFormat:
		return fmt.Errorf("its format is %d; this trawl reads %d", c.Format, frontier.PartFormat)
	case c.Bits != 53 && c.Bits != 64:
		return fmt.Errorf("its fingerprints have %d bits, not 53 or 64", c.Bits)
	case c.Stats.Leased > 0:
		return fmt.Errorf("%d URLs were lent when it was exported", c.Stats.Leased)
	}
	if _, err := fingerprints(c.Secret, c.Crawl.Policy); err != nil {
		return err
	}
	m.crawl = c
	for why, urls := range c.Examples {
		for age, url := range urls[:min(ring, len(urls))] {
			if err := m.exec(row{putRefused, []any{string(why), slot(c.Stats.Refused[why], int64(age)), url}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeHost writes a host, with the next id. Its dead URLs are counted as they come.
func (m *importer) takeHost(p *frontier.HostPart) error {
	if u, err := frontier.ParseURL(string(p.Host) + "/"); err != nil || u.Host() != p.Host || m.hosts[p.Host] != nil {
		return fmt.Errorf("a host called %q: no host, or one that came before", p.Host)
	}
	m.got.Hosts++
	h := &host{
		id: m.got.Hosts, name: p.Host, delay: int64(p.Delay), failures: p.Failures, accepted: p.Accepted, done: p.Done,
		dead: p.Dead,
	}
	if !p.Next.IsZero() {
		h.next = p.Next.UnixNano()
	}
	m.hosts[h.name] = h
	m.got.Done += p.Done
	return m.exec(h.row())
}

// takePrints notes fingerprints that are not known yet: those of two URLs can be the same when they came from sets of
// their own.
func (m *importer) takePrints(fps []byte) error {
	if len(fps)%8 != 0 {
		return errors.New("fingerprints are cut off")
	}
	m.got.Seen += int64(len(fps) / 8)
	fresh := make([]byte, 0, len(fps))
	for ; len(fps) > 0; fps = fps[8:] {
		if fp := (prints{Bits: m.crawl.Bits}).mask(binary.LittleEndian.Uint64(fps)); m.seen.add(fp) {
			fresh = binary.BigEndian.AppendUint64(fresh, fp)
		}
	}
	return m.exec(row{putSeen, []any{false, fresh}})
}

func (m *importer) takeURL(p *frontier.URLPart) error {
	u, err := frontier.ParseURL(p.URL)
	if err != nil {
		return err
	}
	h := m.hosts[u.Host()]
	if h == nil && p.State != frontier.URLSeed {
		return fmt.Errorf("%s is of a host that did not come before it", u)
	}
	it := frontier.Item{Entry: frontier.Entry{URL: u, Via: p.Via, Depth: p.Depth, Hops: p.Hops,
		Priority: min(p.Priority, frontier.MaxPriority), Seed: p.Seed, Sitemap: p.Sitemap}, Attempt: p.Attempt, Generation: p.Generation}
	switch p.State {
	case frontier.URLSeed:
		return m.exec(seedRow(it.Entry))
	case frontier.URLDead:
		m.got.Dead++
		d := deadURL{Item: it, reason: p.Reason, detail: p.Detail, at: p.At.UnixNano()}
		return m.exec(d.row())
	case frontier.URLDelayed:
		m.got.Delayed++
		return m.queue(h, &it, p.Due)
	case frontier.URLQueued:
		m.got.Queued++
		return m.queue(h, &it, time.Time{})
	}
	return fmt.Errorf("%s is in a state called %q", u, p.State)
}

// queue puts a URL at the end of its host's line, or sets it aside until it is due, by itself, as a retry is. Attempts are
// taken over; strikes were not exported.
func (m *importer) queue(h *host, it *frontier.Item, due time.Time) error {
	of := origin{host: h, priority: it.Priority, depth: it.Depth, hops: it.Hops, seed: it.Seed, sitemap: it.Sitemap,
		generation: it.Generation, via: it.Via}
	if c := m.open; c == nil || c.origin != of || c.due > 0 || c.n == chunkMax || !due.IsZero() {
		if err := m.seal(); err != nil {
			return err
		}
		m.ids++
		m.open = &chunk{origin: of, id: m.ids}
		if !due.IsZero() {
			m.open.due = max(due.UnixNano(), 1) // 0 is in line
		}
	}
	m.open.add(it.URL.Path())
	for range min(it.Attempt, maxAttempts) {
		m.open.tried(m.open.n - 1)
	}
	return nil
}

// seal writes the open chunk.
func (m *importer) seal() error {
	c := m.open
	if c == nil {
		return nil
	}
	m.open = nil
	if c.tries != nil { // it has a byte for each path
		c.tries = append(c.tries, make([]byte, c.n-len(c.tries))...)
	}
	c.seal()
	for _, r := range c.row() {
		if err := m.exec(r); err != nil {
			return err
		}
	}
	return nil
}

// finish writes what is known at the end, if it adds up. Of a million URLs one may lack a fingerprint: the store that
// exported them may have had the same one for two that it took over from another.
func (m *importer) finish() error {
	if m.crawl == nil {
		return errors.New("it is empty")
	}
	if err := m.seal(); err != nil {
		return err
	}
	st, got := m.crawl.Stats, m.got
	if got.Hosts != st.Hosts || got.Seen < st.Seen-st.Seen>>20 || got.Queued+got.Delayed != st.Queued+st.Delayed || got.Done != st.Done || got.Dead != st.Dead {
		return fmt.Errorf("it should have %d hosts, %d URLs seen, %d waiting, %d done and %d dead, and has %d, %d, %d, %d and %d: it is not whole",
			st.Hosts, st.Seen, st.Queued+st.Delayed, st.Done, st.Dead, got.Hosts, got.Seen, got.Queued+got.Delayed, got.Done, got.Dead)
	}
	if st.State == "" {
		st.State = frontier.Running
	}
	for _, r := range []row{
		metaRow("crawl", m.crawl.Crawl), metaRow("state", st.State), metaRow("stats", st), metaRow("progress", false),
		metaRow("secret", m.crawl.Secret), metaRow("prints", prints{Bits: m.crawl.Bits, Extra: st.Seen - int64(m.seen.n)}),
	} {
		if err := m.exec(r); err != nil {
			return err
		}
	}
	return nil
}
