package disk

import (
	"context"
	"errors"
	"fmt"

	"trawl/frontier"
)

// Retry implements frontier.Mender. Cost: O(dead URLs of the reason), in steps.
func (s *Store) Retry(ctx context.Context, name frontier.Host, why frontier.Reason) (n int64, err error) {
	s.mending.Lock()
	defer s.mending.Unlock()
	if err := s.settled(ctx); err != nil {
		return 0, err
	}
	var last int64 // those that die meanwhile stay dead
	if err := s.db.QueryRowContext(ctx, "select coalesce(max(id), 0) from dead").Scan(&last); err != nil {
		return 0, fmt.Errorf("retry dead URLs: %w", err)
	}
	for after := int64(0); after < last; {
		page, err := readDead(ctx, s.db, why, after)
		if err != nil {
			return n, fmt.Errorf("retry dead URLs: %w", err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].id
		revived, err := s.revive(ctx, page, name, last)
		n += revived
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// revive puts those of a host (empty: any) in line again, up to a row. Nobody else takes dead URLs back meanwhile.
func (s *Store) revive(ctx context.Context, page []deadURL, name frontier.Host, last int64) (n int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	s.accepts++ // see accept
	for i := range page {
		d := &page[i]
		h := s.hosts[d.URL.Host()]
		if name != "" && d.URL.Host() != name || d.id > last || h == nil {
			continue
		}
		h.dead--
		h.failures = -1
		s.stats.Dead--
		if s.stats.DeadFor[d.reason]--; s.stats.DeadFor[d.reason] == 0 {
			delete(s.stats.DeadFor, d.reason)
		}
		s.batch.revived = append(s.batch.revived, d.id)
		s.enqueue(h, &d.Entry, d.Generation+1)
		n++
	}
	s.sealOpen()
	return n, s.end()
}

// mendable tells whether a store that was not to be loaded can be opened for Check, which is what Config.Mend asks for.
func (s *Store) mendable(err error) bool {
	if !s.cfg.Mend || !s.readable || !errors.Is(err, ErrCorrupt) {
		return false
	}
	s.err = err // keeps all other calls out, until reload
	return true
}

// Check implements frontier.Mender. It compares the tables of the file with each other, as of one commit, so it is exact
// also while URLs move. A repair that finds something ends all leases, at no cost to their URLs. What cannot be read any
// more is dropped: of such URLs only the fingerprints are left, so they are not found again. Memory: as much as the seen
// set has.
func (s *Store) Check(ctx context.Context, repair bool) ([]string, error) {
	s.mending.Lock()
	defer s.mending.Unlock()
	err := s.settled(ctx)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return nil, err
	}
	found, err := s.audit(ctx)
	if err != nil || !repair || len(found.words) == 0 && !s.damaged() {
		return found.words, err
	}
	if err := s.repair(ctx); err != nil {
		return found.words, fmt.Errorf("repair %s: %w", s.file, err)
	}
	return found.words, nil
}

// damaged tells whether the store was opened to be repaired, and is not.
func (s *Store) damaged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Is(s.err, ErrCorrupt)
}

// audit looks for what does not fit, in one transaction.
func (s *Store) audit(ctx context.Context) (*audit, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return &audit{}, fmt.Errorf("check %s: %w", s.file, err)
	}
	defer tx.Rollback() // it only reads
	a := &audit{ctx: ctx, db: tx}
	if err := a.run(); err != nil {
		return a, fmt.Errorf("check %s: %w", s.file, err)
	}
	return a, nil
}

// rounds is how often a repair looks again: what is put right in one table shows in the next.
const rounds = 5

// repair puts right what is found until nothing is, and reads the state anew. Nobody else has the store meanwhile.
func (s *Store) repair(ctx context.Context) error {
	s.mu.Lock()
	for !s.closed && (s.err == nil && !s.batch.empty() || s.flying != nil) {
		if err := s.end(); err != nil {
			return err
		}
		s.mu.Lock()
	}
	defer s.leave()
	if s.closed {
		return frontier.ErrClosed
	}
	for range rounds {
		found, err := s.audit(ctx)
		if err != nil {
			return err
		}
		if len(found.words) == 0 {
			return s.reload()
		}
		if err := s.apply(ctx, found.fixes); err != nil {
			return err
		}
	}
	return errors.New("it does not become sound")
}

// apply puts right what one round found, all of it or nothing.
func (s *Store) apply(ctx context.Context, fixes []fix) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return storeError(err)
	}
	defer tx.Rollback() // does nothing after Commit
	for _, f := range fixes {
		if _, err := tx.ExecContext(ctx, f.statement, f.args...); err != nil {
			return storeError(err)
		}
	}
	return storeError(tx.Commit())
}

// reload reads the state from a file that was repaired. Nobody died: leases are given back. The numbers of tokens and of
// chunks go on, so nothing that was lent before fits again.
func (s *Store) reload() error {
	s.lock.died = false
	s.hosts, s.order, s.seen, s.inRAM = map[frontier.Host]*host{}, nil, set{}, 0
	s.ready, s.delayed, s.leases = [2]timeline[*host]{}, timeline[*chunk]{}, timeline[*lease]{}
	s.asked = map[request]*grant{}
	s.batch = newBatch()
	s.err = s.loadAll()
	return s.err
}
