package redis

import (
	"context"
	_ "embed"
	"errors"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed known.lua
var knownLua string

//go:embed sets.lua
var setsLua string

//go:embed mend.lua
var mendLua string

var (
	knownScript = script(links, knownLua)
	setsScript  = script(links, setsLua)
	mendScript  = script(links, mendLua)
)

// mend puts one thing right. What moved since it was read is left for the next round.
func (a *audit) mend(args ...any) error {
	_, err := a.s.run(a.ctx, mendScript, args...)
	return err
}

// drop takes what cannot be read out of a list, a sorted set or a hash, or removes a key.
func (a *audit) drop(kind, key, what string) func() error {
	return func() error { return a.mend("drop", kind, key, what) }
}

// mendHost counts a host anew. If its record is gone, what is seen and neither waiting nor dead was done.
func (a *audit) mendHost(r *record, delayed, dead int64) error {
	done := int64(0)
	if r.broken {
		text, err := a.s.client.HGet(a.ctx, a.s.keys[0]+"s", string(r.host)).Result()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return storeError(a.ctx, err)
		}
		f := readSeenField(string(r.host), text)
		done = max(f.count-sum(r.lists)-delayed-dead, 0)
	}
	return a.mend("host", string(r.host), r.raw, r.broken, delayed, dead, done)
}

// remember adds fingerprints to a seen set, unless it has them.
func (s *Store) remember(ctx context.Context, set string, members ...string) error {
	args := []any{0, "seen", "", set, len(members)}
	for _, m := range members {
		args = append(args, m)
	}
	_, err := s.run(ctx, loadScript, args...)
	return err
}
