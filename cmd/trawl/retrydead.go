package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
)

// deadFilter picks dead URLs.
type deadFilter struct {
	host   string
	reason reasonFlag
}

func (o *deadFilter) register(f *pflag.FlagSet) {
	f.StringVar(&o.host, "host", "", "only those of this `host`, such as example.com or https://example.com")
	o.reason.known = deadReasons()
	f.Var(&o.reason, "reason", "only those given up for this `reason`, as trawl status names it")
}

// none says that no dead URL is meant, and which there are.
func (o *deadFilter) none(st frontier.Stats) string {
	if st.Dead == 0 {
		return "no URL is dead"
	}
	return fmt.Sprintf("0 of %s dead URLs are meant: %s", formatCount(st.Dead), oneLine(list(st.DeadFor, reasonName)))
}

// hosts are those that --host means, or any.
func (o *deadFilter) hosts() ([]frontier.Host, error) {
	if o.host == "" {
		return []frontier.Host{""}, nil
	}
	return hostsNamed(o.host)
}

type retryDeadFlags struct {
	target
	deadFilter
}

func newRetryDead(io streams) *cobra.Command {
	var o retryDeadFlags
	cmd := &cobra.Command{
		Use:   "retry-dead",
		Short: "Put URLs that were given up in line again",
		Long: `Put dead URLs, those that were given up, in line again, with no attempt counted. It reopens
a crawl that was over. trawl dead lists them.`,
		Example: `  trawl retry-dead --reason timeout
  trawl retry-dead --host example.com --redis redis://localhost`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		return o.visit(ctx, func(s store) error { return o.run(ctx, io, s) })
	}, own(o.deadFilter.register))
}

// run retries by host, since a bare name means two. What was retried before an error stays in line.
func (o *retryDeadFlags) run(ctx context.Context, io streams, s store) error {
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
	all := int64(0)
	for _, h := range hosts {
		n, err := s.Retry(ctx, h, o.reason.Reason)
		all += n
		if err != nil {
			return err
		}
	}
	if st, err = s.Stats(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(io.out, o.said(all, st))
	return err
}

// said tells how many URLs are in line again, and what goes on with them.
func (o *retryDeadFlags) said(n int64, st frontier.Stats) string {
	switch {
	case n == 0:
		return o.none(st)
	case st.State != frontier.Running:
		return fmt.Sprintf("%s URLs are in line again; the crawl is %s: trawl resume goes on with them", formatCount(n), st.State)
	}
	return fmt.Sprintf("%s URLs are in line again; %s", formatCount(n), o.goesOn())
}
