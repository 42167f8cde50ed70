package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

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
	io.ReadCloser
}

// openInputs opens the files of --input, so that a name that is wrong is known before anything is done.
func openInputs(names []string, stdin io.Reader) (inputs []input, err error) {
	for _, name := range names {
		if name == "-" {
			inputs = append(inputs, input{"standard input", io.NopCloser(stdin)})
			continue
		}
		f, err := os.Open(name)
		if err == nil {
			var info os.FileInfo
			if info, err = f.Stat(); err == nil && info.IsDir() {
				err = fmt.Errorf("%s: is a directory", name)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("--input: %w", withoutOp(err))
		}
		inputs = append(inputs, input{name, f})
	}
	return inputs, nil
}

// seeder feeds inputs to a frontier, and keeps the crawl open meanwhile.
type seeder struct {
	frontier interface {
		frontier.Frontier
		frontier.Holder
	}
	accept func(frontier.URL) // told of every seed before it is pushed
	warn   io.Writer
	bad    int
}

const (
	seedBatch = 1000
	holdTTL   = time.Minute
	maxLine   = 64 << 10
)

// run reads the inputs to their end. A line that is no URL is reported and passed over: one typing mistake is no reason
// not to crawl the other million.
func (s *seeder) run(ctx context.Context, inputs []input) error {
	stop := context.AfterFunc(ctx, func() { closeAll(inputs) }) // a read may block for ever
	defer stop()
	for _, in := range inputs {
		if err := s.feed(ctx, in); err != nil {
			return err
		}
	}
	return s.frontier.Hold(ctx, "seeds", 0)
}

func closeAll(inputs []input) {
	for _, in := range inputs {
		in.Close()
	}
}

func (s *seeder) feed(ctx context.Context, in input) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var batch []frontier.Entry
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		u, err := frontier.ParseSeed(line)
		if err != nil {
			s.complain(in.name, n, err)
			continue
		}
		s.accept(u)
		batch = append(batch, frontier.Entry{URL: u, Seed: true})
		if len(batch) == seedBatch {
			if err := s.push(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("--input: %s: %w", in.name, err)
	}
	return s.push(ctx, batch)
}

func (s *seeder) push(ctx context.Context, batch []frontier.Entry) error {
	if err := s.frontier.Hold(ctx, "seeds", holdTTL); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	_, err := s.frontier.Push(ctx, batch)
	return err
}

// complain reports the first bad lines and counts the others.
func (s *seeder) complain(name string, line int, err error) {
	if s.bad++; s.bad <= 5 {
		fmt.Fprintln(s.warn, "trawl:", oneLine(fmt.Sprintf("%s:%d: %v", name, line, err)))
	}
	if s.bad == 6 {
		fmt.Fprintln(s.warn, "trawl: further lines that are no URLs are passed over silently")
	}
}
