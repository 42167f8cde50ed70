package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// server starts a server of the test's own.
func server(t *testing.T, args ...string) (url string, stop func()) {
	t.Helper()
	s := redistest.Start(t, redistest.Options{Args: args})
	return s.URL(), s.Kill
}

// startServer starts a server in dir, which the caller stops.
func startServer(dir string, args ...string) (url string, stop func(), err error) {
	s, err := redistest.Launch(redistest.Options{Dir: dir, Args: args})
	if err != nil {
		return "", nil, err
	}
	return s.URL(), s.Kill, nil
}

// eventually tries until it works, for some time.
func eventually(try func() error) error { return redistest.Eventually(try) }

func TestServerWithoutMemory(t *testing.T) {
	t.Parallel()
	url, _ := server(t)
	s := crawl(t, url, redis.Config{})
	push(t, s, 100, pages(0, 100))
	limit := func(bytes string) {
		t.Helper()
		if err := s.Client().ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(what string, call func() error) {
		t.Helper()
		before, _ := s.Stats(t.Context())
		err := call()
		if !errors.Is(err, frontier.ErrUnavailable) || !strings.Contains(err.Error(), "out of memory") {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
		if after, _ := s.Stats(t.Context()); after.Seen != before.Seen || after.Done != before.Done || after.Seen == 0 {
			t.Errorf("%s changed something: %+v, before %+v", what, after, before)
		}
	}
	limit("1")
	refuses("a push", func() error { _, err := s.Push(t.Context(), pages(100, 200)); return err })
	l := leaseOne(t, s, 2) // what needs no memory goes on
	ack(t, s, l)
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done})
	links := frontier.Outcome{Verdict: frontier.Done, Found: pages(100, 200)}
	refuses("an ack with links", func() error {
		return s.Ack(t.Context(), l, frontier.Report{Outcomes: []frontier.Outcome{links}})
	})
	refuses("links on the way", func() error { return s.Ack(t.Context(), l, frontier.Report{Found: pages(100, 200)}) })
	refuses("a note", func() error { return s.Remember(t.Context(), l, []byte("note")) })
	limit("0")
	ack(t, s, l, links)
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 200 || st.Done != 2 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestServerThatIsGone(t *testing.T) {
	t.Parallel()
	url, stop := server(t)
	s, err := redis.Open(t.Context(), url, redis.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	stop()
	l := &frontier.Lease{Host: hostA, Token: "1"}
	_, pushed := s.Push(t.Context(), pages(0, 1))
	_, _, lent := s.Lease(t.Context(), frontier.LeaseRequest{Worker: "w", Hosts: 1, Batch: 1, TTL: time.Minute})
	_, counted := s.Stats(t.Context())
	_, opened := redis.Open(t.Context(), url, redis.Config{})
	for name, err := range map[string]error{
		"push": pushed, "lease": lent, "ack": s.Ack(t.Context(), l, frontier.Report{}), "stats": counted, "open": opened,
		"hold": s.Hold(t.Context(), "me", time.Minute),
	} {
		if !errors.Is(err, frontier.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
}

func TestServerThatIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kill := func() {}
	t.Cleanup(func() { kill() })
	begin := func() (url string) {
		t.Helper()
		url, stop, err := startServer(dir, "--appendonly", "yes", "--appendfsync", "always")
		if err != nil {
			t.Fatal(err)
		}
		kill = stop
		return url
	}
	url := begin()
	s := crawl(t, url, redis.Config{})
	push(t, s, 100, pages(0, 100))
	l := leaseOne(t, s, 3)
	before, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kill()
	if _, err := s.Push(t.Context(), pages(100, 101)); !errors.Is(err, frontier.ErrUnavailable) {
		t.Errorf("push: %v, want ErrUnavailable", err)
	}
	begin()
	var after frontier.Stats
	if err := eventually(func() (err error) { after, err = s.Stats(t.Context()); return err }); err != nil {
		t.Fatal(err)
	}
	if after.Seen != before.Seen || after.Queued != before.Queued || after.Leased != before.Leased {
		t.Errorf("came back with %+v, was %+v", after, before)
	}
	ack(t, s, l, frontier.Outcome{Verdict: frontier.Done, Found: pages(100, 101)})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	evicting, _ := server(t, "--maxmemory-policy", "allkeys-lru")
	newer := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	made, err := newer.Crawl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	otherSchema, removed := fmt.Sprintf("other-%d", crawls.Add(1)), fmt.Sprintf("removed-%d", crawls.Add(1))
	other, err := redis.Open(t.Context(), address, redis.Config{Crawl: otherSchema, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.Client().HSet(t.Context(), "trawl:{"+otherSchema+":0}:m", "schema", "1")

	for name, c := range map[string]struct {
		url  string
		cfg  redis.Config
		want string // in the error
	}{
		"a server that evicts is refused":  {evicting, redis.Config{Create: true}, "noeviction"},
		"another schema is refused":        {address, redis.Config{Crawl: otherSchema, Create: true}, "schema 1, and this program knows 3: finish or export it"},
		"a crawl that is not there":        {address, redis.Config{Crawl: "nobody-made-it"}, "no such crawl"},
		"a name that would break out":      {address, redis.Config{Crawl: "a}b"}, "crawl name"},
		"another kind of URL":              {"http://:secret@localhost", redis.Config{}, "redis://"},
		"a URL that is none":               {"redis://:secret@local host:x", redis.Config{}, "redis URL"},
		"a server that is not there":       {"redis://:secret@127.0.0.1:1", redis.Config{}, "unavailable"},
		"a password that is not the right": {strings.Replace(address, "unix://", "unix://u:secret@", 1), redis.Config{}, "WRONGPASS"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := redis.Open(t.Context(), c.url, c.cfg)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("open: %v; want one with %q", err, c.want)
			}
		})
	}
	t.Run("a crawl that is there keeps its policy and its identity", func(t *testing.T) {
		s, err := redis.Open(t.Context(), address, redis.Config{Crawl: made.Name, Policy: &frontier.Policy{Depth: 5}, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if c, err := s.Crawl(t.Context()); err != nil || c.ID != made.ID || c.Policy.Depth != 0 {
			t.Errorf("opened %+v, %v; made %+v", c, err, made)
		}
	})
	t.Run("a crawl that was removed is not made again", func(t *testing.T) {
		s, err := redis.Open(t.Context(), address, redis.Config{Crawl: removed, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Client().Del(t.Context(), "trawl:{"+removed+":0}:m")
		_, pushed := s.Push(t.Context(), pages(0, 1))
		for name, err := range map[string]error{"push": pushed, "set state": s.SetState(t.Context(), frontier.Paused)} {
			if !errors.Is(err, redis.ErrNoCrawl) {
				t.Errorf("%s: %v, want ErrNoCrawl", name, err)
			}
		}
	})
}
