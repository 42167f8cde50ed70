package redis

import (
	"encoding/binary"
	"errors"
	"strings"

	"trawl/frontier"
)

// An element is a waiting URL as lists and T:d keep it:
//
//	flags       a byte, below
//	tries       a byte, if flagTried: attempts + 64 * strikes; written by scripts
//	depth       varint; then hops, if flagHops, and generation, if flagGeneration
//	path        up to a NUL, if flagVia, or to the end
//	via         varint n, then what comes after the first n bytes that it shares with the URL
//
// Scripts read flags and tries; to name a URL they find the path.
const (
	flagPriority   = 3 // mask
	flagSeed       = 4
	flagVia        = 8
	flagHops       = 16
	flagGeneration = 32
	flagTried      = 64
	flagSitemap    = 128

	attemptMask = 63
)

// errElement says that an element makes no sense.
var errElement = errors.New("damaged element")

// encodeElement encodes an item that has not been tried.
func encodeElement(it *frontier.Item) string {
	flags := byte(min(it.Priority, frontier.MaxPriority))
	b := append(make([]byte, 0, 96), 0)
	b = binary.AppendUvarint(b, uint64(max(it.Depth, 0)))
	if it.Seed {
		flags |= flagSeed
	}
	if it.Sitemap {
		flags |= flagSitemap
	}
	if it.Hops > 0 {
		flags |= flagHops
		b = binary.AppendUvarint(b, uint64(it.Hops))
	}
	if it.Generation > 0 {
		flags |= flagGeneration
		b = binary.AppendUvarint(b, uint64(it.Generation))
	}
	b = append(b, it.URL.Path()...)
	if it.Via != "" {
		flags |= flagVia
		n := shared(it.URL.String(), it.Via)
		b = append(b, 0)
		b = binary.AppendUvarint(b, uint64(n))
		b = append(b, it.Via[n:]...)
	}
	b[0] = flags
	return string(b)
}

// shared is how many first bytes two strings have in common.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// decodeElement reads an element of a host's.
func decodeElement(h frontier.Host, s string) (it frontier.Item, err error) {
	r := reader{rest: s}
	flags := r.byte()
	if flags&flagTried != 0 {
		it.Attempt = int(r.byte() & attemptMask)
	}
	it.Depth = r.varint()
	if flags&flagHops != 0 {
		it.Hops = r.varint()
	}
	if flags&flagGeneration != 0 {
		it.Generation = r.varint()
	}
	it.Priority = frontier.Priority(flags & flagPriority)
	it.Seed, it.Sitemap = flags&flagSeed != 0, flags&flagSitemap != 0
	path := r.rest
	if flags&flagVia != 0 {
		var found bool
		path, r.rest, found = strings.Cut(r.rest, "\x00")
		n, url := r.varint(), string(h)+path
		if !found || n > len(url) {
			return frontier.Item{}, errElement
		}
		it.Via = url[:n] + r.rest
	}
	if r.bad || !strings.HasPrefix(path, "/") {
		return frontier.Item{}, errElement
	}
	it.URL = h.URL(path)
	return it, nil
}

// reader reads an element from its head.
type reader struct {
	rest string
	bad  bool // it ended too early
}

func (r *reader) byte() byte {
	if r.rest == "" {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) varint() int {
	n := 0
	for shift := 0; shift < 56; shift += 7 {
		b := r.byte()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.bad = true
	return 0
}
