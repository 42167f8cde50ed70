package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
)

type deadFlags struct {
	target
	deadFilter
	json bool
}

func newDead(io streams) *cobra.Command {
	var o deadFlags
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List the URLs that were given up, and why",
		Long: `List the URLs that were given up, in the order they died: when, why, and the error.

With --json, one object a line: url, via (the page it was found on), reason, detail and at.`,
		Example: `  trawl dead
  trawl dead --reason poison --json --redis redis://localhost`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		return o.visit(ctx, func(s store) error { return o.run(ctx, io, s) })
	}, own(func(f *pflag.FlagSet) {
		o.deadFilter.register(f)
		f.BoolVar(&o.json, "json", false, "print JSON, one object a line")
	}))
}

// run prints while it reads: a crawl may have millions of dead URLs.
func (o *deadFlags) run(ctx context.Context, io streams, s store) error {
	hosts, err := o.hosts()
	if err != nil {
		return err
	}
	st, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	if err := o.reason.check(st.DeadFor); err != nil {
		return err
	}
	w := bufio.NewWriter(io.out)
	var writing error
	none := true
	err = s.Dead(ctx, func(d frontier.DeadURL) bool {
		if o.host != "" && !slices.Contains(hosts, d.URL.Host()) || o.reason.Reason != "" && d.Reason != o.reason.Reason {
			return true
		}
		none = false
		writing = o.print(w, d)
		return writing == nil
	})
	if err == nil {
		err = writing
	}
	if flushing := w.Flush(); err == nil {
		err = flushing
	}
	if err == nil && none {
		fmt.Fprintln(io.err, "trawl:", o.none(st))
	}
	return err
}

// deadLine is a DeadURL as JSON.
type deadLine struct {
	URL    string          `json:"url"`
	Via    string          `json:"via,omitempty"`
	Reason frontier.Reason `json:"reason"`
	Detail string          `json:"detail,omitempty"`
	At     time.Time       `json:"at"`
}

func (o *deadFlags) print(w io.Writer, d frontier.DeadURL) error {
	if o.json {
		return writeJSON(w, deadLine{d.URL.String(), d.Via, d.Reason, d.Detail, d.At})
	}
	// Lines come as they are read, so no column can wait for the longest.
	_, err := fmt.Fprintf(w, "%s  %-12s  %s  %s\n", d.At.Local().Format(time.DateTime), oneLine(string(d.Reason)), oneLine(d.URL.String()), oneLine(d.Detail))
	return err
}
