package webtest

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func TestBombsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	for encoding, decode := range map[string]func(io.Reader) (io.Reader, error){
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		"br":      func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd":    func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		for _, mib := range []int{1, 2, 50} {
			var b bytes.Buffer
			if err := writeBomb(&b, encoding, mib); err != nil {
				t.Fatal(err)
			}
			size := b.Len()
			r, err := decode(&b)
			if err != nil {
				t.Fatalf("%s: %v", encoding, err)
			}
			n, err := io.Copy(zeros{}, r)
			if err != nil || n != int64(mib)<<20 || size > 2000+mib<<11 {
				t.Errorf("%s: %d bytes in %d, want %d MiB; %v", encoding, n, size, mib, err)
			}
		}
	}
}

// zeros takes nothing else.
type zeros struct{}

func (zeros) Write(b []byte) (int, error) {
	if len(bytes.Trim(b, "\x00")) > 0 {
		return 0, errors.New("not zeros")
	}
	return len(b), nil
}
