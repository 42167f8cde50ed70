package redis_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
)

const hostA frontier.Host = "https://a.test"

// pages are the URLs of hostA from first to last-1.
func pages(first, last int) (list []frontier.Entry) {
	for n := first; n < last; n++ {
		list = append(list, frontier.Entry{URL: hostA.URL(fmt.Sprintf("/%d", n))})
	}
	return list
}

func push(t *testing.T, s *redis.Store, want int, list []frontier.Entry) {
	t.Helper()
	if n, err := s.Push(t.Context(), list); err != nil || n != want {
		t.Fatalf("push: %d new, %v; want %d", n, err, want)
	}
}

func leaseOne(t *testing.T, s *redis.Store, batch int) *frontier.Lease {
	t.Helper()
	r := frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: batch, TTL: time.Minute}
	l, _, err := s.Lease(t.Context(), r)
	if err != nil || len(l) != 1 {
		t.Fatalf("lease: %d, %v", len(l), err)
	}
	return &l[0]
}

func ack(t *testing.T, s *redis.Store, l *frontier.Lease, o ...frontier.Outcome) {
	t.Helper()
	if err := s.Ack(t.Context(), l, frontier.Report{Outcomes: o}); err != nil {
		t.Fatal(err)
	}
}

func TestLargeSeenSets(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{})
	known := map[int]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 400 { // in portions of 1 to 200 URLs, half of them known in the end
		var list []frontier.Entry
		fresh := 0
		for range 1 + random.IntN(200) {
			n := random.IntN(30_000)
			list = append(list, pages(n, n+1)...)
			if !known[n] {
				known[n] = true
				fresh++
			}
		}
		push(t, s, fresh, list)
	}
	l := leaseOne(t, s, 3)
	refused := frontier.Outcome{Verdict: frontier.Refused, Reason: frontier.ByRobots}
	first := frontier.Entry{URL: l.Items[0].URL}
	ack(t, s, l, refused, refused, refused)
	push(t, s, 1, []frontier.Entry{first, first})
}

func TestFirstPushOfManyURLs(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{})
	push(t, s, 16, pages(0, 16))
	push(t, s, 1, pages(0, 17))
	push(t, s, 1983, pages(0, 2000))
}

func TestPagesWithManyLinks(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{})
	push(t, s, 2, pages(0, 2))
	l := leaseOne(t, s, 2)
	stale := *l
	stale.Token += "x"
	many := []frontier.Outcome{
		{Verdict: frontier.Done, Found: pages(2, 900)},
		{Verdict: frontier.Done, Found: pages(800, 1700)},
	}
	if err := s.Ack(t.Context(), &stale, frontier.Report{Outcomes: many}); !errors.Is(err, frontier.ErrLeaseLost) {
		t.Fatalf("ack under a stale token: %v", err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 2 {
		t.Fatalf("stats after an ack under a stale token: %+v, %v", st, err)
	}
	again := *l
	ack(t, s, l, many...)
	ack(t, s, &again, many...)
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 1700 || st.Done != 2 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestHostsWithADotAtTheEnd(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{})
	const dotted frontier.Host = "https://a.test."
	push(t, s, 1, []frontier.Entry{{URL: dotted.URL("/0")}})
	push(t, s, 0, pages(0, 1))
	ack(t, s, leaseOne(t, s, 1), frontier.Outcome{Verdict: frontier.Refused, Reason: frontier.ByRobots})
	push(t, s, 1, pages(0, 1))
}

func TestScriptsThatTheServerForgot(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{})
	flush := func() {
		if err := s.Client().ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	push(t, s, 2, pages(0, 2))
	flush()
	l := leaseOne(t, s, 2)
	flush()
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	flush()
	if err := errors.Join(s.Hold(t.Context(), "me", time.Minute), s.SetState(t.Context(), frontier.Paused)); err != nil {
		t.Fatal(err)
	}
	flush()
	if st, err := s.Stats(t.Context()); err != nil || st.Done != 1 || st.State != frontier.Paused {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// What people read with redis-cli.
func TestReadableLists(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: &frontier.Policy{MaxHostPages: 2}})
	list := pages(0, 3)
	for i := range list {
		list[i].Depth, list[i].Hops, list[i].Via = 200+i, 2, "https://a.test/"
	}
	push(t, s, 2, list)
	ack(t, s, leaseOne(t, s, 1), frontier.Outcome{Verdict: frontier.Dead, Reason: "dns", Detail: "no \x00 \"host\""})
	prefix := prefixOf(t, s)
	dead := s.Client().LRange(t.Context(), prefix+"x", 0, -1).Val()
	if len(dead) != 1 || !strings.Contains(dead[0], `"reason":"dns"`) || !strings.Contains(dead[0], "/0") {
		t.Errorf("dead: %q", dead)
	}
	if got := s.Client().LRange(t.Context(), prefix+"e:max-host-pages", 0, -1).Val(); len(got) != 1 || got[0] != "https://a.test/2" {
		t.Errorf("examples: %q", got)
	}
}

func prefixOf(t *testing.T, s *redis.Store) string {
	c, err := s.Crawl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return "trawl:{" + c.Name + ":0}:"
}

// More falls due than one script does at a time: 300 leases and 600 retries.
func TestMuchThatIsDueAtOnce(t *testing.T) {
	t.Parallel()
	const hosts = 300
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	var list []frontier.Entry
	for h := range hosts {
		for n := range 3 {
			list = append(list, page(h, n))
		}
	}
	push(t, s, 3*hosts, list)
	r := frontier.LeaseRequest{Worker: "w", ID: "1", Hosts: hosts, Batch: 3, TTL: time.Minute}
	held, _, err := s.Lease(t.Context(), r)
	if err != nil || len(held) != hosts {
		t.Fatalf("lent %d hosts, %v", len(held), err)
	}
	retry := frontier.Outcome{Verdict: frontier.Retry, After: time.Second}
	for i := range held {
		ack(t, s, &held[i], retry, retry)
	}
	clock.Advance(time.Minute)
	push(t, s, 0, nil)
	st, err := s.Stats(t.Context())
	if err != nil || st.Queued != 3*hosts || st.Delayed != 0 || st.Reclaimed != hosts || st.HostsLeased != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	push(t, s, 2, pages(0, 2))
	clock.Advance(-time.Hour) // another server, whose clock is behind
	l := leaseOne(t, s, 2)
	clock.Advance(time.Hour) // and put right
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	clock.Advance(time.Minute)
	if err := s.Ack(t.Context(), l, frontier.Report{}); !errors.Is(err, frontier.ErrLeaseLost) {
		t.Errorf("ack a minute later: %v, want ErrLeaseLost", err)
	}
}

func TestACrawlIsHeldFromItsStart(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Hold: "me", Now: clock.Now})
	request := frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: 1, TTL: time.Minute}
	if _, _, err := s.Lease(t.Context(), request); err != nil {
		t.Errorf("lease before the first seed: %v", err)
	}
	if err := s.Hold(t.Context(), "me", 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Lease(t.Context(), request); !errors.Is(err, frontier.ErrDrained) {
		t.Errorf("lease after the hold: %v, want ErrDrained", err)
	}
}
