package webtest

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lineWriter writes requests as lines, each by one call of Write, so that lines of several processes that append to
// one file do not mix and a killed process leaves whole ones.
type lineWriter struct {
	w   io.Writer // nil: nothing is written
	mu  sync.Mutex
	buf []byte
	err error // the first one
}

func (l *lineWriter) write(r Request) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = appendLine(l.buf[:0], r)
	if _, err := l.w.Write(l.buf); err != nil && l.err == nil {
		l.err = fmt.Errorf("write request log: %w", err)
	}
}

func (l *ledger) writeError() error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return l.out.err
}

// appendLine writes "host start_us end_us status path\n". The times are microseconds of Unix time.
func appendLine(b []byte, r Request) []byte {
	b = append(append(b, r.Host...), ' ')
	b = append(strconv.AppendInt(b, r.Start.UnixMicro(), 10), ' ')
	b = append(strconv.AppendInt(b, r.End.UnixMicro(), 10), ' ')
	b = append(strconv.AppendInt(b, int64(r.Status), 10), ' ')
	return append(append(b, r.Path...), '\n')
}

// ReadLog reads what a server wrote to Config.LogTo. The error names the first bad line.
func ReadLog(r io.Reader) (*Log, error) {
	var requests []Request
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		req, err := parseLine(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("request log line %d: %w", len(requests)+1, err)
		}
		requests = append(requests, req)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read request log: %w", err)
	}
	return NewLog(requests...), nil
}

func parseLine(line string) (Request, error) {
	f := strings.SplitN(line, " ", 5)
	if len(f) != 5 {
		return Request{}, fmt.Errorf("%q has not five fields", line)
	}
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(f[i+1], 10, 64); err != nil {
			return Request{}, fmt.Errorf("field %d: %w", i+2, err)
		}
	}
	return Request{
		Host:   f[0],
		Start:  time.UnixMicro(n[0]),
		End:    time.UnixMicro(n[1]),
		Status: int(n[2]),
		Path:   f[4],
	}, nil
}
