package redis

import "testing"

// An import makes as many buckets as pushes would have.
func TestBucketsFor(t *testing.T) {
	t.Parallel()
	crowded := func(count, buckets int64) bool { // in links.lua
		size := int64(1)
		for size < buckets {
			size *= 2
		}
		if size != buckets {
			size /= 2
		}
		return count > 2*bucketLoad*size+bucketLoad*buckets
	}
	buckets := int64(1)
	for n := int64(0); n < 200_000; n += 7 {
		for crowded(n, buckets) {
			buckets++
		}
		if got := bucketsFor(n); got != buckets {
			t.Fatalf("%d buckets for %d fingerprints, want %d", got, n, buckets)
		}
	}
}
