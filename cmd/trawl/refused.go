package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
)

type refusedFlags struct {
	target
	reason   reasonFlag
	examples int
	json     bool
}

func newRefused(io streams) *cobra.Command {
	var o refusedFlags
	cmd := &cobra.Command{
		Use:   "refused",
		Short: "Count the links that were not followed, by reason, with examples",
		Long: `Count the links that were not followed, by reason, with the latest examples: the frontier
keeps up to 100 of each. A refused link is not seen: found again, it is judged again, by the
policy as it is then.

With --json, one object a line: reason, count and examples.`,
		Example: `  trawl refused
  trawl refused --reason calendar -n 100 --redis redis://localhost`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		if o.examples < 0 {
			return usagef("--examples %d: must not be negative", o.examples)
		}
		return o.visit(ctx, func(s store) error { return o.run(ctx, io, s) })
	}, own(func(f *pflag.FlagSet) {
		o.reason.known = refusalReasons()
		f.Var(&o.reason, "reason", "only those refused for this `reason`")
		f.IntVarP(&o.examples, "examples", "n", 3, "show at most `n` examples of each reason")
		f.BoolVar(&o.json, "json", false, "print JSON, one object a line")
	}))
}

// refusedLine is a reason as JSON.
type refusedLine struct {
	Reason   frontier.Reason `json:"reason"`
	Count    int64           `json:"count"`
	Examples []string        `json:"examples"`
}

// run prints reasons by count. Counts and examples are two readings: a crawl that runs may have moved on in between.
func (o *refusedFlags) run(ctx context.Context, io streams, s store) error {
	st, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	if err := o.reason.check(st.Refused); err != nil {
		return err
	}
	examples, err := s.Refused(ctx)
	if err != nil {
		return err
	}
	reasons := byCount(st.Refused)
	if o.reason.Reason != "" {
		reasons = slices.DeleteFunc(reasons, func(why frontier.Reason) bool { return why != o.reason.Reason })
	}
	if len(reasons) == 0 {
		fmt.Fprintln(io.err, "trawl:", o.none(st))
	}
	for _, why := range reasons {
		once := distinct(examples[why]) // the same link is refused on each page that has it
		if err := o.print(io, refusedLine{why, st.Refused[why], once[:min(o.examples, len(once))]}); err != nil {
			return err
		}
	}
	return nil
}

// none says that no refused link is meant, and which there are.
func (o *refusedFlags) none(st frontier.Stats) string {
	if len(st.Refused) == 0 {
		return "no link was refused"
	}
	return fmt.Sprintf("no link was refused for %s: %s", o.reason.Reason, oneLine(list(st.Refused, reasonName)))
}

// distinct is a list in its order, each once.
func distinct(list []string) []string {
	seen, once := map[string]bool{}, []string{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}

func (o *refusedFlags) print(io streams, l refusedLine) error {
	if o.json {
		return writeJSON(io.out, l)
	}
	if _, err := fmt.Fprintf(io.out, "%-16s %s\n", oneLine(string(l.Reason)), formatCount(l.Count)); err != nil {
		return err
	}
	for _, url := range l.Examples {
		if _, err := fmt.Fprintf(io.out, "  %s\n", oneLine(url)); err != nil {
			return err
		}
	}
	return nil
}
