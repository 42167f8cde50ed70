package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"trawl/frontier"
)

func newPolicy(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Show or change what a crawl may do: scope, limits, politeness",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("policy %q: want show or set", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(newPolicyShow(io), newPolicySet(io))
	return cmd
}

// setting is one field of a policy, by the name of its flag, with the value that the flag reads.
type setting struct {
	flag  string
	value any
}

// settings is a policy in the order of the help.
func settings(p frontier.Policy) []setting {
	robots := "obey"
	if p.IgnoreRobots {
		robots = "ignore"
	}
	return []setting{
		{"scope", string(p.Scope)}, {"include", p.Include}, {"exclude", p.Exclude}, {"depth", p.Depth},
		{"max-pages", p.MaxPages}, {"max-host-pages", p.MaxHostPages}, {"max-host-queue", p.MaxHostQueue},
		{"delay", exactTime(p.Delay)}, {"per-host", p.PerHost}, {"max-crawl-delay", exactTime(p.MaxCrawlDelay)},
		{"robots", robots}, {"user-agent", p.UserAgent}, {"allow-net", p.AllowNet}, {"timeout", exactTime(p.Timeout)},
		{"max-body", exactSize(p.MaxBody)}, {"retries", p.Retries}, {"host-failures", p.HostFailures},
		{"drop-params", p.DropParams}, {"fold", p.Fold}, {"sitemaps", sitemapMode(p.Sitemaps)}, {"assets", p.Assets},
		{"adaptive", p.Adaptive}, {"robots-cache", exactTime(p.RobotsCache)},
		{"max-retry-after", exactTime(p.MaxRetryAfter)},
		{"max-path-depth", p.MaxPathDepth}, {"max-path-repeats", p.MaxPathRepeats}, {"max-dates", p.MaxDates},
		{"max-queries", p.MaxQueries}, {"max-domain-hosts", p.MaxDomainHosts}, {"echo-after", p.EchoAfter},
	}
}

// exactTime is a duration as its flag reads it.
func exactTime(d time.Duration) string {
	flag := duration(d)
	return flag.String()
}

// exactSize is a size as its flag reads it, to the byte.
func exactSize(n int64) any {
	var back size
	text := formatBytes(n)
	if back.Set(text) != nil || int64(back) != n {
		return n
	}
	return text
}

// String is a setting as a line of YAML.
func (s setting) String() string {
	text, err := yaml.Marshal(map[string]any{s.flag: s.value})
	if err != nil {
		return s.flag + ": " + err.Error() // not with these types
	}
	return string(text)
}

// shown is a setting's value on one line.
func (s setting) shown() string {
	if many, ok := s.value.([]string); ok {
		return "[" + strings.Join(many, ", ") + "]"
	}
	return fmt.Sprint(s.value)
}

type policyShowFlags struct {
	target
	json bool
}

func newPolicyShow(io streams) *cobra.Command {
	var o policyShowFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print a crawl's policy, as a file that --config takes",
		Example: `  trawl policy show
  trawl policy show --redis redis://localhost --crawl news > news.yaml
  trawl seed --config news.yaml --redis redis://localhost --crawl more https://example.com`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error { return o.run(ctx, io) }, own(func(f *pflag.FlagSet) {
		f.BoolVar(&o.json, "json", false, "print JSON, as the frontier keeps it: durations in nanoseconds, sizes in bytes")
	}))
}

func (o *policyShowFlags) run(ctx context.Context, io streams) error {
	p, err := o.read(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(io.out, p)
	}
	for _, s := range settings(p) {
		if s.flag == "user-agent" && s.value == "" {
			continue // it would be taken for one
		}
		if _, err := fmt.Fprint(io.out, s); err != nil {
			return err
		}
	}
	return nil
}

// read reads the policy, also while a process runs the crawl.
func (o *policyShowFlags) read(ctx context.Context) (frontier.Policy, error) {
	if o.embedded() {
		r, err := o.inspect(ctx, 0)
		return r.Crawl.Policy, err
	}
	var crawl frontier.Crawl
	err := o.visit(ctx, func(s store) (err error) {
		crawl, err = s.Crawl(ctx)
		return err
	})
	return crawl.Policy, err
}

type policySetFlags struct {
	target
	policyFlags
}

// newPolicySet is trawl policy set. Its flags have the defaults of a new crawl, but only those that are given count.
func newPolicySet(io streams) *cobra.Command {
	var o policySetFlags
	o.sitemaps.onlyMode = true
	cmd := &cobra.Command{
		Use:   "set FLAG...",
		Short: "Change a crawl's policy; flags that are not given stay as they are",
		Long: `Change a crawl's policy: the flags that are given, and nothing else. Running workers obey
within seconds. URLs in line stay there, whatever the new scope; a larger --max-pages
reopens a crawl that had reached it. An empty --include, --exclude or --allow-net removes
them all.`,
		Example: `  trawl policy set --delay 5s --redis redis://localhost
  trawl policy set --max-pages 100000 --exclude '\.pdf$' --exclude '/calendar/'
  trawl policy set --exclude ''`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		o.clearLists()
		if err := o.given(cmd); err != nil {
			return err
		}
		return o.visit(ctx, func(s store) error { return o.run(ctx, io, s, cmd) })
	},
		group{"What to crawl", []func(*pflag.FlagSet){o.registerScope}},
		group{"Traps", []func(*pflag.FlagSet){o.registerTraps}},
		group{"Politeness", []func(*pflag.FlagSet){o.registerPoliteness}},
		group{"Fetching", []func(*pflag.FlagSet){o.registerRequests}})
}

// clearLists reads an empty value of a list as no value.
func (o *policySetFlags) clearLists() {
	for _, list := range []*[]string{&o.include, &o.exclude, &o.allowNet} {
		if len(*list) == 1 && (*list)[0] == "" {
			*list = nil
		}
	}
}

// given checks that there is something to change, and that it can be, before anything is opened.
func (o *policySetFlags) given(cmd *cobra.Command) error {
	p := frontier.DefaultPolicy()
	for _, s := range append(settings(p), setting{"contact", ""}) {
		if cmd.Flags().Changed(s.flag) {
			return o.apply(&p, cmd.Flags(), false)
		}
	}
	return usagef("policy set: name at least one flag of the policy, such as --delay 5s; trawl policy set --help lists them")
}

// run changes what is there by what was given. Between the reading and the writing somebody else may change it too: the last
// one has his way.
func (o *policySetFlags) run(ctx context.Context, io streams, s store, cmd *cobra.Command) error {
	crawl, err := s.Crawl(ctx)
	if err != nil {
		return err
	}
	p := crawl.Policy
	if err := o.apply(&p, cmd.Flags(), false); err != nil {
		return err
	}
	changes := compare(crawl.Policy, p)
	if len(changes) == 0 {
		_, err := fmt.Fprintf(io.out, "%s: nothing to change\n", crawl.Name)
		return err
	}
	if err := s.SetPolicy(ctx, p); err != nil {
		return err
	}
	_, err = fmt.Fprint(io.out, strings.Join(changes, ""))
	return err
}

// compare tells what differs between two policies, one setting a line.
func compare(before, after frontier.Policy) (changes []string) {
	old := settings(before)
	for i, s := range settings(after) {
		if was, is := old[i].shown(), s.shown(); was != is {
			changes = append(changes, fmt.Sprintf("%s: %s -> %s\n", s.flag, oneLine(was), oneLine(is)))
		}
	}
	return changes
}
