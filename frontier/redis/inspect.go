package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"trawl/frontier"
)

// Hosts implements frontier.Inspector. A host is told once; one that is new meanwhile may be left out.
func (s *Store) Hosts(ctx context.Context, yield func(frontier.HostStats) bool) error {
	err := s.eachRecord(ctx, false, func(p page) (bool, error) {
		for i := range p.hosts {
			if p.hosts[i].broken {
				return false, errBrokenRecord(p.hosts[i].host)
			}
			if !yield(p.hosts[i].stats()) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("hosts: %w", err)
	}
	return nil
}

// Host implements frontier.Inspector.
func (s *Store) Host(ctx context.Context, h frontier.Host) (frontier.HostStats, bool, error) {
	if err := s.enter(ctx); err != nil {
		return frontier.HostStats{}, false, err
	}
	p, err := s.records(ctx, "0", false, string(h))
	if err != nil || len(p.hosts) != 1 || p.hosts[0].broken {
		return frontier.HostStats{}, false, fmt.Errorf("host %s: %w", h, cmp.Or(err, errReply))
	}
	r := p.hosts[0]
	return r.stats(), r.raw != "", nil
}

// Dead implements frontier.Inspector.
func (s *Store) Dead(ctx context.Context, yield func(frontier.DeadURL) bool) error {
	err := s.eachEntry(ctx, "x", 0, func(_ int64, text string) (bool, error) {
		d, err := readDead(text)
		if err != nil {
			return false, err
		}
		return yield(frontier.DeadURL{URL: d.URL, Via: d.Via, Reason: d.reason, Detail: d.detail, At: timeOf(d.at)}), nil
	})
	if err != nil {
		return fmt.Errorf("dead URLs: %w", err)
	}
	return nil
}

// listPage is how many entries of a list are read at a time.
const listPage = 500

// eachEntry calls do for each entry of a list from a place on, and its place, until it returns false. Cost: O(entries), in
// steps.
func (s *Store) eachEntry(ctx context.Context, key string, at int64, do func(i int64, text string) (bool, error)) error {
	for ; ; at += listPage {
		if err := s.enter(ctx); err != nil {
			return err
		}
		list, err := s.client.LRange(ctx, s.keys[0]+key, at, at+listPage-1).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		for i, text := range list {
			if more, err := do(at+int64(i), text); err != nil || !more {
				return err
			}
		}
		if len(list) < listPage {
			return nil
		}
	}
}

// deadURL is an entry of T:x.
type deadURL struct {
	frontier.Item
	reason frontier.Reason
	detail string
	at     int64 // ms
}

// readDead reads an entry of T:x, which a script wrote, or text.
func readDead(text string) (d deadURL, err error) {
	why, element, _ := strings.Cut(text, "\x00")
	var w struct {
		Host   frontier.Host
		Reason frontier.Reason
		Detail string
		At     float64
	}
	if err := json.Unmarshal([]byte(why), &w); err != nil {
		return d, fmt.Errorf("%w: %.100q", errElement, text)
	}
	if d.Item, err = decodeElement(w.Host, element); err != nil {
		return d, fmt.Errorf("%w: %.100q", err, text)
	}
	d.reason, d.detail, d.at = w.Reason, w.Detail, int64(w.At)
	return d, nil
}

// text is the entry, with its element.
func (d *deadURL) text(element string) string {
	why, _ := json.Marshal(map[string]any{"host": d.URL.Host(), "reason": d.reason, "detail": d.detail, "at": d.at}) // never fails
	return string(why) + "\x00" + element
}
