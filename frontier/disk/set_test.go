package disk

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The set agrees with a map through additions and removals, clustered fingerprints included.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s set
	want := map[uint64]bool{}
	for range 200_000 {
		fp := 1 + rng.Uint64N(3000)<<rng.IntN(2)
		if rng.IntN(2) == 0 {
			fp |= uint64(rng.IntN(4)) << 58 // few stripes
		}
		switch rng.IntN(3) {
		case 0:
			s.remove(fp)
			delete(want, fp)
		default:
			if s.add(fp) == want[fp] {
				t.Fatalf("add of %d, present before: %v", fp, want[fp])
			}
			want[fp] = true
		}
		if other := 1 + rng.Uint64N(6000); s.has(other) != want[other] {
			t.Fatalf("has %d: %v, want %v", other, s.has(other), want[other])
		}
	}
	if s.n != len(want) {
		t.Errorf("%d members, want %d", s.n, len(want))
	}
}

// Members leave in order of their times, and of their coming among equals; never before their time.
func TestTimeline(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	type member struct{ at, n int64 }
	var line timeline[member]
	var want []member
	for n := range int64(2000) {
		m := member{rng.Int64N(100), n}
		line.push(m.at, m)
		want = append(want, m)
	}
	slices.SortStableFunc(want, func(a, b member) int { return int(a.at - b.at) })
	for _, w := range want {
		if at, ok := line.next(); !ok || at != w.at {
			t.Fatalf("next at %d, want %d", at, w.at)
		}
		if _, ok := line.pop(w.at - 1); ok {
			t.Fatal("taken before its time")
		}
		if m, ok := line.pop(w.at); !ok || m != w {
			t.Fatalf("got %v, want %v", m, w)
		}
	}
	if _, ok := line.next(); ok {
		t.Error("something is left")
	}
}

func BenchmarkSet(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s set
	for b.Loop() {
		s.add(rng.Uint64() | 1)
	}
}
