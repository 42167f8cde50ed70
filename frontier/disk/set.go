package disk

// set holds fingerprints: open addressing with linear probing in 64 stripes, so that growing copies a 64th of it at a
// time. 0 is no fingerprint; the lowest bits of all may be 0. About 11 to 21 bytes each.
type set struct {
	stripe [64]stripe
	n      int
}

type stripe struct {
	slots []uint64 // a power of two
	n     int
}

// add reports whether fp was absent.
func (s *set) add(fp uint64) bool {
	st := &s.stripe[fp>>58]
	if 4*(st.n+1) > 3*len(st.slots) {
		st.grow()
	}
	i, found := st.find(fp)
	if found {
		return false
	}
	st.slots[i] = fp
	st.n++
	s.n++
	return true
}

func (s *set) has(fp uint64) bool {
	st := &s.stripe[fp>>58]
	if st.n == 0 { // it may have no slots, and find would not end
		return false
	}
	_, found := st.find(fp)
	return found
}

// remove moves later members of the probe run back, so that no tombstones are needed.
func (s *set) remove(fp uint64) {
	st := &s.stripe[fp>>58]
	if st.n == 0 {
		return
	}
	i, found := st.find(fp)
	if !found {
		return
	}
	mask := uint64(len(st.slots) - 1)
	for j := (i + 1) & mask; st.slots[j] != 0; j = (j + 1) & mask {
		if home := home(st.slots[j]) & mask; (j-home)&mask >= (j-i)&mask {
			st.slots[i] = st.slots[j]
			i = j
		}
	}
	st.slots[i] = 0
	st.n--
	s.n--
}

// home is where a fingerprint belongs, in a table without end: bits of it that depend on all below.
func home(fp uint64) uint64 { return fp * 0x9e3779b97f4a7c15 >> 32 }

// find returns where fp is, or the free slot where it belongs.
func (st *stripe) find(fp uint64) (uint64, bool) {
	mask := uint64(len(st.slots) - 1)
	for i := home(fp) & mask; ; i = (i + 1) & mask {
		switch st.slots[i] {
		case fp:
			return i, true
		case 0:
			return i, false
		}
	}
}

// members are the fingerprints of a stripe.
func (st *stripe) members() []uint64 {
	fps := make([]uint64, 0, st.n)
	for _, fp := range st.slots {
		if fp != 0 {
			fps = append(fps, fp)
		}
	}
	return fps
}

// grow doubles a stripe that is three quarters full: so a probe run stays short, and find meets a free slot.
func (st *stripe) grow() {
	old := st.slots
	st.slots = make([]uint64, max(16, 2*len(old)))
	for _, fp := range old {
		if fp != 0 {
			i, _ := st.find(fp)
			st.slots[i] = fp
		}
	}
}

// prints says what fingerprints of a crawl are like.
type prints struct {
	Bits int `json:"bits"` // of one that count, the highest: 64, or 53 in a crawl that came from Redis
	// Extra is how many more URLs are seen than there are fingerprints. Those of two URLs that came from another store
	// can be the same, and of damage not all may be known.
	Extra int64 `json:"extra,omitempty"`
}

// mask leaves of a fingerprint what counts. It is never 0.
func (p prints) mask(fp uint64) uint64 {
	off := 64 - p.Bits
	return max(fp>>off, 1) << off
}
