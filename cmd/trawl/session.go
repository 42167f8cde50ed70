package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	store  store
	plans  *planner
	sink   *jsonl.Sink
	tally  *worker.Tally
	brake  *brake
	fleet  bool     // others may work on the crawl
	name   string   // of this worker; empty: there are no others
	where  string   // the frontier is
	output []string // where the output lies
	begins string   // the output that did not exist, or was empty
	began  time.Time
	later  later // what a run leaves because its hosts rest

	extract func(body []byte, contentType string) (fields map[string][]string, whole bool) // nil: nothing
}

// tools are what flags make before anything is opened.
type tools struct {
	fetch   crawler.Config
	extract func(body []byte, contentType string) (fields map[string][]string, whole bool)
}

// prepare checks all flags of how to work.
func (o *workFlags) prepare(flags *pflag.FlagSet) (t tools, err error) {
	if t.fetch, err = o.fetchConfig(); err != nil {
		return t, err
	}
	if err := o.check(); err != nil {
		return t, err
	}
	if t.fetch.MaxIdle, err = o.fitDescriptors(flags.Changed("concurrency")); err != nil {
		return t, err
	}
	t.extract, err = o.extractor()
	return t, err
}

// newSession makes everything but the store, which it takes over: also when it fails.
func newSession(ctx context.Context, o *workFlags, store store, t tools) (*session, error) {
	s := &session{
		store: store, fleet: o.redis != "", name: o.name, where: o.place(), extract: t.extract, tally: &worker.Tally{}, began: time.Now(),
	}
	if s.fleet && s.name == "" {
		s.name = uniqueName()
	}
	if err := s.prepare(ctx, o, t.fetch); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// fitDescriptors keeps the connections under way, slow ones too, and as many idle ones, within the limit on open files. It
// returns how many idle ones there may be.
func (o *fetchFlags) fitDescriptors(asked bool) (idle int, err error) {
	half := descriptors() / 2 // for requests; as many for idle connections
	room := max(1, half/(1+worker.SlowPlaces))
	if asked && o.concurrency > room {
		return 0, usagef("--concurrency %d: the limit on open files leaves room for %d (ulimit -n)", o.concurrency, room)
	}
	o.concurrency = min(o.concurrency, room)
	return min(max(256, o.concurrency), half), nil
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

// prepare makes the plan, and opens the output last: a crawl that cannot be worked on leaves no empty file.
func (s *session) prepare(ctx context.Context, o *workFlags, config crawler.Config) (err error) {
	if s.plans, err = newPlanner(ctx, s.store, config); err != nil || !o.jsonl {
		return err
	}
	path := filepath.Join(o.out, "pages.jsonl")
	if s.fleet { // others may write to the same folder
		path = filepath.Join(o.out, "pages-"+s.name+".jsonl")
	} else if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		s.begins = path
	}
	s.output = append(s.output, path)
	if s.sink, err = jsonl.Open(path, jsonl.Config{}); errors.Is(err, jsonl.ErrInUse) && s.fleet {
		err = fmt.Errorf("%w; give each worker a --name of its own", err)
	}
	return err
}

// statsWithin bounds a look at the counts, which nothing depends on.
const statsWithin = 5 * time.Second

func (s *session) stats(ctx context.Context) (frontier.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, statsWithin)
	defer cancel()
	return s.store.Stats(ctx)
}

// seed pushes the URLs of the command line. The crawl is held on to if more are to come.
func (s *session) seed(ctx context.Context, seeds []frontier.Entry, more bool) error {
	for _, e := range seeds {
		s.plans.accept(e.URL)
	}
	if _, err := s.store.Push(ctx, seeds); err != nil || more {
		return err
	}
	return s.store.Hold(ctx, holder(s.name), 0)
}

// holder is the name by which a process that also crawls holds the crawl open for its seeds.
func holder(name string) string { return "seeds-" + name }

// close gives everything back, once.
func (s *session) close() error {
	var errs []error
	if s.plans != nil {
		s.plans.close()
	}
	if s.sink != nil {
		errs = append(errs, s.sink.Close())
		s.sink = nil
	}
	return errors.Join(append(errs, s.store.Close())...)
}
