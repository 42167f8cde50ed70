package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/redis"
)

func newImport(io streams) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "import [FILE|-]",
		Short: "Make a crawl of a file that trawl export wrote",
		Long: `Make a crawl of a file that trawl export wrote: under --out, or with --redis on a server. It
keeps its name unless --crawl gives another. It goes on where it was, and fetches nothing
twice, unless the old one goes on as well. It is refused when there is such a crawl already;
when the file is damaged or cut off, nothing is made.`,
		Example: `  trawl import crawl.gz --redis redis://localhost --crawl news
  trawl import crawl.gz -o news`,
		ValidArgsFunction: completeFile,
		Args:              atMostOne,
	}
	return t.aim(cmd, func(ctx context.Context, args []string) error { return t.importFile(ctx, io, fileNamed(args)) })
}

// importFile checks the first line before a store is made, and all others as they come: the stores make nothing that can be
// opened before next has said io.EOF.
func (t *target) importFile(ctx context.Context, s streams, path string) error {
	if t.embedded() && disk.Exists(t.dir()) {
		return fmt.Errorf("%s holds a crawl already: name another folder with --out", t.out)
	}
	in := s.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("import: %w", withoutOp(err))
		}
		defer f.Close()
		in = f
	}
	parts, err := t.readParts(in)
	if err != nil {
		return fmt.Errorf("import: %s: %w", path, err)
	}
	err = t.importParts(ctx, func() (*frontier.Part, error) {
		p, err := parts.next()
		if err != nil && err != io.EOF {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	return t.imported(ctx, s)
}

// importParts makes the crawl.
func (t *target) importParts(ctx context.Context, next func() (*frontier.Part, error)) error {
	if !t.embedded() {
		return redis.Import(ctx, t.redis, redis.Config{Crawl: t.crawl, Durability: t.durability.value}, next)
	}
	return disk.Import(t.dir(), func() (*frontier.Part, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return next()
	})
}

// imported tells what was made.
func (t *target) imported(ctx context.Context, io streams) error {
	return t.visit(ctx, func(s store) error {
		st, err := s.Stats(ctx)
		if err != nil {
			return err
		}
		goesOn := t.goesOn()
		if st.State != frontier.Running {
			goesOn = fmt.Sprintf("it is %s: trawl resume lets it go on", st.State)
		}
		_, err = fmt.Fprintf(io.out, "%s: %s URLs seen on %s hosts, %s in line; %s\n", t.crawl, formatCount(st.Seen), formatCount(st.Hosts), formatCount(st.Queued+st.Delayed), goesOn)
		return err
	})
}

// maxPart is the longest line of an exported file that is read.
const maxPart = 256 << 20

// partReader reads what writeParts wrote.
type partReader struct {
	lines *bufio.Scanner
	first *frontier.Part // read, and not yet returned
	sum   hash.Hash      // of their lines
	n     int64          // parts read
	line  int
	ended bool // the last one was
}

// readParts begins to read a file, and says what the crawl is to be called.
func (t *target) readParts(in io.Reader) (*partReader, error) {
	plain, err := uncompressed(in)
	if err != nil {
		return nil, err
	}
	r := &partReader{lines: bufio.NewScanner(plain), sum: sha256.New()}
	r.lines.Buffer(make([]byte, 1<<16), maxPart)
	p, err := r.read()
	if err == io.EOF || err == nil && p.Crawl == nil {
		err = errNoExport
	}
	if err != nil {
		return nil, err
	}
	c := p.Crawl
	if c.Format != frontier.PartFormat {
		return nil, fmt.Errorf("its format is %d, and this trawl knows %d: use the trawl that wrote it, or a newer one", c.Format, frontier.PartFormat)
	}
	if t.named {
		c.Crawl.Name = t.crawl
	}
	if t.crawl = c.Crawl.Name; !frontier.IsName(t.crawl) {
		return nil, fmt.Errorf("%w: the crawl's name is %q", errNoExport, t.crawl)
	}
	if c.Stats.State == frontier.Paused { // as it had to be for the export
		c.Stats.State = frontier.Running
	}
	r.first = p
	return r, nil
}

var (
	errNoExport = errors.New("not a file that trawl export wrote")
	errCutOff   = errors.New("the file is cut off")
)

// uncompressed reads gzip or plain text, whatever the file is called.
func uncompressed(in io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(in, 1<<16)
	if magic, _ := b.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) { // an error comes again
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, readError(err)
	}
	return z, nil
}

// readError says what is wrong with a file. A line longer than maxPart is none that an export wrote.
func readError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCutOff
	case errors.Is(err, bufio.ErrTooLong):
		return errNoExport
	}
	return withoutOp(err)
}

// next returns the parts, one after the other, and io.EOF after the last, if the file is whole.
func (r *partReader) next() (*frontier.Part, error) {
	if p := r.first; p != nil {
		r.first = nil
		return p, nil
	}
	p, err := r.read()
	switch {
	case err != nil:
		return nil, err
	case p.End == nil:
		return p, nil
	case p.End.Parts != r.n:
		return nil, fmt.Errorf("parts are missing: it had %s, and has %s", formatCount(p.End.Parts), formatCount(r.n))
	case p.End.SHA256 != "" && p.End.SHA256 != hex.EncodeToString(r.sum.Sum(nil)):
		return nil, errors.New("it was changed or damaged: the checksum in its last line is another one")
	}
	r.ended = true
	if _, err = r.read(); err == nil {
		return nil, fmt.Errorf("line %d: there is more after the end", r.line)
	}
	return nil, err
}

// read reads a line. After the part that ends the file it returns io.EOF.
func (r *partReader) read() (*frontier.Part, error) {
	if !r.lines.Scan() {
		err := r.lines.Err()
		switch {
		case err != nil:
			return nil, readError(err)
		case r.n == 0, r.ended:
			return nil, io.EOF
		}
		return nil, errCutOff
	}
	r.line++
	p, err := parsePart(r.lines.Bytes())
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	if p.End == nil {
		r.n++
		r.sum.Write(r.lines.Bytes()) // never fails
		r.sum.Write([]byte{'\n'})
	}
	return p, nil
}

// parsePart reads one part. What it does not know it refuses, rather than drop it.
func parsePart(line []byte) (*frontier.Part, error) {
	p := &frontier.Part{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(p)
	if err == nil && d.More() {
		err = errNoExport
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, errCutOff
	case errors.As(err, &syntax):
		return nil, errNoExport
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	fields := 0
	for _, is := range []bool{p.Crawl != nil, p.Host != nil, p.Seen != nil, p.URL != nil, p.End != nil} {
		if is {
			fields++
		}
	}
	if fields != 1 {
		return nil, errNoExport
	}
	return p, nil
}
