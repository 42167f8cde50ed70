package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"trawl/frontier"
)

func newExport(io streams) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "export [FILE|-]",
		Short: "Write a crawl to a file, so that another frontier can go on with it",
		Long: `Write all that the frontier keeps of a crawl to a file, from which trawl import makes the
same crawl in another folder or on another server: nothing is fetched twice. The crawl must
be at rest: an embedded one not running; one on Redis finished, paused or stopped, with
nothing lent.

The file is one JSON object a line, compressed if its name ends in .gz. It gets its name when
it is complete. It holds the secret of the crawl's fingerprints: do not publish it.`,
		Example: `  trawl export crawl.gz
  trawl pause --redis redis://localhost && trawl export crawl.gz --redis redis://localhost
  trawl export - | trawl import - --redis redis://localhost`,
		ValidArgsFunction: completeFile,
		Args:              atMostOne,
	}
	return t.aim(cmd, func(ctx context.Context, args []string) error {
		return t.visit(ctx, func(s store) error { return t.export(ctx, io, s, fileNamed(args)) })
	})
}

// completeFile proposes files for the one argument.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// fileNamed is the file that an argument names; without one, standard input or output.
func fileNamed(args []string) string {
	if len(args) == 0 || args[0] == "" {
		return "-"
	}
	return args[0]
}

// export writes to a file or to standard output, where nothing else may be written then.
func (t *target) export(ctx context.Context, io streams, s store, path string) error {
	if path == "-" {
		_, err := writeParts(ctx, io.out, s)
		return err
	}
	n, err := exportFile(ctx, path, s)
	if err != nil {
		return err
	}
	stays := ""
	if !t.embedded() {
		stays = "it stays on the server as well, and rests: trawl purge removes it there\n"
	}
	_, err = fmt.Fprintf(io.out, "%s is in %s: %s parts\n%s", t.crawl, path, formatCount(n), stays)
	return err
}

// exportFile writes a file that has its name only when it is whole and on the disk.
func exportFile(ctx context.Context, path string, from frontier.Exporter) (n int64, err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return 0, fmt.Errorf("export: %s is there and is no file: name another one, or - for standard output", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // for our eyes alone, as it holds a secret
	if err != nil {
		return 0, fmt.Errorf("export %s: %w", path, errors.Unwrap(err))
	}
	defer os.Remove(f.Name()) // there no more when all went well
	defer f.Close()           // likewise
	if n, err = writeCompressed(ctx, f, strings.HasSuffix(path, ".gz"), from); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil { // before the name: the crawl may be purged next
		return 0, fmt.Errorf("export: %w", err)
	}
	if err := f.Close(); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	return n, nil
}

// writeCompressed writes parts, and the end of the gzip stream, without which a reader takes the file for cut off.
func writeCompressed(ctx context.Context, w io.Writer, compress bool, from frontier.Exporter) (int64, error) {
	if !compress {
		return writeParts(ctx, w, from)
	}
	z := gzip.NewWriter(w)
	n, err := writeParts(ctx, z, from)
	if err != nil {
		return 0, err
	}
	return n, z.Close()
}

// writeParts writes all parts, one a line, and a last one that counts them and has the checksum of the lines before it: so
// import tells a file that was cut off at the end of a line from a whole one.
func writeParts(ctx context.Context, w io.Writer, from frontier.Exporter) (n int64, err error) {
	buffer, sum := bufio.NewWriterSize(w, 1<<20), sha256.New()
	lines := json.NewEncoder(io.MultiWriter(buffer, sum))
	lines.SetEscapeHTML(false)
	if err := from.Export(ctx, func(p *frontier.Part) error { n++; return lines.Encode(p) }); err != nil {
		return n, err
	}
	if err := lines.Encode(frontier.Part{End: &frontier.EndPart{Parts: n, SHA256: hex.EncodeToString(sum.Sum(nil))}}); err != nil {
		return n, err
	}
	return n, buffer.Flush()
}
