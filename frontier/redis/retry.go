package redis

import (
	"context"
	_ "embed"
	"fmt"

	"trawl/frontier"
)

//go:embed revive.lua
var reviveLua string

var reviveScript = script(reviveLua)

// retryPage is how many dead URLs are looked at together.
const retryPage = 200

// Retry implements frontier.Mender. Of two at once each leaves out some that the other may take. Cost: O(dead), in steps;
// where few of many are meant, O(dead) for each 200 of those.
func (s *Store) Retry(ctx context.Context, h frontier.Host, r frontier.Reason) (n int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	left, err := s.client.LLen(ctx, s.keys[0]+"x").Result() // those that die meanwhile stay dead
	if err != nil {
		return 0, fmt.Errorf("retry dead URLs: %w", storeError(ctx, err))
	}
	for at := int64(0); left > 0; {
		size := min(left, retryPage)
		left -= size
		revived, err := s.retryPage(ctx, at, size, h, r)
		n += revived
		if err != nil {
			return n, fmt.Errorf("retry dead URLs: %w", err)
		}
		at += size - revived // those have left the list
	}
	return n, nil
}

// retryPage puts the URLs that are meant in line again, of those from a place in T:x on.
func (s *Store) retryPage(ctx context.Context, at, size int64, h frontier.Host, r frontier.Reason) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	list, err := s.client.LRange(ctx, s.keys[0]+"x", at, at+size-1).Result()
	if err != nil {
		return 0, storeError(ctx, err)
	}
	var args []any
	for i, text := range list {
		d, err := readDead(text)
		if err != nil || h != "" && d.URL.Host() != h || r != "" && d.reason != r {
			continue // what is damaged is for Check
		}
		d.Generation++
		args = append(args, at+int64(i), text, string(d.URL.Host()), string(d.reason), encodeElement(&d.Item))
	}
	if len(args) == 0 {
		return 0, nil
	}
	word, rest, err := s.ask(ctx, "", reviveScript, args...)
	if err != nil {
		return 0, err
	}
	if word != "ok" || len(rest) == 0 {
		return 0, errReply
	}
	n, _ := rest[0].(int64)
	return n, nil
}
