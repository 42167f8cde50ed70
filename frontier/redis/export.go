package redis

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
)

// Export implements frontier.Exporter. It ends with an error when the crawl changed meanwhile.
func (s *Store) Export(ctx context.Context, yield func(*frontier.Part) error) error {
	st, err := s.atRest(ctx)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	before, err := s.counts(ctx)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	e := &exporter{s: s, ctx: ctx, yield: yield}
	for _, parts := range []func() error{ // in the order in which an import needs them
		func() error { return e.crawl(st) }, e.eachHost, e.eachSeen, e.waiting, e.delayed, e.dead, e.seeds,
	} {
		if err := parts(); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	after, err := s.counts(ctx)
	if err == nil && !slices.Equal(after, before) {
		err = errors.New("the crawl changed meanwhile: pause it, end who adds URLs, and try again")
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// countFields are fields of T:m of which at least one changes whenever a URL moves, the crawl itself is changed, or
// another server has it, to which the cursor of a scan means nothing.
var countFields = []string{
	"id", "version", "state", "tok", "seen", "queued", "delayed", "leased", "done", "dead", "retries", "reclaimed", "run",
}

func (s *Store) counts(ctx context.Context) ([]string, error) {
	v, err := s.meta(ctx, countFields...)
	if err == nil && v[0] != s.id {
		err = ErrNoCrawl
	}
	return v, err
}

// atRest returns the counts when nothing is lent and nothing will be.
func (s *Store) atRest(ctx context.Context) (frontier.Stats, error) {
	st, err := s.Stats(ctx)
	if err == nil && st.HostsLeased > 0 { // maybe expired: any call that changes something takes those back
		if _, err = s.Push(ctx, nil); err == nil {
			st, err = s.Stats(ctx)
		}
	}
	if err != nil {
		return st, err
	}
	switch {
	case st.State == frontier.Running && !st.Drained:
		return st, errors.New("the crawl is running: trawl pause, and wait until its workers gave back what is lent")
	case st.HostsLeased > 0 || st.Leased > 0:
		return st, fmt.Errorf("%d hosts are lent: wait until their workers gave them back, or their leases expired", st.HostsLeased)
	}
	return st, s.unheld(ctx)
}

// unheld refuses a crawl that somebody is adding URLs to.
func (s *Store) unheld(ctx context.Context) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	from := "(" + strconv.FormatInt(now.UnixMilli(), 10)
	n, err := s.client.ZCount(ctx, s.keys[0]+"hold", from, "+inf").Result()
	if err != nil {
		return storeError(ctx, err)
	}
	if n > 0 {
		return errors.New("somebody is adding URLs: wait until they have ended")
	}
	return nil
}

// exporter reads a crawl in pages.
type exporter struct {
	s     *Store
	ctx   context.Context
	yield func(*frontier.Part) error
}

func (e *exporter) crawl(st frontier.Stats) error {
	p := &frontier.CrawlPart{Format: frontier.PartFormat, Bits: printBits, Stats: st}
	var err error
	if p.Crawl, err = e.s.Crawl(e.ctx); err != nil {
		return err
	}
	v, err := e.s.meta(e.ctx, "secret")
	if err != nil {
		return err
	}
	p.Secret = v[0]
	if p.Examples, err = e.s.Refused(e.ctx); err != nil {
		return err
	}
	return e.yield(&frontier.Part{Crawl: p})
}

func (e *exporter) eachHost() error {
	return e.s.eachRecord(e.ctx, false, func(p page) (bool, error) {
		for i := range p.hosts {
			r := &p.hosts[i]
			if r.broken {
				return false, errBrokenRecord(r.host)
			}
			h := &frontier.HostPart{
				Host: r.host, Next: timeOf(r.next), Delay: time.Duration(r.delay) * time.Millisecond,
				Accepted: r.accepted, Done: r.done, Dead: r.dead, Failures: int(r.failures) - 1,
			}
			if err := e.yield(&frontier.Part{Host: h}); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func errBrokenRecord(h frontier.Host) error {
	return fmt.Errorf("what is kept of %s cannot be read: trawl fsck --repair", h)
}

// partPrints is how many fingerprints one part has.
const partPrints = 4096

// eachSeen yields the sets one after the other, so that an import can write each of them at once.
func (e *exporter) eachSeen() error {
	return e.s.eachSeen(e.ctx, func(f seenField) error {
		if f.broken {
			return fmt.Errorf("the seen set %q cannot be read: trawl fsck --repair", f.name)
		}
		part := &frontier.SeenPart{Set: f.name}
		flush := func() error {
			full := part
			part = &frontier.SeenPart{Set: f.name}
			return e.yield(&frontier.Part{Seen: full})
		}
		err := e.s.eachPrint(e.ctx, f, func(fp uint64) error {
			// The first bits of 64, as in a store that keeps all of them.
			part.Prints = binary.LittleEndian.AppendUint64(part.Prints, fp<<(64-printBits))
			if len(part.Prints) < 8*partPrints {
				return nil
			}
			return flush()
		})
		if err == nil && len(part.Prints) > 0 {
			err = flush()
		}
		return err
	})
}

func (e *exporter) waiting() error {
	return e.s.eachRecord(e.ctx, false, func(p page) (bool, error) {
		return true, e.s.eachInLine(e.ctx, p.hosts, func(r *record, _ int, text string) error {
			it, err := decodeElement(r.host, text)
			if err != nil {
				return fmt.Errorf("%s: %w", r.host, err)
			}
			return e.url(&frontier.URLPart{State: frontier.URLQueued}, &it)
		})
	})
}

// headPage is how many URLs of each host's line are read with those of other hosts.
const headPage = 100

// eachInLine calls do for every URL in line of some hosts, in order, with its priority.
func (s *Store) eachInLine(ctx context.Context, hosts []record, do func(r *record, k int, text string) error) error {
	heads := map[string]*goredis.StringSliceCmd{}
	_, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i := range hosts {
			for k := range levels {
				// By either count: when they differ Check reads what there is.
				if key := queueKey(&hosts[i], int(k)); hosts[i].line[k]+hosts[i].lists[k] > 0 {
					heads[key] = p.LRange(ctx, s.keys[0]+key, 0, headPage-1)
				}
			}
		}
		return nil
	})
	if err != nil {
		return storeError(ctx, err)
	}
	for i := range hosts {
		for k := range int(levels) {
			head := heads[queueKey(&hosts[i], k)]
			if head == nil {
				continue
			}
			if err := s.eachOfLine(ctx, &hosts[i], k, head.Val(), do); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachOfLine goes on where the head of a line ends. Most lines are shorter, and have been read with many others.
func (s *Store) eachOfLine(ctx context.Context, r *record, k int, head []string, do func(*record, int, string) error) error {
	for _, text := range head {
		if err := do(r, k, text); err != nil {
			return err
		}
	}
	if len(head) < headPage {
		return nil
	}
	return s.eachEntry(ctx, queueKey(r, k), headPage, func(_ int64, text string) (bool, error) {
		return true, do(r, k, text)
	})
}

// queueKey is a list of a host, without the prefix.
func queueKey(r *record, k int) string { return "q" + strconv.Itoa(k) + ":" + string(r.host) }

func (e *exporter) delayed() error {
	return e.s.eachDelayed(e.ctx, func(member string, due int64) error {
		host, element, _ := strings.Cut(member, "\x00")
		it, err := decodeElement(frontier.Host(host), element)
		if err != nil {
			return fmt.Errorf("%s: %w", host, err)
		}
		return e.url(&frontier.URLPart{State: frontier.URLDelayed, Due: time.UnixMilli(due).UTC()}, &it)
	})
}

// eachDelayed calls do for every member of T:d, and when it is due (ms).
func (s *Store) eachDelayed(ctx context.Context, do func(member string, due int64) error) error {
	for at := int64(0); ; at += listPage {
		if err := s.enter(ctx); err != nil {
			return err
		}
		list, err := s.client.ZRangeWithScores(ctx, s.keys[0]+"d", at, at+listPage-1).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		for _, z := range list {
			member, _ := z.Member.(string)
			if err := do(member, int64(z.Score)); err != nil {
				return err
			}
		}
		if len(list) < listPage {
			return nil
		}
	}
}

func (e *exporter) dead() error {
	return e.s.eachEntry(e.ctx, "x", 0, func(_ int64, text string) (bool, error) {
		d, err := readDead(text)
		if err != nil {
			return false, err
		}
		return true, e.url(&frontier.URLPart{State: frontier.URLDead, Reason: d.reason, Detail: d.detail, At: timeOf(d.at)}, &d.Item)
	})
}

func (e *exporter) seeds() error {
	var failed error
	err := e.s.Seeds(e.ctx, 0, func(entry frontier.Entry) bool {
		u := &frontier.URLPart{State: frontier.URLSeed, URL: entry.URL.String(), Via: entry.Via, Seed: true, Sitemap: entry.Sitemap}
		failed = e.yield(&frontier.Part{URL: u})
		return failed == nil
	})
	return cmp.Or(failed, err)
}

// url yields a URL with what its element says.
func (e *exporter) url(u *frontier.URLPart, it *frontier.Item) error {
	u.URL, u.Via, u.Depth, u.Hops, u.Priority = it.URL.String(), it.Via, it.Depth, it.Hops, it.Priority
	u.Seed, u.Sitemap, u.Attempt, u.Generation = it.Seed, it.Sitemap, it.Attempt, it.Generation
	return e.yield(&frontier.Part{URL: u})
}
