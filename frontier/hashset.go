package frontier

import (
	"sync"
	"sync/atomic"
)

// hashSet is a set of 64-bit hashes that only grows. Readers take no lock and wait for nobody: they ask it for every
// link of every page. Open addressing with linear probing, at most half full: 16 to 32 bytes a hash.
type hashSet struct {
	slots atomic.Pointer[[]atomic.Uint64] // length a power of two; 0 is an empty slot

	mu  sync.Mutex // held by add
	len int
}

// has may miss a hash whose add has not returned yet.
func (s *hashSet) has(hash uint64) bool {
	slots := s.slots.Load()
	return slots != nil && find(*slots, max(hash, 1)).Load() != 0
}

func (s *hashSet) add(hash uint64) {
	hash = max(hash, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	slots := s.grown()
	if slot := find(slots, hash); slot.Load() == 0 {
		slot.Store(hash)
		s.len++
	}
}

// find returns the slot that holds hash, or the empty one where it belongs.
func find(slots []atomic.Uint64, hash uint64) *atomic.Uint64 {
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if h := slots[i].Load(); h == hash || h == 0 {
			return &slots[i]
		}
	}
}

// grown returns slots with room for one more. Readers of the old ones go on undisturbed.
func (s *hashSet) grown() []atomic.Uint64 {
	var old []atomic.Uint64
	if p := s.slots.Load(); p != nil {
		old = *p
	}
	if s.len*2 < len(old) {
		return old
	}
	slots := make([]atomic.Uint64, max(8, len(old)*2))
	for i := range old {
		if h := old[i].Load(); h != 0 {
			find(slots, h).Store(h)
		}
	}
	s.slots.Store(&slots)
	return slots
}
