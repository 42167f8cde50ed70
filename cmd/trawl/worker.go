package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// workerFlags are the flags of trawl worker.
type workerFlags struct{ workFlags }

func (o *workerFlags) groups() []group {
	return []group{
		{"Crawl and output", []func(*pflag.FlagSet){o.storeFlags.register, o.registerOutput, o.configFlag.register}},
		{"Fetching", []func(*pflag.FlagSet){o.fetchFlags.register}},
		{"Operation", []func(*pflag.FlagSet){o.registerForever, o.registerTime, o.registerOperation, o.registerFleet}},
	}
}

func (o *workerFlags) registerForever(f *pflag.FlagSet) {
	f.BoolVar(&o.forever, "forever", false, "wait for the crawl to be made, and for new seeds when everything is fetched")
}

// newWorker is trawl worker: it works on a crawl that others made and seed.
func newWorker(io streams) *cobra.Command {
	var o workerFlags
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Work on a crawl whose frontier is in Redis, beside other workers",
		Long: `Work on a crawl whose frontier is in Redis, until everything in scope is fetched or a limit is
reached. What to crawl and how politely is kept with the crawl: trawl seed and trawl policy
change it, for all workers. Any number of workers can join, and end, at any time. The first
Ctrl-C ends this one softly, the second at once; nothing is lost either way.`,
		Example: `  trawl worker --redis redis://10.0.0.5:6379
  TRAWL_REDIS=rediss://trawl:PASSWORD@redis.example:6380 trawl worker --crawl news --forever -c 500`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE:           readSettings,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.run(c.Context(), io, c.Flags())
		},
	}
	addGroups(cmd, o.groups())
	return cmd
}

func (o *workerFlags) run(ctx context.Context, io streams, flags *pflag.FlagSet) error {
	if o.redis == "" {
		return usagef("no Redis: name it with --redis URL or in TRAWL_REDIS; without one, trawl crawl does all")
	}
	tools, err := o.prepare(flags)
	if err != nil {
		return err
	}
	return o.work(ctx, io, nil, func(ctx context.Context, io streams, b *brake) (*session, error) {
		store, err := o.join(ctx, io.err, b)
		if err != nil {
			return nil, advise(err)
		}
		return newSession(ctx, &o.workFlags, store, tools)
	})
}

// joinEvery is how often a worker looks whether its crawl has been made.
const joinEvery = time.Second

// join opens the crawl. With --forever it waits until it is there.
func (o *workerFlags) join(ctx context.Context, w io.Writer, b *brake) (store, error) {
	for told := ""; ; {
		store, err := o.open(ctx)
		waits := errors.Is(err, redis.ErrNoCrawl) || errors.Is(err, frontier.ErrUnavailable)
		if !waits || !o.forever || b.reason() != "" {
			return store, err
		}
		if text := oneLine(err.Error()); text != told {
			fmt.Fprintf(w, "trawl: %s; waiting\n", text)
			told = text
		}
		t := time.NewTimer(joinEvery)
		select {
		case <-t.C:
		case <-b.pulled:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// advise says what to do about a crawl that is not there.
func advise(err error) error {
	if errors.Is(err, redis.ErrNoCrawl) {
		return fmt.Errorf("%w; trawl seed makes it", err)
	}
	return err
}

// uniqueName names a process like no other: by its machine and chance.
func uniqueName() string {
	machine, _ := os.Hostname() // empty if it has none
	machine = strings.Trim(notInNames.ReplaceAllString(machine, "-"), "-.")
	if machine == "" {
		machine = "worker"
	}
	// 57, a dash and six letters are 64, the most that frontier.IsName allows.
	return machine[:min(len(machine), 57)] + "-" + strings.ToLower(rand.Text()[:6])
}

// notInNames is what frontier.IsName does not allow.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
