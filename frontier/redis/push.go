package redis

import (
	"context"
	"fmt"
	"strconv"

	"trawl/frontier"
)

// maxLinks is how many links one script takes: longer ones would keep the server from everybody else.
const maxLinks = 500

// offer is an entry on its way to the store.
type offer struct {
	entry *frontier.Entry
	fp    uint64
}

// offers are entries with their fingerprints.
func (s *Store) offers(entries []frontier.Entry) []offer {
	offers := make([]offer, len(entries))
	for i := range entries {
		offers[i] = offer{&entries[i], s.fp.Of(entries[i].URL)}
	}
	return offers
}

// Push implements frontier.Frontier. More than 500 entries are accepted in several steps: an error can come after some.
func (s *Store) Push(ctx context.Context, entries []frontier.Entry) (added int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	for first := true; first || len(entries) > 0; first = false {
		n := min(len(entries), maxLinks)
		part, _, err := s.push(ctx, "", &frontier.Lease{}, s.offers(entries[:n]))
		added += part
		if err != nil {
			return added, err
		}
		entries = entries[n:]
	}
	return added, nil
}

// push pushes what one script can take: under a lease, if it has a token. It tells whether a cap kept some out.
func (s *Store) push(ctx context.Context, run string, l *frontier.Lease, offers []offer) (added int, capped bool, err error) {
	args := s.appendRuns([]any{string(l.Host), l.Token}, offers)
	word, rest, err := s.ask(ctx, run, pushScript, args...)
	switch {
	case err != nil:
	case word == "lost":
		err = fmt.Errorf("under %s: %w", l.Host, frontier.ErrLeaseLost)
	case word == "moved":
		err = errMoved
	case word != "ok" || len(rest) == 0:
		err = errReply
	default:
		n, _ := rest[0].(int64)
		return int(n), len(rest) > 1, nil
	}
	return 0, false, fmt.Errorf("push: %w", err)
}

// appendRuns appends offers as scripts read them: in runs of one host each.
func (s *Store) appendRuns(args []any, offers []offer) []any {
	args = append(args, 0)
	total, runs := len(args)-1, 0
	for len(offers) > 0 {
		h, n := offers[0].entry.URL.Host(), 1
		for n < len(offers) && offers[n].entry.URL.Host() == h {
			n++
		}
		args = append(args, string(h), s.seenSet(h), n)
		for i := range offers[:n] {
			args = append(args, member(offers[i].fp))
		}
		for i := range offers[:n] {
			args = append(args, encodeElement(&frontier.Item{Entry: *offers[i].entry}))
		}
		runs++
		offers = offers[n:]
	}
	args[total] = runs
	return args
}

// member is a fingerprint as seen sets have it: 53 bits of it, which the numbers of Lua hold exactly.
func member(fp uint64) string { return strconv.FormatUint(fp>>11, 10) }
