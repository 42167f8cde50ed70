package redis_test

import (
	"errors"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

func TestManyLinksOnTheWay(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	push(t, s, 2, pages(0, 2))
	l := leaseOne(t, s, 2) // for a minute
	stale := *l
	stale.Token += "x"
	many := frontier.Report{Found: pages(2, 1300)}
	if err := s.Ack(t.Context(), &stale, many); !errors.Is(err, frontier.ErrLeaseLost) {
		t.Errorf("under a stale token: %v", err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 2 || s.Unknown(many.Found) != 1298 {
		t.Errorf("stats after links under a stale token: %+v, %v; %d not learned", st, err, s.Unknown(many.Found))
	}
	for range 2 {
		clock.Advance(50 * time.Second) // each extends the lease
		if err := s.Ack(t.Context(), l, many); err != nil {
			t.Fatal(err)
		}
		if st, err := s.Stats(t.Context()); err != nil || st.Seen != 1300 || st.Done != 0 || st.Leased != 2 || s.Unknown(many.Found) != 0 {
			t.Errorf("stats: %+v, %v; %d not learned", st, err, s.Unknown(many.Found))
		}
	}
	both := frontier.Report{Outcomes: []frontier.Outcome{{Verdict: frontier.Done, Found: pages(1250, 1350)}}, Found: pages(1200, 1310)}
	if err := s.Ack(t.Context(), l, both); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 1350 || st.Done != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestLinksOnTheWayThatWereKeptOut(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: &frontier.Policy{MaxHostQueue: 4}})
	push(t, s, 4, pages(0, 4))
	l := leaseOne(t, s, 4)
	if err := s.Ack(t.Context(), l, frontier.Report{Found: pages(4, 10)}); err != nil {
		t.Fatal(err)
	}
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	if err := s.Ack(t.Context(), l, frontier.Report{Found: pages(4, 10)}); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 5 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Links that were found on the way are gone with the server, and the page that they are of is still to be settled: it is
// fetched again.
func TestLinksOnTheWayThatTheServerLost(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, redistest.Options{})
	s := join(t, r, redis.Config{Policy: new(frontier.Policy), Crawl: "lossy", Create: true})
	push(t, s, 3, pages(0, 3))
	l := leaseOne(t, s, 3)
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	if err := s.Client().Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack(t.Context(), l, frontier.Report{Found: pages(10, 30)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := insistOnAck(t, s, l)
		if st, failed := s.Stats(t.Context()); !errors.Is(err, frontier.ErrLeaseLost) || failed != nil || st.Done != 1 || st.Seen != 3 {
			t.Errorf("ack: %v; stats: %+v, %v", err, st, failed)
		}
	}
}
