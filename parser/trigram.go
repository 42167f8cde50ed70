package parser

import "strings"

// manyStarred rules with a star are so many that it pays to look at their hints first.
const manyStarred = 16

// trigrams are those that occur in a path, as far as 4096 bits can tell.
type trigrams [4096 / 64]uint64

func (t *trigrams) add(s string) {
	for i := range len(s) - 2 {
		bit := trigram(s[i:])
		t[bit/64] |= 1 << (bit % 64)
	}
}

func (t *trigrams) has(bit uint16) bool { return t[bit/64]>>(bit%64)&1 != 0 }

// trigram is the bit of the one that s begins with.
func trigram(s string) uint16 {
	return uint16((uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])) * 0x9E3779B1 >> 20)
}

// hints are trigrams that a path has for certain which a pattern matches; none if there are none that long.
type hints struct {
	any         bool
	first, last uint16
}

func (h hints) mayMatch(in *trigrams) bool { return !h.any || in.has(h.first) && in.has(h.last) }

// hints are the ends of the longest piece between stars, of a pattern that has some: a search through the whole path.
func (p pattern) hints() (h hints) {
	if !p.hasStar() {
		return h
	}
	longest := ""
	for piece := range strings.SplitSeq(p.text, "*") {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	if len(longest) >= 3 {
		h = hints{true, trigram(longest), trigram(longest[len(longest)-3:])}
	}
	return h
}
