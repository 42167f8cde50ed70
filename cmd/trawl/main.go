// Trawl crawls the web.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/frontier/disk"
)

// Exit codes.
const (
	exitDone        = 0 // drained, or a limit was reached
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 3 // by a signal; the same command goes on
	exitStore       = 4 // the frontier is in use, or cannot be reached
	exitFull        = 5 // no space left
)

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is main, but for the process: it returns the exit code.
func run(args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	err := root.Execute()
	if err != nil {
		fmt.Fprintln(io.err, "trawl:", oneLine(err.Error()))
	}
	return exitCode(err)
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "trawl",
		Short: "A web crawler that loses nothing: polite, resumable, and able to say what became of every URL",
		Long: `Trawl crawls the web. Start with "trawl demo", or "trawl crawl https://example.com".

Every flag can also be set by the environment (--max-pages by TRAWL_MAX_PAGES) and in a
YAML file given with --config (max-pages: 100). A flag beats the environment, which beats
the file.

Exit codes: 0 drained or a limit reached, 1 failed, 2 usage, 3 interrupted (the same
command goes on), 4 frontier in use or out of reach, 5 no space left.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newCrawl(io), newDemo(io), newStatus(io), newVersion(io))
	root.InitDefaultCompletionCmd()
	return root
}

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errInterrupted ends a crawl that a signal stopped.
var errInterrupted = errors.New("interrupted; run the same command again to go on")

func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, frontier.ErrFull), errors.Is(err, crawler.ErrNoSpace), errors.Is(err, syscall.ENOSPC):
		return exitFull
	case errors.Is(err, frontier.ErrUnavailable), errors.Is(err, disk.ErrInUse):
		return exitStore
	}
	return exitFailed
}

// oneLine keeps an error on one line, and control characters of whatever it quotes from the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}
