package crawler

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The benchmarks' server runs in a process of its own, this test binary called with the variable set, so that the CPU
// time measured is the client's alone.
const serverVar = "TRAWL_BENCH_SERVER"

func TestMain(m *testing.M) {
	if encoding, ok := os.LookupEnv(serverVar); ok {
		servePages(encoding)
		return
	}
	log.SetOutput(io.Discard) // net/http's words about hostile servers
	os.Exit(m.Run())
}

// servePages serves one 30 KB page until its standard input ends. Of "tls" and "h2" it is no encoding.
func servePages(encoding string) {
	page := []byte(strings.Repeat("<p>Some text and a <a href=\"/link\">link</a>.\n", 30<<10/45))
	body := encode(nil, encoding, page)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		w.Write(body)
	}))
	s.EnableHTTP2 = encoding == "h2"
	if encoding == "tls" || encoding == "h2" {
		s.StartTLS()
	} else {
		s.Start()
	}
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin)
}

func pageServer(b *testing.B, encoding string) (url string) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), serverVar+"="+encoding)
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); c.Wait() })
	url, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// cpu reports the CPU time of this process per page, 64 pages at a time.
func cpu(b *testing.B, fetch func() error) {
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	start := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := fetch(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/1e3/float64(b.N), "cpu-us/op")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The floor: net/http as it comes, with no timeout, the body read and forgotten.
func BenchmarkFloor(b *testing.B) {
	url := pageServer(b, "")
	c := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}}
	cpu(b, func() error {
		resp, err := c.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		buf := buffers.Get().(*[64 << 10]byte)
		defer buffers.Put(buf)
		for err == nil {
			_, err = resp.Body.Read(buf[:])
		}
		return nil
	})
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func BenchmarkFetch(b *testing.B) {
	for _, encoding := range []string{"", "gzip", "br", "zstd"} {
		b.Run("encoding="+encoding, func(b *testing.B) {
			url, f := pageServer(b, encoding), newFetcher(b, Config{})
			cpu(b, func() error {
				r, err := f.Fetch(b.Context(), url)
				if err != nil {
					return err
				}
				r.Release()
				return nil
			})
		})
	}
}

// What HTTP/2 costs beside HTTP/1.1: one connection here, and 64.
func BenchmarkFetchTLS(b *testing.B) {
	for _, protocol := range []string{"tls", "h2"} {
		b.Run("protocol="+protocol, func(b *testing.B) {
			url, f := pageServer(b, protocol), newFetcher(b, Config{Insecure: true})
			cpu(b, func() error {
				r, err := f.Fetch(b.Context(), url)
				if err != nil {
					return err
				}
				r.Release()
				return nil
			})
		})
	}
}
