package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
	"trawl/frontier/disk"
)

// target is the crawl that a command looks into or steers. It must be there.
type target struct {
	storeFlags
	configFlag
	named bool // --crawl was given
}

// aim gives a command its own flags and those that name a crawl, and lets it run with them, until a signal.
func (t *target) aim(cmd *cobra.Command, run func(ctx context.Context, args []string) error, own ...group) *cobra.Command {
	addGroups(cmd, append(own, group{"Crawl", []func(*pflag.FlagSet){t.storeFlags.register, t.configFlag.register}}))
	cmd.PreRunE = readSettings
	cmd.RunE = func(c *cobra.Command, args []string) error {
		t.named = c.Flags().Changed("crawl")
		if err := t.check(); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err := run(ctx, args)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) { // another error is told, after a signal too
			return errStopped
		}
		return withoutOp(err)
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	return cmd
}

// errStopped ends a command that a signal stopped.
var errStopped = fmt.Errorf("stopped: %w", errInterrupted)

// own is the group of a command's own flags.
func own(register func(*pflag.FlagSet)) group {
	return group{"Flags", []func(*pflag.FlagSet){register}}
}

// embedded tells whether the frontier is in the output folder.
func (t *target) embedded() bool { return t.redis == "" }

// inspect reads an embedded crawl, also while a process runs it.
func (t *target) inspect(ctx context.Context, hosts int) (disk.Report, error) {
	r, err := disk.Inspect(ctx, t.dir(), hosts)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("no crawl in %s", t.out)
	case err == nil && t.named && r.Crawl.Name != t.crawl:
		return r, fmt.Errorf("%s holds the crawl %q, not %q", t.out, r.Crawl.Name, t.crawl)
	}
	return r, err
}

// open opens the crawl. A folder has one crawl, which need not be named.
func (t *target) open(ctx context.Context) (store, error) {
	if t.embedded() {
		r, err := t.inspect(ctx, 0)
		if err != nil {
			return nil, err
		}
		t.crawl = r.Crawl.Name
	}
	return t.storeFlags.open(ctx)
}

// visit opens the crawl for one function.
func (t *target) visit(ctx context.Context, do func(store) error) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	return use(s, do)
}

// use closes a store after a function.
func use(s store, do func(store) error) error {
	err := do(s)
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}

// hostsNamed are the hosts that somebody can mean: a URL means its own, a bare name those of both schemes.
func hostsNamed(name string) ([]frontier.Host, error) {
	texts := []string{name}
	if !strings.Contains(name, "://") {
		texts = []string{"https://" + name, "http://" + name}
	}
	var hosts []frontier.Host
	for _, text := range texts {
		u, err := frontier.ParseURL(text)
		if err != nil {
			return nil, usagef("host %q: want one such as example.com or https://example.com:8443", name)
		}
		hosts = append(hosts, u.Host())
	}
	return hosts, nil
}

// goesOn says what goes on with the URLs in line.
func (t *target) goesOn() string {
	if t.embedded() {
		return "trawl crawl goes on with them"
	}
	return "workers go on with them"
}
