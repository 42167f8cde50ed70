package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"trawl/crawler"
	"trawl/worker"
)

// ending says why a crawl ended.
type ending string

const (
	byDrain  ending = "nothing in scope is left to fetch"
	byPages  ending = "--max-pages is reached"
	byTime   ending = "--max-time is over"
	bySignal ending = "interrupted"
	byError  ending = "failed"
)

// run crawls until the frontier is drained, or a limit or a signal ends it.
func (s *session) run(ctx context.Context, io streams, o *crawlFlags, inputs []input) (ending, error) {
	if o.maxTime > 0 {
		defer time.AfterFunc(time.Duration(o.maxTime), func() { s.brake.pull(byTime) }).Stop()
	}
	logger := newLog(io.err, o.logLevel.value, o.logFormat.value)
	// net/http reports what servers send unasked to the standard logger.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(logger.Handler(), slog.LevelDebug).Writer())
	group, working := errgroup.WithContext(ctx)
	seeding, enough := context.WithCancel(working)
	defer enough()
	if len(inputs) > 0 {
		if err := s.store.Hold(ctx, "seeds", holdTTL); err != nil {
			return byError, err
		}
		group.Go(func() error { return s.feed(seeding, io, inputs) })
	}
	group.Go(func() error {
		defer enough() // an input may never end
		return s.work(working, o, logger)
	})
	return s.why(group.Wait())
}

func (s *session) feed(ctx context.Context, io streams, inputs []input) error {
	feeder := seeder{frontier: s.store, accept: s.accept, warn: io.err}
	err := feeder.run(ctx, inputs)
	if ctx.Err() != nil {
		return nil // the crawl ends for another reason
	}
	return err
}

func (s *session) work(ctx context.Context, o *crawlFlags, log *slog.Logger) error {
	var sink worker.Sink = nowhere{}
	if s.sink != nil {
		sink = s.sink
	}
	return worker.Run(ctx, worker.Config{
		Frontier:    s.store,
		Crawl:       s.crawl,
		Scope:       s.scope,
		Fetch:       s.fetch,
		Sink:        sink,
		Robots:      s.robots,
		Token:       token,
		Concurrency: o.concurrency,
		Grace:       max(time.Duration(o.grace), 1), // 0 would mean the worker's own
		Drain:       s.brake.pulled,
		Extract:     s.extract,
		Tally:       s.tally,
		Log:         log,
	})
}

// why tells the ending, and the error if it is one.
func (s *session) why(err error) (ending, error) {
	stopped := s.brake.reason()
	switch {
	case stopped == bySignal && (err == nil || errors.Is(err, worker.ErrGrace) || errors.Is(err, errInterrupted)):
		return bySignal, errInterrupted
	case stopped == byTime && (err == nil || errors.Is(err, worker.ErrGrace)):
		return byTime, nil
	case err != nil:
		return byError, err
	}
	st, err := s.store.Stats(context.Background())
	switch limit := s.crawl.Policy.MaxPages; {
	case err != nil:
		return byError, err
	case st.Seen == 0:
		return byError, usagef("no URL: neither the input nor the folder's earlier crawl has one")
	case limit > 0 && st.Settled() >= limit:
		return byPages, nil
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
