package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
	"trawl/parser"
)

// token is the name by which a robots.txt addresses us.
const token = "trawl"

// group is a part of a command's help: some of its flags.
type group struct {
	title string
	flags []func(*pflag.FlagSet)
}

// addGroups gives a command its flags, and a usage that shows them by group: there are too many for one list.
func addGroups(cmd *cobra.Command, groups []group) {
	sets := make([]*pflag.FlagSet, len(groups))
	for i, g := range groups {
		sets[i] = pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		sets[i].SortFlags = false
		for _, register := range g.flags {
			register(sets[i])
		}
		cmd.Flags().AddFlagSet(sets[i])
	}
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		w := c.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n\nExamples:\n%s\n", c.UseLine(), c.Example)
		for i, g := range groups {
			fmt.Fprintf(w, "\n%s:\n%s", g.title, sets[i].FlagUsagesWrapped(100))
		}
		_, err := fmt.Fprintf(w, "\nDurations are 500ms, 2s or bare seconds; sizes 500000, 512KiB or 10MiB.\n")
		return err
	})
	completeValues(cmd)
}

// configFlag names a file of settings.
type configFlag struct{ config string }

func (o *configFlag) register(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "read settings from this YAML `file`: flag names and their values")
}

// workFlags say how a process that crawls does so. They are its own: the frontier does not keep them.
type workFlags struct {
	storeFlags
	fetchFlags
	configFlag
	extract             []string
	jsonl               bool
	maxTime, grace      duration
	maxIdle             duration // of trawl crawl in a folder
	logLevel, logFormat choice
	progress            choice
	listen              string
	name                string
	leaseTTL            duration
	forever             bool
}

func (o *workFlags) registerOutput(f *pflag.FlagSet) {
	f.BoolVar(&o.jsonl, "jsonl", true, "write a record of each page to pages.jsonl, with --redis to pages-NAME.jsonl")
	f.StringArrayVar(&o.extract, "extract", nil, "take the `NAME=SELECTOR[@ATTR]` of pages into the record's fields; repeatable")
}

func (o *workFlags) registerTime(f *pflag.FlagSet) {
	f.Var(&o.maxTime, "max-time", "end this run after this time; 0: no limit")
}

func (o *workFlags) registerOperation(f *pflag.FlagSet) {
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

func (o *workFlags) registerFleet(f *pflag.FlagSet) {
	o.leaseTTL = duration(time.Minute)
	f.StringVar(&o.name, "name", "", "of this worker, unlike any other's; default: that of the machine and six letters")
	f.Var(&o.leaseTTL, "lease-ttl", "a worker that is dead is found out after this time; at least three times --timeout")
}

// check knows the flags that no other package checks.
func (o *workFlags) check() error {
	switch {
	case o.maxTime < 0:
		return usagef("--max-time %v: must not be negative", &o.maxTime)
	case o.maxIdle < 0:
		return usagef("--max-idle %v: must not be negative", &o.maxIdle)
	case o.grace < 0:
		return usagef("--grace %v: must not be negative", &o.grace)
	case o.leaseTTL <= 0:
		return usagef("--lease-ttl %v: must be more than 0", &o.leaseTTL)
	case o.name != "" && !frontier.IsName(o.name):
		return usagef("--name %q: want up to 64 letters, digits, dots, dashes and underscores", o.name)
	}
	return o.storeFlags.check()
}

// extractor knows --extract.
func (o *workFlags) extractor() (func([]byte, string) (map[string][]string, bool), error) {
	if len(o.extract) == 0 {
		return nil, nil
	}
	x, err := parser.NewExtractor(o.extract)
	if err != nil {
		return nil, usagef("--extract %w", err)
	}
	return x.Fields, nil
}

// work runs a session from its opening to its summary. The opening may be cut short by a signal.
func (o *workFlags) work(ctx context.Context, io streams, inputs []input, open func(context.Context, streams, *brake) (*session, error)) error {
	defer tameMemory()()
	screen := &screen{w: io.err}
	io.err = screen
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	brake := newBrake()
	defer brake.onSignal(stop)()
	monitor, err := listen(o.listen)
	if err != nil {
		return err
	}
	defer monitor.close()
	monitor.serve(io.err)
	s, err := open(ctx, io, brake)
	if err != nil {
		if brake.reason() == bySignal {
			return errInterrupted
		}
		return withoutOp(err)
	}
	defer s.close() // which may be called twice: below its error is told
	s.brake = brake
	monitor.show(s)
	stopShowing := newProgress(screen, o.progress.value, s).start()
	stopTelling := s.tellOfEnd(io.err, time.Duration(o.grace))
	why, err := s.run(ctx, io, o, inputs)
	stopTelling()
	stopShowing() // before the summary, for it wipes the bar
	if writing := s.summarize(io, why); err == nil {
		err = writing
	}
	if closing := s.close(); err == nil {
		err = closing
	}
	return err
}

// newLog makes the log that the worker writes to, on the screen beside the bar.
func newLog(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	l.UnmarshalText([]byte(level)) // one of the choices
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// warnOfNoContact asks for a contact where the policy has none, though the agent is ours.
func warnOfNoContact(w io.Writer, agent string) {
	if strings.HasPrefix(agent, "trawl/") && !strings.Contains(agent, "(+") {
		fmt.Fprintln(w, "trawl: give --contact URL|MAIL, so that site owners can reach you")
	}
}
