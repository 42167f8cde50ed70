package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier/disk"
)

type fsckFlags struct {
	target
	repair bool
}

func newFsck(io streams) *cobra.Command {
	var o fsckFlags
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check that what the frontier holds fits together, and repair it",
		Long: `Compare all that the frontier keeps of a crawl with itself, and print what does not fit, one
finding a line. With --repair it is put right, so that URLs are rather fetched twice than
lost; a crawl on Redis must be paused for that, with nothing lent. While URLs move, counts
are compared loosely. Exit code 0: nothing is wrong, or no longer; 1: findings are left.`,
		Example: `  trawl fsck
  trawl fsck --repair --redis redis://localhost --crawl news`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		s, err := o.open(ctx)
		if err != nil {
			return err
		}
		return use(s, func(s store) error { return o.run(ctx, io, s) })
	}, own(func(f *pflag.FlagSet) { f.BoolVar(&o.repair, "repair", false, "put right what is found") }))
}

// open opens the crawl although it may be damaged.
func (o *fsckFlags) open(ctx context.Context) (store, error) {
	if !o.embedded() {
		return o.target.open(ctx)
	}
	r, err := o.inspect(ctx, 0)
	switch {
	case err == nil:
		o.crawl = r.Crawl.Name
	case !errors.Is(err, disk.ErrCorrupt):
		return nil, err
	}
	return disk.Open(o.dir(), disk.Config{Crawl: o.crawl, Mend: true})
}

// run prints what is found. Findings that are left are an error, so that scripts see them by the exit code.
func (o *fsckFlags) run(ctx context.Context, io streams, s store) error {
	found, err := s.Check(ctx, o.repair)
	if err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintln(io.out, oneLine(f))
	}
	switch {
	case len(found) == 0:
		_, err := fmt.Fprintf(io.out, "%s is sound\n", o.crawl)
		return err
	case !o.repair:
		return fmt.Errorf("%s: %s; trawl fsck --repair puts that right", o.crawl, findings(len(found)))
	}
	left, err := s.Check(ctx, false) // what cannot be put right is found again
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%s: %s, of which are left after repair: %d", o.crawl, findings(len(found)), len(left))
	}
	_, err = fmt.Fprintf(io.out, "%s: %s, repaired\n", o.crawl, findings(len(found)))
	return err
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return formatCount(int64(n)) + " findings"
}
