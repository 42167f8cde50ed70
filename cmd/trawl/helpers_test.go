package main

import (
	"bytes"
	"flag"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier/disk"
)

// patience is how long tests wait for what must come. Fleets in full size take longer.
var patience = flag.Duration("patience", 20*time.Second, "how long tests wait for what must come")

// small is a web that is crawled in no time.
var small = webtest.Config{Hosts: 3, PagesPerHost: 40, Links: 8, PageBytes: 1 << 10}

// quick are the flags of a crawl that need not be polite.
func quick(args ...string) []string {
	return append([]string{"crawl", "--delay", "0", "--progress", "none", "--contact", "test"}, args...)
}

// crawl runs a quick crawl, which must succeed.
func crawl(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := call(t, dir, quick(args...)...)
	if r.code != exitDone || r.err != "" {
		t.Fatalf("trawl crawl %q: %+v", args, r)
	}
	return r
}

// running is a process under way.
type running struct {
	*exec.Cmd
	out, err lockedBuffer
	in       io.WriteCloser
}

// start starts trawl; what it must still do is killed at the end of the test.
func start(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	p := &running{Cmd: trawl(t.Context(), dir, args...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Wait() }) // the context has killed it
	return p
}

// end waits for the process's end.
func (p *running) end(t *testing.T) result {
	t.Helper()
	kill := time.AfterFunc(*patience, func() { p.Process.Kill() })
	defer kill.Stop()
	p.Wait()
	return result{p.ProcessState.ExitCode(), p.out.String(), p.err.String()}
}

func (p *running) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer can be read while a process writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await waits until something is so.
func await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(*patience)
	defer late.Stop()
	for !isSo() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// records reads the output of the crawl in dir.
func records(t *testing.T, dir string) map[string][]record {
	t.Helper()
	return readRecords(t, filepath.Join(dir, "trawl-data", "pages.jsonl"))
}

func inspect(t *testing.T, dir string) disk.Report {
	t.Helper()
	r, err := disk.Inspect(t.Context(), filepath.Join(dir, "trawl-data", "frontier"), 100)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// holds checks that the output of the crawl in dir is exactly what the oracle says, once each.
func holds(t *testing.T, dir string, want iter.Seq[webtest.Fate]) {
	t.Helper()
	got, all := records(t, dir), 0
	for page := range want {
		all++
		if of := got[page.URL]; len(of) != 1 || of[0].Status != page.Status {
			t.Errorf("%s: %+v, want status %d", page.URL, of, page.Status)
		}
	}
	if len(got) != all {
		t.Errorf("%d URLs in the output, want %d", len(got), all)
	}
}

// once checks that no page was asked for twice.
func once(t *testing.T, log *webtest.Log) {
	t.Helper()
	for _, host := range log.Hosts() {
		asked := map[string]int{}
		for _, r := range log.Pages().Requests(host) {
			if asked[r.Path]++; asked[r.Path] == 2 {
				t.Errorf("%s%s was asked for again", host, r.Path)
			}
		}
	}
}

// site serves hand-made pages: the links of each path.
func site(t *testing.T, links map[string][]string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, ok := links[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for _, link := range to {
			io.WriteString(w, `<a href="`+link+`">x</a>`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// gate serves one endless page: each request is told of, and answered when the gate opens.
type gate struct {
	*httptest.Server
	asked chan struct{}
	open  func()
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{asked: make(chan struct{}, 100)}
	opened := make(chan struct{})
	g.open = sync.OnceFunc(func() { close(opened) })
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		g.asked <- struct{}{}
		select {
		case <-opened:
			io.WriteString(w, "the page")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { g.open(); g.Close() })
	return g
}

// mentions checks that a text has all words.
func mentions(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no %q in:\n%s", word, text)
		}
	}
}
