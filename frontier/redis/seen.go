package redis

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// seenField is the field of a seen set in T:s.
type seenField struct {
	name    string
	small   []uint64 // its fingerprints, or
	buckets int64    // how many buckets it has
	count   int64    // and fingerprints
	broken  bool     // it makes no sense
}

// imported is the name of the set that has fingerprints of all hosts, from a store that knows no others.
const imported = ""

const (
	smallPrints = 16 // SMALL, in links.lua
	printBytes  = 7  // WIDTH
	bucketLoad  = 96 // LOAD
	printBits   = 53
)

// readSeenField reads a field as links.lua writes it.
func readSeenField(name, text string) seenField {
	f := seenField{name: name}
	if numbers, large := strings.CutPrefix(text, "!"); large {
		a, b, found := strings.Cut(numbers, ":")
		var errA, errB error
		f.buckets, errA = strconv.ParseInt(a, 10, 64)
		f.count, errB = strconv.ParseInt(b, 10, 64)
		f.broken = !found || errA != nil || errB != nil || f.buckets < 1 || f.count < 0
		return f
	}
	for ; len(text) >= printBytes; text = text[printBytes:] {
		f.small = append(f.small, binary.BigEndian.Uint64([]byte("\x00"+text[:printBytes])))
	}
	f.count = int64(len(f.small))
	f.broken = text != "" || f.count > smallPrints
	return f
}

// bucketsFor is how many buckets so many fingerprints need, by the rule of links.lua.
func bucketsFor(n int64) int64 {
	round := int64(1)
	for n > 4*bucketLoad*round-bucketLoad {
		round *= 2
	}
	return max(round, (n-2*bucketLoad*round+bucketLoad-1)/bucketLoad)
}

// text is the field as it is kept.
func (f *seenField) text() string {
	if f.buckets > 0 {
		return "!" + strconv.FormatInt(f.buckets, 10) + ":" + strconv.FormatInt(f.count, 10)
	}
	var b []byte
	for _, fp := range f.small {
		b = append(b, binary.BigEndian.AppendUint64(nil, fp)[1:]...)
	}
	return string(b)
}

// eachSeen calls do for each seen set.
func (s *Store) eachSeen(ctx context.Context, do func(seenField) error) error {
	for cursor := uint64(0); ; {
		if err := s.enter(ctx); err != nil {
			return err
		}
		page, next, err := s.client.HScan(ctx, s.keys[0]+"s", cursor, "", hostPage).Result()
		if err != nil {
			return storeError(ctx, err)
		}
		for i := 0; i+1 < len(page); i += 2 {
			if err := do(readSeenField(page[i], page[i+1])); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// bucketPage is how many buckets are read at a time: about 3,000 fingerprints.
const bucketPage = 16

func bucketKey(set string, b int64) string { return "s:" + set + ":" + strconv.FormatInt(b, 10) }

// eachPrint calls do for each fingerprint of a set, as members have them.
func (s *Store) eachPrint(ctx context.Context, f seenField, do func(member uint64) error) error {
	for _, fp := range f.small {
		if err := do(fp); err != nil {
			return err
		}
	}
	for first := int64(0); first < f.buckets; first += bucketPage {
		pages, err := s.buckets(ctx, f.name, first, min(f.buckets-first, bucketPage))
		if err != nil {
			return err
		}
		for _, page := range pages {
			for _, text := range page.Val() {
				fp, err := strconv.ParseUint(text, 10, printBits)
				if err != nil {
					return err
				}
				if err := do(fp); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// buckets reads n buckets of a set.
func (s *Store) buckets(ctx context.Context, set string, first, n int64) ([]*goredis.StringSliceCmd, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	pages := make([]*goredis.StringSliceCmd, n)
	_, err := s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i := range pages {
			pages[i] = p.SMembers(ctx, s.keys[0]+bucketKey(set, first+int64(i)))
		}
		return nil
	})
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return pages, nil
}
