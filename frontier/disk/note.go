package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"trawl/frontier"
)

// note is a row of the table of that name.
type note struct {
	at   int64 // Unix ms
	text []byte
}

// Remember implements frontier.Memory.
func (s *Store) Remember(ctx context.Context, l *frontier.Lease, text []byte) error {
	if len(text) > frontier.MaxNote {
		return fmt.Errorf("note on %s: it has %d bytes; %d are kept at most", l.Host, len(text), frontier.MaxNote)
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	h, kept := s.hosts[l.Host], false
	if h != nil && h.live() && h.lease.token == l.Token {
		kept = true
		s.batch.notes[h.id] = note{s.clock / 1e6, append([]byte{}, text...)} // not nil: an empty note is one
	}
	if err := s.end(); err != nil {
		return err
	}
	if !kept {
		return fmt.Errorf("note on %s: %w", l.Host, frontier.ErrLeaseLost)
	}
	return nil
}

// Recall implements frontier.Memory. Cost: a note that is committed is read from the file.
func (s *Store) Recall(ctx context.Context, name frontier.Host) ([]byte, time.Duration, error) {
	if err := s.enter(ctx); err != nil {
		return nil, 0, err
	}
	h, now := s.hosts[name], s.clock
	if h == nil {
		s.leave()
		return nil, 0, nil
	}
	// A batch flies until it is committed, so the note is in one of the three.
	n, waits := s.batch.notes[h.id]
	if !waits && s.flying != nil {
		n, waits = s.flying.notes[h.id]
	}
	s.leave()
	if waits {
		n.text = append([]byte{}, n.text...)
	} else if err := n.read(ctx, s.db, h.id); err != nil {
		return nil, 0, fmt.Errorf("note on %s: %w", name, err)
	}
	if n.text == nil {
		return nil, 0, nil
	}
	return n.text, time.Duration(max(now-n.at*1e6, 0)), nil
}

// read reads the note on a host; one without text when there is none.
func (n *note) read(ctx context.Context, db *sql.DB, host int64) error {
	err := db.QueryRowContext(ctx, "select at, text from note where host = ?", host).Scan(&n.at, &n.text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err == nil && n.text == nil:
		n.text = []byte{}
	}
	return err
}
