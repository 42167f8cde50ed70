// Trawl crawls the web.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/frontier/redis"
	"trawl/worker"
)

// Exit codes.
const (
	exitDone        = 0 // drained, or a limit was reached
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 3 // by a signal, or by hosts that want to be left alone for long; the same command goes on
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
	code := exitCode(err)
	switch {
	case code == exitFull:
		fmt.Fprintln(io.err, "trawl:", oneLine(withoutUser(err.Error()))+"; make room, and the same command goes on")
	case errors.Is(err, frontier.ErrUnavailable):
		fmt.Fprintln(io.err, "trawl:", oneLine(withoutUser(err.Error()))+"; try again once it can be reached")
	case err != nil:
		fmt.Fprintln(io.err, "trawl:", oneLine(withoutUser(err.Error())))
	}
	return code
}

// newRoot makes the whole command with its subcommands. Each call makes new ones, so tests run beside each other.
func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "trawl",
		Short: "A web crawler that loses nothing: polite, resumable, and able to say what became of every URL",
		Long: `Trawl crawls the web. Start with "trawl demo", or "trawl crawl https://example.com".

Every flag can also be set by the environment (--max-pages by TRAWL_MAX_PAGES) and in a
YAML file given with --config (max-pages: 100). A flag beats the environment, which beats
the file.

Exit codes: 0 drained or a limit reached, 1 failed, 2 usage, 3 interrupted, or hosts want
to be left alone for long (the same command goes on), 4 frontier in use or out of reach,
5 no space left.`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:                       func(c *cobra.Command, args []string) error { return unknownCommand(c, args) },
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{flagError(err)} })
	root.SetHelpCommand(newHelp())
	// 100 columns, as addGroups has it; cobra would not break the lines of the commands without groups.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 100 "))
	addCommands(root, "Crawl:", newCrawl(io), newSeed(io), newWorker(io), newDemo(io))
	addCommands(root, "Look into a crawl:", newStatus(io), newHosts(io), newDead(io), newRefused(io))
	addCommands(root, "Steer a crawl:", newPause(io), newResume(io), newStop(io), newPolicy(io), newRetryDead(io))
	addCommands(root, "Mend, move and remove a crawl:", newFsck(io), newExport(io), newImport(io), newPurge(io))
	addCommands(root, "And:", newHealthcheck(), newVersion(io), newCompletion(io))
	root.SetHelpCommandGroupID("And:")
	return root
}

// addCommands adds commands that have a part of the help to themselves.
func addCommands(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

// unknownCommand says what may have been meant.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, err := frontier.ParseSeed(args[0]); err == nil {
		return usagef("unknown command %q; did you mean trawl crawl %[1]s?", args[0])
	}
	if names := root.SuggestionsFor(args[0]); len(names) > 0 {
		return usagef("unknown command %q; did you mean trawl %s?", args[0], strings.Join(names, " or "))
	}
	return usagef("unknown command %q; trawl help lists them", args[0])
}

// newHelp is cobra's help command, but that a word which is no command is a mistake of the call, with exit code 2.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if len(rest) > 0 {
				return unknownCommand(c.Root(), rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errInterrupted ends a crawl that a signal stopped.
var errInterrupted = errors.New("interrupted; run the same command again to go on")

// exitCode is what a script sees of an error: the first case that fits, for errors can be joined.
func exitCode(err error) int {
	var usage usageError
	var idle *worker.IdleError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), errors.Is(err, redis.ErrAddress):
		return exitUsage
	case errors.Is(err, errInterrupted), errors.As(err, &idle):
		return exitInterrupted
	case errors.Is(err, frontier.ErrFull), errors.Is(err, crawler.ErrNoSpace), errors.Is(err, syscall.ENOSPC):
		return exitFull
	case errors.Is(err, frontier.ErrUnavailable), errors.Is(err, disk.ErrInUse):
		return exitStore
	}
	return exitFailed
}

// withoutUser takes names and passwords out of the URLs that an error quotes: somebody may have given one in a wrong
// place.
func withoutUser(s string) string { return userinfo.ReplaceAllString(s, "://") }

var userinfo = regexp.MustCompile(`://[^\s/?#"]*@`)

// oneLine keeps an error on one line, and control characters of whatever it quotes from the terminal.
func oneLine(s string) string { return strings.Map(printable, strings.TrimSpace(s)) }

// printable replaces what could move a terminal's cursor, or the reader's eye: control and format characters.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}
