package crawler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/bits"
	"net/http"
	"runtime"
	"sync"
	"time"
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
	large    budget
	window   time.Duration // in which a large body has to bring its share
	decoding chan struct{} // one place per processor
	decoders sync.Pool     // of *decoder
	buffers  [32]sync.Pool // of *[]byte; at i those of minBuffer<<i bytes
}

func newBodies(large int64, timeout time.Duration) *bodies {
	return &bodies{
		large:    budget{left: large},
		window:   max(timeout/windows, shortestWindow),
		decoding: make(chan struct{}, runtime.GOMAXPROCS(0)),
		decoders: sync.Pool{New: func() any { return new(decoder) }},
	}
}

// read fills in r's bodies, at most max decoded bytes. After an error nothing is held. ctx is that of the request; cut
// cancels it.
func (b *bodies) read(ctx context.Context, cut context.CancelCauseFunc, resp *http.Response, r *Response, max int64) error {
	encoding, err := contentEncoding(resp.Header)
	if err != nil {
		return &Error{Kind: KindDecode, Err: err}
	}
	h := &holding{bodies: b, max: max}
	w := watch{budget: &b.large, window: b.window, cut: cut}
	r.Raw, r.Truncated, err = h.fill(ctx, resp.Body, max, resp.ContentLength, &w)
	w.rest()
	if err == nil {
		r.Body = r.Raw
		if encoding != "" && len(r.Raw) > 0 { // a redirect, say, may name an encoding and have no body
			err = h.decode(ctx, encoding, r)
		}
	}
	if err != nil {
		h.release()
		if slow := (*Error)(nil); errors.As(context.Cause(ctx), &slow) {
			return slow
		}
		return err
	}
	r.release = h.release
	return nil
}

// holding is the memory of one response: its buffers, and what the large ones of them take of the budget.
type holding struct {
	bodies  *bodies
	max     int64 // bytes of a body
	taken   int64 // of the budget
	alone   bool  // it has the place beside the budget
	buffers []*[]byte
}

// fill reads src to its end or to limit; truncated: there was more. With an error it returns what it had read. A body
// that is read under a watch may wait for memory; any other fails with errNoRoom.
func (h *holding) fill(ctx context.Context, src io.Reader, limit, hint int64, w *watch) (data []byte, truncated bool, err error) {
	// One byte more than announced, so that the end is seen without growing.
	buf, err := h.grow(nil, min(max(hint+1, minBuffer), smallBody, limit)), error(nil)
	for n := 0; err == nil; {
		if int64(n) == limit {
			more, err := hasMore(src)
			return buf[:n], more, err
		}
		if n == len(buf) {
			if src, buf, err = h.extend(ctx, src, buf, min(larger(int64(n), hint), limit), w); err != nil {
				break
			}
		}
		var m int
		m, err = src.Read(buf[n:])
		n += m
		data = buf[:n]
		if w != nil {
			w.came(m)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return data, false, err
}

// larger is the next size of a buffer: twice as much, or all that was announced once some of it has come. To announce much
// costs a server nothing.
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

// extend makes a full buffer one of size bytes, and returns what is to be read next.
func (h *holding) extend(ctx context.Context, src io.Reader, buf []byte, size int64, w *watch) (io.Reader, []byte, error) {
	if n := large(size); !h.take(n) {
		if w == nil {
			return nil, nil, errNoRoom
		}
		var err error
		if src, err = peek(src, int64(len(buf)), w); err != nil {
			return nil, nil, err
		}
		w.rest()
		if err := h.wait(ctx, n); err != nil {
			return nil, nil, err
		}
	}
	if w != nil {
		w.expect(size)
	}
	return src, h.grow(buf, size), nil
}

// peek sees to it that there is more to read before anybody waits for the memory for it: bodies that come to a halt are
// to be found out all at once, and not each when it is its turn.
func peek(src io.Reader, held int64, w *watch) (io.Reader, error) {
	w.expect(held)
	ahead := make([]byte, minBuffer)
	n, err := io.ReadFull(src, ahead)
	if n > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		err = nil // the end is met again
	}
	return io.MultiReader(bytes.NewReader(ahead[:n]), src), err
}

// grow returns a buffer of size bytes that begins with the bytes of old, whose memory it gives back.
func (h *holding) grow(old []byte, size int64) []byte {
	p := h.bodies.buffer(size)
	buf := (*p)[:size]
	copy(buf, old)
	if old != nil {
		h.drop()
	}
	h.buffers = append(h.buffers, p)
	return buf
}

// take takes so much of the budget, if that is left.
func (h *holding) take(n int64) bool {
	if n == 0 || h.alone {
		return true
	}
	ok := h.bodies.large.take(n)
	if ok {
		h.taken += n
	}
	return ok
}

// wait waits for so much of the budget, or the place beside it.
func (h *holding) wait(ctx context.Context, n int64) error {
	alone, err := h.bodies.large.wait(ctx, n)
	switch {
	case err != nil:
		return err
	case alone:
		h.alone = true
	default:
		h.taken += n
	}
	return nil
}

// drop gives the buffer filled last back.
func (h *holding) drop() {
	last := len(h.buffers) - 1
	p := h.buffers[last]
	if n := large(int64(len(*p))); !h.alone { // alone it took nothing
		h.taken -= n
		h.bodies.large.give(n, false)
	}
	h.bodies.recycle(p)
	h.buffers = h.buffers[:last]
}

func (h *holding) release() {
	for _, p := range h.buffers {
		h.bodies.recycle(p)
	}
	h.bodies.large.give(h.taken, h.alone)
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
