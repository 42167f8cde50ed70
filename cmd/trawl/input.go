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

	"github.com/spf13/pflag"
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

// inputFlag names files of seeds.
type inputFlag struct{ input []string }

func (o *inputFlag) register(f *pflag.FlagSet) {
	f.StringArrayVarP(&o.input, "input", "i", nil, "read seeds from this `file`, one a line; - for standard input; repeatable")
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
			return nil, usagef("--input %w", withoutOp(err))
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

// seeder feeds seeds to a frontier, and keeps the crawl open meanwhile. A frontier that cannot be reached is waited for.
type seeder struct {
	frontier interface {
		frontier.Frontier
		frontier.Holder
	}
	name   string             // to hold the crawl by
	accept func(frontier.URL) // told of every seed of an input before it is pushed; nil: nobody
	warn   io.Writer
	news   chan struct{} // gets a signal when seeds were pushed; nil: nobody waits for it

	batch  []frontier.Entry // not pushed yet
	pushed time.Time        // the latest
	held   time.Time        // the crawl, the latest time
	bad    int              // lines
	fed    bool             // the inputs were read to their end, and pushed

	offered, added int64 // seeds: pushed, and new
}

const (
	seedBatch = 1000
	seedWait  = 100 * time.Millisecond // a seed waits no longer for others
	holdTTL   = time.Minute            // a process that was killed keeps the crawl open for so long
	holdEvery = time.Second
	maxLine   = 16 << 10 // more than any URL has
)

// run pushes what is there already and reads the inputs to their end, or until ctx ends. A line that is no URL is
// reported and passed over: one typing mistake is no reason not to crawl the other million.
func (s *seeder) run(ctx context.Context, inputs []input) error {
	if err := s.push(ctx); err != nil {
		return err
	}
	for _, in := range inputs {
		if err := s.feed(ctx, in); err != nil {
			return err
		}
	}
	s.fed = true
	return s.insist(ctx, func(ctx context.Context) error { return s.frontier.Hold(ctx, s.name, 0) })
}

// feed reads one input to its end. Seeds go in batches, but none waits for long while the next line is not there.
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
		if s.accept != nil {
			s.accept(u)
		}
		s.batch = append(s.batch, frontier.Entry{URL: u, Seed: true})
		// By time too: a pipe in which there is always something would have the first seeds wait for the thousandth.
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

// hold keeps the crawl open for a while.
func (s *seeder) hold(ctx context.Context) error {
	err := s.insist(ctx, func(ctx context.Context) error { return s.frontier.Hold(ctx, s.name, holdTTL) })
	if err == nil {
		s.held = time.Now()
	}
	return err
}

// push brings the batch, and is called as well when there is none: then it holds the crawl open while the input is idle.
func (s *seeder) push(ctx context.Context) error {
	if time.Since(s.held) > holdEvery {
		if err := s.hold(ctx); err != nil {
			return err
		}
	}
	if len(s.batch) > 0 {
		added := 0
		err := s.insist(ctx, func(ctx context.Context) (err error) {
			added, err = s.frontier.Push(ctx, s.batch)
			return err
		})
		if err != nil {
			return err
		}
		s.offered += int64(len(s.batch))
		s.added += int64(added)
		select {
		case s.news <- struct{}{}:
		default: // the signal is there
		}
	}
	s.batch, s.pushed = s.batch[:0], time.Now()
	return nil
}

// Bounds of how a frontier that cannot be reached is called again, and of one call.
const (
	insistFirst = 100 * time.Millisecond
	insistMost  = 5 * time.Second
	insistCall  = 30 * time.Second
)

// insist makes a call of the frontier again for as long as it cannot be reached, and says once that it cannot.
func (s *seeder) insist(ctx context.Context, call func(context.Context) error) error {
	for wait := insistFirst; ; wait = min(2*wait, insistMost) {
		attempt, cancel := context.WithTimeout(ctx, insistCall)
		err := call(attempt)
		cancel()
		if ctx.Err() != nil || !unreachable(err) {
			return err
		}
		if wait == insistFirst {
			fmt.Fprintf(s.warn, "trawl: seeds are waiting: %s\n", oneLine(err.Error()))
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
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
		case n > 0: // there is something, or the end: the read does not block
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

// unreachable tells whether a call of the frontier failed for now, or ran into the deadline that we gave it.
func unreachable(err error) bool {
	return errors.Is(err, frontier.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
