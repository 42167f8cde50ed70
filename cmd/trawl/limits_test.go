package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

func TestMaxPagesIsExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		concurrency   string
		first, second int
	}{{"1", 1, 2}, {"64", 7, 70}, {"64", 64, 119}} {
		t.Run(fmt.Sprintf("-c %s: %d, then %d", c.concurrency, c.first, c.second), func(t *testing.T) {
			t.Parallel()
			_, server := serve(t, small)
			dir := t.TempDir()
			for _, pages := range []int{c.first, c.second, c.second} { // the third finds nothing to do
				args := append([]string{"-c", c.concurrency, "--per-host", "8", "--max-pages", strconv.Itoa(pages)}, server.Seeds()...)
				mentions(t, crawl(t, dir, args...).out, "--max-pages is reached", "left ")
				if st := inspect(t, dir).Stats; int(st.Done) != pages || st.Leased != 0 || len(records(t, dir)) != pages {
					t.Fatalf("--max-pages %d: %d records, %+v", pages, len(records(t, dir)), st)
				}
				if got := server.Log().Pages().Total(); got != pages {
					t.Errorf("--max-pages %d: %d requests", pages, got)
				}
			}
		})
	}
}

func TestDepthCountsLinksFromASeed(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	for depth := range 3 {
		t.Run(strconv.Itoa(depth), func(t *testing.T) {
			t.Parallel()
			dir, seed := t.TempDir(), server.URL(1, "/")
			r := crawl(t, dir, "-d", strconv.Itoa(depth), seed)
			if depth == 0 {
				if got := records(t, dir); len(got) != 1 || len(got[seed]) != 1 {
					t.Errorf("%v", got)
				}
			} else {
				holds(t, dir, web.Reachable(webtest.Rules{MaxDepth: depth}, seed))
			}
			mentions(t, r.out, "depth ", "links not followed, by reason")
		})
	}
}

func TestMaxTimeEndsARunThatCanGoOn(t *testing.T) {
	t.Parallel()
	c := small
	c.Latency = 20 * time.Millisecond
	web, server := serve(t, c)
	dir := t.TempDir()
	r := crawl(t, dir, append(server.Seeds(), "--max-time", "0.3")...)
	mentions(t, r.out, "--max-time is over", "the same command goes on")
	crawl(t, dir)
	holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
	once(t, server.Log())
}

func TestIncludeAndExcludeChooseLinksButNotSeeds(t *testing.T) {
	t.Parallel()
	s := site(t, map[string][]string{
		"/seed": {"/keep/1", "/keep/2", "/drop/1"}, "/keep/1": {"/keep/no", "/seed", "/keep/3"}, "/keep/2": nil, "/keep/3": nil,
	})
	dir := t.TempDir()
	r := crawl(t, dir, "--include", "/keep/", "--include", "/also/", "--exclude", "no$", "--exclude", "2$", s.URL+"/seed")
	want := []string{s.URL + "/keep/1", s.URL + "/keep/3", s.URL + "/seed"}
	if got := slices.Sorted(maps.Keys(records(t, dir))); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	mentions(t, r.out, "include 2", "exclude 2") // /drop/1 and /seed; /keep/2 and /keep/no
}

func TestScopeIsThatOfTheSeeds(t *testing.T) {
	t.Parallel()
	var reach []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for _, url := range reach { // from every page, on whatever host
			io.WriteString(w, `<a href="`+url+`">x</a>`)
		}
	}))
	t.Cleanup(s.Close)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, page := range []string{"www.one/a/b/seed", "www.one/a/b/c", "www.one/a/b/d/e?q", "www.one/a/x", "www.one/", "one/y", "two/z"} {
		host, path, _ := strings.Cut(page, "/")
		reach = append(reach, "http://"+host+".localhost"+port+"/"+path)
	}
	for scope, pages := range map[string]int{"page": 1, "prefix": 3, "host": 5, "domain": 6, "any": 7} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := crawl(t, dir, "--scope", scope, "--allow-net", "127.0.0.0/8", "--allow-net", "::1", reach[0])
			got, want := slices.Sorted(maps.Keys(records(t, dir))), slices.Sorted(slices.Values(reach[:pages]))
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if scope != "any" {
				mentions(t, r.out, fmt.Sprintf("scope %d ", pages*(7-pages)))
			}
		})
	}
}

func TestMaxHostPagesIsOfEachHost(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	dir := t.TempDir()
	r := crawl(t, dir, append(server.Seeds(), "--max-host-pages", "11")...)
	for _, host := range server.Log().Hosts() {
		if n := len(server.Log().Pages().Requests(host)); n != 11 {
			t.Errorf("%s: %d requests", host, n)
		}
	}
	if n := len(records(t, dir)); n != 33 {
		t.Errorf("%d pages", n)
	}
	mentions(t, r.out, "max-host-pages ")
}

func TestRobotsAreObeyedUnlessIgnored(t *testing.T) {
	t.Parallel()
	c := small
	c.RobotsDenied, c.Redirects, c.DeadLinks = 0.2, 0.1, 0.1
	for robots, ignore := range map[string]bool{"obey": false, "ignore": true} {
		t.Run(robots, func(t *testing.T) {
			t.Parallel()
			web, server := serve(t, c)
			dir := t.TempDir()
			r := crawl(t, dir, append(server.Seeds(), "--robots", robots)...)
			holds(t, dir, web.Reachable(webtest.Rules{IgnoreRobots: ignore}, server.Seeds()...))
			if counted := strings.Contains(r.out, "robots "); counted == ignore {
				t.Errorf("summary:\n%s", r.out)
			}
		})
	}
}
