package crawler

import (
	"context"
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
)

// bodies reads bodies into buffers that are used again, within a budget for all large ones together.
//
// A body is read whole before it is decoded. So a decoder, whose window can take 16 MiB, is never held while a server
// is slow: there are no more of them than processors, and the bytes as sent are at hand for an archive.
type bodies struct {
	budget   int64
	large    *semaphore.Weighted
	decoding chan struct{} // one place per processor
	decoders sync.Pool     // of *decoder
	buffers  [32]sync.Pool // of *[]byte; at i those of minBuffer<<i bytes
}

func newBodies(budget int64) *bodies {
	return &bodies{
		budget:   budget,
		large:    semaphore.NewWeighted(budget),
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
	h := &holding{bodies: b, max: max, share: max}
	if resp.ContentLength >= 0 {
		h.share = min(max, resp.ContentLength+1)
	}
	if encoding != "" {
		h.share += max // it is held twice: as sent, and decoded
	}
	r.Raw, r.Truncated, err = h.fill(ctx, resp.Body, max, resp.ContentLength)
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

// holding is the memory of one response: its buffers, and its share of the budget once it is large.
type holding struct {
	bodies  *bodies
	max     int64 // bytes of a body
	share   int64 // of the budget that a large body takes, all at once: to ask again while holding some could deadlock
	taken   int64
	buffers []*[]byte
}

// fill reads src to its end or to limit; truncated: there was more. With an error it returns what it had read.
func (h *holding) fill(ctx context.Context, src io.Reader, limit, hint int64) (data []byte, truncated bool, err error) {
	// One byte more than announced, so that the end is seen without growing.
	buf, err := h.grow(ctx, nil, min(max(hint+1, minBuffer), smallBody, limit))
	for n := 0; err == nil; {
		if int64(n) == limit {
			more, err := hasMore(src)
			return buf[:n], more, err
		}
		if n == len(buf) {
			if buf, err = h.grow(ctx, buf, min(2*int64(n), limit)); err != nil {
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

func hasMore(src io.Reader) (bool, error) {
	_, err := io.ReadFull(src, make([]byte, 1))
	if err == io.EOF {
		return false, nil
	}
	return err == nil, err
}

// grow returns a buffer of size bytes that begins with the bytes of old, whose memory it gives back.
func (h *holding) grow(ctx context.Context, old []byte, size int64) ([]byte, error) {
	if size > smallBody {
		if err := h.claim(ctx); err != nil {
			return nil, err
		}
	}
	p := h.bodies.buffer(size)
	buf := (*p)[:size]
	copy(buf, old)
	if old != nil {
		last := len(h.buffers) - 1
		h.bodies.recycle(h.buffers[last])
		h.buffers = h.buffers[:last]
	}
	h.buffers = append(h.buffers, p)
	return buf, nil
}

// claim takes the share of a large body, once. It waits for other large bodies, at most until ctx ends.
func (h *holding) claim(ctx context.Context) error {
	if h.taken > 0 {
		return nil
	}
	n := min(h.share, h.bodies.budget) // a body larger than the budget has it alone
	if err := h.bodies.large.Acquire(ctx, n); err != nil {
		return &Error{Kind: KindMemory, Err: fmt.Errorf("large bodies took all that there is for them: %w", err)}
	}
	h.taken = n
	return nil
}

func (h *holding) release() {
	for _, p := range h.buffers {
		h.bodies.recycle(p)
	}
	h.bodies.large.Release(h.taken)
	h.buffers, h.taken = nil, 0
}

// buffer returns one with room for size bytes.
func (b *bodies) buffer(size int64) *[]byte {
	class := bits.Len64(uint64(size-1) / minBuffer)
	if p, ok := b.buffers[class].Get().(*[]byte); ok {
		return p
	}
	buf := make([]byte, minBuffer<<class)
	return &buf
}

func (b *bodies) recycle(p *[]byte) {
	b.buffers[bits.Len64(uint64(len(*p)-1)/minBuffer)].Put(p)
}
