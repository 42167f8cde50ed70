package disk

import (
	"encoding/json"

	"trawl/frontier"
)

// host is a host's place in the crawl. In memory times are Unix nanoseconds; the file has milliseconds.
type host struct {
	id    int64
	name  frontier.Host
	lines [frontier.MaxPriority + 1]line // queued and leased URLs

	next     int64 // not lent before
	delay    int64 // its own
	failures int   // requests in a row that failed; -1: whether it answers is not known
	accepted int64
	done     int64
	dead     int64
	waiting  int64 // URLs in its lines and delayed ones
	delayed  int64

	lease     *lease // the latest one, unless it expired; see live
	probation bool   // lent one URL at a time, until one is settled

	ready   bool   // in Store.ready
	dirty   bool   // in the open batch
	open    *chunk // the chunk that takes more of its URLs
	openFor uint64 // in this call of accept (Store.accepts)
}

// first is the chunk that holds the first URL in line; nil for none.
func (h *host) first() *chunk {
	for p := range h.lines {
		if c := h.lines[p].head; c != nil {
			return c
		}
	}
	return nil
}

// queued tells whether a URL is in line.
func (h *host) queued() bool { return h.first() != nil }

// line is a FIFO of chunks.
type line struct{ head, tail *chunk }

func (l *line) push(c *chunk) {
	if l.tail == nil {
		l.head = c
	} else {
		l.tail.behind = c
	}
	l.tail = c
}

func (l *line) pop() {
	c := l.head
	l.head = c.behind
	c.behind = nil
	if l.head == nil {
		l.tail = nil
	}
}

// origin is what the URLs of one chunk have in common.
type origin struct {
	host       *host
	priority   frontier.Priority
	depth      int
	hops       int
	seed       bool
	sitemap    bool
	generation int
	via        string
}

// chunkMax is how many URLs a chunk holds.
const chunkMax = 256

// chunk is a row of the table of that name.
type chunk struct {
	origin
	id      int64
	behind  *chunk
	due     int64
	n       int    // paths
	settled int    // of them, from the first
	tries   []byte // of each path: see attempts and strikes; nil for none
	text    []byte // the JSON array; nil when it is in the file only
	paths   []string
	stored  bool // its row is in the file, or on its way
	dirty   bool // in the open batch
	gone    bool // all settled
}

// add appends a path. The chunk must be one that no batch has taken yet.
func (c *chunk) add(path string) {
	sep := byte(',')
	if c.n == 0 {
		sep = '['
	}
	c.text = append(c.text, sep)
	c.text = appendJSON(c.text, path)
	c.n++
}

// seal ends the JSON array.
func (c *chunk) seal() { c.text = append(c.text, ']') }

// appendJSON appends s as a JSON string. Canonical URLs are ASCII without control characters, so nearly always nothing
// needs an escape.
func appendJSON(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' || s[i] >= 0x7f {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// item is the i-th URL. The paths must have been read.
func (c *chunk) item(i int) frontier.Item {
	return frontier.Item{
		Entry: frontier.Entry{
			URL: c.host.name.URL(c.paths[i]), Via: c.via, Depth: c.depth, Hops: c.hops, Priority: c.priority, Seed: c.seed,
			Sitemap: c.sitemap,
		},
		Attempt:    c.attempts(i),
		Generation: c.generation,
	}
}

// What is known of the tries of a path: attempts in the low bits, strikes (times it alone was lent when its worker died)
// in the high ones.
const (
	attemptBits = 6
	maxAttempts = 1<<attemptBits - 1
	maxStrikes  = 3
)

func (c *chunk) attempts(i int) int {
	if c.tries == nil {
		return 0
	}
	return int(c.tries[i] & maxAttempts)
}

func (c *chunk) strikes(i int) int {
	if c.tries == nil {
		return 0
	}
	return int(c.tries[i] >> attemptBits)
}

// tried counts one more attempt at the i-th URL, up to 63: one more would be taken for a strike.
func (c *chunk) tried(i int) {
	if len(c.tries) < c.n {
		c.tries = append(c.tries, make([]byte, c.n-len(c.tries))...)
	}
	if c.tries[i]&maxAttempts < maxAttempts {
		c.tries[i]++
	}
}

// strike counts one more strike against the i-th URL, which was tried, so tries is there. Two fit, and are the most: the
// third buries the URL.
func (c *chunk) strike(i int) { c.tries[i] += 1 << attemptBits }
