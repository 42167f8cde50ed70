package disk

import (
	"context"
	"fmt"
	"time"

	"trawl/frontier"
)

// step is how many hosts or URLs are looked at before others have their turn.
const step = 1000

// Hosts implements frontier.Inspector.
func (s *Store) Hosts(ctx context.Context, yield func(frontier.HostStats) bool) error {
	for at := 0; ; at += step {
		if err := s.enter(ctx); err != nil {
			return err
		}
		var page []frontier.HostStats
		for _, h := range s.order[min(at, len(s.order)):min(at+step, len(s.order))] {
			page = append(page, h.stats())
		}
		s.leave() // before yield, which may be slow, or call the store
		for _, h := range page {
			if !yield(h) {
				return nil
			}
		}
		if len(page) < step {
			return nil
		}
	}
}

// Host implements frontier.Inspector.
func (s *Store) Host(ctx context.Context, name frontier.Host) (frontier.HostStats, bool, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.HostStats{}, false, err
	}
	defer s.leave()
	h := s.hosts[name]
	if h == nil || h.id == 0 {
		return frontier.HostStats{}, false, nil
	}
	return h.stats(), true, nil
}

// stats are the counts of a host.
func (h *host) stats() frontier.HostStats {
	st := frontier.HostStats{Host: h.name, Delayed: h.delayed, Done: h.done, Dead: h.dead, Delay: time.Duration(h.delay),
		Failures: h.failures}
	if h.live() {
		st.Leased = int64(len(h.lease.chunks) - h.lease.settled)
		st.Worker, st.Until = h.lease.worker, time.Unix(0, h.lease.deadline)
	}
	st.Queued = h.waiting - h.delayed - st.Leased
	if h.next > 0 {
		st.Next = time.Unix(0, h.next)
	}
	return st
}

// Dead implements frontier.Inspector.
func (s *Store) Dead(ctx context.Context, yield func(frontier.DeadURL) bool) error {
	if err := s.settled(ctx); err != nil {
		return err
	}
	for after := int64(0); ; {
		page, err := readDead(ctx, s.db, "", after)
		if err != nil {
			return fmt.Errorf("dead URLs: %w", err)
		}
		for _, d := range page {
			after = d.id
			if !yield(frontier.DeadURL{URL: d.URL, Via: d.Via, Reason: d.reason, Detail: d.detail, At: time.UnixMilli(d.at)}) {
				return nil
			}
		}
		if len(page) < step {
			return nil
		}
	}
}

// settled returns when all that has happened is in the file.
func (s *Store) settled(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.end()
}

// readDead reads the next dead URLs after a row: of one reason, or of any with none. Their times are in milliseconds.
func readDead(ctx context.Context, db querier, why frontier.Reason, after int64) (page []deadURL, err error) {
	rows, err := db.QueryContext(ctx, `select id, url, reason, detail, attempts, at, depth, hops, priority, seed, sitemap, via, generation
		from dead where id > ? and (? = '' or reason = ?) order by id limit ?`, after, string(why), string(why), step)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d deadURL
		var text string
		if err := rows.Scan(&d.id, &text, &d.reason, &d.detail, &d.Attempt, &d.at, &d.Depth, &d.Hops, &d.Priority, &d.Seed,
			&d.Sitemap, &d.Via, &d.Generation); err != nil {
			return nil, err
		}
		d.Attempt-- // the table counts the one that it died of
		if d.URL, err = frontier.ParseURL(text); err != nil {
			return nil, fmt.Errorf("%w: dead URL %d: %w", ErrCorrupt, d.id, err)
		}
		page = append(page, d)
	}
	return page, rows.Err()
}
