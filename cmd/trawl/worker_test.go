package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"trawl/crawler/webtest"
	"trawl/frontier"
	"trawl/frontier/redis"
	"trawl/frontier/redis/redistest"
)

// steer changes the state of the crawl.
func (f *fleet) steer(to frontier.State) {
	f.Helper()
	f.with(func(s *redis.Store) error { return s.SetState(f.Context(), to) })
}

func TestARedisThatIsNoneIsToldInOneLine(t *testing.T) {
	t.Parallel()
	guarded := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--requirepass", "hunter2"}})
	open := redistest.Start(t, redistest.Options{})
	for _, c := range []struct {
		name, url string
		code      int
		words     []string
	}{
		{"nobody listens", "redis://me:s3cret@127.0.0.1:1", exitStore, []string{"unavailable", "try again"}},
		{"a wrong password", strings.Replace(guarded.URL(), "://", "://:s3cret@", 1), exitFailed, []string{"password"}},
		{"no password", guarded.URL(), exitFailed, []string{"password"}},
		{"a wrong scheme", "http://me:s3cret@127.0.0.1:6379", exitUsage, []string{"redis://"}},
		{"no URL", "me:s3cret@127.0.0.1", exitUsage, []string{"redis://"}},
		{"an unknown crawl", open.URL(), exitFailed, []string{"crawl none", "trawl seed"}},
	} {
		for command, args := range map[string][]string{
			"worker": {"worker", "--crawl", "none"}, "crawl": {"crawl", "--crawl", "none", "--contact", "x"}, "seed": {"seed", "--contact", "x", "http://a.example/"},
		} {
			if command == "seed" && c.code == exitFailed && c.url == open.URL() {
				continue
			}
			t.Run(command+": "+c.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				r := call(t, dir, append(args, "--redis", c.url)...)
				isMistake(t, r, c.code, c.words...)
				if strings.Contains(r.err+r.out, "s3cret") || strings.Contains(r.err+r.out, "hunter2") {
					t.Errorf("a secret is shown: %+v", r)
				}
				none(t, dir)
			})
		}
	}
}

func TestAPasswordIsNotShownByAWorkerThatLosesItsRedis(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	guarded := redistest.Start(t, redistest.Options{TCP: true, Args: []string{"--requirepass", "hunter2"}})
	dir := t.TempDir()
	url := strings.Replace(guarded.URL(), "://", "://:hunter2@", 1)
	p := start(t, dir, quick(append(server.Seeds(), "--redis", url, "--log-level", "debug", "--delay", "1s")...)...)
	await(t, "pages", func() bool { return server.Log().Pages().Total() > 2 })
	guarded.Kill()
	await(t, "the outage", func() bool { return strings.Contains(p.err.String(), "cannot be reached") })
	p.signal(t, syscall.SIGTERM)
	p.signal(t, syscall.SIGINT)
	r := p.end(t)
	if mentions(t, r.out, guarded.Addr); strings.Contains(r.err+r.out, "hunter2") {
		t.Errorf("%+v", r)
	}
}

func TestAWorkerNeedsARedis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, words []string }{
		"none":                {[]string{"worker"}, []string{"--redis", "TRAWL_REDIS"}},
		"a name that is none": {[]string{"worker", "--redis", "redis://x", "--name", "a/b"}, []string{`--name "a/b"`}},
		"no time":             {[]string{"worker", "--redis", "redis://x", "--lease-ttl", "0"}, []string{"--lease-ttl 0"}},
		"fresh":               {[]string{"crawl", "--redis", "redis://x", "--fresh", "http://a.example/"}, []string{"--fresh", "trawl purge"}},
		"seeds of none":       {[]string{"seed", "--redis", "redis://x"}, []string{"no URL"}},
		"a bad policy":        {[]string{"seed", "--redis", "redis://x", "--per-host", "0", "http://a.example/"}, []string{"--per-host 0"}},
		"an odd durability":   {[]string{"worker", "--redis", "redis://x", "--durability", "much"}, []string{"--durability", "much"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			isMistake(t, call(t, dir, c.args...), exitUsage, c.words...)
			none(t, dir)
		})
	}
}

// Containers of workers often start before there is a crawl, and before there is a Redis.
func TestAWorkerWaitsForItsCrawl(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	f := newFleet(t)
	f.server.Kill()
	p := f.worker("a", "--forever", "--listen", ":0")
	await(t, "it waits for the server", func() bool { return strings.Contains(p.err.String(), "unavailable") })
	if err := f.server.Restart(); err != nil {
		t.Fatal(err)
	}
	await(t, "it waits for the crawl", func() bool { return strings.Contains(p.err.String(), "no such crawl") })
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(p.err.String())
	if status, body := get(t, url+"healthz"); status != http.StatusOK || !strings.Contains(body, "not open yet") {
		t.Errorf("health: %d %s", status, body)
	}
	f.seed(append(server.Seeds(), "--delay", "0")...)
	await(t, "all pages", func() bool { return server.Log().Pages().Total() >= web.Count() })
	if status, body := get(t, url+"status"); status != http.StatusOK || !strings.Contains(body, `"worker":"a"`) {
		t.Errorf("status: %d %s", status, body)
	}
	p.signal(t, syscall.SIGTERM)
	if r := p.end(t); r.code != exitInterrupted {
		t.Errorf("%+v", r)
	}
	f.holds(web, server, true)
}

func TestAWorkerThatWaitsForItsCrawlCanBeEnded(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	p := f.worker("a", "--forever")
	await(t, "it waits", func() bool { return strings.Contains(p.err.String(), "waiting") })
	p.signal(t, syscall.SIGTERM)
	if r := p.end(t); r.code != exitInterrupted || strings.Count(r.err, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	none(t, f.dir)
}

func TestTwoWorkersCannotHaveOneName(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	f := newFleet(t)
	f.seed(g.URL)
	p := f.worker("a")
	<-g.asked
	r := f.worker("a").end(t)
	isMistake(t, r, exitFailed, "pages-a.jsonl", "in use", "--name")
	g.open()
	f.ends(p)
	if got := f.records()[g.URL+"/"]; len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestWorkersWithoutANameHaveOneOfTheirOwn(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "0")...)
	args := []string{"worker", "--redis", f.server.URL(), "--progress", "none"}
	f.ends(start(t, f.dir, args...), start(t, f.dir, args...))
	files, _ := filepath.Glob(filepath.Join(f.dir, "trawl-data", "pages-*.jsonl"))
	if len(files) != 2 || !regexp.MustCompile(`pages-[A-Za-z0-9._-]+-[a-z2-7]{6}\.jsonl$`).MatchString(files[0]) {
		t.Errorf("%q", files)
	}
}

func TestWorkersSayWhyTheCrawlEnded(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{Hosts: 3, PagesPerHost: 500, Links: 20, PageBytes: 1 << 10})
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "5ms", "--max-pages", "100", "--paused")...)
	p := f.worker("a")
	await(t, "the worker", func() bool { return len(f.members()) == 1 })
	if st := f.stats(); st.State != frontier.Paused || st.Done > 0 {
		t.Errorf("%+v", st)
	}
	f.steer(frontier.Running)
	r := p.end(t)
	mentions(t, r.out, "--max-pages is reached", "a larger --max-pages")
	if st := f.stats(); r.code != exitDone || st.Settled() != 100 {
		t.Errorf("%+v, %+v", r, st)
	}
	f.seed("--max-pages", "0", server.Seeds()[0])
	p = f.worker("a")
	await(t, "more pages", func() bool { return f.stats().Settled() > 150 })
	f.steer(frontier.Stopping)
	r = p.end(t)
	mentions(t, r.out, "stopped", "trawl resume goes on")
	if st := f.stats(); r.code != exitDone || st.Leased > 0 {
		t.Errorf("%+v, %+v", r, st)
	}
}

func TestACrawlThatIsPurgedEndsItsWorkers(t *testing.T) {
	t.Parallel()
	_, server := serve(t, webtest.Config{Hosts: 3, PagesPerHost: 500, Links: 20, PageBytes: 1 << 10})
	f := newFleet(t)
	f.seed(append(server.Seeds(), "--delay", "5ms")...)
	p := f.worker("a", "--forever")
	await(t, "pages", func() bool { return server.Log().Total() > 50 })
	if err := f.server.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	isMistake(t, p.end(t), exitFailed, "default is gone", "purged")
}

func TestACrawlWithoutSeedsSaysSo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s, err := redis.Open(t.Context(), f.server.URL(), redis.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	isMistake(t, f.worker("a").end(t), exitFailed, "no URL", "trawl seed", "--forever")
}

// What a seed finds out about a crawl that has a policy already.
func TestSeedChangesOnlyWhatItIsTold(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"redis", "folder"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := []string{"seed", "--contact", "test"}
			if where == "redis" {
				args = append(args, "--redis", redistest.Start(t, redistest.Options{}).URL())
			}
			write(t, filepath.Join(dir, "seeds"), "# some\nhttp://b.example/\nno url\nhttp://a.example/\n")
			r := call(t, dir, append(args, "--delay", "3s", "--depth", "2", "http://a.example/")...)
			if r.code != exitDone || r.err != "" || !strings.HasSuffix(r.out, "seeds      1 new, 0 known\n") {
				t.Errorf("%+v", r)
			}
			r = call(t, dir, append(args[:1:1], append(args[3:], "--depth", "5", "-i", "seeds")...)...)
			if r.code != exitDone || !strings.Contains(r.err, "seeds:3") || r.out != "crawl      default, with a new policy\nseeds      1 new, 1 known\n" {
				t.Errorf("%+v", r)
			}
			o := storeFlags{crawl: "default", out: filepath.Join(dir, "trawl-data")}
			if where == "redis" {
				o.redis = args[4]
			}
			s, err := o.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := s.Crawl(t.Context())
			if p := c.Policy; err != nil || p.Delay != 3*time.Second || p.Depth != 5 || p.UserAgent != "trawl/"+version()+" (+test)" {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestThePlaceOfAFrontierHasNoSecrets(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"redis://me:p%40ss@h:1/2?ca=x":                        "redis://h:1/2",
		"unix:///run/redis.sock":                              "unix:///run/redis.sock",
		"redis-sentinel://:pw@a:1,b:2/m?sentinel_password=pw": "redis-sentinel://a:1,b:2/m",
		"redis-cluster://a:1,b:2":                             "redis-cluster://a:1,b:2/",
	} {
		if got := (&storeFlags{redis: address}).place(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
