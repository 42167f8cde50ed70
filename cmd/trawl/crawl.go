package main

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// crawlFlags are the flags of trawl crawl.
type crawlFlags struct {
	workFlags
	policyFlags
	inputFlag
	fresh bool
}

func (o *crawlFlags) groups() []group {
	return []group{
		{"Seeds and output", []func(*pflag.FlagSet){o.inputFlag.register, o.storeFlags.register, o.registerFresh, o.registerOutput, o.configFlag.register}},
		{"What to crawl", []func(*pflag.FlagSet){o.registerScope, o.registerKeys, o.registerTime, o.registerIdle}},
		{"Traps", []func(*pflag.FlagSet){o.registerTraps}},
		{"Politeness", []func(*pflag.FlagSet){o.registerPoliteness}},
		{"Fetching", []func(*pflag.FlagSet){o.fetchFlags.register, o.registerRequests}},
		{"Operation", []func(*pflag.FlagSet){o.registerOperation, o.registerFleet}},
	}
}

func (o *crawlFlags) registerFresh(f *pflag.FlagSet) {
	f.BoolVar(&o.fresh, "fresh", false, "forget the folder's earlier crawl; its pages.jsonl is renamed, not deleted")
}

func (o *crawlFlags) registerIdle(f *pflag.FlagSet) {
	o.maxIdle = duration(10 * time.Minute) // our own pauses are no longer
	f.Var(&o.maxIdle, "max-idle", "end this run when all hosts that are left rest for longer; 0: wait")
}

// newCrawl is trawl crawl: it makes the crawl, seeds it and works on it, in one process.
func newCrawl(io streams) *cobra.Command {
	var o crawlFlags
	cmd := &cobra.Command{
		Use:   "crawl [URL...]",
		Short: "Crawl from seeds until everything in scope is fetched",
		Long: `Crawl the seeds and what they lead to, until everything in scope is fetched or a limit is
reached. The frontier is kept in the output folder, or with --redis on a server, where other
processes can work on the same crawl: the same command again goes on where the last one ended,
however that was. The first Ctrl-C ends the crawl softly, the second at once; nothing is lost
either way.`,
		Example: `  trawl crawl https://example.com
  trawl crawl --scope domain --depth 3 --max-pages 10000 --contact me@example.org https://example.com
  trawl crawl -i urls.txt --scope page -c 500`,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE:           readSettings,
		RunE: func(c *cobra.Command, args []string) error {
			return runCrawl(c.Context(), io, &o, c.Flags(), args)
		},
	}
	addGroups(cmd, o.groups())
	return cmd
}

// runCrawl is what trawl crawl and trawl demo do. What the user said wrong is found before a store is opened, or an earlier
// crawl forgotten.
func runCrawl(ctx context.Context, io streams, o *crawlFlags, flags *pflag.FlagSet, args []string) error {
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
	switch {
	case o.fresh && o.redis != "":
		return usagef("--fresh: is for a crawl in a folder; trawl purge removes one from Redis")
	case o.maxIdle > 0 && flags.Changed("max-idle") && o.redis != "":
		return usagef("--max-idle: is for a crawl in a folder; one on Redis waits for its hosts, as its workers do")
	case o.fresh && len(seeds) == 0 && !mayHoldSeed(inputs):
		return usagef("no URL in the input: the earlier crawl is left as it is")
	}
	return o.work(ctx, io, inputs, func(ctx context.Context, io streams, _ *brake) (*session, error) {
		s, err := o.open(ctx, flags, len(seeds)+len(inputs) > 0)
		if err != nil {
			return nil, err
		}
		warnOfNoContact(io.err, s.plans.latest().Policy.UserAgent)
		if st, err := s.stats(ctx); err == nil && s.begins != "" && st.Settled() > 0 {
			fmt.Fprintf(io.err, "trawl: %s does not hold the %s pages of earlier runs: it begins anew\n", s.begins, formatCount(st.Settled()))
		}
		if err := s.seed(ctx, seeds, len(inputs) > 0); err != nil { // before a worker runs, which would find the crawl over
			s.close()
			return nil, err
		}
		return s, nil
	})
}

// open opens what a crawl needs; nothing is written before everything that the user said is checked.
func (o *crawlFlags) open(ctx context.Context, flags *pflag.FlagSet, hasSeeds bool) (*session, error) {
	policy := frontier.DefaultPolicy()
	if err := o.apply(&policy, flags, true); err != nil {
		return nil, err
	}
	tools, err := o.prepare(flags)
	if err != nil {
		return nil, err
	}
	if !hasSeeds && o.redis == "" && (o.fresh || !disk.Exists(o.dir())) {
		return nil, usagef("no URL: name at least one, or a file of them with -i")
	}
	if o.fresh {
		if err := startAnew(o.out, o.dir()); err != nil {
			return nil, err
		}
	}
	if o.redis != "" { // now, as the name also holds the crawl open for the seeds
		o.name = cmp.Or(o.name, uniqueName())
	}
	create := o.storeFlags.open
	if hasSeeds { // without them a mistyped --crawl or --out would make an empty crawl
		create = func(ctx context.Context) (store, error) { return o.create(ctx, policy, holder(o.name)) }
	}
	store, err := create(ctx)
	if err != nil {
		return nil, advise(err)
	}
	// Of a crawl that was there already, or that another made at the same moment, create has not set the policy.
	_, _, err = amend(ctx, store, &o.policyFlags, flags)
	if err != nil {
		store.Close()
		return nil, err
	}
	return newSession(ctx, &o.workFlags, store, tools)
}

// amend changes the policy of a crawl as far as flags were set.
func amend(ctx context.Context, store frontier.Keeper, o *policyFlags, flags *pflag.FlagSet) (c frontier.Crawl, changed bool, err error) {
	if c, err = store.Crawl(ctx); err != nil {
		return c, false, err
	}
	before := c.Policy
	if err := o.apply(&c.Policy, flags, false); err != nil {
		return c, false, err
	}
	if reflect.DeepEqual(before, c.Policy) {
		return c, false, nil
	}
	return c, true, store.SetPolicy(ctx, c.Policy)
}
