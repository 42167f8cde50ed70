package worker

import (
	"hash/maphash"
	"slices"
	"strings"

	"trawl/frontier"
)

// body are the URLs of a host at which one and the same page is found, to the byte, that leads from each to the next. What its
// links lead to was found on the first of them, but there is no end to what relative ones can lead to. Stubs that each
// lead to something else are not found on each other, and do not count.
type body struct{ urls []uint64 }

func (b *body) weight() int { return len(b.urls) }

// isRepeated counts a URL of a page, and tells whether it is a page that has too many. After that its relative links are
// refused, and what they had led to before is not fetched.
func (t *traps) isRepeated(from *frontier.Item, page []byte, after int) bool {
	if after <= 0 {
		return false
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(string(from.URL.Host()))
	h.Write(page)
	url, via := maphash.String(t.seed, from.URL.String()), maphash.String(t.seed, from.Via)
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bodies.get(h.Sum64())
	if len(b.urls) == 0 || slices.Contains(b.urls, via) || t.repeats[via] {
		if len(b.urls) <= after {
			b.urls = append(b.urls, url)
		}
		if len(b.urls) > after {
			t.repeats.add(append(b.urls, url), true)
		}
	}
	return len(b.urls) > after
}

// isWithin tells whether a URL is of the folder of the page that led to it, as what a relative link leads to.
func isWithin(u, via frontier.URL) bool {
	path, _, _ := strings.Cut(via.Path(), "?")
	folder := path[:strings.LastIndexByte(path, '/')+1]
	return folder != "/" && strings.HasPrefix(u.Path(), folder)
}

// isRelative tells whether a reference leads to something else on each page that has it.
func isRelative(ref string) bool {
	end := strings.IndexAny(ref, "/?#:")
	return end < 0 || ref[end] != ':' && !strings.HasPrefix(ref, "/")
}
