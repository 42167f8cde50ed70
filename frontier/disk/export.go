package disk

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"trawl/frontier"
)

// Export implements frontier.Exporter. All parts but the fingerprints are as of one commit.
func (s *Store) Export(ctx context.Context, yield func(*frontier.Part) error) error {
	before, err := s.atRest(ctx)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer tx.Rollback() // it only reads
	e := &exporter{ctx: ctx, tx: tx, yield: yield, hosts: map[int64]frontier.Host{}}
	for _, parts := range []func() error{ // in the order in which an import needs them
		func() error { return e.crawl(before) }, e.eachHost, func() error { return s.eachPrint(ctx, yield) }, e.padding, e.waiting, e.dead, e.seeds,
	} {
		if err := parts(); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	// The fingerprints come from memory, later than the rest: they fit it if nothing moved.
	if after, err := s.Stats(ctx); err != nil || after.Seen != before.Seen || after.Settled() != before.Settled() || after.Leased > 0 {
		return errors.Join(errors.New("export: the crawl went on meanwhile: pause it before"), err)
	}
	return nil
}

// atRest returns the counts when nothing is lent and all is in the file.
func (s *Store) atRest(ctx context.Context) (frontier.Stats, error) {
	if err := s.begin(ctx); err != nil {
		return frontier.Stats{}, err
	}
	st := s.counts()
	if err := s.end(); err != nil {
		return st, err
	}
	if st.HostsLeased > 0 {
		return st, fmt.Errorf("export: hosts that are lent: %d; pause the crawl, and wait for their workers", st.HostsLeased)
	}
	return st, nil
}

// exporter reads the file as of one commit.
type exporter struct {
	ctx   context.Context
	tx    *sql.Tx
	yield func(*frontier.Part) error
	hosts map[int64]frontier.Host
	fps   prints
}

func (e *exporter) crawl(st frontier.Stats) error {
	p := &frontier.CrawlPart{Format: frontier.PartFormat, Stats: st}
	if err := readMeta(e.tx, map[string]any{"crawl": &p.Crawl, "secret": &p.Secret, "prints": &e.fps}); err != nil {
		return err
	}
	p.Bits = e.fps.Bits
	var err error
	if p.Examples, err = e.examples(st); err != nil {
		return err
	}
	return e.yield(&frontier.Part{Crawl: p})
}

// examples are kept in a ring for each reason: the latest is where the count points to.
func (e *exporter) examples(st frontier.Stats) (map[frontier.Reason][]string, error) {
	rings := map[frontier.Reason]*[ring]string{}
	err := each(e.ctx, e.tx, "select reason, slot, url from refused", func(rows *sql.Rows) error {
		var why frontier.Reason
		var slot int64
		var url string
		if err := rows.Scan(&why, &slot, &url); err != nil {
			return err
		}
		if rings[why] == nil {
			rings[why] = new([ring]string)
		}
		rings[why][uint64(slot)%ring] = url
		return nil
	})
	examples := map[frontier.Reason][]string{}
	for why, all := range rings {
		for age := range int64(ring) {
			if url := all[slot(st.Refused[why], age)]; url != "" {
				examples[why] = append(examples[why], url)
			}
		}
	}
	return examples, err
}

// ring is how many refused links are kept for each reason.
const ring = 100

// slot is where the refused link is that came so many before the n-th.
func slot(n, age int64) int64 { return ((n-age)%ring + ring) % ring }

func (e *exporter) eachHost() error {
	return each(e.ctx, e.tx, "select id, name, next, delay, failures, accepted, done, dead from host order by id", func(rows *sql.Rows) error {
		var id, next int64
		var h frontier.HostPart
		if err := rows.Scan(&id, &h.Host, &next, &h.Delay, &h.Failures, &h.Accepted, &h.Done, &h.Dead); err != nil {
			return err
		}
		if next > 0 {
			h.Next = time.UnixMilli(next).UTC()
		}
		e.hosts[id] = h.Host
		return e.yield(&frontier.Part{Host: &h})
	})
}

// partPrints is how many fingerprints one part has.
const partPrints = 4096

// eachPrint yields the seen set, a stripe of it at a time.
func (s *Store) eachPrint(ctx context.Context, yield func(*frontier.Part) error) error {
	for i := range s.seen.stripe {
		if err := s.enter(ctx); err != nil {
			return err
		}
		fps := s.seen.stripe[i].members()
		s.leave() // a reader that is slow to take them holds up nobody
		for len(fps) > 0 {
			n := min(partPrints, len(fps))
			p := &frontier.SeenPart{Prints: make([]byte, 0, 8*n)}
			for _, fp := range fps[:n] {
				p.Prints = binary.LittleEndian.AppendUint64(p.Prints, fp)
			}
			if err := yield(&frontier.Part{Seen: p}); err != nil {
				return err
			}
			fps = fps[n:]
		}
	}
	return nil
}

// padding is a fingerprint, of no URL, for each that is seen and has none of its own: so there are as many as URLs seen.
func (e *exporter) padding() error {
	for left := e.fps.Extra; left > 0; left -= partPrints {
		p := &frontier.SeenPart{}
		for range min(left, partPrints) {
			p.Prints = binary.LittleEndian.AppendUint64(p.Prints, e.fps.mask(0))
		}
		if err := e.yield(&frontier.Part{Seen: p}); err != nil {
			return err
		}
	}
	return nil
}

// waiting yields the URLs in line and the delayed ones.
func (e *exporter) waiting() error {
	return each(e.ctx, e.tx, "select "+chunkColumns+" from chunk order by id", func(rows *sql.Rows) error {
		c, host, err := scanChunk(rows)
		if err != nil {
			return err
		}
		if c.paths, err = parsePaths(c.text); err != nil || len(c.paths) != c.n {
			return errors.Join(fmt.Errorf("%w: chunk %d", ErrCorrupt, c.id), err)
		}
		for i, path := range c.paths[c.settled:] {
			u := &frontier.URLPart{
				State: frontier.URLQueued, URL: string(e.hosts[host]) + path, Via: c.via, Depth: c.depth, Hops: c.hops,
				Priority: c.priority, Seed: c.seed, Sitemap: c.sitemap, Attempt: c.attempts(c.settled + i), Generation: c.generation,
			}
			if c.due > 0 {
				u.State, u.Due = frontier.URLDelayed, time.UnixMilli(c.due).UTC()
			}
			if err := e.yield(&frontier.Part{URL: u}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *exporter) dead() error {
	for after := int64(0); ; {
		page, err := readDead(e.ctx, e.tx, "", after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, d := range page {
			after = d.id
			u := &frontier.URLPart{
				State: frontier.URLDead, URL: d.URL.String(), Via: d.Via, Depth: d.Depth, Hops: d.Hops, Priority: d.Priority, Seed: d.Seed,
				Sitemap: d.Sitemap, Attempt: d.Attempt, Generation: d.Generation, Reason: d.reason, Detail: d.detail, At: time.UnixMilli(d.at).UTC(),
			}
			if err := e.yield(&frontier.Part{URL: u}); err != nil {
				return err
			}
		}
	}
}

func (e *exporter) seeds() error {
	return each(e.ctx, e.tx, "select url, via, sitemap from seed order by id", func(rows *sql.Rows) error {
		u := &frontier.URLPart{State: frontier.URLSeed, Seed: true}
		if err := rows.Scan(&u.URL, &u.Via, &u.Sitemap); err != nil {
			return err
		}
		return e.yield(&frontier.Part{URL: u})
	})
}
