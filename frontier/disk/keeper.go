package disk

import (
	"context"
	"fmt"

	"trawl/frontier"
)

// Crawl implements frontier.Keeper.
func (s *Store) Crawl(ctx context.Context) (frontier.Crawl, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.Crawl{}, err
	}
	defer s.leave()
	return s.crawl, nil
}

// SetPolicy implements frontier.Keeper.
func (s *Store) SetPolicy(ctx context.Context, p frontier.Policy) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.crawl.Policy = p
	s.changed()
	return s.end()
}

// SetState implements frontier.Keeper.
func (s *Store) SetState(ctx context.Context, st frontier.State) error {
	switch st {
	case frontier.Running, frontier.Paused, frontier.Stopping:
	default:
		return fmt.Errorf("no such state: %q", st)
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.state = st
	s.changed()
	return s.end()
}

// Seeds implements frontier.Keeper. Cost: reads them from the file.
func (s *Store) Seeds(ctx context.Context, first int64, yield func(frontier.Entry) bool) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if err := s.end(); err != nil { // those of the open batch too
		return err
	}
	rows, err := s.db.QueryContext(ctx, "select url, via, sitemap from seed order by id limit -1 offset ?", first)
	if err != nil {
		return fmt.Errorf("seeds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		e := frontier.Entry{Seed: true}
		if err := rows.Scan(&text, &e.Via, &e.Sitemap); err != nil {
			return fmt.Errorf("seeds: %w", err)
		}
		if e.URL, err = frontier.ParseURL(text); err != nil {
			return fmt.Errorf("seeds: %w", err)
		}
		if !yield(e) {
			return nil
		}
	}
	return rows.Err()
}
