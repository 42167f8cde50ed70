package crawler

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// encode compresses body; big bodies of one byte become bombs.
func encode(t testing.TB, encoding string, body []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "raw deflate":
		raw, err := flate.NewWriter(&out, 9)
		if err != nil {
			t.Fatal(err)
		}
		w = raw
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return body
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// encodedServer serves raw at /, under the Content-Encoding that the query asks for.
func encodedServer(t testing.TB, pages map[string][]byte) *httptest.Server {
	return newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.URL.RawQuery)
		w.Write(pages[r.URL.RawQuery])
	})
}

func TestEncodedBodiesAreDecoded(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 700<<10) // over smallBody as sent, too
	rand.Read(noise)
	for _, body := range [][]byte{nil, []byte("hello"), bytes.Repeat([]byte("hello, world "), 60_000), noise} {
		pages := make(map[string][]byte)
		for _, encoding := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "utf-8", "identity", ""} {
			pages[encoding] = encode(t, encoding, body)
		}
		s, f := encodedServer(t, pages), newFetcher(t, Config{})
		for encoding, raw := range pages {
			r := fetch(t, f, s.URL+"/?"+encoding)
			if !bytes.Equal(r.Body, body) || r.Truncated {
				t.Errorf("%s of %d bytes: got %d bytes, truncated %v", encoding, len(body), len(r.Body), r.Truncated)
			}
			if !bytes.Equal(r.Raw, raw) {
				t.Errorf("%s of %d bytes: raw body differs", encoding, len(body))
			}
			r.Release()
		}
	}
}

func TestABombIsCutAtTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	zeros := make([]byte, 16<<20)
	pages := make(map[string][]byte)
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		pages[encoding] = encode(t, encoding, zeros)
	}
	s, f := encodedServer(t, pages), newFetcher(t, Config{MaxBody: limit})
	for encoding, raw := range pages {
		r := fetch(t, f, s.URL+"/?"+encoding)
		if len(r.Body) != limit || !r.Truncated || r.Decoding <= 0 || r.Decoding > r.Duration {
			t.Errorf("%s bomb of %d bytes: %d bytes, truncated %v, decoded in %v of %v", encoding, len(raw), len(r.Body), r.Truncated, r.Decoding, r.Duration)
		}
		r.Release()
	}
}

func TestTheLimitIsExact(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{10, minBuffer, smallBody, smallBody + 1, 1 << 20} {
		for size, truncated := range map[int]bool{limit - 1: false, limit: false, limit + 1: true} {
			body := bytes.Repeat([]byte("x"), size)
			pages := map[string][]byte{"": body, "gzip": encode(t, "gzip", body)}
			s, f := encodedServer(t, pages), newFetcher(t, Config{MaxBody: int64(limit)})
			for encoding := range pages {
				if encoding == "gzip" && limit < 100 {
					continue // as sent it is longer than the limit
				}
				r := fetch(t, f, s.URL+"/?"+encoding)
				if len(r.Body) != min(size, limit) || r.Truncated != truncated {
					t.Errorf("%q: %d bytes of %d at limit %d, truncated %v", encoding, len(r.Body), size, limit, r.Truncated)
				}
			}
		}
	}
}

func TestGzipMembersAreJoinedAndWhatFollowsThemIsIgnored(t *testing.T) {
	t.Parallel()
	members := append(encode(t, "gzip", []byte("hello, ")), encode(t, "gzip", []byte("world"))...)
	for _, rest := range []string{"", "\x1f", "garbage", strings.Repeat("garbage", 10)} {
		pages := map[string][]byte{"gzip": append(bytes.Clone(members), rest...)}
		r := fetch(t, newFetcher(t, Config{}), encodedServer(t, pages).URL+"/?gzip")
		if string(r.Body) != "hello, world" {
			t.Errorf("body %q before %q, want hello, world", r.Body, rest)
		}
	}
}

func TestDeflateIsReadWithAndWithoutItsHeader(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("hello, world "), 10_000)
	for _, encoding := range []string{"deflate", "raw deflate"} {
		pages := map[string][]byte{"deflate": append(encode(t, encoding, body), "garbage"...)}
		s, f := encodedServer(t, pages), newFetcher(t, Config{})
		for range 3 { // a decoder is used again
			if r := fetch(t, f, s.URL+"/?deflate"); !bytes.Equal(r.Body, body) {
				t.Errorf("%s: got %d bytes", encoding, len(r.Body))
			}
		}
	}
}

// Neither what is behind a bomb nor the number of its members costs more than what is kept.
func TestABombCostsNoMoreThanItsLimit(t *testing.T) {
	const limit, pages = 1 << 20, 4
	zeros := make([]byte, 32<<20)
	bombs := map[string][]byte{"x-gzip": bytes.Repeat(encode(t, "gzip", zeros[:1<<20]), 512)}
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		bombs[encoding] = encode(t, encoding, zeros)
	}
	s, f := encodedServer(t, bombs), newFetcher(t, Config{MaxBody: limit, LargeBodies: 2 * limit})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range pages {
		for encoding := range bombs {
			r := fetch(t, f, s.URL+"/?"+encoding)
			if len(r.Body) != limit || !r.Truncated {
				t.Errorf("%s: %d bytes, truncated %v", encoding, len(r.Body), r.Truncated)
			}
			r.Release()
		}
	}
	runtime.ReadMemStats(&after)
	// All that was ever allocated, here and in the server: buffers and windows are used again.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 300<<20 {
		t.Errorf("%d MiB were allocated for %d bombs", grown>>20, pages*len(bombs))
	}
}

func TestABrotliWindowOver16MiBIsRefused(t *testing.T) {
	t.Parallel()
	large := []byte{0x11, 0x1e, 0, 0, 0, 0, 0, 0} // the header of large-window brotli, 30 bits
	_, err := newFetcher(t, Config{}).Fetch(t.Context(), encodedServer(t, map[string][]byte{"br": large}).URL+"/?br")
	wantKind(t, err, KindDecode)
}

func TestARequestCanAskForALargerBody(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 2<<20)
	s := encodedServer(t, map[string][]byte{"": body, "gzip": encode(t, "gzip", body)})
	f := newFetcher(t, Config{MaxBody: 1 << 20, LargeBodies: 4 << 20})
	for limit, truncated := range map[int64]bool{1000: true, 1 << 20: true, 2<<20 - 1: true, 2 << 20: false, 50 << 20: false} {
		for encoding := range map[string]bool{"": true, "gzip": true} {
			if encoding == "gzip" && limit == 1000 {
				continue // as sent it is longer than that
			}
			r, err := f.Fetch(WithMaxBody(t.Context(), limit), s.URL+"/?"+encoding)
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(r.Body)) != min(limit, 2<<20) || r.Truncated != truncated {
				t.Errorf("limit %d, %q: %d bytes, truncated %v", limit, encoding, len(r.Body), r.Truncated)
			}
			r.Release()
		}
	}
	if r := fetch(t, f, s.URL); len(r.Body) != 1<<20 {
		t.Errorf("%d bytes without a limit of its own", len(r.Body))
	}
}

func TestABrokenBodyIsADecodeError(t *testing.T) {
	t.Parallel()
	pages := make(map[string][]byte)
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		whole := encode(t, encoding, bytes.Repeat([]byte("hello, world "), 1000))
		pages[encoding] = whole[:len(whole)/2]
	}
	pages["compress"] = []byte("x")
	s, f := encodedServer(t, pages), newFetcher(t, Config{})
	for encoding := range pages {
		_, err := f.Fetch(t.Context(), s.URL+"/?"+encoding)
		wantKind(t, err, KindDecode)
	}
}

func TestAZstdWindowOver8MiBIsRefused(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	z.Write(make([]byte, 1<<20))
	z.Flush()
	z.Close()
	_, err = newFetcher(t, Config{}).Fetch(t.Context(), encodedServer(t, map[string][]byte{"zstd": out.Bytes()}).URL+"/?zstd")
	wantKind(t, err, KindDecode)
	if !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("error %v, want %v", err, zstd.ErrWindowSizeExceeded)
	}
}
