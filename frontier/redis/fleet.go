package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"trawl/frontier"
)

// Beat implements frontier.Fleet.
func (s *Store) Beat(ctx context.Context, m frontier.Member) (version int64, err error) {
	text, err := json.Marshal(m)
	if err == nil {
		version, err = s.beat(ctx, m.Name, string(text))
	}
	if err != nil {
		return 0, fmt.Errorf("beat: %w", err)
	}
	return version, nil
}

// Leave implements frontier.Fleet.
func (s *Store) Leave(ctx context.Context, name string) error {
	if _, err := s.beat(ctx, name, ""); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// beat tells of a worker; nothing, when it ended.
func (s *Store) beat(ctx context.Context, name, text string) (version int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	reply, err := s.run(ctx, beatScript, name, text)
	version, _ = reply.(int64)
	return version, err
}

// Members implements frontier.Fleet.
func (s *Store) Members(ctx context.Context) ([]frontier.Member, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	all, err := s.client.HGetAll(ctx, s.keys[0]+"w").Result()
	if err != nil {
		return nil, fmt.Errorf("workers: %w", storeError(ctx, err))
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	members := make([]frontier.Member, 0, len(all))
	for name, value := range all {
		ms, text, _ := strings.Cut(value, " ")
		at, err := strconv.ParseInt(ms, 10, 64)
		var m frontier.Member
		if err != nil || json.Unmarshal([]byte(text), &m) != nil {
			continue // of another version of this program, maybe
		}
		m.Name, m.Beat = name, time.UnixMilli(at)
		if now.Sub(m.Beat) < time.Hour {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b frontier.Member) int { return cmp.Compare(a.Name, b.Name) })
	return members, nil
}

// now is the time of the crawl's clock.
func (s *Store) now(ctx context.Context) (time.Time, error) {
	if s.cfg.Now != nil {
		return s.cfg.Now(), nil
	}
	v, err := s.meta(ctx, "id", "skew")
	if err != nil {
		return time.Time{}, err
	}
	t, err := s.client.Time(ctx).Result()
	if err != nil {
		return t, storeError(ctx, err)
	}
	return s.clock(t, v[1]), nil
}

// clock is the crawl's clock, by the server's and by the skew in T:m.
func (s *Store) clock(server time.Time, skew string) time.Time {
	if s.cfg.Now != nil {
		return s.cfg.Now()
	}
	ms, _ := strconv.ParseInt(skew, 10, 64) // none
	return server.Add(time.Duration(ms) * time.Millisecond)
}
