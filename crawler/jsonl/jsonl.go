// Package jsonl writes records as lines of JSON. A line that Write has returned for is on the disk; a line that a crash
// tore is cut off when the file is opened again.
package jsonl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"trawl/crawler"
)

// Config of a sink. The zero value is the safe choice.
type Config struct {
	// NoSync leaves it to the operating system when to put lines on the disk: they survive the death of the process
	// but perhaps not that of the machine.
	NoSync bool
}

// Sink appends records to a file. Its methods may be called from many goroutines: the lines of those who call while
// one batch is being written are the next batch, in one write and one sync. There is no goroutine behind it.
type Sink struct {
	sync func() error // nil: lines are not synced

	disk   sync.Mutex // held while a batch is written; taken before mu
	file   file
	size   int64 // of the file's whole, durable lines
	torn   bool  // there may be more in the file than that
	closed bool

	path    string
	opened  os.FileInfo // nil: not to be checked
	checked time.Time

	mu   sync.Mutex
	next *batch // gathers lines until its turn comes; nil: the next line starts one
}

// file is what a sink needs of an *os.File opened for appending.
type file interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// batch is lines that are written together.
type batch struct {
	lines []byte
	done  chan struct{} // closed when err says what became of them
	err   error
}

// ErrInUse is returned by Open when somebody else has the file open.
var ErrInUse = errors.New("in use by another process")

// Open creates the file, and its folder, when they are missing, and cuts a torn last line off. It refuses a file that
// holds no records, and one that another sink writes to.
func Open(path string, c Config) (*Sink, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("jsonl: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("jsonl: %w", err)
	}
	var size int64
	err = lock(f) // before anything is cut: what looks torn may be about to become whole
	if err == nil {
		size, err = recoverTail(f)
	}
	if err == nil && !c.NoSync {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("jsonl: %s: %w", path, err), f.Close())
	}
	s := &Sink{file: f, size: size, path: path, checked: time.Now()}
	if s.opened, err = f.Stat(); err != nil {
		return nil, errors.Join(fmt.Errorf("jsonl: %w", err), f.Close())
	}
	if !c.NoSync {
		s.sync = f.Sync
	}
	return s, nil
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Write returns when the record's line is durable, alone in its line and whole. After an error the line is not in the
// file, and Write may be called again; the error wraps [crawler.ErrNoSpace] when the disk is full. ctx is looked at
// only before the line has joined a batch: from then on, others wait for the same write.
func (s *Sink) Write(ctx context.Context, r *crawler.Record) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	p := lines.Get().(*[]byte)
	*p = append(appendRecord((*p)[:0], r), '\n')
	b, first := s.join(*p)
	if cap(*p) <= maxKept {
		lines.Put(p)
	}
	if first {
		s.lead(b)
	}
	<-b.done
	return b.err
}

// lines are buffers to encode in: outside the locks, so that records are encoded side by side.
var lines = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is how large a buffer may be that is kept: there are few lines as long as that.
const maxKept = 1 << 20

// join adds a line to the batch that is gathering; first: the caller has started it and must lead it.
func (s *Sink) join(line []byte) (b *batch, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &batch{done: make(chan struct{})}
		first = true
	}
	s.next.lines = append(s.next.lines, line...)
	return s.next, first
}

// lead writes a batch when the one before it is written.
func (s *Sink) lead(b *batch) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.next = nil // nobody can join from here on
	s.mu.Unlock()
	b.err = s.commit(b.lines)
	close(b.done)
}

// commit appends lines, all or none of them.
func (s *Sink) commit(lines []byte) error {
	if s.closed {
		return fmt.Errorf("jsonl: %w", os.ErrClosed)
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.torn {
		if err := s.cut(); err != nil {
			return wrap(err)
		}
	}
	s.torn = true
	_, err := s.file.Write(lines)
	if err == nil && s.sync != nil {
		err = s.sync()
	}
	if err != nil {
		// What was written of the lines must go, since their callers will send them again. If even that fails the
		// next commit tries first.
		return wrap(errors.Join(err, s.cut()))
	}
	s.size += int64(len(lines))
	s.torn = false
	return nil
}

// ErrGone is returned when the file was removed, renamed or replaced while it was open: its lines would be lost.
var ErrGone = errors.New("the file was removed or replaced while it was written to")

// checkEvery is how often the file's name is looked at, at most.
const checkEvery = time.Second

// check tells whether the file still has its name.
func (s *Sink) check() error {
	if s.opened == nil || time.Since(s.checked) < checkEvery {
		return nil
	}
	s.checked = time.Now()
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(now, s.opened) {
		return fmt.Errorf("%s: %w", s.path, ErrGone)
	}
	return nil
}

func (s *Sink) cut() error {
	err := s.file.Truncate(s.size)
	s.torn = err != nil
	return err
}

func wrap(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("jsonl: %w: %w", crawler.ErrNoSpace, err)
	}
	return fmt.Errorf("jsonl: %w", err)
}

// Close syncs and closes the file. A Write after it returns os.ErrClosed; a second Close does nothing.
func (s *Sink) Close() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.checked = time.Time{}
	if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
		return wrap(err)
	}
	return s.check()
}
