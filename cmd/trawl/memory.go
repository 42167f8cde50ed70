package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// softMemory is where the garbage collector hurries while what lives is little: large bodies come and go, and what
	// they leave behind would otherwise double what they take.
	softMemory  = 224 << 20
	memoryEvery = time.Second
)

// tameMemory keeps the memory of a crawl near softMemory while it needs little, else lets it have some more than what
// lives: a limit near that would keep the collector busy. It runs until the returned function is called. An environment
// with GOMEMLIMIT or GOGC has its way.
func tameMemory() (stop func()) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetMemoryLimit(softMemory) // to be put back: a process of tests runs several crawls
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				live := liveHeap()
				debug.SetMemoryLimit(max(softMemory, live+max(live/4, softMemory/4)))
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		debug.SetMemoryLimit(before)
	}
}

// liveHeap is what the latest collection found in use, in bytes.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
