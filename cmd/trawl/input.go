package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"trawl/frontier"
)

// parseSeeds reads URLs of the command line. A bad one is a mistake of the call.
func parseSeeds(args []string) (seeds []frontier.Entry, err error) {
	for _, arg := range args {
		u, err := frontier.ParseSeed(arg)
		if err != nil {
			return nil, usageError{err}
		}
		seeds = append(seeds, frontier.Entry{URL: u, Seed: true})
	}
	return seeds, nil
}

// input is a source of seeds, one a line; empty lines and those that begin with # are passed over.
type input struct {
	name string
	*os.File
}

// openInputs opens the files of --input, so that a name that is wrong is known before anything is done.
func openInputs(names []string, stdin io.Reader) (inputs []input, err error) {
	for _, name := range names {
		if f, ok := stdin.(*os.File); ok && name == "-" {
			inputs = append(inputs, input{"standard input", f})
			continue
		}
		f, err := os.Open(name)
		if err == nil {
			var info os.FileInfo
			if info, err = f.Stat(); err == nil && info.IsDir() {
				err = fmt.Errorf("%s: %w", name, syscall.EISDIR)
			}
		}
		if err != nil {
			closeAll(inputs)
			return nil, fmt.Errorf("--input %w", withoutOp(err))
		}
		inputs = append(inputs, input{name, f})
	}
	return inputs, nil
}

// mayHoldSeed looks for a seed in files, and leaves them at their beginning; a pipe may always bring one.
func mayHoldSeed(inputs []input) bool {
	for _, in := range inputs {
		info, err := in.Stat()
		if err != nil || !info.Mode().IsRegular() || hasSeed(in) {
			return true
		}
	}
	return false
}

func hasSeed(file io.ReadSeeker) bool {
	defer file.Seek(0, io.SeekStart) // of a regular file: cannot fail
	lines := bufio.NewReaderSize(file, maxLine)
	for {
		line, err := readLine(lines)
		if err != nil {
			return false
		}
		if line != "" && line[0] != '#' {
			if _, err := parseLine(line); err == nil {
				return true
			}
		}
	}
}

func closeAll(inputs []input) {
	for _, in := range inputs {
		in.Close()
	}
}

// seeder feeds inputs to a frontier, and keeps the crawl open meanwhile.
type seeder struct {
	frontier interface {
		frontier.Frontier
		frontier.Holder
	}
	accept func(frontier.URL) // told of every seed before it is pushed
	warn   io.Writer

	batch  []frontier.Entry // not pushed yet
	pushed time.Time        // the latest
	bad    int              // lines
}

const (
	seedBatch = 1000
	seedWait  = 100 * time.Millisecond // a seed waits no longer for others
	holdTTL   = time.Minute
	maxLine   = 16 << 10
)

// run reads the inputs to their end, or until ctx ends. A line that is no URL is reported and passed over: one typing
// mistake is no reason not to crawl the other million.
func (s *seeder) run(ctx context.Context, inputs []input) error {
	for _, in := range inputs {
		if err := s.feed(ctx, in); err != nil {
			return err
		}
	}
	return s.frontier.Hold(ctx, "seeds", 0)
}

func (s *seeder) feed(ctx context.Context, in input) error {
	lines := bufio.NewReaderSize(patient{ctx, in.File, s.push}, maxLine)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return s.push(ctx)
		}
		if err != nil {
			return fmt.Errorf("--input %s: %w", in.name, withoutOp(err))
		}
		if line == "" || line[0] == '#' {
			continue
		}
		u, err := parseLine(line)
		if err != nil {
			s.complain(in.name, n, err)
			continue
		}
		s.accept(u)
		s.batch = append(s.batch, frontier.Entry{URL: u, Seed: true})
		if len(s.batch) == seedBatch || time.Since(s.pushed) > seedWait {
			if err := s.push(ctx); err != nil {
				return err
			}
		}
	}
}

// parseLine reads a seed. White space within it is taken for a column or a comment that does not belong there.
func parseLine(line string) (frontier.URL, error) {
	if strings.ContainsAny(line, " \t\r") {
		return frontier.URL{}, fmt.Errorf("%q: white space in a URL; want one URL a line, a space as %%20", line)
	}
	return frontier.ParseSeed(line)
}

// readLine returns the next line without white space around it, or the byte order mark that some editors begin a file
// with. Of a line that is longer than any URL it returns the beginning.
func readLine(lines *bufio.Reader) (string, error) {
	line, more, err := lines.ReadLine()
	text := strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
	for more && err == nil {
		_, more, err = lines.ReadLine()
	}
	return text, err
}

func (s *seeder) push(ctx context.Context) error {
	if err := s.frontier.Hold(ctx, "seeds", holdTTL); err != nil {
		return err
	}
	if len(s.batch) > 0 {
		if _, err := s.frontier.Push(ctx, s.batch); err != nil {
			return err
		}
	}
	s.batch, s.pushed = s.batch[:0], time.Now()
	return nil
}

// patient reads from a file that may be a terminal or a pipe. While there is nothing to read it does something else
// from time to time, and it stops when ctx ends, which a plain read could not.
type patient struct {
	ctx  context.Context
	file *os.File
	idle func(context.Context) error
}

func (p patient) Read(buf []byte) (int, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(p.file.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(seedWait.Milliseconds()))
		switch {
		case p.ctx.Err() != nil:
			return 0, p.ctx.Err()
		case err != nil && !errors.Is(err, unix.EINTR):
			return 0, err
		case n > 0:
			return p.file.Read(buf)
		}
		if err := p.idle(p.ctx); err != nil {
			return 0, err
		}
	}
}

// complain reports the first bad lines and counts the others.
func (s *seeder) complain(name string, line int, err error) {
	if s.bad++; s.bad <= 5 {
		fmt.Fprintf(s.warn, "trawl: %s:%d: %v\n", name, line, err)
	}
	if s.bad == 6 {
		fmt.Fprintln(s.warn, "trawl: further lines that are no URLs are passed over silently")
	}
}
