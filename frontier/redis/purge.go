package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

//go:embed purge.lua
var purgeLua string

var purgeScript = goredis.NewScript(purgeLua)

// What the id of a crawl begins with that is not to be worked on. The rest of it is random.
const (
	purging   = "purging:"
	importing = "importing:"
)

// purgeSlice is how many keys one script removes at most. The server frees what is in them behind the scenes.
const purgeSlice = 500

// Purge removes a crawl with all that it has, while workers may be at it: to them it is gone at once (ErrNoCrawl). It
// removes what an import left behind too. A purge that was cut off is finished by the next one. Cost: O(keys of the
// server), in steps.
func Purge(ctx context.Context, address, crawl string) error {
	s, err := newStore(address, Config{Crawl: crawl})
	if err != nil {
		return err
	}
	defer s.link.close()
	if err := s.purge(ctx); err != nil {
		return fmt.Errorf("purge: %w", s.named(err))
	}
	return nil
}

func (s *Store) purge(ctx context.Context) error {
	v, err := s.meta(ctx, "id")
	if errors.Is(err, ErrNoCrawl) {
		return s.noCrawl(ctx)
	}
	if err != nil {
		return err
	}
	if err := s.purgeAs(ctx, v[0]); err != nil {
		return err
	}
	s.delist(ctx)
	return nil
}

// purgeAs removes the crawl with an id. When another purge of it began first it helps that one.
func (s *Store) purgeAs(ctx context.Context, id string) error {
	s.id = id
	if !strings.HasPrefix(id, purging) {
		id = purging + randomHex(8)
	}
	_, err := s.run(ctx, purgeScript, id, 0)
	if errors.Is(err, ErrNoCrawl) {
		v, err := s.meta(ctx, "id")
		if err != nil || !strings.HasPrefix(v[0], purging) {
			return err
		}
		return s.purgeAs(ctx, v[0])
	}
	for found := true; err == nil && found; { // a scan that a failover cut in two can miss some
		found, err = s.purgeKeys(ctx, id)
	}
	if err == nil {
		_, err = s.run(ctx, purgeScript, id, 1)
	}
	if errors.Is(err, ErrNoCrawl) {
		return nil // another purge was the first to end, or an answer was lost
	}
	return err
}

// purgeKeys removes all keys but T:m, and tells whether there were any. Nobody makes new ones any more.
func (s *Store) purgeKeys(ctx context.Context, id string) (found bool, err error) {
	slice := []any{id, 0}
	flush := func() error {
		_, err := s.run(ctx, purgeScript, slice...)
		slice = slice[:2]
		return err
	}
	err = s.eachKey(ctx, func(key string) error {
		if key == "m" {
			return nil
		}
		found = true
		if slice = append(slice, key); len(slice) < 2+purgeSlice {
			return nil
		}
		return flush()
	})
	if err == nil && len(slice) > 2 {
		err = flush()
	}
	return found, err
}

// scanSlice is how many keys of the server one step looks at.
const scanSlice = 5000

// eachKey calls do for each key of the crawl, without its prefix; more than once, maybe, for one that is there twice as
// the server makes its table smaller. Cost: O(keys of the server), in steps.
func (s *Store) eachKey(ctx context.Context, do func(key string) error) error {
	for cursor := uint64(0); ; {
		page, next, err := s.client.Scan(ctx, cursor, s.keys[0]+"*", scanSlice).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		for _, key := range page {
			if err := do(strings.TrimPrefix(key, s.keys[0])); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

var (
	_ frontier.Inspector = (*Store)(nil)
	_ frontier.Mender    = (*Store)(nil)
	_ frontier.Exporter  = (*Store)(nil)
)
