package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"trawl/frontier/disk"
	"trawl/frontier/redis"
)

type purgeFlags struct {
	target
	yes bool
}

func newPurge(io streams) *cobra.Command {
	var o purgeFlags
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove a crawl from its frontier, for good; its output stays",
		Long: `Remove all that the frontier keeps of a crawl: policy, seeds, URLs in line and what was ever
seen. The output (pages.jsonl) stays. Workers that are on it end with an error, and can do
no harm. On a terminal it asks first.`,
		Example: `  trawl purge
  trawl purge --yes --redis redis://localhost --crawl news`,
		Args: noArgs,
	}
	o.aim(cmd, nil, own(func(f *pflag.FlagSet) { f.BoolVarP(&o.yes, "yes", "y", false, "do not ask") }))
	// A signal ends it at once, also while it asks; what was begun can be done again.
	cmd.RunE = func(c *cobra.Command, _ []string) error {
		o.named = c.Flags().Changed("crawl")
		if err := o.check(); err != nil {
			return err
		}
		return withoutOp(o.run(c.Context(), io))
	}
	return cmd
}

func (o *purgeFlags) run(ctx context.Context, io streams) error {
	what, err := o.describe(ctx)
	if err != nil {
		return err
	}
	if !o.yes {
		if ok, err := ask(io, "remove "+what+"?"); err != nil || !ok {
			return err
		}
	}
	if o.embedded() {
		err = disk.Remove(o.dir(), func() error { return nil })
	} else {
		err = redis.Purge(ctx, o.redis, o.crawl)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(io.out, "removed "+what)
	return err
}

// describe says what is there to remove. What cannot be read any more can still be removed.
func (o *purgeFlags) describe(ctx context.Context) (string, error) {
	if o.embedded() {
		if !disk.Exists(o.dir()) {
			return "", fmt.Errorf("no crawl in %s", o.out)
		}
		r, err := o.inspect(ctx, 0)
		if err != nil && o.named {
			return "", err
		} else if err != nil {
			return fmt.Sprintf("the frontier in %s, which cannot be read", o.dir()), nil
		}
		return fmt.Sprintf("the crawl %s in %s (%s URLs seen, %s in line)", r.Crawl.Name, o.place(), formatCount(r.Stats.Seen),
			formatCount(r.Stats.Seen-r.Stats.Settled())), nil
	}
	s, err := o.open(ctx)
	if err != nil {
		// Half removed, or damaged; when the server cannot be reached purging says so.
		return fmt.Sprintf("the crawl %s on the server", o.crawl), nil
	}
	defer s.Close()
	what := fmt.Sprintf("the crawl %s in %s", o.crawl, o.place())
	if st, err := s.Stats(ctx); err == nil {
		what += fmt.Sprintf(" (%s URLs seen, %s in line, %s lent)", formatCount(st.Seen), formatCount(st.Queued+st.Delayed), formatCount(st.Leased))
	}
	return what, nil
}

// ask asks somebody at a terminal; where there is none, that is a mistake.
func ask(io streams, question string) (bool, error) {
	if f, ok := io.in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return false, usagef("%s There is no terminal to ask on: say --yes", capital(question))
	}
	return confirmed(io.in, io.err, question)
}

// confirmed asks and reads the answer.
func confirmed(in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprintf(out, "%s [y/N] ", capital(oneLine(question)))
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	fmt.Fprintln(out, "nothing was removed")
	return false, nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
