package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
)

type hostsFlags struct {
	target
	json bool
	sort choice
	n    int
}

func newHosts(io streams) *cobra.Command {
	o := hostsFlags{sort: choice{"queued", []string{"queued", "delayed", "leased", "done", "dead", "next", "delay", "name"}}}
	cmd := &cobra.Command{
		Use:   "hosts [HOST]",
		Short: "Show how many URLs of each host wait, when it is next asked, and who holds it",
		Long: `Show the hosts of a crawl: how many URLs are queued, delayed (waiting to be tried again),
leased, done and dead; when the host may next be asked; the delay between its requests, and
the worker that holds it. With a host, that one alone. It reads every host of the crawl.

With --json, one object a line: host, queued, delayed, leased, done, dead, next (no time:
now), delay (its own, in nanoseconds; 0: that of the policy), failures (in a row), worker and
until (when its lease ends).`,
		Example: `  trawl hosts
  trawl hosts --sort dead -n 50 --redis redis://localhost
  trawl hosts example.com --json`,
		Args: atMostOne,
	}
	return o.aim(cmd, func(ctx context.Context, args []string) error { return o.run(ctx, io, args) }, own(func(f *pflag.FlagSet) {
		f.BoolVar(&o.json, "json", false, "print JSON, one object a line")
		f.Var(&o.sort, "sort", "`what` goes first: most queued, delayed, leased, done or dead; earliest next; longest delay; or name")
		f.IntVarP(&o.n, "number", "n", 20, "show `n` hosts; 0: all")
	}))
}

// atMostOne checks arguments.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one argument: %q", c.CommandPath(), args[1])
	}
	return nil
}

// run shows hosts. Those asked for by name are looked up; else all are read, however few are shown.
func (o *hostsFlags) run(ctx context.Context, io streams, args []string) error {
	if o.n < 0 {
		return usagef("--number %d: must not be negative", o.n)
	}
	return o.visit(ctx, func(s store) error {
		crawl, err := s.Crawl(ctx)
		if err != nil {
			return err
		}
		var list []frontier.HostStats
		if len(args) > 0 {
			list, err = findHosts(ctx, s, args[0])
		} else {
			list, err = readHosts(ctx, s, o.n, hostOrder(o.sort.value))
		}
		if err != nil {
			return err
		}
		return o.print(io, list, crawl.Policy.Delay)
	})
}

func (o *hostsFlags) print(io streams, list []frontier.HostStats, delay time.Duration) error {
	if !o.json {
		_, err := fmt.Fprint(io.out, hostTable(list, delay, time.Now()))
		return err
	}
	for _, h := range list {
		if err := writeJSON(io.out, h); err != nil {
			return err
		}
	}
	return nil
}

// readHosts reads all hosts and keeps the first n.
func readHosts(ctx context.Context, in frontier.Inspector, n int, compare func(a, b frontier.HostStats) int) ([]frontier.HostStats, error) {
	hosts := top[frontier.HostStats]{n: n, compare: compare}
	err := in.Hosts(ctx, func(h frontier.HostStats) bool {
		hosts.add(h)
		return true
	})
	return hosts.list(), err
}

// findHosts finds what somebody calls a host.
func findHosts(ctx context.Context, in frontier.Inspector, name string) (list []frontier.HostStats, err error) {
	hosts, err := hostsNamed(name)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		found, ok, err := in.Host(ctx, h)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, found)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("host %s: the crawl has no URL of it", name)
	}
	return list, nil
}

// waiting is how many URLs of a host are neither done nor dead.
func waiting(h frontier.HostStats) int64 { return h.Queued + h.Delayed + h.Leased }

// byWaiting puts hosts with the most URLs waiting first.
func byWaiting(a, b frontier.HostStats) int {
	return cmp.Or(cmp.Compare(waiting(b), waiting(a)), cmp.Compare(a.Host, b.Host))
}

// hostOrder is the order that a word asks for; hosts that are equal in it go by name.
func hostOrder(by string) func(a, b frontier.HostStats) int {
	var most func(h frontier.HostStats) int64
	switch by {
	case "queued":
		most = func(h frontier.HostStats) int64 { return h.Queued }
	case "delayed":
		most = func(h frontier.HostStats) int64 { return h.Delayed }
	case "leased":
		most = func(h frontier.HostStats) int64 { return h.Leased }
	case "done":
		most = func(h frontier.HostStats) int64 { return h.Done }
	case "dead":
		most = func(h frontier.HostStats) int64 { return h.Dead }
	case "delay":
		most = func(h frontier.HostStats) int64 { return int64(h.Delay) }
	case "next":
		most = func(h frontier.HostStats) int64 { return -h.Next.UnixMilli() } // no time is long ago: it goes first
	default:
		most = func(frontier.HostStats) int64 { return 0 }
	}
	return func(a, b frontier.HostStats) int {
		return cmp.Or(cmp.Compare(most(b), most(a)), cmp.Compare(a.Host, b.Host))
	}
}

// hostTable is hosts for people.
func hostTable(list []frontier.HostStats, delay time.Duration, now time.Time) string {
	t := newHostColumns("QUEUED\tDELAYED\tLEASED\tDONE\tDEAD\tNEXT\tDELAY\tWORKER")
	for _, h := range list {
		t.add(h.Host, formatCount(h.Queued), formatCount(h.Delayed), formatCount(h.Leased), formatCount(h.Done), formatCount(h.Dead),
			next(h, now), formatTime(max(h.Delay, delay)), oneLine(h.Worker))
	}
	return t.String()
}

// next tells when a host may be asked next.
func next(h frontier.HostStats, now time.Time) string {
	switch wait := h.Next.Sub(now); {
	case h.Leased > 0:
		return "lent"
	case wait > 0:
		return "in " + formatTime(wait)
	case waiting(h) == 0:
		return "-"
	}
	return "now"
}
