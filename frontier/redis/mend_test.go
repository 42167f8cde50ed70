package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
)

const hostB frontier.Host = "https://b.test:8443"

// damage is a way to damage a crawl, by hand.
type damage struct {
	name string
	do   func(ctx context.Context, c *goredis.Client, t string) error // t is the prefix
	want string                                                       // in a finding
	lost []string                                                     // URLs of which nothing is left
}

func damages() []damage {
	const small = "https://a.test"
	del := func(keys ...string) func(context.Context, *goredis.Client, string) error {
		return func(ctx context.Context, c *goredis.Client, t string) error {
			for _, key := range keys {
				if n, err := c.Del(ctx, t+key).Result(); n != 1 {
					return fmt.Errorf("no %s: %w", key, err)
				}
			}
			return nil
		}
	}
	script := func(text string, args ...any) func(context.Context, *goredis.Client, string) error {
		return func(ctx context.Context, c *goredis.Client, t string) error {
			const head = "local T, call = KEYS[1], redis.call local function record(name, f) " +
				"local h = cmsgpack.unpack(call('HGET', T .. 'h', name)) f(h) call('HSET', T .. 'h', name, cmsgpack.pack(h)) end "
			err := c.Eval(ctx, head+text, []string{t}, args...).Err()
			if errors.Is(err, goredis.Nil) {
				return nil
			}
			return err
		}
	}
	return []damage{
		{"a host counts too many in line", script("record(ARGV[1], function(h) h[8] = h[8] + 3 end)", small), "in line", nil},
		{"a host counts too few in line", script("record(ARGV[1], function(h) h[9] = 0 end)", small), "in line", nil},
		{"a host counts too many delayed", script("record(ARGV[1], function(h) h[6] = h[6] + 1 end)", small), "delayed", nil},
		{"a host counts too many dead", script("record(ARGV[1], function(h) h[5] = h[5] + 1 end)", small), "dead", nil},
		{"a host accepted too many", script("record(ARGV[1], function(h) h[3] = h[3] + 9 end)", small), "accepted", nil},
		{"a host says that it did more", script("record(ARGV[1], function(h) h[4] = h[4] + 9 end)", small), "accepted", nil},
		{"a record is cut off", script("call('HSET', T .. 'h', ARGV[1], 'xx')", small), "cannot be read", nil},
		{"a record has a text for a number", script("record(ARGV[1], function(h) h[1] = 'soon' end)", small), "cannot be read", nil},
		{"a host's failures are no number", script("record(ARGV[1], function(h) h[12] = 'many' end)", small), "cannot be read", nil},
		{"a record is gone", script("call('HDEL', T .. 'h', ARGV[1])", small), "nothing is kept", nil},
		{"all records are gone", del("h"), "nothing is kept", nil},
		{"a host is in no index", script("call('ZREM', T .. 'r', ARGV[1])", small), "is not in the line of those to be lent", nil},
		{"no host is in an index", del("r"), "is not in the line of those to be lent", nil},
		{"a host is in both indexes", script("call('ZADD', T .. 'l', 1, ARGV[1])", small), "is in the line of those that are lent", nil},
		{"a host is among the strangers too", script("call('ZADD', T .. 'rs', 1, ARGV[1])", small), "is in the line of strangers", nil},
		{"a host is in the wrong index", script("call('ZREM', T .. 'r', ARGV[1]) call('ZADD', T .. 'l', 1, ARGV[1])", small), "lent", nil},
		{"a host is in line for the far future", script("call('ZADD', T .. 'r', 2 ^ 51, ARGV[1])", small), "in line for", nil},
		{"an index has a host that is none", script("call('ZADD', T .. 'r', 1, 'https://none.test')"), "no such host", nil},
		{"a line of strangers has a host that is none", script("call('ZADD', T .. 'rs', 1, 'https://none.test')"), "no such host", nil},
		{"a lease that no index knows", script("record(ARGV[1], function(h) h[13], h[14], h[15], h[16] = '1.x', 0, 1, 1000 "+
			"h[17], h[18], h[19], h[20], h[21], h[22] = 1, 0, 0, 0, 5, 'w' end) call('ZREM', T .. 'r', ARGV[1])", small), "lent", nil},
		{"a lease that is looked after too late", script("record(ARGV[1], function(h) h[13], h[14], h[15], h[16] = '1.x', 0, 1, 1000 "+
			"h[17], h[18], h[19], h[20], h[21], h[22] = 1, 0, 0, 0, 5, 'w' end) call('ZREM', T .. 'r', ARGV[1]) "+
			"call('ZADD', T .. 'l', 2 ^ 51, ARGV[1])", small), "looked after", nil},
		{"more is lent than is in line", script("record(ARGV[1], function(h) h[13], h[14], h[15], h[16] = '1.x', 0, 1, 1000 "+
			"h[17], h[18], h[19], h[20], h[21], h[22] = 999, 0, 0, 0, 5, 'w' end) call('ZREM', T .. 'r', ARGV[1]) "+
			"call('ZADD', T .. 'l', 5, ARGV[1])", small), "lent", nil},
		{"a worker holds a dangerous URL, and has no lease", script("call('HSET', T .. 'p', 'w', ARGV[1])", small), "workers died of", nil},
		{"the crawl counts too many", script("call('HINCRBY', T .. 'm', 'queued', 5) call('HINCRBY', T .. 'm', 'seen', 5)"), "the crawl counts", nil},
		{"the crawl counts URLs as lent", script("call('HINCRBY', T .. 'm', 'leased', 5)"), "the crawl counts", nil},
		{"a count is no number", script("call('HSET', T .. 'm', 'done', 'many')"), "the crawl's done", nil},
		{"what is lent is no number", script("call('HSET', T .. 'm', 'leased', 'many')"), "the crawl's leased", nil},
		{"an imported set that nobody asks", script("call('HSET', T .. 's', '', '1234567')"), "nobody asks it", nil},
		{"the crawl counts a reason too often", script("call('HINCRBY', T .. 'f', 'dead:dns', 5)"), "by reason", nil},
		{"the crawl counts a reason that is none", script("call('HINCRBY', T .. 'f', 'dead:boredom', 5)"), "by reason", nil},
		{"nobody looks after retries", script("call('HSET', T .. 'm', 'wake', 2 ^ 51)"), "looked after", nil},
		{"the crawl's state is none", script("call('HSET', T .. 'm', 'state', 'asleep')"), "state", nil},
		{"scripts know another policy", script("call('HSET', T .. 'm', 'max_pages', '5')"), "max_pages", nil},
		{"a URL in line cannot be read", script("call('LSET', T .. 'q0:' .. ARGV[1], 0, '')", small), "cannot be read", []string{"https://a.test/3"}},
		{"a retry cannot be read", script("call('ZADD', T .. 'd', 1, 'nonsense')"), "cannot be read", nil},
		{"a dead URL cannot be read", script("call('RPUSH', T .. 'x', 'nonsense')"), "cannot be read", nil},
		{"a dead URL is gone", script("call('LPOP', T .. 'x')"), "dead", nil},
		{"a seed cannot be read", script("call('RPUSH', T .. 'seeds', 'nonsense')"), "cannot be read", nil},
		{"a line is gone", del("q1:" + small), "in line", []string{"https://a.test/5", "https://a.test/6"}},
		{"a small seen set is gone", script("call('HDEL', T .. 's', ARGV[1])", small), "not among the seen", nil},
		{"a small seen set is cut off", script("call('HSET', T .. 's', ARGV[1], string.sub(call('HGET', T .. 's', ARGV[1]), 1, 10))", small),
			"cannot be read", nil},
		{"a small seen set is too long", script("call('HSET', T .. 's', ARGV[1], call('HGET', T .. 's', ARGV[1]) .. string.rep('1234567', 16))", small),
			"cannot be read", nil},
		{"a small seen set has a fingerprint twice", script("local s = call('HGET', T .. 's', ARGV[1]) "+
			"call('HSET', T .. 's', ARGV[1], s .. string.sub(s, 1, 7))", small), "twice", nil},
		{"a large seen set's size is gone", script("call('HDEL', T .. 's', ARGV[1])", string(hostB)), "does not count", nil},
		{"a large seen set's size is nonsense", script("call('HSET', T .. 's', ARGV[1], '!many')", string(hostB)), "does not count", nil},
		{"a large seen set is said to have one bucket", script("call('HSET', T .. 's', ARGV[1], '!1:3')", string(hostB)), "does not count", nil},
		{"a large seen set is said to be small", script("call('HSET', T .. 's', ARGV[1], '1234567')", string(hostB)), "does not count", nil},
		{"a large seen set counts too many", script("call('HSET', T .. 's', ARGV[1], '!6:9999')", string(hostB)), "counts", nil},
		{"a bucket is gone", del("s:" + string(hostB) + ":1"), "counts", nil},
		{"a bucket has a fingerprint of another one", script("call('SADD', T .. 's:' .. ARGV[1] .. ':1', 8)", string(hostB)), "damaged", nil},
		{"a bucket is no set of integers", script("call('SADD', T .. 's:' .. ARGV[1] .. ':1', 'x')", string(hostB)), "damaged", nil},
		{"a bucket that the set does not have", script("call('SADD', T .. 's:' .. ARGV[1] .. ':11', 11)", string(hostB)), "does not count", nil},
		{"a bucket of no set", script("call('SADD', T .. 's:https://none.test:0', 11)"), "does not count", nil},
		{"a line of no host", script("call('RPUSH', T .. 'q1:https://c.test', '\\1\\0/x')"), "nothing is kept", nil},
		{"a retry of no host", script("call('ZADD', T .. 'd', 1, 'https://c.test\\0\\0\\0/x')"), "nothing is kept", nil},
		{"a note on no host", script("call('SET', T .. 'n:https://c.test', '1 note')"), "a note on", nil},
		{"a fingerprint of no URL", script("call('HSET', T .. 's', 'https://c.test', '1234567')"), "fingerprint", nil},
	}
}

// worn is a paused crawl in which there is some of everything: in line at two priorities, delayed, dead, done, a small
// seen set and a large one. It returns the URLs that are still to be fetched.
func worn(t *testing.T, clock *frontiertest.Clock) (s *redis.Store, left []string) {
	t.Helper()
	s = crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	list := pages(0, 7)
	list[0].Seed = true
	list[5].Priority, list[6].Priority = 1, 1
	push(t, s, 7, list)
	l := leaseOne(t, s, 2)
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done}, frontier.Outcome{Verdict: frontier.Dead, Reason: "dns"})
	l = leaseOne(t, s, 5)
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Retry, After: time.Minute})
	if err := s.Ack(t.Context(), l, frontier.Report{Release: true}); err != nil {
		t.Fatal(err)
	}
	for _, e := range list[2:] {
		left = append(left, e.URL.String())
	}
	var many []frontier.Entry
	for n := range 1000 {
		many = append(many, frontier.Entry{URL: hostB.URL(fmt.Sprintf("/%d", n)), Via: "https://a.test/"})
		left = append(left, many[n].URL.String())
	}
	push(t, s, 1000, many)
	if err := s.SetState(t.Context(), frontier.Paused); err != nil {
		t.Fatal(err)
	}
	return s, left
}

// drain fetches all that is left, and returns it.
func drain(t *testing.T, s *redis.Store, clock *frontiertest.Clock) (urls []string) {
	t.Helper()
	if err := s.SetState(t.Context(), frontier.Running); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		r := frontier.LeaseRequest{Worker: "drain", ID: fmt.Sprint("drain", n), Hosts: 100, Batch: 500, TTL: time.Minute}
		lent, _, err := s.Lease(t.Context(), r)
		if errors.Is(err, frontier.ErrDrained) {
			return urls
		}
		if err != nil || n > 10_000 {
			t.Fatalf("lease %d: %v", n, err)
		}
		clock.Advance(time.Second)
		for i := range lent {
			var o []frontier.Outcome
			for _, it := range lent[i].Items {
				urls = append(urls, it.URL.String())
				o = append(o, frontier.Outcome{Verdict: frontier.Done})
			}
			ack(t, s, &lent[i], o...)
		}
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			clock := new(frontiertest.Clock)
			s, left := worn(t, clock)
			fsck(t, s, "the worn crawl")
			if err := d.do(t.Context(), s.Client(), prefixOf(t, s)); err != nil {
				t.Fatal(err)
			}
			for _, repair := range []bool{false, true} {
				found, err := s.Check(t.Context(), repair)
				if err != nil || !strings.Contains(strings.Join(found, "\n"), d.want) {
					t.Fatalf("check, repair %v: %q, %v; want %q", repair, found, err, d.want)
				}
			}
			fsck(t, s, "the crawl that was repaired")
			got := drain(t, s, clock)
			for _, u := range left {
				if !slices.Contains(got, u) && !slices.Contains(d.lost, u) {
					t.Errorf("%s was not fetched", u)
				}
			}
			if fsck(t, s, "the drained crawl"); len(got) > len(left)+1 {
				t.Errorf("%d fetched, want %d", len(got), len(left))
			}
			known := slices.DeleteFunc(pages(0, 7), func(e frontier.Entry) bool { return slices.Contains(d.lost, e.URL.String()) })
			if n, err := s.Push(t.Context(), known[2:]); err != nil || n != 0 {
				t.Errorf("%d URLs are new again, %v", n, err)
			}
		})
	}
}

func TestRepairOfACrawlAtWork(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s, _ := worn(t, clock)
	if err := s.SetState(t.Context(), frontier.Running); err != nil {
		t.Fatal(err)
	}
	key := prefixOf(t, s) + "m"
	s.Client().HIncrBy(t.Context(), key, "done", 1)
	refused := func(want string) {
		t.Helper()
		if found, err := s.Check(t.Context(), true); len(found) != 1 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("repair: %q, %v; want %q", found, err, want)
		}
	}
	refused("trawl pause")
	l := leaseOne(t, s, 1)
	if err := s.SetState(t.Context(), frontier.Paused); err != nil {
		t.Fatal(err)
	}
	refused("1 hosts are lent")
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	if found, err := s.Check(t.Context(), true); len(found) != 1 || err != nil {
		t.Errorf("repair: %q, %v", found, err)
	}
}

// Whatever happens between the look at a host and its repair, nobody loses a lease by it.
func TestRepairThatComesLate(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	push(t, s, 2, pages(0, 2))
	wants := func(want string, stale bool) {
		t.Helper()
		if got, err := redis.MendHost(s, hostA, stale); err != nil || got != want {
			t.Errorf("it says %q, %v; want %q", got, err, want)
		}
	}
	wants("moved", false) // it runs
	l := leaseOne(t, s, 1)
	if err := s.SetState(t.Context(), frontier.Paused); err != nil {
		t.Fatal(err)
	}
	wants("moved", false) // it is lent
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	wants("moved", true)
	wants("ok", false)
}

// A check tells of nothing while URLs move.
func TestCheckOfACrawlAtWork(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	work := startLoad(t, s)
	for range 10 {
		if found, err := s.Check(t.Context(), false); err != nil || len(found) > 0 {
			t.Errorf("check: %q, %v", found, err)
		}
	}
	work.stop()
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s, _ := worn(t, clock)
	var many []any
	for n := range 2000 {
		many = append(many, fmt.Sprint("nonsense ", n))
	}
	if err := s.Client().RPush(t.Context(), prefixOf(t, s)+"x", many...).Err(); err != nil {
		t.Fatal(err)
	}
	found, err := s.Check(t.Context(), true)
	if err != nil || len(found) != 1001 || found[1000] != "and 1000 more" {
		t.Errorf("%d findings, %v, the last %q", len(found), err, found[len(found)-1])
	}
}
