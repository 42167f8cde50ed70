package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"trawl/frontier"
)

//go:embed push.lua
var pushLua string

// maxLinks is how many links one script takes: longer ones would keep the server from everybody else.
const maxLinks = 500

// Push implements frontier.Frontier. More than 500 entries are accepted in several steps: an error can come after some.
func (s *Store) Push(ctx context.Context, entries []frontier.Entry) (added int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	for first := true; first || len(entries) > 0; first = false {
		n := min(len(entries), maxLinks)
		part, err := s.push(ctx, "", "", entries[:n])
		added += part
		if err != nil {
			return added, err
		}
		entries = entries[n:]
	}
	return added, nil
}

// push pushes what one script can take: under a lease, if a host and a token are given.
func (s *Store) push(ctx context.Context, host, token string, entries []frontier.Entry) (added int, err error) {
	args := s.appendRuns([]any{host, token}, entries)
	word, rest, err := s.ask(ctx, pushScript, args...)
	if err != nil {
		return 0, fmt.Errorf("push: %w", err)
	}
	switch {
	case word == "lost":
		return 0, fmt.Errorf("push under %s: %w", host, frontier.ErrLeaseLost)
	case word == "ok" && len(rest) == 1:
		n, _ := rest[0].(int64)
		return int(n), nil
	}
	return 0, fmt.Errorf("push: %w", errReply)
}

// appendRuns appends entries as scripts read them: in runs of one host each.
func (s *Store) appendRuns(args []any, entries []frontier.Entry) []any {
	args = append(args, 0)
	total, runs := len(args)-1, 0
	for len(entries) > 0 {
		h, n := entries[0].URL.Host(), 1
		for n < len(entries) && entries[n].URL.Host() == h {
			n++
		}
		args = append(args, string(h), seenSet(entries[0].URL), n)
		for i := range entries[:n] {
			args = append(args, s.fingerprint(entries[i].URL))
		}
		for i := range entries[:n] {
			args = append(args, encodeElement(&frontier.Item{Entry: entries[i]}))
		}
		runs++
		entries = entries[n:]
	}
	args[total] = runs
	return args
}

// fingerprint is 53 bits of a URL's fingerprint, which the numbers of Lua hold exactly.
func (s *Store) fingerprint(u frontier.URL) string { return strconv.FormatUint(s.fp.Of(u)>>11, 10) }
