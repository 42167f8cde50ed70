package redis_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/redis"
)

// The clock is the server's own in these tests. That it jumped, or was not read for long, is made up by changing the time
// that the crawl has noted as the latest.
type timed struct {
	*testing.T
	s *redis.Store
	c *goredis.Client
	m string // the key
}

func newTimed(t *testing.T) timed {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	return timed{t, s, s.Client(), prefixOf(t, s) + "m"}
}

// pass makes the latest reading of the clock so much older.
func (x timed) pass(d time.Duration) {
	x.Helper()
	clk, err := strconv.ParseInt(x.c.HGet(x.Context(), x.m, "clk").Val(), 10, 64)
	if err == nil {
		err = x.c.HSet(x.Context(), x.m, "clk", clk-d.Milliseconds()).Err()
	}
	if err != nil {
		x.Fatal(err)
	}
}

func (x timed) lease(ttl time.Duration) []frontier.Lease {
	x.Helper()
	l, _, err := x.s.Lease(x.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: 1, TTL: ttl})
	if err != nil {
		x.Fatal(err)
	}
	return l
}

// back wants a host lent again.
func (x timed) back() {
	x.Helper()
	err := eventually(func() error {
		if len(x.lease(time.Minute)) == 0 {
			return errors.New("the host does not come back")
		}
		return nil
	})
	if err != nil {
		x.Error(err)
	}
}

func (x timed) reclaimed() int64 {
	x.Helper()
	st, err := x.s.Stats(x.Context())
	if err != nil {
		x.Fatal(err)
	}
	return st.Reclaimed
}

func TestLeasesOutliveAnOutage(t *testing.T) {
	x := newTimed(t)
	push(t, x.s, 1, []frontier.Entry{{URL: frontier.Host("https://long.test").URL("/")}})
	x.lease(time.Hour) // whose ttl says how long everybody is to have after an outage
	push(t, x.s, 2, pages(0, 2))
	short := x.lease(time.Millisecond)[0]
	for start := time.Now(); time.Since(start) < 3*time.Millisecond; { // until that is over
	}
	x.pass(21 * time.Minute)
	if n := len(x.lease(time.Minute)); n != 0 || x.reclaimed() != 0 {
		t.Fatalf("after an outage %d hosts are lent to others, %d taken back", n, x.reclaimed())
	}
	ack(t, x.s, &short, frontier.Outcome{Verdict: frontier.Done})
	if len(x.lease(time.Minute)) != 1 {
		t.Error("an ack after the outage did not give the host back")
	}
}

func TestWhoDiedInAnOutageIsFoundOutLater(t *testing.T) {
	x := newTimed(t)
	push(t, x.s, 1, pages(0, 1))
	x.lease(3 * time.Millisecond)
	x.pass(time.Minute)
	x.back()
	if n := x.reclaimed(); n != 1 {
		t.Errorf("%d hosts taken back, want 1", n)
	}
}

func TestShortGapsDelayNothing(t *testing.T) {
	x := newTimed(t)
	push(t, x.s, 1, []frontier.Entry{{URL: frontier.Host("https://long.test").URL("/")}})
	x.lease(5 * time.Minute)
	push(t, x.s, 1, pages(0, 1))
	x.lease(time.Millisecond)
	x.pass(90 * time.Second)
	x.back()
}

func TestClockThatWasAheadGoesOn(t *testing.T) {
	x := newTimed(t)
	push(t, x.s, 1, pages(0, 1))
	x.pass(-time.Hour) // by another server, whose clock was wrong
	x.lease(time.Millisecond)
	x.back()
}
