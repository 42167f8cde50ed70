package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"trawl/crawler"
	"trawl/crawler/jsonl"
	"trawl/frontier"
	"trawl/frontier/disk"
	"trawl/worker"
)

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
	brake  *brake
	dir    string   // of the frontier
	output []string // where the output lies
	begins string   // the output that did not exist, or was empty
	began  time.Time

	extract func(body []byte, contentType string) map[string][]string // nil: nothing
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
	if err := o.check(); err != nil {
		return nil, err
	}
	if config.MaxIdle, err = o.fitDescriptors(flags.Changed("concurrency")); err != nil {
		return nil, err
	}
	extract, err := o.extractor()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.out, "frontier")
	if !hasSeeds && (o.fresh || !disk.Exists(dir)) {
		return nil, usagef("no URL: name at least one, or a file of them with -i")
	}
	if o.fresh {
		if err := startAnew(o.out, dir); err != nil {
			return nil, err
		}
	}
	store, err := disk.Open(dir, disk.Config{Crawl: o.crawl, Policy: &policy})
	if err != nil {
		return nil, err
	}
	s := &session{store: store, dir: dir, extract: extract, named: &hostSet{}, tally: &worker.Tally{}, began: time.Now()}
	if err := s.prepare(ctx, o, flags, config); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// fitDescriptors keeps the connections under way, and as many idle ones, within the limit on open files. It returns how
// many idle ones there may be.
func (o *fetchFlags) fitDescriptors(asked bool) (idle int, err error) {
	room := descriptors() / 2
	if asked && o.concurrency > room {
		return 0, usagef("--concurrency %d: the limit on open files leaves room for %d (ulimit -n)", o.concurrency, room)
	}
	o.concurrency = min(o.concurrency, room)
	return min(max(256, o.concurrency), room), nil
}

// descriptors is how many connections the process may have open beside what it needs itself.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 20
	}
	return int(max(2, min(limit.Cur, 1<<20)-min(limit.Cur, 40)))
}

// startAnew clears the folder of an earlier crawl.
func startAnew(out, dir string) error {
	return disk.Remove(dir, func() error { return putAside(out) })
}

// putAside renames the output of an earlier crawl.
func putAside(out string) error {
	pages := filepath.Join(out, "pages.jsonl")
	if info, err := os.Stat(pages); err == nil && info.Size() == 0 {
		return nil // of a start that came to nothing
	}
	err := os.Rename(pages, filepath.Join(out, "pages-"+time.Now().UTC().Format("20060102150405.000")+".jsonl"))
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
	if config.AllowNet, err = s.crawl.Policy.Networks(); err != nil {
		return err
	}
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
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			s.begins = path
		}
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
	return s.store.Seeds(ctx, 0, func(e frontier.Entry) bool {
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
