package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"trawl/frontier"
	"trawl/frontier/disk"
)

type statusFlags struct {
	config, out string
	json, watch bool
	hosts       int
}

func newStatus(io streams) *cobra.Command {
	var o statusFlags
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show how far a crawl is, also while it runs",
		Args:    noArgs,
		PreRunE: readSettings,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return o.run(ctx, io)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "read settings from this YAML `file`: flag names and their values")
	f.StringVarP(&o.out, "out", "o", "trawl-data", "`folder` of the crawl")
	f.BoolVar(&o.json, "json", false, "print JSON, one object")
	f.BoolVarP(&o.watch, "watch", "w", false, "print it again every two seconds, until interrupted")
	f.IntVar(&o.hosts, "hosts", 10, "show `n` hosts, those with the most URLs waiting")
	completeValues(cmd)
	return cmd
}

func (o *statusFlags) run(ctx context.Context, io streams) error {
	if o.hosts < 0 {
		return usagef("--hosts %d: must not be negative", o.hosts)
	}
	for {
		r, err := disk.Inspect(ctx, filepath.Join(o.out, "frontier"), o.hosts)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no crawl in %s", o.out)
		}
		if err != nil {
			return withoutOp(err)
		}
		if err := o.print(io, r); err != nil || !o.watch {
			return err
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *statusFlags) print(io streams, r disk.Report) error {
	if o.json {
		return json.NewEncoder(io.out).Encode(r)
	}
	if f, ok := io.out.(*os.File); ok && o.watch && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(f, "\x1b[H\x1b[J") // over the last one
	}
	_, err := fmt.Fprint(io.out, describe(r, time.Now()))
	return err
}

// describe is a report for people.
func describe(r disk.Report, now time.Time) string {
	var b strings.Builder
	st := r.Stats
	state := "not running; the same trawl crawl goes on"
	switch {
	case r.PID > 0:
		state = fmt.Sprintf("running, process %d", r.PID)
	case st.Drained:
		state = "finished"
	}
	if st.State != frontier.Running {
		state += ", " + string(st.State)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(w, "%s\t%s\n", name, oneLine(fmt.Sprint(value))) }
	row("crawl", fmt.Sprintf("%s, begun %s", r.Crawl.Name, r.Crawl.Created.Local().Format(time.DateTime)))
	row("state", state)
	row("seen", formatCount(st.Seen))
	row("queued", formatCount(st.Queued))
	row("delayed", formatCount(st.Delayed))
	row("leased", fmt.Sprintf("%s on %s of %s hosts", formatCount(st.Leased), formatCount(st.HostsLeased), formatCount(st.Hosts)))
	row("done", formatCount(st.Done))
	row("dead", formatCount(st.Dead)+"  "+list(st.DeadFor, reasonName))
	if len(st.Refused) > 0 {
		row("refused", list(st.Refused, reasonName))
	}
	if len(r.Hosts) > 0 {
		fmt.Fprint(w, "\nHOST\tWAITING\tDONE\tDEAD\tNEXT\n")
	}
	for _, h := range r.Hosts {
		next := "now"
		if wait := time.UnixMilli(h.Next).Sub(now); wait > 0 {
			next = "in " + formatTime(wait)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", oneLine(string(h.Host)), formatCount(h.Waiting), formatCount(h.Done), formatCount(h.Dead), next)
	}
	w.Flush()
	return b.String()
}
