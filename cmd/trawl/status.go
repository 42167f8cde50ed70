package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"trawl/frontier"
)

type statusFlags struct {
	target
	json, watch bool
	hosts       int
	hostsAsked  bool // --hosts was given
}

func newStatus(io streams) *cobra.Command {
	var o statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how far a crawl is, also while it runs",
		Long: `Show how far a crawl is: counts, workers, pages a second and the time left, and the hosts with
the most URLs waiting. TAKES is the least time that a host's URLs take at its pace. While it is
watched, an outage of Redis is shown and waited out.

With --json, one object, the same for every kind of frontier:
  crawl    id, name, created, policy, version
  stats    state, drained; seen = queued + delayed + leased + done + dead; hosts,
           hosts_leased, retries, reclaimed; refused and dead_for by reason
  at       time of the reading; pid: process that runs an embedded crawl
  workers  name, machine, pid, program, started, beat, age_seconds (since the beat),
           silent, hosts, pages, errors
  pages_per_second, eta_seconds
           where they can be told: watched, or of what workers did since they started
  hosts    as trawl hosts --json has them; on Redis, of a crawl of more than 20,000 only
           when --hosts asks for them
  error    why there is no later reading than this one`,
		Example: `  trawl status
  trawl status --watch --redis redis://localhost --crawl news
  trawl status --json | jq .stats.queued`,
		Args: noArgs,
	}
	return o.aim(cmd, func(ctx context.Context, _ []string) error {
		o.hostsAsked = cmd.Flags().Changed("hosts")
		return o.run(ctx, io)
	}, own(func(f *pflag.FlagSet) {
		f.BoolVar(&o.json, "json", false, "print JSON, one object")
		f.BoolVarP(&o.watch, "watch", "w", false, "print it again every two seconds, until interrupted")
		f.IntVar(&o.hosts, "hosts", 10, "show `n` hosts, those with the most URLs waiting; it reads all hosts for that")
	}))
}

// run prints one report, or one after the other. A watch ends with a signal, and with an error that waiting does not end.
func (o *statusFlags) run(ctx context.Context, io streams) error {
	if o.hosts < 0 {
		return usagef("--hosts %d: must not be negative", o.hosts)
	}
	look, leave, err := o.source(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w := watch{look: look, hosts: o.hosts, many: manyHosts}
	if o.hostsAsked {
		w.many = 0
	}
	for {
		r, err := w.read(ctx)
		if ctx.Err() != nil {
			return nil // interrupted, as a watch ends
		}
		if err != nil && (!o.watch || !errors.Is(err, frontier.ErrUnavailable) || r == nil) {
			return err
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

// print writes over the last report on a terminal only: a file gets them one after the other.
func (o *statusFlags) print(io streams, r *report) error {
	if o.json {
		return writeJSON(io.out, r)
	}
	if f, ok := io.out.(*os.File); ok && o.watch && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(f, "\x1b[H\x1b[J") // over the last one
	}
	_, err := fmt.Fprint(io.out, r)
	return err
}

// looker reads a crawl, and the n hosts with the most URLs waiting: none for 0, and none when there are more hosts than
// many, unless that is 0.
type looker func(ctx context.Context, n int, many int64) (*report, error)

// source finds out how the crawl is read.
func (o *statusFlags) source(ctx context.Context) (look looker, leave func(), err error) {
	if o.embedded() {
		return o.lookInside, func() {}, nil
	}
	s, err := o.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, n int, many int64) (*report, error) { return lookAt(ctx, s, n, many) }, func() { s.Close() }, nil
}

// lookInside reads an embedded crawl.
func (o *statusFlags) lookInside(ctx context.Context, n int, _ int64) (*report, error) {
	in, err := o.inspect(ctx, n)
	if err != nil {
		return nil, err
	}
	return &report{Crawl: in.Crawl, Stats: in.Stats, At: time.Now(), PID: in.PID, Workers: []workerReport{}, Hosts: in.Hosts, embedded: true, due: in.Due}, nil
}

// lookAt reads a crawl from its store.
func lookAt(ctx context.Context, s store, n int, many int64) (r *report, err error) {
	r = &report{At: time.Now(), Workers: []workerReport{}}
	if r.Crawl, err = s.Crawl(ctx); err != nil {
		return nil, err
	}
	if r.Stats, err = s.Stats(ctx); err != nil {
		return nil, err
	}
	if fleet, ok := s.(frontier.Fleet); ok {
		members, err := fleet.Members(ctx)
		if err != nil {
			return nil, err
		}
		r.Workers = watchWorkers(members, r.At)
	}
	if r.unread = n > 0 && many > 0 && r.Stats.Hosts > many; n == 0 || r.unread {
		return r, nil
	}
	r.Hosts, err = readHosts(ctx, s, n, byWaiting)
	return r, err
}
