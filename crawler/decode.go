package crawler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is what RFC 9659 allows a zstd body.
const maxWindow = 8 << 20

// contentEncoding returns the one encoding of a body, "" for none. More than one layer is refused, and so is an
// encoding that we did not ask for, except deflate, which is as old as gzip and which some servers send to anybody. A
// word that names no encoding ("utf-8", "none") means nothing, as it does to browsers.
func contentEncoding(h http.Header) (string, error) {
	encoding := ""
	for word := range strings.SplitSeq(strings.Join(h["Content-Encoding"], ","), ",") {
		switch word = strings.ToLower(strings.TrimSpace(word)); word {
		case "x-gzip":
			word = "gzip"
		case "gzip", "deflate", "br", "zstd":
		case "compress", "x-compress", "dcb", "dcz":
			return "", fmt.Errorf("content-encoding %s was not asked for", word)
		default:
			continue
		}
		if encoding != "" {
			return "", errors.New("more than one content-encoding")
		}
		encoding = word
	}
	return encoding, nil
}

// decode turns r.Raw into r.Body.
func (h *holding) decode(ctx context.Context, encoding string, r *Response) error {
	body, more, err := h.decodeUpTo(ctx, encoding, r)
	if errors.Is(err, errNoRoom) {
		// The decoder was given up, and the work begins anew: to wait for memory with a decoder in hand could block
		// those who have the memory. How much it will take is not known.
		h.drop()
		if err := h.wait(ctx, everything); err != nil {
			return err
		}
		body, more, err = h.decodeUpTo(ctx, encoding, r)
	}
	if r.Truncated && errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // we cut it ourselves
	}
	if err != nil && ctx.Err() == nil {
		err = &Error{Kind: KindDecode, Err: fmt.Errorf("%s: %w", encoding, err)}
	}
	r.Body, r.Truncated = body, r.Truncated || more
	return err
}

// decodeUpTo decodes up to h.max bytes, when it is its turn.
func (h *holding) decodeUpTo(ctx context.Context, encoding string, r *Response) (body []byte, more bool, err error) {
	select {
	case h.bodies.decoding <- struct{}{}:
		defer func() { <-h.bodies.decoding }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	defer func(began time.Time) { r.Decoding += time.Since(began) }(time.Now())
	d := h.bodies.decoders.Get().(*decoder)
	defer h.bodies.decoders.Put(d)
	defer d.src.Reset(nil) // the pool is to keep no body alive
	src, err := d.open(encoding, r.Raw)
	if err != nil {
		return nil, false, err
	}
	return h.fill(ctx, src, h.max, 3*int64(len(r.Raw)), nil)
}

// decoder decodes one body at a time; its parts are made when they are first needed.
type decoder struct {
	src   bytes.Reader
	gzip  members
	flate io.ReadCloser
	br    *brotli.Reader
	zstd  *zstd.Decoder
}

func (d *decoder) open(encoding string, raw []byte) (io.Reader, error) {
	d.src.Reset(raw)
	switch encoding {
	case "gzip":
		return &d.gzip, d.gzip.open(&d.src)
	case "deflate":
		return d.openDeflate(raw)
	case "br":
		if d.br == nil {
			d.br = brotli.NewReader(nil)
		}
		return d.br, d.br.Reset(&d.src)
	}
	if d.zstd == nil {
		// One at a time: no goroutines, so a decoder may be dropped without closing it.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		d.zstd = z
	}
	return d.zstd, d.zstd.Reset(&d.src)
}

// openDeflate opens what the standard calls deflate, a zlib stream (RFC 9110, section 8.4.1.2), and what some servers
// take it for, the stream without zlib's header. Like browsers it does not look at the checksum at the end.
func (d *decoder) openDeflate(raw []byte) (io.Reader, error) {
	if isZlib(raw) {
		_, _ = d.src.Seek(2, io.SeekStart) // within a body that is in memory
	}
	if d.flate == nil {
		d.flate = flate.NewReader(&d.src)
		return d.flate, nil
	}
	return d.flate, d.flate.(flate.Resetter).Reset(&d.src, nil)
}

// isZlib tells whether a header of zlib (RFC 1950, section 2.2), without a dictionary, is in front.
func isZlib(raw []byte) bool {
	return len(raw) >= 2 && raw[0]&0x0f == 8 && raw[0]>>4 <= 7 && raw[1]&0x20 == 0 &&
		(uint(raw[0])<<8|uint(raw[1]))%31 == 0
}

// members reads the gzip members of src as one, and ignores what follows them, as gzip and browsers do.
type members struct {
	gzip.Reader
	src *bytes.Reader
}

func (m *members) open(src *bytes.Reader) error {
	m.src = src
	err := m.Reset(src)
	m.Multistream(false)
	return err
}

func (m *members) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err != io.EOF || !m.another() {
		return n, err
	}
	return n, m.open(m.src)
}

// another tells whether a member begins where the one before ended.
func (m *members) another() bool {
	var magic [2]byte
	n, _ := m.src.ReadAt(magic[:], m.src.Size()-int64(m.src.Len()))
	return n == len(magic) && magic == [2]byte{0x1f, 0x8b}
}
