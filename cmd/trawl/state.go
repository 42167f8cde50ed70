package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"trawl/frontier"
)

// newPause, newResume and newStop are the three states that a user can put a crawl into.
func newPause(io streams) *cobra.Command {
	return newStateChange(io, frontier.Paused, &cobra.Command{
		Use:   "pause",
		Short: "Let a crawl rest: nothing more is lent until trawl resume",
		Long: `Let a crawl rest. Workers finish the pages that they hold, and wait: nothing more is lent
until trawl resume. Nothing is lost. Seeds are still accepted.`,
		Example: "  trawl pause --redis redis://localhost --crawl news",
	})
}

func newResume(io streams) *cobra.Command {
	return newStateChange(io, frontier.Running, &cobra.Command{
		Use:     "resume",
		Short:   "Let a paused or stopped crawl go on",
		Example: "  trawl resume --redis redis://localhost --crawl news",
	})
}

func newStop(io streams) *cobra.Command {
	return newStateChange(io, frontier.Stopping, &cobra.Command{
		Use:   "stop",
		Short: "End a crawl: workers finish what they hold, and end",
		Long: `End a crawl before its time. Workers finish the pages that they hold and end; URLs in line
stay there, and trawl resume lets the crawl go on with them.`,
		Example: "  trawl stop --redis redis://localhost --crawl news",
	})
}

// newStateChange makes a command of a state that a crawl can be put into.
func newStateChange(io streams, to frontier.State, cmd *cobra.Command) *cobra.Command {
	var t target
	cmd.Args = noArgs
	return t.aim(cmd, func(ctx context.Context, _ []string) error {
		return t.visit(ctx, func(s store) error { return t.change(ctx, io, s, to) })
	})
}

// change puts a crawl into a state, if it is in another one.
func (t *target) change(ctx context.Context, io streams, s store, to frontier.State) error {
	before, err := s.Stats(ctx) // a change to the same state would have all workers read the policy anew
	if err != nil {
		return err
	}
	already := ""
	if before.State == to {
		already = " already"
	} else if err := s.SetState(ctx, to); err != nil {
		return err
	}
	st, err := s.Stats(ctx) // after the change: what was lent in between is told, too
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s is %s%s: %s\n", t.crawl, to, already, t.meaning(st, to))
	return err
}

// meaning says what a state means for what is lent and what is in line.
func (t *target) meaning(st frontier.Stats, s frontier.State) string {
	left := formatCount(st.Queued+st.Delayed) + " URLs in line"
	held := ""
	if st.Leased > 0 {
		held = fmt.Sprintf("workers finish the %s URLs of %s hosts that they hold; ", formatCount(st.Leased), formatCount(st.HostsLeased))
	}
	switch {
	case s == frontier.Paused:
		return fmt.Sprintf("%snothing is lent until trawl resume; %s", held, left)
	case s == frontier.Stopping && st.Leased > 0:
		return fmt.Sprintf("%sthen it is over; %s, trawl resume goes on with them", held, left)
	case s == frontier.Stopping:
		return fmt.Sprintf("it is over; %s, trawl resume goes on with them", left)
	case st.Drained:
		return "but nothing is left to fetch, or --max-pages is reached"
	case st.Leased > 0:
		return fmt.Sprintf("%s URLs of %s hosts are lent; %s", formatCount(st.Leased), formatCount(st.HostsLeased), left)
	}
	return fmt.Sprintf("%s; %s", left, t.goesOn())
}
