package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"trawl/crawler"
	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/worker"
)

// ending says why a crawl ended.
type ending string

const (
	byDrain  ending = "nothing in scope is left to fetch"
	byPages  ending = "--max-pages is reached"
	byStop   ending = "stopped"
	byTime   ending = "--max-time is over"
	bySignal ending = "interrupted"
	byIdle   ending = "the hosts that are left want to be left alone"
	byError  ending = "failed"
)

// run crawls until the frontier is drained, or a limit or a signal ends it.
func (s *session) run(ctx context.Context, io streams, o *workFlags, inputs []input) (ending, error) {
	if err := s.mention(ctx, io); err != nil {
		return byError, err
	}
	if o.maxTime > 0 {
		defer time.AfterFunc(time.Duration(o.maxTime), func() { s.brake.pull(byTime) }).Stop()
	}
	logger := newLog(io.err, o.logLevel.value, o.logFormat.value)
	// net/http reports what servers send unasked to the standard logger.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(logger.Handler(), slog.LevelDebug).Writer())
	// An error of the worker or of the seeding ends both, by working; the end of the worker ends the seeding too, by enough.
	group, working := errgroup.WithContext(ctx)
	seeding, enough := context.WithCancel(working)
	defer enough()
	feeder := s.feeder(io)
	if len(inputs) > 0 {
		// Before the worker begins, or it may find the crawl drained before the first line is read.
		if err := feeder.hold(ctx); err != nil {
			return byError, err
		}
		group.Go(func() error {
			err := feeder.run(seeding, inputs)
			if seeding.Err() != nil {
				return nil // the crawl ends for another reason
			}
			return err
		})
	}
	group.Go(func() error {
		defer enough() // an input may never end
		return s.work(working, o, logger, feeder.news)
	})
	why, err := s.why(group.Wait())
	if why == byDrain && len(inputs) > 0 && !feeder.fed { // an outage was longer than it can hold the crawl
		return byError, errors.New("the crawl was over before the input was read to its end; run the same command again to go on")
	}
	return why, err
}

// mention tells of a crawl that is paused: a worker waits for somebody to resume it. A crawl of this process alone would
// wait for ever.
func (s *session) mention(ctx context.Context, io streams) error {
	st, err := s.stats(ctx)
	switch {
	case err != nil || st.State != frontier.Paused:
		return nil // the worker finds out about outages
	case !s.fleet:
		return errors.New("the crawl is paused: trawl resume lets it go on")
	}
	fmt.Fprintln(io.err, "trawl: the crawl is paused; trawl resume lets it go on")
	return nil
}

// feeder feeds the inputs.
func (s *session) feeder(io streams) *seeder {
	return &seeder{frontier: s.store, name: holder(s.name), accept: s.plans.accept, warn: io.err, news: make(chan struct{}, 1)}
}

func (s *session) work(ctx context.Context, o *workFlags, log *slog.Logger, news <-chan struct{}) error {
	c := worker.Config{
		Frontier:    s.store,
		Crawl:       s.plans.latest(),
		Plan:        s.plans.current(),
		Sink:        nowhere{},
		Name:        s.name,
		Program:     "trawl " + version(),
		Token:       token,
		Concurrency: o.concurrency,
		TTL:         time.Duration(o.leaseTTL),
		Grace:       max(time.Duration(o.grace), 1), // 0 would mean the worker's own
		Drain:       s.brake.pulled,
		News:        news,
		Forever:     o.forever,
		Extract:     s.extract,
		Tally:       s.tally,
		Log:         log,
	}
	if s.sink != nil {
		c.Sink = s.sink
	}
	if s.fleet { // else nobody else can change the crawl
		c.Replan = s.plans.replan
	} else {
		c.MaxIdle = time.Duration(o.maxIdle)
	}
	return worker.Run(ctx, c)
}

// why tells the ending, and the error if it is one.
func (s *session) why(err error) (ending, error) {
	stopped := s.brake.reason()
	var idle *worker.IdleError
	if errors.As(err, &idle) && stopped != "" {
		err = nil // both at once
	}
	switch {
	case stopped == bySignal && (err == nil || errors.Is(err, worker.ErrGrace) || errors.Is(err, errInterrupted)):
		return bySignal, errInterrupted
	case stopped == byTime && (err == nil || errors.Is(err, worker.ErrGrace)):
		return byTime, nil
	case errors.Is(err, redis.ErrNoCrawl):
		return byError, fmt.Errorf("the crawl %s is gone: it was purged", s.plans.latest().Name)
	case err != nil && idle != nil:
		return byIdle, s.putOff(idle)
	case err != nil:
		return byError, err
	}
	st, err := s.stats(context.Background()) // the run's own context may be over
	switch limit := s.plans.latest().Policy.MaxPages; {
	case unreachable(err):
		return byDrain, nil // that much is known, and no more
	case err != nil:
		return byError, err
	case st.State == frontier.Stopping:
		return byStop, nil
	case limit > 0 && st.Settled() >= limit:
		return byPages, nil
	case st.Seen == 0 && s.fleet:
		return byError, errors.New("the crawl has no URL; trawl seed adds some, and trawl worker --forever waits for them")
	case st.Seen == 0:
		return byError, usagef("no URL: neither the input nor the folder's earlier crawl has one")
	}
	return byDrain, nil
}

// nowhere is the sink of a crawl without output.
type nowhere struct{}

func (nowhere) Write(context.Context, *crawler.Record) error { return nil }

// brake ends a crawl softly, once, for the first reason given.
type brake struct {
	pulled chan struct{}
	mu     sync.Mutex
	why    ending
}

func newBrake() *brake { return &brake{pulled: make(chan struct{})} }

func (b *brake) pull(why ending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why == "" {
		b.why = why
		close(b.pulled)
	}
}

func (b *brake) reason() ending {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why
}

// onSignal pulls the brake on the first signal, and stops everything on the second.
func (b *brake) onSignal(stop context.CancelCauseFunc) (release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
			case <-done:
				return
			}
			b.pull(bySignal)
			if n > 0 {
				stop(errInterrupted)
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(done)
		watch.Wait()
	}
}
