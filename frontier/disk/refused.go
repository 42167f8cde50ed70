package disk

import (
	"context"
	"database/sql"
	"fmt"

	"trawl/frontier"
)

// Refused implements frontier.Inspector.
func (s *Store) Refused(ctx context.Context) (map[frontier.Reason][]string, error) {
	if err := s.settled(ctx); err != nil {
		return nil, err
	}
	// One look at the file: the count of a reason says which of its examples is the latest.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("refused links: %w", err)
	}
	defer tx.Rollback() // nothing was changed
	var st frontier.Stats
	if err := readMeta(tx, map[string]any{"stats": &st}); err != nil {
		return nil, fmt.Errorf("refused links: %w", err)
	}
	e := exporter{ctx: ctx, tx: tx}
	examples, err := e.examples(st)
	if err != nil {
		return nil, fmt.Errorf("refused links: %w", err)
	}
	return examples, nil
}
