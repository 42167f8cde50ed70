package parser

import (
	"hash/maphash"
	"slices"
	"strings"
)

// linkSet gathers the links of a page, each URL once per kind, in few allocations: one text holds all URLs, and a hash
// table of places in the list finds those it has. (A map of strings takes as long as the scan of the page.)
type linkSet struct {
	text  strings.Builder // URLs, one behind the other
	links []place
	table []int32 // open addressing, at most half full: 1 + index into links, 0 if free
	seed  maphash.Seed
}

// place is a link whose URL is text[start:end].
type place struct {
	start, end int
	kind       Kind
	nofollow   bool
}

// add adds a link that is not in the set; one that is becomes nofollow only if both are. full: there is no room for it.
func (s *linkSet) add(k Kind, url []byte, nofollow bool) (full bool) {
	if 2*len(s.links) >= len(s.table) {
		s.grow()
	}
	slot := s.find(k, url)
	if i := *slot; i > 0 {
		l := &s.links[i-1]
		l.nofollow = l.nofollow && nofollow
		return false
	}
	if len(s.links) == MaxLinks {
		return true
	}
	start := s.text.Len()
	s.text.Write(url)
	s.links = append(s.links, place{start, s.text.Len(), k, nofollow})
	*slot = int32(len(s.links))
	return false
}

// find returns the slot of a link: where it is, or where it belongs.
func (s *linkSet) find(k Kind, url []byte) *int32 {
	mask := uint64(len(s.table) - 1)
	// The seed is random, so a page cannot be made of URLs that collide.
	for h := maphash.Bytes(s.seed, url); ; h++ {
		slot := &s.table[h&mask]
		if *slot == 0 {
			return slot
		}
		if l := s.links[*slot-1]; l.kind == k && s.text.String()[l.start:l.end] == string(url) {
			return slot
		}
	}
}

// grow doubles the set. (append adds but a quarter at a time to what is large, and copies it as often.)
func (s *linkSet) grow() {
	if s.table == nil {
		const most = 64 // pages have fewer links
		s.seed = maphash.MakeSeed()
		s.text.Grow(32 * most)
		s.links, s.table = make([]place, 0, most), make([]int32, 2*most)
		return
	}
	s.text.Grow(s.text.Len())
	s.links = slices.Grow(s.links, len(s.links))
	s.table = make([]int32, 2*len(s.table))
	mask, text := uint64(len(s.table)-1), s.text.String()
	for i, l := range s.links { // all unlike one another
		h := maphash.String(s.seed, text[l.start:l.end])
		for s.table[h&mask] != 0 {
			h++
		}
		s.table[h&mask] = int32(i + 1)
	}
}

// list returns the links.
func (s *linkSet) list() []Link {
	if len(s.links) == 0 {
		return nil
	}
	text := s.text.String()
	list := make([]Link, len(s.links))
	for i, l := range s.links {
		list[i] = Link{URL: text[l.start:l.end], Kind: l.kind, NoFollow: l.nofollow}
	}
	return list
}
