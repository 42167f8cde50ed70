package redis

import (
	"errors"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"
)

// readSets looks at every seen set. A set that forgets a fingerprint has its URL fetched twice; one that has too many hides
// pages. So what cannot be read is given up, and what is in line or dead is put back by name.
func (a *audit) readSets() error {
	for set, last := range a.strays {
		a.sure(func() error { return a.adopt(set, last) }, "the seen set %q has a bucket %d that it does not count", set, last)
	}
	if err := a.settle(); err != nil {
		return err
	}
	return a.s.eachSeen(a.ctx, func(f seenField) error {
		a.prints += int64(len(f.small))
		if f.name == imported && a.number["imported"] != 1 {
			a.sure(func() error { return a.s.set(a.ctx, "imported", 1) }, "there is a seen set that was imported, and nobody asks it")
		}
		switch {
		case f.broken:
			a.broken[f.name] = true
			a.sure(func() error { return a.resetSmall(f) }, "the seen set %q cannot be read", f.name)
		case f.buckets > 0:
			return a.checkBuckets(f)
		case len(slices.Compact(slices.Sorted(slices.Values(f.small)))) < len(f.small):
			a.sure(func() error { return a.resetSmall(f) }, "the seen set %q has a fingerprint twice", f.name)
		}
		return nil
	})
}

// checkBuckets checks a large set.
func (a *audit) checkBuckets(f seenField) error {
	var n int64
	for first := int64(0); first < f.buckets; first += bucketPage {
		reply, err := a.s.read(a.ctx, setsScript, f.name, f.buckets, first, min(f.buckets-first, bucketPage))
		if err != nil {
			return err
		}
		list, _ := reply.([]any)
		if len(list) == 0 {
			return errReply
		}
		part, _ := list[0].(int64)
		n += part
		for _, b := range list[1:] {
			a.loose(func() error { return a.mend("scatter", f.name, b) }, "bucket %d of the seen set %q is damaged", b, f.name)
		}
	}
	a.prints += n
	if n != f.count {
		right := seenField{name: f.name, buckets: f.buckets, count: n}
		a.loose(func() error { return a.setField(&right) }, "the seen set %q counts %d fingerprints, and has %d", f.name, f.count, n)
	}
	return nil
}

// adopt has a set count its buckets. How many fingerprints that makes, and where they belong, is for the next round.
func (a *audit) adopt(set string, last int64) error {
	text, err := a.s.client.HGet(a.ctx, a.s.keys[0]+"s", set).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return storeError(a.ctx, err)
	}
	f := readSeenField(set, text)
	small := f.small
	f.buckets, f.small = max(f.buckets, last+1), nil
	if err := a.setField(&f); err != nil {
		return err
	}
	return a.addAll(set, small)
}

// resetSmall writes a set anew with the fingerprints that can be read.
func (a *audit) resetSmall(f seenField) error {
	if err := a.setField(&seenField{name: f.name}); err != nil {
		return err
	}
	return a.addAll(f.name, f.small)
}

// addAll adds fingerprints to a set as a batch of an import does: those that it has are not counted twice.
func (a *audit) addAll(set string, fps []uint64) error {
	for chunk := range slices.Chunk(fps, maxLinks) {
		members := make([]string, len(chunk))
		for i, fp := range chunk {
			members[i] = strconv.FormatUint(fp, 10)
		}
		if err := a.s.remember(a.ctx, set, members...); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) setField(f *seenField) error { return a.mend("set", f.name, f.text()) }
