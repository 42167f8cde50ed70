package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

//go:embed remember.lua
var rememberLua string

var rememberScript = script(rememberLua)

func noteKey(h frontier.Host) string { return "n:" + string(h) }

// Remember implements frontier.Memory. Cost: O(1). Without memory left the server refuses notes as it refuses links.
func (s *Store) Remember(ctx context.Context, l *frontier.Lease, note []byte) error {
	if err := s.remind(ctx, l, note); err != nil {
		return fmt.Errorf("note on %s: %w", l.Host, err)
	}
	return nil
}

// remind is Remember without the host in its errors. Time does its work first: a lease that has run out keeps nothing.
func (s *Store) remind(ctx context.Context, l *frontier.Lease, note []byte) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if len(note) > frontier.MaxNote {
		return fmt.Errorf("it has %d bytes: %d at most", len(note), frontier.MaxNote)
	}
	word, _, err := s.ask(ctx, "", rememberScript, string(l.Host), l.Token, note)
	switch {
	case err != nil:
		return err
	case word == "lost":
		return frontier.ErrLeaseLost
	case word != "ok":
		return errReply
	}
	return nil
}

// Recall implements frontier.Memory. Cost: O(1), in one step, without a script.
func (s *Store) Recall(ctx context.Context, h frontier.Host) (note []byte, age time.Duration, err error) {
	if err = s.enter(ctx); err == nil {
		note, age, err = s.recall(ctx, h)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("note on %s: %w", h, err)
	}
	return note, age, nil
}

// recall reads in one pipeline, with the id of the crawl: a note by this name may be of another one that was made since.
func (s *Store) recall(ctx context.Context, h frontier.Host) ([]byte, time.Duration, error) {
	var text *goredis.StringCmd
	var meta *goredis.SliceCmd
	var clock *goredis.TimeCmd
	_, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		text, meta, clock = p.Get(ctx, s.keys[0]+noteKey(h)), p.HMGet(ctx, s.keys[0]+"m", "id", "skew"), p.Time(ctx)
		return nil
	})
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, 0, storeError(ctx, err)
	}
	if v := meta.Val(); len(v) != 2 || v[0] != s.id {
		return nil, 0, ErrNoCrawl
	}
	if text.Err() != nil {
		return nil, 0, nil
	}
	ms, note, _ := strings.Cut(text.Val(), " ")
	kept, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return nil, 0, nil // damaged: it is as if there were none
	}
	skew, _ := meta.Val()[1].(string)
	return []byte(note), max(s.clock(clock.Val(), skew).Sub(time.UnixMilli(kept)), 0), nil
}
