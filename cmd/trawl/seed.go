package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
)

// seedFlags are the flags of trawl seed.
type seedFlags struct {
	storeFlags
	policyFlags
	inputFlag
	configFlag
	paused bool
}

func (o *seedFlags) groups() []group {
	return []group{
		{"Seeds and crawl", []func(*pflag.FlagSet){o.inputFlag.register, o.storeFlags.register, o.registerPaused, o.configFlag.register}},
		{"What to crawl", []func(*pflag.FlagSet){o.registerScope, o.registerKeys}},
		{"Traps", []func(*pflag.FlagSet){o.registerTraps}},
		{"Politeness", []func(*pflag.FlagSet){o.registerPoliteness}},
		{"Fetching", []func(*pflag.FlagSet){o.registerRequests}},
	}
}

func (o *seedFlags) registerPaused(f *pflag.FlagSet) {
	f.BoolVar(&o.paused, "paused", false, "pause the crawl first; trawl resume lets workers begin")
}

func newSeed(io streams) *cobra.Command {
	var o seedFlags
	cmd := &cobra.Command{
		Use:   "seed [URL...]",
		Short: "Add seeds to a crawl, and make it if it is new; workers do the rest",
		Long: `Add seeds to a crawl, and make it if it is new. What to crawl and how politely is kept with
the crawl, for all workers; of a crawl that is there, the flags that are given change it, also
while workers run. A crawl that was over begins again.`,
		Example: `  trawl seed --redis redis://10.0.0.5:6379 --contact me@example.org https://example.com
  trawl seed --crawl news --scope domain --delay 2s -i urls.txt`,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE:           readSettings,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			err := o.run(ctx, io, c.Flags(), args)
			if err != nil && ctx.Err() != nil {
				return errInterrupted
			}
			return withoutOp(err)
		},
	}
	addGroups(cmd, o.groups())
	return cmd
}

// run opens the crawl, or makes it, and fills it. Flags and arguments are checked before.
func (o *seedFlags) run(ctx context.Context, io streams, flags *pflag.FlagSet, args []string) error {
	seeds, err := parseSeeds(args)
	if err != nil {
		return err
	}
	seeds = append(seeds, o.sitemaps.seeds()...)
	inputs, err := openInputs(o.input, io.in)
	if err != nil {
		return err
	}
	defer closeAll(inputs)
	if len(seeds)+len(inputs) == 0 {
		return usagef("no URL: name at least one, or a file of them with -i")
	}
	policy := frontier.DefaultPolicy()
	if err := o.apply(&policy, flags, true); err != nil {
		return err
	}
	if err := o.storeFlags.check(); err != nil {
		return err
	}
	name := holder(uniqueName())
	store, err := o.create(ctx, policy, name)
	if err != nil {
		return err
	}
	err = o.fill(ctx, io, flags, store, &seeder{frontier: store, name: name, warn: io.err, batch: seeds}, inputs)
	if closing := store.Close(); err == nil {
		err = closing
	}
	return err
}

// fill sets the crawl's policy and state and adds the seeds.
func (o *seedFlags) fill(ctx context.Context, io streams, flags *pflag.FlagSet, store store, s *seeder, inputs []input) error {
	if err := s.hold(ctx); err != nil { // from here on workers wait for the seeds
		return err
	}
	before, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	crawl, changed, err := amend(ctx, store, &o.policyFlags, flags)
	if err != nil {
		return err
	}
	warnOfNoContact(io.err, crawl.Policy.UserAgent)
	if o.paused { // before there are seeds, so that none of them is lent
		if err := store.SetState(ctx, frontier.Paused); err != nil {
			return err
		}
	}
	if err := s.run(ctx, inputs); err != nil {
		return err
	}
	after, err := store.Stats(ctx)
	switch {
	case err != nil:
		return err
	case s.offered == 0 && after.Seen == 0:
		return usagef("no URL: neither the input nor the crawl has one")
	}
	note := ""
	if changed {
		note = ", with a new policy"
	}
	fmt.Fprintf(io.out, "%-10s %s%s\n", "crawl", crawl.Name, note)
	known := s.offered - s.added
	over := min(known, capped(after)-capped(before)) // links of workers may be among them
	text := fmt.Sprintf("%s new, %s known", formatCount(s.added), formatCount(known-over))
	if over > 0 {
		text += fmt.Sprintf(", %s refused", formatCount(over))
		fmt.Fprintln(io.err, "trawl: a host takes no more URLs than --max-host-queue and --max-host-pages say: give the refused seeds again later, or raise those")
	}
	_, err = fmt.Fprintf(io.out, "%-10s %s\n", "seeds", text)
	return err
}

// capped is how many URLs a cap kept out.
func capped(st frontier.Stats) int64 {
	return st.Refused[frontier.HostQueueCap] + st.Refused[frontier.HostPagesCap]
}
