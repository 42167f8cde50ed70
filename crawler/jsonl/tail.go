package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxTail is how much of a file's end may be cut. A crash tears one batch at most, and that is far smaller; more
// rubbish than this was not written by us.
const maxTail = 256 << 20

var errForeign = errors.New("not a file of records: it is left as it is")

// recoverTail cuts what a crash left behind the last whole line: a line without its end, or lines that are no JSON
// because the machine died before their blocks were on the disk. It returns the size of what remains.
func recoverTail(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, errors.New("not a regular file")
	}
	size := info.Size()
	keep, err := wholeLines(f, size)
	if err != nil || keep == size {
		return size, err
	}
	if size-keep > maxTail || keep == 0 && !looksTorn(f) {
		return 0, errForeign
	}
	if err := f.Truncate(keep); err != nil {
		return 0, fmt.Errorf("cut the torn last line: %w", err)
	}
	return keep, nil
}

// looksTorn tells whether a file without one whole record begins like one that was torn.
func looksTorn(f io.ReaderAt) bool {
	want := []byte(`{"id":"`)
	got := make([]byte, len(want))
	n, _ := f.ReadAt(got, 0)
	return bytes.HasPrefix(want, got[:n]) || bytes.Trim(got[:n], "\x00") == nil
}

// wholeLines returns the offset behind the last line that is whole JSON; 0 when there is none.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	end, err := lineStart(f, size) // behind the last newline
	for err == nil && end > 0 && size-end <= maxTail {
		var start int64
		if start, err = lineStart(f, end-1); err != nil {
			break
		}
		line := make([]byte, end-start)
		if _, err = f.ReadAt(line, start); err != nil {
			break
		}
		if line[0] == '{' && json.Valid(line) {
			return end, nil
		}
		end = start
	}
	return end, err
}

// lineStart returns the offset behind the last newline before end; 0 when there is none.
func lineStart(f io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1, nil
		}
		end -= n
	}
	return 0, nil
}
