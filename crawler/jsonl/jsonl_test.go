package jsonl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trawl/crawler"
)

func open(t testing.TB, path string) *Sink {
	t.Helper()
	s, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t testing.TB, s *Sink, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.Write(t.Context(), &crawler.Record{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
}

// ids reads a file back; every line must be whole.
func ids(t testing.TB, path string) (ids []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var r crawler.Record
		if err := json.Unmarshal(line, &r); err != nil || line[len(line)-1] != '\n' {
			t.Fatalf("torn line %q: %v", line, err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func wantIDs(t testing.TB, path string, want ...string) {
	t.Helper()
	if got := ids(t, path); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("records %v, want %v", got, want)
	}
}

func TestRecordsAreAppended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folder", "pages.jsonl")
	s := open(t, path)
	write(t, s, "a", "b")
	wantIDs(t, path, "a", "b") // before Close
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := s.Write(t.Context(), &crawler.Record{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v, want %v", err, os.ErrClosed)
	}
	write(t, open(t, path), "c")
	wantIDs(t, path, "a", "b", "c")
}

func TestATornTailIsCutOnOpen(t *testing.T) {
	t.Parallel()
	line := func(id string) string { return string(appendRecord(nil, &crawler.Record{ID: id})) + "\n" }
	whole := line("a") + line("b")
	long := string(appendRecord(nil, &crawler.Record{ID: "c", Title: strings.Repeat("x", 200<<10)}))
	for _, tail := range []string{
		"", "{", "\x00\x00\x00", `{"id":"c","url":`, strings.TrimSpace(line("c")), long, long[:len(long)-1],
		"\n", "}\n", line("c")[5:], strings.Repeat("\x00", 100<<10) + "\n", `{"id":"c"` + "\n" + `{"id":"d`,
	} {
		path := filepath.Join(t.TempDir(), "pages.jsonl")
		if err := os.WriteFile(path, []byte(whole+tail), 0o666); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		wantIDs(t, path, "a", "b")
		write(t, s, "e")
		wantIDs(t, path, "a", "b", "e")
	}
}

// A kill leaves any beginning of the last write behind.
func TestEveryBeginningOfAFileCanBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "all.jsonl")
	write(t, open(t, path), "a", "b")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		cut := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(cut, data[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		s := open(t, cut)
		write(t, s, "c")
		s.Close()
		want := []string{"a", "c"}
		if n < bytes.IndexByte(data, '\n')+1 {
			want = want[1:]
		}
		wantIDs(t, cut, want...)
	}
}

func TestAForeignFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"a diary\nof mine\n", "no line end", "[1]\n", "<html>\n"} {
		path := filepath.Join(t.TempDir(), "pages.jsonl")
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Config{}); !errors.Is(err, errForeign) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v, want %v and the path", content, err, errForeign)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("%q became %q", content, got)
		}
	}
}

func TestWhatCannotBeWrittenIsRefusedWithItsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(plain, "pages.jsonl"), "/proc/pages.jsonl", "/dev/null"} {
		_, err := Open(path, Config{})
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(path, "/pages.jsonl")) {
			t.Errorf("%s: %v, want an error that names it", path, err)
		}
	}
}

func TestManyWritersShareWritesAndTearNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pages.jsonl")
	s := open(t, path)
	var wg sync.WaitGroup
	for w := range 50 {
		wg.Go(func() {
			for i := range 20 {
				write(t, s, fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	wg.Wait()
	seen := make(map[string]bool)
	for _, id := range ids(t, path) {
		seen[id] = true
	}
	if len(seen) != 50*20 {
		t.Errorf("%d records, want %d", len(seen), 50*20)
	}
}

func TestACancelledContextWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pages.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, path).Write(ctx, &crawler.Record{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	wantIDs(t, path)
}

// faulty is a file in memory that fails as it is told, and notes what was asked of it.
type faulty struct {
	data  []byte
	calls []string
	gate  chan struct{}    // each Write waits for one
	fail  map[string]error // by call; consumed
	room  int              // bytes that still fit when Write fails
}

func (f *faulty) call(name string) error {
	f.calls = append(f.calls, name)
	err := f.fail[name]
	delete(f.fail, name)
	return err
}

func (f *faulty) Write(p []byte) (int, error) {
	if f.gate != nil {
		<-f.gate
	}
	err := f.call("write")
	if err != nil {
		p = p[:min(f.room, len(p))]
	}
	f.data = append(f.data, p...)
	return len(p), err
}

func (f *faulty) Truncate(size int64) error {
	err := f.call("truncate")
	if err == nil {
		f.data = f.data[:size]
	}
	return err
}

func (f *faulty) Sync() error  { return f.call("sync") }
func (f *faulty) Close() error { return f.call("close") }

func on(f *faulty) *Sink { return &Sink{file: f, sync: f.Sync} }

func TestAFailedWriteLeavesNothingAndCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	full := &fs.PathError{Op: "write", Path: "pages.jsonl", Err: syscall.ENOSPC}
	quota := &fs.PathError{Op: "write", Path: "pages.jsonl", Err: syscall.EDQUOT}
	broken := &fs.PathError{Op: "write", Path: "pages.jsonl", Err: syscall.EIO}
	for _, test := range []struct {
		name    string
		fail    map[string]error
		noSpace bool
	}{
		{"disk full", map[string]error{"write": full}, true},
		{"over quota", map[string]error{"write": quota}, true},
		{"disk full when it is synced", map[string]error{"sync": full}, true},
		{"disk broken", map[string]error{"write": broken}, false},
		{"disk full, and cutting fails", map[string]error{"write": full, "truncate": broken}, true},
	} {
		f := &faulty{}
		s := on(f)
		write(t, s, "a")
		f.fail, f.room = test.fail, 7
		err := s.Write(t.Context(), &crawler.Record{ID: "b"})
		if err == nil || errors.Is(err, crawler.ErrNoSpace) != test.noSpace {
			t.Errorf("%s: error %v, want ErrNoSpace %v", test.name, err, test.noSpace)
		}
		write(t, s, "b", "c")
		path := filepath.Join(t.TempDir(), "copy")
		if err := os.WriteFile(path, f.data, 0o666); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, path, "a", "b", "c")
	}
}

func TestLinesThatWaitTogetherAreOneWriteAndOneSync(t *testing.T) {
	t.Parallel()
	f := &faulty{gate: make(chan struct{})}
	s := on(f)
	var wg sync.WaitGroup
	wg.Go(func() { write(t, s, "first") })
	f.gate <- struct{}{} // the first is alone; hold the next write until the others have gathered
	wg.Wait()

	wg.Go(func() { write(t, s, "second") })
	waitFor(t, func() bool { return !s.disk.TryLock() || unlock(&s.disk) })
	for range 10 {
		wg.Go(func() { write(t, s, "more") })
	}
	line := len(appendRecord(nil, &crawler.Record{ID: "more"})) + 1
	waitFor(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.next != nil && len(s.next.lines) >= 10*line
	})
	close(f.gate)
	wg.Wait()
	if got, want := strings.Join(f.calls, " "), "write sync write sync write sync"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

func TestNoSyncDoesNotSync(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {NoSync: true}} {
		s, err := Open(filepath.Join(t.TempDir(), "pages.jsonl"), c)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if (s.sync == nil) != c.NoSync {
			t.Errorf("%+v: syncs %v, want %v", c, s.sync != nil, !c.NoSync)
		}
	}
	f := &faulty{}
	s := &Sink{file: f}
	write(t, s, "a", "b")
	if got, want := strings.Join(f.calls, " "), "write write"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
	s.Close()
	if got, want := strings.Join(f.calls, " "), "write write sync close"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

// A real full disk, where the test may make one.
func TestAFullDiskIsToldAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	path := filepath.Join(dir, "pages.jsonl")
	s := open(t, path)
	big := &crawler.Record{ID: "big", Title: strings.Repeat("x", 10_000)}
	n := 0
	var err error
	for ; err == nil && n < 100; n++ {
		err = s.Write(t.Context(), big)
	}
	if !errors.Is(err, crawler.ErrNoSpace) {
		t.Errorf("after %d records: %v, want %v", n, err, crawler.ErrNoSpace)
	}
	if got := ids(t, path); len(got) != n-1 {
		t.Errorf("%d records in the file, want %d", len(got), n-1)
	}
	write(t, s, "small") // it fits, so it is taken
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func unlock(m *sync.Mutex) bool { m.Unlock(); return false }

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, c := range []Config{{}, {NoSync: true}} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("nosync=%v/writers=%d", c.NoSync, writers), func(b *testing.B) {
				s, err := Open(filepath.Join(b.TempDir(), "pages.jsonl"), c)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				r := page()
				b.SetParallelism((writers + 1) / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Write(b.Context(), r); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}
