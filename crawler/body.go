package crawler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	minBuffer = 16 << 10
	// smallBody is how large a body may grow without a share of the budget. Nearly all pages stay below.
	smallBody = 256 << 10
	// keptBuffer is the largest buffer that is kept for the next body.
	keptBuffer = 16 << 20
)

// bodies reads bodies into buffers that are used again, within a budget for all large ones together.
//
// A body is read whole before it is decoded. So a decoder, whose window can take 16 MiB, is never held while a server
// is slow: there are no more of them than processors, and the bytes as sent are at hand for an archive.
type bodies struct {
	large    *semaphore.Weighted // the budget
	alone    chan struct{}       // one place: for a body that grows although the budget is used up
	decoding chan struct{}       // one place per processor
	decoders sync.Pool           // of *decoder
	buffers  [32]sync.Pool       // of *[]byte; at i those of minBuffer<<i bytes
}

func newBodies(budget int64) *bodies {
	return &bodies{
		large:    semaphore.NewWeighted(budget),
		alone:    make(chan struct{}, 1),
		decoding: make(chan struct{}, runtime.GOMAXPROCS(0)),
		decoders: sync.Pool{New: func() any { return new(decoder) }},
	}
}

// read fills in r's bodies, at most max decoded bytes. After an error nothing is held.
func (b *bodies) read(ctx context.Context, resp *http.Response, r *Response, max int64) error {
	encoding, err := contentEncoding(resp.Header)
	if err != nil {
		return &Error{Kind: KindDecode, Err: err}
	}
	h := &holding{bodies: b, max: max}
	r.Raw, r.Truncated, err = h.fill(ctx, resp.Body, max, resp.ContentLength, true)
	if err == nil {
		r.Body = r.Raw
		if encoding != "" && len(r.Raw) > 0 { // a redirect, say, may name an encoding and have no body
			err = h.decode(ctx, encoding, r)
		}
	}
	if err != nil {
		h.release()
		return err
	}
	r.release = h.release
	return nil
}

// holding is the memory of one response: its buffers, and what the large ones of them take of the budget.
//
// To wait for memory while holding some could block all who do. So a body takes what it can get as it grows, and when
// there is no more it waits for the one place in which a body may have all it wants: who has that waits for nobody.
type holding struct {
	bodies  *bodies
	max     int64 // bytes of a body
	taken   int64 // of the budget
	alone   bool
	buffers []*[]byte
}

// errNoRoom says that the budget is used up.
var errNoRoom = errors.New("no memory left for large bodies")

// fill reads src to its end or to limit; truncated: there was more. With an error it returns what it had read. It waits
// for memory if it may, else it fails with errNoRoom.
func (h *holding) fill(ctx context.Context, src io.Reader, limit, hint int64, mayWait bool) (data []byte, truncated bool, err error) {
	// One byte more than announced, so that the end is seen without growing.
	buf, err := h.grow(ctx, nil, min(max(hint+1, minBuffer), smallBody, limit), mayWait)
	for n := 0; err == nil; {
		if int64(n) == limit {
			more, err := hasMore(src)
			return buf[:n], more, err
		}
		if n == len(buf) {
			if buf, err = h.grow(ctx, buf, min(larger(int64(n), hint), limit), mayWait); err != nil {
				break
			}
		}
		var m int
		m, err = src.Read(buf[n:])
		n += m
		data = buf[:n]
	}
	if err == io.EOF {
		err = nil
	}
	return data, false, err
}

// larger is the next size of a buffer: twice as much, or all that was announced once some of it has come.
func larger(size, hint int64) int64 {
	if size >= 4*smallBody && hint >= size {
		return hint + 1
	}
	return 2 * size
}

func hasMore(src io.Reader) (bool, error) {
	_, err := io.ReadFull(src, make([]byte, 1))
	if err == io.EOF {
		return false, nil
	}
	return err == nil, err
}

// grow returns a buffer of size bytes that begins with the bytes of old, whose memory it gives back.
func (h *holding) grow(ctx context.Context, old []byte, size int64, mayWait bool) ([]byte, error) {
	switch fits := h.take(large(size)); {
	case !fits && !mayWait:
		return nil, errNoRoom
	case !fits:
		if err := h.wait(ctx); err != nil {
			return nil, err
		}
	}
	p := h.bodies.buffer(size)
	buf := (*p)[:size]
	copy(buf, old)
	if old != nil {
		h.drop()
	}
	h.buffers = append(h.buffers, p)
	return buf, nil
}

// take takes so much of the budget, if that is left.
func (h *holding) take(n int64) bool {
	if n == 0 || h.alone {
		return true
	}
	ok := h.bodies.large.TryAcquire(n)
	if ok {
		h.taken += n
	}
	return ok
}

// wait waits for the place in which there is enough memory, at most until ctx ends.
func (h *holding) wait(ctx context.Context) error {
	select {
	case h.bodies.alone <- struct{}{}:
		h.alone = true
		return nil
	case <-ctx.Done():
		return &Error{Kind: KindMemory, Err: fmt.Errorf("%w: %w", errNoRoom, ctx.Err())}
	}
}

// drop gives the buffer filled last back.
func (h *holding) drop() {
	last := len(h.buffers) - 1
	p := h.buffers[last]
	if n := large(int64(len(*p))); !h.alone { // alone it took nothing
		h.taken -= n
		h.bodies.large.Release(n)
	}
	h.bodies.recycle(p)
	h.buffers = h.buffers[:last]
}

func (h *holding) release() {
	for _, p := range h.buffers {
		h.bodies.recycle(p)
	}
	h.bodies.large.Release(h.taken)
	if h.alone {
		<-h.bodies.alone
	}
	h.buffers, h.taken, h.alone = nil, 0, false
}

// large is how much of the budget a buffer takes.
func large(size int64) int64 {
	if size <= smallBody {
		return 0
	}
	return room(size)
}

// class is that of the buffers with room for size bytes.
func class(size int64) int { return bits.Len64(uint64(max(size, 1)-1) / minBuffer) }

// room is how much such a buffer takes.
func room(size int64) int64 {
	if size > keptBuffer {
		return size
	}
	return minBuffer << class(size)
}

// buffer returns one with room for size bytes.
func (b *bodies) buffer(size int64) *[]byte {
	if size > keptBuffer {
		buf := make([]byte, size)
		return &buf
	}
	class := class(size)
	if p, ok := b.buffers[class].Get().(*[]byte); ok {
		return p
	}
	buf := make([]byte, minBuffer<<class)
	return &buf
}

func (b *bodies) recycle(p *[]byte) {
	if len(*p) <= keptBuffer {
		b.buffers[class(int64(len(*p)))].Put(p)
	}
}
