package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"trawl/frontier"
)

// Stats implements frontier.Frontier.
func (s *Store) Stats(ctx context.Context) (frontier.Stats, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.Stats{}, err
	}
	reply, err := s.read(ctx, statsScript)
	if err != nil {
		return frontier.Stats{}, fmt.Errorf("stats: %w", err)
	}
	list, _ := reply.([]any)
	if len(list) != 13 {
		return frontier.Stats{}, fmt.Errorf("stats: %w", errReply)
	}
	state, _ := list[0].(string)
	st := frontier.Stats{State: frontier.State(state), Refused: map[frontier.Reason]int64{}, DeadFor: map[frontier.Reason]int64{}}
	st.Drained = list[1] == int64(1)
	for i, field := range []*int64{
		&st.Seen, &st.Queued, &st.Delayed, &st.Leased, &st.Done, &st.Dead, &st.Hosts, &st.HostsLeased, &st.Retries, &st.Reclaimed,
	} {
		*field, _ = list[2+i].(int64)
	}
	return st, readCounts(list[12], st)
}

// readCounts reads T:f: fields and values in turn.
func readCounts(reply any, st frontier.Stats) error {
	list, _ := reply.([]any)
	for i := 0; i+1 < len(list); i += 2 {
		var n int64
		if _, err := fmt.Sscan(fmt.Sprint(list[i+1]), &n); err != nil {
			return fmt.Errorf("stats: %w", errReply)
		}
		kind, reason, _ := strings.Cut(fmt.Sprint(list[i]), ":")
		if kind == "dead" {
			st.DeadFor[frontier.Reason(reason)] = n
		} else {
			st.Refused[frontier.Reason(reason)] = n
		}
	}
	return nil
}

// Hold implements frontier.Holder.
func (s *Store) Hold(ctx context.Context, name string, ttl time.Duration) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if _, err := s.run(ctx, holdScript, name, max(millis(ttl), 0)); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// Crawl implements frontier.Keeper.
func (s *Store) Crawl(ctx context.Context) (frontier.Crawl, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.Crawl{}, err
	}
	v, err := s.meta(ctx, "id", "crawl", "name", "created", "policy", "version", "run")
	if err != nil {
		return frontier.Crawl{}, fmt.Errorf("crawl: %w", err)
	}
	if v[0] != s.id {
		return frontier.Crawl{}, fmt.Errorf("crawl: %w", ErrNoCrawl)
	}
	c := frontier.Crawl{ID: v[1], Name: v[2], Run: v[0] + v[6]}
	c.Version, _ = strconv.ParseInt(v[5], 10, 64) // none yet
	if c.Created, err = time.Parse(time.RFC3339Nano, v[3]); err != nil {
		return frontier.Crawl{}, fmt.Errorf("crawl: time of creation: %w", err)
	}
	if err := json.Unmarshal([]byte(v[4]), &c.Policy); err != nil {
		return frontier.Crawl{}, fmt.Errorf("crawl: policy: %w", err)
	}
	return c, nil
}

// SetPolicy implements frontier.Keeper.
func (s *Store) SetPolicy(ctx context.Context, p frontier.Policy) error {
	fields, err := policyFields(p)
	if err != nil {
		return fmt.Errorf("set policy: %w", err)
	}
	return s.set(ctx, fields...)
}

// SetState implements frontier.Keeper.
func (s *Store) SetState(ctx context.Context, st frontier.State) error {
	switch st {
	case frontier.Running, frontier.Paused, frontier.Stopping:
		return s.set(ctx, "state", string(st))
	}
	return fmt.Errorf("no such state: %q", st)
}

// set changes fields of T:m.
func (s *Store) set(ctx context.Context, fields ...any) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if _, err := s.run(ctx, setScript, fields...); err != nil {
		return fmt.Errorf("change the crawl: %w", err)
	}
	return nil
}

// seedPage is how many seeds are read at a time.
const seedPage = 1000

// Seeds implements frontier.Keeper. Cost: O(seeds), in pages of 1,000.
func (s *Store) Seeds(ctx context.Context, first int64, yield func(frontier.Entry) bool) error {
	for at := first; ; at += seedPage {
		if err := s.enter(ctx); err != nil {
			return err
		}
		page, err := s.client.LRange(ctx, s.keys[0]+"seeds", at, at+seedPage-1).Result()
		if err != nil {
			return fmt.Errorf("seeds: %w", storeError(ctx, err))
		}
		for _, text := range page {
			host, element, _ := strings.Cut(text, "\x00")
			it, err := decodeElement(frontier.Host(host), element)
			if err != nil {
				return fmt.Errorf("seeds: %w", err)
			}
			if !yield(frontier.Entry{URL: it.URL, Via: it.Via, Seed: true, Sitemap: it.Sitemap}) {
				return nil
			}
		}
		if len(page) < seedPage {
			return nil
		}
	}
}
