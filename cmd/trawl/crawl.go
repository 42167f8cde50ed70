package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"trawl/crawler"
	"trawl/crawler/jsonl"
	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/worker"
)

// token is the name by which a robots.txt addresses us.
const token = "trawl"

// crawlFlags are the flags of trawl crawl.
type crawlFlags struct {
	policyFlags
	fetchFlags
	config, out, crawl  string
	input               []string
	fresh, jsonl        bool
	maxTime, grace      duration
	logLevel, logFormat string
	progress            string
}

func (o *crawlFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "read settings from this YAML `file`: flag names and their values")
	f.StringVarP(&o.out, "out", "o", "trawl-data", "`folder` for the output, and for the frontier")
	f.StringVar(&o.crawl, "crawl", "default", "`name` of the crawl")
	f.StringArrayVarP(&o.input, "input", "i", nil, "read seeds from this `file`, one a line; - for standard input; repeatable")
	f.BoolVar(&o.fresh, "fresh", false, "start anew: forget the folder's earlier crawl (its pages.jsonl is renamed, not deleted)")
	f.BoolVar(&o.jsonl, "jsonl", true, "write a record of each page to pages.jsonl")
	o.policyFlags.register(f)
	o.fetchFlags.register(f)
	o.grace = duration(30 * time.Second)
	f.Var(&o.maxTime, "max-time", "end after this time; 0s: never")
	f.Var(&o.grace, "grace", "how long pages under way may take once the crawl is told to end")
	f.StringVar(&o.logLevel, "log-level", "warn", "`debug|info|warn|error`")
	f.StringVar(&o.logFormat, "log-format", "text", "`text|json`")
	f.StringVar(&o.progress, "progress", "auto", "`auto|bar|plain|none`; auto: a bar on a terminal, else plain lines")
}

func newCrawl(io streams) *cobra.Command {
	var o crawlFlags
	cmd := &cobra.Command{
		Use:   "crawl [URL...]",
		Short: "Crawl from seeds until everything in scope is fetched",
		Long: `Crawl the seeds and what they lead to, until everything in scope is fetched or a limit is
reached. The frontier is kept in the output folder: the same command again goes on where
the last one ended, however that was. The first Ctrl-C ends the crawl softly, the second
at once; nothing is lost either way.`,
		Example: `  trawl crawl https://example.com
  trawl crawl --scope domain --depth 3 --max-pages 10000 --contact me@example.org https://example.com
  trawl crawl -i urls.txt --scope page -c 500`,
		PreRunE: func(c *cobra.Command, _ []string) error { return readSettings(c) },
		RunE: func(c *cobra.Command, args []string) error {
			return runCrawl(c.Context(), io, &o, c.Flags(), args)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func runCrawl(ctx context.Context, io streams, o *crawlFlags, flags *pflag.FlagSet, args []string) error {
	log, err := newLog(io, o.logLevel, o.logFormat)
	if err != nil {
		return err
	}
	seeds, err := parseSeeds(args)
	if err != nil {
		return err
	}
	inputs, err := openInputs(o.input, io.in)
	if err != nil {
		return err
	}
	defer closeAll(inputs)
	s, err := openSession(ctx, o, flags, len(seeds)+len(inputs) > 0)
	if err != nil {
		return err
	}
	defer s.close()
	if s.crawl.Policy.UserAgent == "trawl/"+version() {
		fmt.Fprintln(io.err, "trawl: give --contact URL|MAIL, so that site owners can reach you")
	}
	if err := s.seed(ctx, seeds); err != nil {
		return err
	}
	why, err := s.run(ctx, io, o, inputs, log)
	return errors.Join(s.summarize(io, why, err), s.close())
}

// session is a crawl with all that it needs open.
type session struct {
	store  *disk.Store
	crawl  frontier.Crawl
	scope  *frontier.Scope
	named  *hostSet // hosts that the user named: not subject to the guard
	fetch  *crawler.Fetcher
	robots *crawler.Robots
	sink   *jsonl.Sink
	tally  *worker.Tally
	output []string // where the output lies
	began  time.Time
}

// openSession opens what a crawl needs; nothing is written before everything that the user said is checked.
func openSession(ctx context.Context, o *crawlFlags, flags *pflag.FlagSet, hasSeeds bool) (*session, error) {
	policy := frontier.DefaultPolicy()
	if err := o.apply(&policy, flags, true); err != nil {
		return nil, err
	}
	config, err := o.fetchConfig()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.out, "frontier")
	if o.fresh {
		if err := startAnew(o.out, dir); err != nil {
			return nil, err
		}
	}
	if !hasSeeds && !disk.Exists(dir) {
		return nil, usagef("no URL: name at least one, or a file of them with -i")
	}
	store, err := disk.Open(dir, disk.Config{Crawl: o.crawl, Policy: &policy})
	if err != nil {
		return nil, withoutOp(err)
	}
	s := &session{store: store, named: &hostSet{}, tally: &worker.Tally{}, began: time.Now()}
	if err := s.prepare(ctx, o, flags, config); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func startAnew(out, dir string) error {
	if err := disk.Remove(dir); err != nil {
		return err
	}
	pages := filepath.Join(out, "pages.jsonl")
	err := os.Rename(pages, filepath.Join(out, "pages-"+time.Now().UTC().Format("20060102150405")+".jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// prepare makes everything but the store.
func (s *session) prepare(ctx context.Context, o *crawlFlags, flags *pflag.FlagSet, config crawler.Config) (err error) {
	if s.crawl, err = s.store.Crawl(ctx); err != nil {
		return err
	}
	before := s.crawl.Policy
	if err := o.apply(&s.crawl.Policy, flags, false); err != nil {
		return err
	}
	if !reflect.DeepEqual(before, s.crawl.Policy) {
		if err := s.store.SetPolicy(ctx, s.crawl.Policy); err != nil {
			return err
		}
	}
	if err := s.loadScope(ctx); err != nil {
		return err
	}
	config.UserAgent = s.crawl.Policy.UserAgent
	config.Timeout, config.MaxBody = s.crawl.Policy.Timeout, s.crawl.Policy.MaxBody
	config.AllowHost = s.named.has
	if s.fetch, err = crawler.New(config); err != nil {
		return err
	}
	if !s.crawl.Policy.IgnoreRobots {
		if s.robots, err = crawler.NewRobots(s.fetch, token, 0); err != nil {
			return err
		}
	}
	if o.jsonl {
		path := filepath.Join(o.out, "pages.jsonl")
		s.output = append(s.output, path)
		if s.sink, err = jsonl.Open(path, jsonl.Config{}); err != nil {
			return err
		}
	}
	return nil
}

// loadScope makes the scope from the seeds of earlier runs.
func (s *session) loadScope(ctx context.Context) (err error) {
	if s.scope, err = frontier.NewScope(s.crawl.Policy); err != nil {
		return usageError{err}
	}
	return s.store.Seeds(ctx, func(e frontier.Entry) bool {
		s.scope.Add(e.URL)
		if e.Via == "" {
			s.named.add(e.URL.Host())
		}
		return true
	})
}

// accept notes that the user named a URL.
func (s *session) accept(u frontier.URL) {
	s.scope.Add(u)
	s.named.add(u.Host())
}

// seed pushes the URLs of the command line.
func (s *session) seed(ctx context.Context, seeds []frontier.Entry) error {
	for _, e := range seeds {
		s.accept(e.URL)
	}
	_, err := s.store.Push(ctx, seeds)
	return err
}

// close gives everything back, once.
func (s *session) close() error {
	var errs []error
	if s.fetch != nil {
		s.fetch.Close()
		s.fetch = nil
	}
	if s.sink != nil {
		errs = append(errs, s.sink.Close())
		s.sink = nil
	}
	return errors.Join(append(errs, s.store.Close())...)
}

func (o *crawlFlags) fetchConfig() (c crawler.Config, err error) {
	if o.concurrency < 1 {
		return c, usagef("--concurrency %d: must be at least 1", o.concurrency)
	}
	if c.Proxy, err = o.parseProxy(); err != nil {
		return c, err
	}
	if c.Header, err = o.parseHeaders(); err != nil {
		return c, err
	}
	if c.AllowNet, err = o.parseNets(); err != nil {
		return c, err
	}
	if c.Jar, err = o.readCookies(); err != nil {
		return c, err
	}
	c.Insecure, c.MaxIdle = o.insecure, max(256, o.concurrency)
	return c, nil
}

func newLog(io streams, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(io.err, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(io.err, options)), nil
	}
	return nil, usagef("--log-format %q: want text or json", format)
}
