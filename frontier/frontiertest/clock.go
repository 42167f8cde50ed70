package frontiertest

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that only moves when it is told to. The zero Clock stands at the first instant of 2026, UTC. It may
// be used from many goroutines.
type Clock struct {
	moved atomic.Int64 // nanoseconds since the start
}

// Now reads the clock.
func (c *Clock) Now() time.Time {
	start := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(c.moved.Load()))
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) { c.moved.Add(int64(d)) }
