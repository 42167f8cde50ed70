package redis_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// opens wants Open to fail with one line that says what to do, without the password.
func failsToOpen(t *testing.T, url, want string, outage bool) {
	t.Helper()
	s, err := redis.Open(t.Context(), url, redis.Config{Create: true})
	if err == nil {
		s.Close()
		t.Errorf("%s was opened", url)
		return
	}
	if text := err.Error(); !strings.Contains(text, want) || strings.ContainsAny(text, "\r\n") || strings.Contains(text, "secret") {
		t.Errorf("open %s: %v; want one line with %q", url, err, want)
	}
	if errors.Is(err, frontier.ErrUnavailable) != outage {
		t.Errorf("open %s: %v; an outage: %v, want %v", url, err, !outage, outage)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{TLS: true})
	plain := redistest.Start(t, redistest.Options{TCP: true})
	push(t, crawl(t, s.URL(), redis.Config{}), 10, pages(0, 10))
	push(t, crawl(t, "redis://"+s.Addr+"?tls=true&skip_verify=true", redis.Config{}), 10, pages(0, 10))
	failsToOpen(t, "rediss://:secret@"+s.Addr, "ca=FILE", false)
	failsToOpen(t, "redis://:secret@"+s.Addr, "rediss://", true)
	failsToOpen(t, "rediss://:secret@"+plain.Addr, "does this port speak TLS?", true)

	strict := redistest.Start(t, redistest.Options{TLS: true, Args: []string{"--tls-auth-clients", "yes"}})
	if _, err := redis.Open(t.Context(), strict.URL(), redis.Config{}); err == nil || !strings.Contains(err.Error(), "cert=FILE") {
		t.Errorf("open without a certificate: %v", err)
	}
	cert := fmt.Sprintf("%s&cert=%s&key=%s", strict.URL(), filepath.Join(strict.Dir, "cert.pem"), filepath.Join(strict.Dir, "key.pem"))
	push(t, crawl(t, cert, redis.Config{}), 10, pages(0, 10))
}

func TestServersOfTheWrongKind(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, redistest.Options{TCP: true})
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--replicaof", host, port}})
	guarded := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--requirepass", "secret"}})
	wasteful := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--set-max-intset-entries", "511"}})
	at := func(scheme string, s *redistest.Server) string { return scheme + "://:secret@" + s.Addr }
	failsToOpen(t, replica.URL(), "give the address of its master", false)
	failsToOpen(t, at("redis-cluster", guarded), "in no Cluster", false)
	failsToOpen(t, at("redis-sentinel", master)+"/m", "no sentinel", false)
	failsToOpen(t, guarded.URL(), "wants a password", false)
	failsToOpen(t, "redis://u:secret@"+guarded.Addr, "user or password in the URL are wrong", false)
	failsToOpen(t, at("redis", guarded)+"/99", "fewer databases", false)
	failsToOpen(t, wasteful.URL(), "set-max-intset-entries", false)
	push(t, crawl(t, at("redis", guarded), redis.Config{}), 10, pages(0, 10))
}

// rule is the one that the documentation tells.
func rule(t *testing.T) []any {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`//\tACL SETUSER (.*)`).FindSubmatch(text)
	if found == nil {
		t.Fatal("doc.go tells no rule")
	}
	args := []any{"ACL", "SETUSER"}
	for _, word := range strings.Fields(string(found[1])) {
		args = append(args, word)
	}
	return args
}

// A user who may do what the documentation says, and no more, can do all that a crawl needs.
func TestUserWithFewRights(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{TCP: true})
	admin := s.Client(t)
	if err := admin.Do(t.Context(), rule(t)...).Err(); err != nil {
		t.Fatal(err)
	}
	url := "redis://trawl:password@" + s.Addr
	f := crawl(t, url, redis.Config{Policy: &frontier.Policy{MaxHostPages: 600}, Durability: "wait"})
	list := append(pages(0, 700), frontier.Entry{URL: frontier.Host("https://b.test").URL("/"), Seed: true})
	push(t, f, 601, list)
	l := leaseOne(t, f, 5)
	retry := frontier.Outcome{Verdict: frontier.Retry, After: time.Minute}
	ack(t, f, l, frontier.Outcome{Verdict: frontier.Done}, retry)
	if err := errors.Join(f.Hold(t.Context(), "me", time.Minute), f.SetState(t.Context(), frontier.Paused)); err != nil {
		t.Error(err)
	}
	if err := f.Seeds(t.Context(), 0, func(frontier.Entry) bool { return true }); err != nil {
		t.Error(err)
	}
	if names, err := redis.Crawls(t.Context(), url); err != nil || len(names) != 1 {
		t.Errorf("crawls: %v, %v", names, err)
	}
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "trawl", "-evalsha", "-eval").Err(); err != nil {
		t.Fatal(err)
	}
	failsToOpen(t, strings.Replace(url, "password", "secret", 1), "user or password", false)
	failsToOpen(t, url, "ACL SETUSER", false)
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "trawl", "+evalsha", "+eval").Err(); err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range [][]any{{"KEYS", "*"}, {"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"SET", "other", "1"}, {"SHUTDOWN"}} {
		err := f.Client().Do(t.Context(), forbidden...).Err()
		if err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%v: %v, want NOPERM", forbidden, err)
		}
	}
}

// More connections are wanted than the server takes: calls wait for one another, and none fails.
func TestServerThatIsFull(t *testing.T) {
	t.Parallel()
	const processes, callers, calls = 4, 100, 5
	for _, limit := range []string{"40", "16"} {
		s := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--maxclients", limit}})
		var stores []*redis.Store
		for range processes {
			f, err := redis.Open(t.Context(), s.URL(), redis.Config{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			stores = append(stores, f)
		}
		var group sync.WaitGroup
		for p, f := range stores {
			for c := range callers {
				group.Go(func() {
					for n := range calls {
						first := ((p*callers+c)*calls + n) * 3
						if added, err := f.Push(t.Context(), pages(first, first+3)); err != nil || added != 3 {
							t.Errorf("with %s connections: push: %d, %v", limit, added, err)
							return
						}
					}
				})
			}
		}
		group.Wait()
	}
}

func TestIndexOfCrawls(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c := s.Client(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("c%d", i)
		f, err := redis.Open(t.Context(), s.URL(), redis.Config{Crawl: name, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		want = append(want, name)
	}
	_, err := redis.Open(t.Context(), s.URL(), redis.Config{Crawl: "typo"})
	if !errors.Is(err, redis.ErrNoCrawl) || !strings.Contains(err.Error(), "c0, c1, c2, c3, c4 and 2 more") {
		t.Errorf("open: %v", err)
	}
	c.Del(t.Context(), "trawl:{c3:0}:m")
	c.SAdd(t.Context(), "trawl:crawls", "never-made", "no name")
	want = slices.Delete(want, 3, 4)
	if got, err := redis.Crawls(t.Context(), s.URL()); err != nil || !slices.Equal(got, want) {
		t.Errorf("crawls: %v, %v; want %v", got, err, want)
	}
	if n := c.SCard(t.Context(), "trawl:crawls").Val(); n != int64(len(want)) {
		t.Errorf("%d names on the index, want %d", n, len(want))
	}
	c.Del(t.Context(), "trawl:crawls")
	c.Set(t.Context(), "trawl:crawls", "no set", 0) // nobody relies upon it
	f, err := redis.Open(t.Context(), s.URL(), redis.Config{Crawl: "later", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// The run id changes with the server, before anything else is asked of the new one.
func TestRunID(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Args: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	f := crawl(t, s.URL(), redis.Config{})
	push(t, f, 1, pages(0, 1))
	noted := func() string { return s.Client(t).HGet(t.Context(), prefixOf(t, f)+"m", "run").Val() }
	before := f.RunID()
	if before == "" || noted() != before {
		t.Fatalf("run %q, noted %q", before, noted())
	}
	prefix := prefixOf(t, f)
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := eventually(func() error { _, err := f.Stats(t.Context()); return err }); err != nil {
		t.Fatal(err)
	}
	after := f.RunID()
	if after == before || s.Client(t).HGet(t.Context(), prefix+"m", "run").Val() != after {
		t.Errorf("run %q after a restart, before it %q, noted %q", after, before, noted())
	}
	s.Client(t).Del(t.Context(), prefix+"none")
	other, err := redis.Open(t.Context(), s.URL(), redis.Config{Crawl: "nobody-made-it"})
	if err == nil {
		other.Close()
		t.Fatal("opened a crawl that is not there")
	}
	if s.Client(t).Exists(t.Context(), "trawl:{nobody-made-it:0}:m").Val() != 0 {
		t.Error("noting the run made a crawl")
	}
}
