package crawler

import (
	"errors"
	"io"
	"math"
	"sync"
)

// floodRoom is how much a server of HTTP/2 may send for each request beside bodies that are being read: headers, what is
// not read yet of a body, and what the protocol needs for itself.
const floodRoom = maxHeader + maxUnread

// padding is how much may come with each byte of a body: its share of a frame's header, and of a TLS record. Frames of
// a few bytes each are what a server sends that says little at a time.
const padding = 4

// meter counts what comes over a connection of HTTP/2. Frames that answer nothing (pings, settings, empty data) cost their
// server as good as nothing, and us an answer each; net/http takes them for as long as they come, between requests as well.
type meter struct {
	mu    sync.Mutex
	users int   // requests under way
	room  int64 // bytes that may come yet
}

var errFlood = &Error{Kind: KindProtocol, Err: errors.New("HTTP/2: the server floods the connection with frames of no use")}

func newMeter() meter { return meter{room: math.MaxInt64} }

// start begins to count, once a connection is known to be of HTTP/2.
func (m *meter) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room = floodRoom
}

// read counts what came; false: that is too much.
func (m *meter) read(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room -= int64(n)
	return m.room >= 0
}

// came notes that so much of a body was read.
func (m *meter) came(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.give((1 + padding) * int64(n))
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users++
	m.give(floodRoom)
}

func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	m.give(0)
}

// give adds to the room, of which a well-behaved server saves up no more than it may need.
func (m *meter) give(n int64) { m.room = min(m.room+n, floodRoom*int64(1+m.users)) }

// metered is a body whose bytes are told to a meter.
type metered struct {
	io.ReadCloser
	meter *meter
}

func (b metered) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.meter.came(n)
	return n, err
}
