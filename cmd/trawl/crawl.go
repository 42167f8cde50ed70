package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/crawler"
	"trawl/parser"
)

// token is the name by which a robots.txt addresses us.
const token = "trawl"

// crawlFlags are the flags of trawl crawl.
type crawlFlags struct {
	policyFlags
	fetchFlags
	config, out, crawl  string
	input               []string
	extract             []string
	fresh, jsonl        bool
	maxTime, grace      duration
	logLevel, logFormat choice
	progress            choice
	listen              string
}

// flagGroup is a part of the help.
type flagGroup struct {
	title string
	*pflag.FlagSet
}

// register adds the flags to all of a command's.
func (o *crawlFlags) register(all *pflag.FlagSet) (groups []flagGroup) {
	for _, g := range []struct {
		title    string
		register []func(*pflag.FlagSet)
	}{
		{"Seeds and output", []func(*pflag.FlagSet){o.registerFiles}},
		{"What to crawl", []func(*pflag.FlagSet){o.registerScope, o.registerTime}},
		{"Politeness", []func(*pflag.FlagSet){o.registerPoliteness}},
		{"Fetching", []func(*pflag.FlagSet){o.fetchFlags.register, o.registerRequests}},
		{"Operation", []func(*pflag.FlagSet){o.registerOperation}},
	} {
		flags := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		flags.SortFlags = false
		for _, register := range g.register {
			register(flags)
		}
		all.AddFlagSet(flags)
		groups = append(groups, flagGroup{g.title, flags})
	}
	return groups
}

func (o *crawlFlags) registerFiles(f *pflag.FlagSet) {
	f.StringArrayVarP(&o.input, "input", "i", nil, "read seeds from this `file`, one a line; - for standard input; repeatable")
	f.StringVarP(&o.out, "out", "o", "trawl-data", "`folder` for the output, and for the frontier")
	f.StringVar(&o.crawl, "crawl", "default", "`name` of the crawl")
	f.BoolVar(&o.fresh, "fresh", false, "forget the folder's earlier crawl; its pages.jsonl is renamed, not deleted")
	f.BoolVar(&o.jsonl, "jsonl", true, "write a record of each page to pages.jsonl")
	f.StringArrayVar(&o.extract, "extract", nil, "take the `NAME=SELECTOR[@ATTR]` of pages into the record's fields; repeatable")
	f.StringVar(&o.config, "config", "", "read settings from this YAML `file`: flag names and their values")
}

func (o *crawlFlags) registerTime(f *pflag.FlagSet) {
	f.Var(&o.maxTime, "max-time", "end this run after this time; 0: no limit")
}

func (o *crawlFlags) registerOperation(f *pflag.FlagSet) {
	o.grace = duration(30 * time.Second)
	o.progress = choice{"auto", []string{"auto", "bar", "plain", "none"}}
	o.logLevel = choice{"warn", []string{"debug", "info", "warn", "error"}}
	o.logFormat = choice{"text", []string{"text", "json"}}
	f.Var(&o.progress, "progress", "auto: a bar on a terminal, else a line now and then")
	f.Var(&o.logLevel, "log-level", "log what matters so much, to standard error")
	f.Var(&o.logFormat, "log-format", "of the log")
	f.Var(&o.grace, "grace", "how long pages under way may take once the crawl is told to end")
	f.StringVar(&o.listen, "listen", "", "serve /healthz, /status and /debug/pprof/ on this `address`; :6060 is 127.0.0.1:6060")
}

func newCrawl(io streams) *cobra.Command {
	var o crawlFlags
	cmd := &cobra.Command{
		Use:   "crawl [URL...]",
		Short: "Crawl from seeds until everything in scope is fetched",
		Long: `Crawl the seeds and what they lead to, until everything in scope is fetched or a limit is
reached. The frontier is kept in the output folder: the same command again goes on where
the last one ended, however that was. The first Ctrl-C ends the crawl softly, the second
at once; nothing is lost either way.`,
		Example: `  trawl crawl https://example.com
  trawl crawl --scope domain --depth 3 --max-pages 10000 --contact me@example.org https://example.com
  trawl crawl -i urls.txt --scope page -c 500`,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE:           readSettings,
		RunE: func(c *cobra.Command, args []string) error {
			return runCrawl(c.Context(), io, &o, c.Flags(), args)
		},
	}
	groups := o.register(cmd.Flags())
	cmd.SetUsageFunc(func(c *cobra.Command) error { return usage(c, groups) })
	completeValues(cmd)
	return cmd
}

// usage prints flags by group: there are too many for one list.
func usage(c *cobra.Command, groups []flagGroup) error {
	w := c.OutOrStderr()
	fmt.Fprintf(w, "Usage:\n  %s\n\nExamples:\n%s\n", c.UseLine(), c.Example)
	for _, g := range groups {
		fmt.Fprintf(w, "\n%s:\n%s", g.title, g.FlagUsagesWrapped(100))
	}
	_, err := fmt.Fprintf(w, "\nDurations are 500ms, 2s or bare seconds; sizes 500000, 512KiB or 10MiB.\n")
	return err
}

func runCrawl(ctx context.Context, io streams, o *crawlFlags, flags *pflag.FlagSet, args []string) error {
	screen := &screen{w: io.err}
	io.err = screen
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	brake := newBrake()
	defer brake.onSignal(stop)()
	seeds, err := parseSeeds(args)
	if err != nil {
		return err
	}
	inputs, err := openInputs(o.input, io.in)
	if err != nil {
		return err
	}
	defer closeAll(inputs)
	if o.fresh && len(seeds) == 0 && !mayHoldSeed(inputs) {
		return usagef("no URL in the input: the earlier crawl is left as it is")
	}
	monitor, err := listen(o.listen)
	if err != nil {
		return err
	}
	defer monitor.close()
	s, err := openSession(ctx, o, flags, len(seeds)+len(inputs) > 0)
	if err != nil {
		if brake.reason() == bySignal {
			return errInterrupted
		}
		return withoutOp(err)
	}
	defer s.close()
	s.brake = brake
	if ua := s.crawl.Policy.UserAgent; strings.HasPrefix(ua, "trawl/") && !strings.Contains(ua, "(+") {
		fmt.Fprintln(io.err, "trawl: give --contact URL|MAIL, so that site owners can reach you")
	}
	if st, err := s.store.Stats(ctx); err == nil && s.begins != "" && st.Settled() > 0 {
		fmt.Fprintf(io.err, "trawl: %s does not hold the %s pages of earlier runs: it begins anew\n", s.begins, formatCount(st.Settled()))
	}
	if err := s.seed(ctx, seeds); err != nil {
		return err
	}
	monitor.serve(io.err, s)
	stopShowing := newProgress(screen, o.progress.value, s).start()
	why, err := s.run(ctx, io, o, inputs)
	stopShowing()
	s.summarize(io, why)
	if closing := s.close(); err == nil {
		err = closing
	}
	return err
}

// crawlName keeps names to what a folder, a URL and a key of any store can hold.
var crawlName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// check knows the flags that no other package checks.
func (o *crawlFlags) check() error {
	switch {
	case o.out == "":
		return usagef("--out: must not be empty")
	case !crawlName.MatchString(o.crawl):
		return usagef("--crawl %q: want up to 64 letters, digits, dots, dashes and underscores", o.crawl)
	case o.maxTime < 0:
		return usagef("--max-time %v: must not be negative", &o.maxTime)
	case o.grace < 0:
		return usagef("--grace %v: must not be negative", &o.grace)
	}
	return nil
}

// extractor knows --extract.
func (o *crawlFlags) extractor() (func([]byte, string) map[string][]string, error) {
	if len(o.extract) == 0 {
		return nil, nil
	}
	x, err := parser.NewExtractor(o.extract)
	if err != nil {
		return nil, usagef("--extract %w", err)
	}
	return x.Fields, nil
}

func (o *crawlFlags) fetchConfig() (c crawler.Config, err error) {
	if o.concurrency < 1 {
		return c, usagef("--concurrency %d: must be at least 1", o.concurrency)
	}
	if c.Proxy, err = o.parseProxy(); err != nil {
		return c, err
	}
	if c.Header, err = o.parseHeaders(); err != nil {
		return c, err
	}
	if c.Jar, err = o.readCookies(); err != nil {
		return c, err
	}
	c.Insecure = o.insecure
	return c, nil
}

func newLog(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	l.UnmarshalText([]byte(level)) // one of the choices
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
