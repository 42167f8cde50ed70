package webtest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
)

// bombMiB is how much a bomb holds, in MiB.
const bombMiB = 10 << 10

// writeBomb writes so many MiB of zeros, compressed by an HTTP content encoding, until nobody reads any more. What one
// MiB becomes is made once and repeated, so that a bomb costs its maker next to nothing.
func writeBomb(w io.Writer, encoding string, mib int) error {
	switch encoding {
	case "gzip":
		return writeGzip(w, mib)
	case "deflate": // the zlib format, says RFC 9110
		return writeZlib(w, mib)
	case "br":
		return writeBrotli(w, mib)
	default:
		return writeZstd(w, mib)
	}
}

// repeatedly writes the block so many times.
func repeatedly(w io.Writer, block []byte, times int) error {
	for range times {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// deflated is a MiB of zeros, in blocks that end at a byte and can stand anywhere in a stream of zeros.
func deflated() []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(make([]byte, 1<<20))
	w.Flush()
	return b.Bytes()
}

// The last block of a deflate stream: it is empty.
const deflateEnd = "\x01\x00\x00\xff\xff"

func writeGzip(w io.Writer, mib int) error {
	if _, err := io.WriteString(w, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"); err != nil {
		return err
	}
	block, zeros, sum := deflated(), make([]byte, 1<<20), uint32(0)
	for range mib {
		if _, err := w.Write(block); err != nil {
			return err
		}
		sum = crc32.Update(sum, crc32.IEEETable, zeros)
	}
	end := binary.LittleEndian.AppendUint32([]byte(deflateEnd), sum)
	_, err := w.Write(binary.LittleEndian.AppendUint32(end, uint32(mib<<20)))
	return err
}

func writeZlib(w io.Writer, mib int) error {
	if _, err := io.WriteString(w, "\x78\xda"); err != nil {
		return err
	}
	if err := repeatedly(w, deflated(), mib); err != nil {
		return err
	}
	// Adler-32 of zeros: one sum stays 1, the other counts them.
	_, err := w.Write(binary.BigEndian.AppendUint32([]byte(deflateEnd), uint32(mib<<20%65521)<<16|1))
	return err
}

// writeBrotli repeats what the encoder writes for the third MiB: the first begins the stream, the second refers to it.
func writeBrotli(w io.Writer, mib int) error {
	var b bytes.Buffer
	enc := brotli.NewWriterLevel(&b, 6)
	for range min(mib, 3) {
		b.Reset()
		enc.Write(make([]byte, 1<<20))
		enc.Flush()
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	if err := repeatedly(w, b.Bytes(), max(mib-3, 0)); err != nil {
		return err
	}
	b.Reset()
	enc.Close()
	_, err := w.Write(b.Bytes())
	return err
}

// writeZstd writes a frame of blocks that say: 128 KiB of this byte (RFC 8878, section 3.1.1.2).
func writeZstd(w io.Writer, mib int) error {
	if _, err := io.WriteString(w, "\x28\xb5\x2f\xfd\x00\x38"); err != nil { // a window of 128 KiB, no length, no sum
		return err
	}
	block := func(size, last int) []byte {
		header := size<<3 | 1<<1 | last
		return []byte{byte(header), byte(header >> 8), byte(header >> 16), 0}
	}
	if err := repeatedly(w, bytes.Repeat(block(128<<10, 0), 8), mib); err != nil {
		return err
	}
	_, err := w.Write(block(0, 1))
	return err
}

// bombTree has the same relative links on every page, and then 300,000 tags.
func bombTree(v *visit) {
	v.Header().Set("Content-Encoding", "gzip")
	v.Header().Set("Content-Type", htmlType)
	v.Write(tree())
}

var tree = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(smallPage("trees", "One tree has many trees.", trees))
	w.Write(bytes.Repeat([]byte("<b>"), 300_000))
	w.Close()
	return b.Bytes()
})
