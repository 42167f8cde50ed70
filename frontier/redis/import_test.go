package redis_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/frontiertest"
	"trawl/frontier/redis"
)

// hand hands out parts.
func hand(parts []*frontier.Part) func() (*frontier.Part, error) {
	return func() (*frontier.Part, error) {
		if len(parts) == 0 {
			return nil, io.EOF
		}
		p := parts[0]
		parts = parts[1:]
		return p, nil
	}
}

func TestImportsThatFail(t *testing.T) {
	t.Parallel()
	parts := exported(t)
	without := func(is func(*frontier.Part) bool) []*frontier.Part {
		at := slices.IndexFunc(parts, is)
		return slices.Concat(parts[:at], parts[at+1:])
	}
	crawl := func(change func(*frontier.CrawlPart)) []*frontier.Part {
		c := *parts[0].Crawl
		change(&c)
		return slices.Concat([]*frontier.Part{{Crawl: &c}}, parts[1:])
	}
	for name, c := range map[string]struct {
		parts []*frontier.Part
		want  string
	}{
		"nothing":               {nil, "empty"},
		"no crawl":              {parts[1:], "no export"},
		"the crawl alone":       {parts[:1], "not whole"},
		"its end is gone":       {parts[:len(parts)-2], "not whole"},
		"a host is gone":        {without(func(p *frontier.Part) bool { return p.Host != nil }), "no host"},
		"fingerprints are gone": {without(func(p *frontier.Part) bool { return p.Seen != nil }), "not whole"},
		"a host twice":          {slices.Concat(parts, parts[1:2]), "twice"},
		"another format":        {crawl(func(c *frontier.CrawlPart) { c.Format = 9 }), "format"},
		"odd fingerprints":      {crawl(func(c *frontier.CrawlPart) { c.Bits = 32 }), "bits"},
		"no secret":             {crawl(func(c *frontier.CrawlPart) { c.Secret = "x" }), "secret"},
		"no id":                 {crawl(func(c *frontier.CrawlPart) { c.Crawl.ID = "" }), "id"},
		"lent URLs":             {crawl(func(c *frontier.CrawlPart) { c.Stats.Leased = 1 }), "lent"},
		"half a fingerprint":    {slices.Concat(parts, []*frontier.Part{{Seen: &frontier.SeenPart{Prints: []byte("x")}}}), "cut off"},
		"no URL":                {slices.Concat(parts, []*frontier.Part{{URL: &frontier.URLPart{URL: "x"}}}), "not a URL"},
		"an empty part":         {slices.Concat(parts, []*frontier.Part{{}}), "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := crawlOf(t)
			to := fmt.Sprintf("import-%d", crawls.Add(1))
			err := redis.Import(t.Context(), address, redis.Config{Crawl: to}, hand(c.parts))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("import: %v, want %q", err, c.want)
			}
			if left := keysOf(t, s, to); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// crawlOf is an empty crawl.
func crawlOf(t *testing.T) *redis.Store { return crawl(t, address, redis.Config{}) }

func TestImportWhereACrawlIs(t *testing.T) {
	t.Parallel()
	s := crawlOf(t)
	push(t, s, 2, pages(0, 2))
	c, err := s.Crawl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := redis.Import(t.Context(), address, redis.Config{Crawl: c.Name}, hand(exported(t))); !errors.Is(err, redis.ErrExists) {
		t.Errorf("import: %v, want ErrExists", err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != 2 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Nobody works on a crawl before all of it is there, and who removes it ends the import.
func TestImportUnderWay(t *testing.T) {
	t.Parallel()
	parts := exported(t)
	s := crawlOf(t)
	name := fmt.Sprintf("import-%d", crawls.Add(1))
	next, n := hand(parts), 0
	err := redis.Import(t.Context(), address, redis.Config{Crawl: name}, func() (*frontier.Part, error) {
		if n++; n == len(parts)/2 {
			for _, cfg := range []redis.Config{{Crawl: name}, {Crawl: name, Create: true}} {
				if _, err := redis.Open(t.Context(), address, cfg); err == nil || !strings.Contains(err.Error(), "importing is not finished") {
					t.Errorf("open: %v", err)
				}
			}
			if err := redis.Import(t.Context(), address, redis.Config{Crawl: name}, hand(parts)); !errors.Is(err, redis.ErrExists) {
				t.Errorf("import: %v, want ErrExists", err)
			}
			if err := redis.Purge(t.Context(), address, name); err != nil {
				t.Error(err)
			}
		}
		return next()
	})
	if !errors.Is(err, redis.ErrNoCrawl) {
		t.Errorf("import of what was purged meanwhile: %v, want ErrNoCrawl", err)
	}
	if left := keysOf(t, s, name); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestImportThatIsCancelled(t *testing.T) {
	t.Parallel()
	s := crawlOf(t)
	name := fmt.Sprintf("import-%d", crawls.Add(1))
	ctx, cancel := context.WithCancel(t.Context())
	next, n := hand(exported(t)), 0
	err := redis.Import(ctx, address, redis.Config{Crawl: name}, func() (*frontier.Part, error) {
		if n++; n == 600 {
			cancel()
		}
		return next()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("import: %v, want context.Canceled", err)
	}
	if left := keysOf(t, s, name); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestImportAndPurgeWhenCallsArriveTwice(t *testing.T) {
	t.Parallel()
	parts := exported(t)
	to := redis.Config{Crawl: fmt.Sprintf("import-%d", crawls.Add(1))}
	if err := redis.ImportTwice(t.Context(), address, to, hand(parts)); err != nil {
		t.Fatal(err)
	}
	s, err := redis.Open(t.Context(), address, to)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fsck(t, s, to.Crawl)
	var again []*frontier.Part
	if err := s.Export(t.Context(), func(p *frontier.Part) error { again = append(again, p); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(again) != len(parts) {
		t.Errorf("%d parts, want %d", len(again), len(parts))
	}
	if err := redis.PurgeTwice(t.Context(), address, to.Crawl); err != nil {
		t.Error(err)
	}
	gone(t, s, to.Crawl)
}

// A crawl from a store with one seen set for all hosts, and with fingerprints of 64 bits: what it has seen is known, what
// robots.txt refuses is forgotten, and can be accepted later.
func TestImportOfOneSeenSet(t *testing.T) {
	t.Parallel()
	for _, done := range []int{3, 40, 5000} { // a set in one field, in one bucket, and in many
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			t.Parallel()
			const waiting = 3
			total := int64(done + waiting)
			fp := frontier.NewFingerprints([16]byte{1, 2, 3}, nil)
			prints := &frontier.SeenPart{}
			for _, e := range pages(0, done+waiting) {
				prints.Prints = binary.LittleEndian.AppendUint64(prints.Prints, fp.Of(e.URL))
			}
			parts := []*frontier.Part{
				{Crawl: &frontier.CrawlPart{
					Format: frontier.PartFormat, Secret: "0102030000000000" + "0000000000000000", Bits: 64,
					Crawl: frontier.Crawl{ID: "abc", Name: "from", Created: time.Unix(1, 0), Version: 7},
					Stats: frontier.Stats{State: frontier.Running, Seen: total, Queued: waiting, Done: int64(done), Hosts: 1},
				}},
				{Host: &frontier.HostPart{Host: hostA, Accepted: total, Done: int64(done)}},
				{Seen: prints},
			}
			for _, e := range pages(done, done+waiting) {
				parts = append(parts, &frontier.Part{URL: &frontier.URLPart{State: frontier.URLQueued, URL: e.URL.String()}})
			}
			to := redis.Config{Crawl: fmt.Sprintf("import-%d", crawls.Add(1))}
			if err := redis.Import(t.Context(), address, to, hand(parts)); err != nil {
				t.Fatal(err)
			}
			s, err := redis.Open(t.Context(), address, to)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			fsck(t, s, to.Crawl)
			if c, err := s.Crawl(t.Context()); err != nil || c.ID != "abc" || c.Name != to.Crawl || c.Version < 7 {
				t.Errorf("crawl %+v, %v", c, err)
			}
			push(t, s, 2, pages(0, done+waiting+2))
			refused := frontier.Outcome{Verdict: frontier.Refused, Reason: frontier.ByRobots}
			l := leaseOne(t, s, waiting+1)
			ack(t, s, l, refused, frontier.Outcome{Verdict: frontier.Done}, refused, refused)
			fsck(t, s, to.Crawl)
			push(t, s, 3, pages(0, done+waiting+2))
			push(t, s, 0, pages(0, done+waiting+2))
			fsck(t, s, to.Crawl)
			if st, err := s.Stats(t.Context()); err != nil || st.Seen != total+2 || st.Done != int64(done)+1 {
				t.Errorf("stats: %+v, %v", st, err)
			}
		})
	}
}

func TestExportOfACrawlAtWork(t *testing.T) {
	t.Parallel()
	clock := new(frontiertest.Clock)
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy), Now: clock.Now})
	push(t, s, 2, pages(0, 2))
	set := func(st frontier.State) {
		t.Helper()
		if err := s.SetState(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string, meanwhile func()) {
		t.Helper()
		n := 0
		err := s.Export(t.Context(), func(*frontier.Part) error {
			if n++; n == 2 {
				meanwhile()
			}
			return nil
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("export: %v, want %q", err, want)
		}
	}
	nothing := func() {}
	refused("trawl pause", nothing)
	l := leaseOne(t, s, 1)
	set(frontier.Paused)
	refused("1 hosts are lent", nothing)
	ack(t, s, l)
	clock.Advance(time.Hour) // its worker died
	refused("", nothing)
	if err := s.Hold(t.Context(), "me", time.Minute); err != nil {
		t.Fatal(err)
	}
	refused("adding URLs", nothing)
	clock.Advance(time.Hour)
	refused("", nothing)
	refused("changed meanwhile", func() { push(t, s, 1, pages(2, 3)) })
	refused("changed meanwhile", func() { set(frontier.Running) })
	set(frontier.Stopping)
	refused("", nothing)
}

// Dead URLs are many, and those that are meant are here and there among them.
func TestRetryOfSome(t *testing.T) {
	t.Parallel()
	s := crawl(t, address, redis.Config{Policy: new(frontier.Policy)})
	const all = 1000
	push(t, s, all, pages(0, all))
	l := leaseOne(t, s, all)
	var o []frontier.Outcome
	for n := range all {
		o = append(o, frontier.Outcome{Verdict: frontier.Dead, Reason: frontier.Reason(fmt.Sprint("r", n%3))})
	}
	ack(t, s, l, o...)
	for _, want := range []int64{333, 0} {
		if n, err := s.Retry(t.Context(), "", "r1"); err != nil || n != want {
			t.Fatalf("retry: %d, %v; want %d", n, err, want)
		}
	}
	var left []string
	if err := s.Dead(t.Context(), func(d frontier.DeadURL) bool { left = append(left, d.URL.Path()); return true }); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range all {
		if n%3 != 1 {
			want = append(want, fmt.Sprint("/", n))
		}
	}
	if !slices.Equal(left, want) {
		t.Errorf("%d dead are left, not in order, or others", len(left))
	}
	l = leaseOne(t, s, all)
	for i, it := range l.Items {
		if it.Generation != 1 || it.URL.Path() != fmt.Sprint("/", 3*i+1) {
			t.Fatalf("lent %+v in place %d", it, i)
		}
	}
}

// The server goes down and comes back while a crawl is imported: nobody has to begin anew.
func TestImportWhileTheServerRestarts(t *testing.T) {
	t.Parallel()
	parts, dir := exported(t), t.TempDir()
	var url string
	kill := func() {}
	t.Cleanup(func() { kill() })
	begin := func() {
		var err error
		if url, kill, err = startServer(dir, "--appendonly", "yes", "--appendfsync", "always"); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	next, n := hand(parts), 0
	err := redis.Import(t.Context(), url, redis.Config{}, func() (*frontier.Part, error) {
		if n++; n == len(parts)*2/3 {
			kill()
			begin()
		}
		return next()
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := redis.Open(t.Context(), url, redis.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fsck(t, s, "the imported crawl")
	if st, err := s.Stats(t.Context()); err != nil || st.Seen != parts[0].Crawl.Stats.Seen {
		t.Errorf("stats: %+v, %v", st, err)
	}
}
