package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// again is what a script answers that has only done a part of what time brought, and none of what it was asked.
const again = "again"

// enter tells why a call is not to happen.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return frontier.ErrClosed
	}
	return nil
}

// run runs a script that writes. With durability a replica has what it wrote when this returns.
func (s *Store) run(ctx context.Context, script *goredis.Script, args ...any) (any, error) {
	return s.runIn(ctx, "", script, args...)
}

// runIn runs a script in one run of the server: in another it answers moved.
func (s *Store) runIn(ctx context.Context, run string, script *goredis.Script, args ...any) (any, error) {
	reply, err := s.send(ctx, script, append(s.header(run), args...))
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return reply, nil
}

// read runs a script that only reads.
func (s *Store) read(ctx context.Context, script *goredis.Script, args ...any) (any, error) {
	reply, err := script.Run(ctx, s.client, s.keys, append(s.header(""), args...)...).Result()
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return reply, nil
}

// header is what goes in front of each script's arguments: the time, the crawl's id, and a place for a run of the server.
func (s *Store) header(run string) []any {
	now := int64(0)
	if s.cfg.Now != nil {
		now = s.cfg.Now().UnixMilli()
	}
	return []any{now, s.id, run}
}

// ask runs a script that lets time do its work, until that is all done. It returns the answer in a word, and more of it.
func (s *Store) ask(ctx context.Context, run string, script *goredis.Script, args ...any) (string, []any, error) {
	for {
		reply, err := s.runIn(ctx, run, script, args...)
		if err != nil {
			return "", nil, err
		}
		list, _ := reply.([]any)
		if len(list) == 0 {
			return "", nil, errReply
		}
		if word, _ := list[0].(string); word != again {
			return word, list[1:], nil
		}
	}
}

// errReply says that a script answered something else than this program expects.
var errReply = errors.New("redis: strange reply")

// passing are errors of a server that will be well again, by the word they begin with.
var passing = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "NOREPLICAS", "BUSY", "MISCONF", "UNKILLABLE",
	"UNBLOCKED", "ERR max number of clients",
}

// storeError says what an error of the client means for the caller.
func storeError(ctx context.Context, err error) error {
	text := err.Error()
	_, remote := errors.AsType[goredis.Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, goredis.ErrClosed):
		return frontier.ErrClosed
	case strings.Contains(text, "NOCRAWL"):
		return ErrNoCrawl
	case says(text, "OOM"):
		return fmt.Errorf("redis is out of memory, raise its maxmemory: %w", frontier.ErrUnavailable)
	case !remote:
		return unavailable(err)
	}
	for _, word := range passing {
		if says(text, word) {
			return unavailable(err)
		}
	}
	return fmt.Errorf("redis: %w", err)
}

// says tells whether an error is of a kind. Servers before 7.0 put that of a command within the error of its script.
func says(text, word string) bool {
	return strings.HasPrefix(text, word) || strings.Contains(text, ": -"+word+" ")
}

// unavailable keeps the cause of an outage beside what the caller tests for.
func unavailable(err error) error { return fmt.Errorf("redis: %w: %w", frontier.ErrUnavailable, err) }
