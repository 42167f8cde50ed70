package webtest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// full is a small web with everything switched on.
func full() Config {
	return Config{
		Seed: 7, Hosts: 5, PagesPerHost: 60, PageBytes: 6 << 10,
		CrossHost: 0.05, DeadLinks: 0.1, Redirects: 0.1, RobotsDenied: 0.1, Errors: 0.2,
	}
}

// everywhere calls f with every URL of w, by number.
func everywhere(w *Web, f func(place)) {
	for host := range w.cfg.Hosts {
		for k := range kinds {
			for n := range w.counts[k] {
				f(place{host, k, n})
			}
		}
	}
}

func TestAPageDependsOnSeedHostAndPathAlone(t *testing.T) {
	t.Parallel()
	a, b := New(full()), New(full())
	cfg := full()
	cfg.Seed++
	c := New(cfg)
	seen := map[string]place{}
	everywhere(a, func(p place) {
		if p.kind == redirect || p.kind == gone {
			return
		}
		html := a.appendPage(nil, p, ":80")
		if !bytes.Equal(html, b.appendPage(nil, p, ":80")) {
			t.Errorf("%v differs between two webs of one seed", p)
		}
		if bytes.Equal(html, c.appendPage(nil, p, ":80")) {
			t.Errorf("%v is the same with another seed", p)
		}
		if other, dup := seen[string(html)]; dup {
			t.Errorf("%v is the same page as %v", p, other)
		}
		seen[string(html)] = p
	})
}

func TestNamesReadBackAsWhatTheyName(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {ByAddress: true}, {Domain: "web.example"}} {
		c.Hosts, c.PagesPerHost, c.RobotsDenied, c.Redirects, c.DeadLinks = 150_000, 40, 0.2, 0.2, 0.2
		w := New(c)
		for _, host := range []int{0, 1, 9, 10, 249, 250, 999, 1000, 9999, 10_000, 62_499, 62_500, 149_999} {
			name := string(w.appendHost(nil, host)) + ":8080"
			if got, port, ok := w.parseHost(name); got != host || port != ":8080" || !ok {
				t.Errorf("%s reads as host %d, port %s, %v; is %d", name, got, port, ok, host)
			}
		}
	}
	w := New(full())
	everywhere(w, func(p place) {
		path := string(appendPath(nil, p, "&"))
		if got, ok := w.parsePath(p.host, path); got != p || !ok {
			t.Errorf("%s reads as %v, %v; is %v", path, got, ok, p)
		}
	})
}

func TestOtherNamesNameNothing(t *testing.T) {
	t.Parallel()
	w := New(full())
	for _, path := range []string{
		"", "/index.html", "/s3/013.html", "/s4/13.html", "/s3/13.htm", "/s3/13.html?", "/s0/0.html", "/s9/9.html",
		"/view?n=9", "/view?n=9&s=8", "/view?s=9&n=9", "/go/1.html", "/go/-1", "/go/+1", "/go/9999", "/gone/", "/s", "/trap/x",
	} {
		if p, ok := w.parsePath(0, path); ok {
			t.Errorf("%q names %v", path, p)
		}
	}
	addr := full()
	addr.ByAddress = true
	for _, tt := range []struct {
		cfg  Config
		host string
	}{
		{full(), ""}, {full(), "localhost:80"}, {full(), "h0005.localhost:80"}, {full(), "h1.localhost"}, {full(), "h0001.localhost.x"},
		{addr, "127.0.0.1:80"}, {addr, "127.1.0.6"}, {addr, "127.1.0.01"}, {addr, "127.1.0.1.1"}, {addr, "10.1.0.1"},
	} {
		if host, _, ok := New(tt.cfg).parseHost(tt.host); ok {
			t.Errorf("%q names host %d", tt.host, host)
		}
	}
}

func TestUnsetAndImpossibleFieldsGetTheirDefaults(t *testing.T) {
	t.Parallel()
	got := Config{Hosts: -1, CrossHost: 0.5, Errors: 7, DeadLinks: -1}.withDefaults()
	want := Config{Hosts: 1, PagesPerHost: 100, Links: 60, Fanout: 6, PageBytes: 30 << 10, Errors: 1, Domain: "localhost"}
	want.Many, want.Busy = 200_000, 2*time.Second
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryPageOfAHostIsReachableFromItsFrontPage(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{PagesPerHost: 1},
		{PagesPerHost: 7, Links: 1},
		{PagesPerHost: 500, Links: 3, Fanout: 1},
		{PagesPerHost: 500, Links: 10, Fanout: 40},
		{PagesPerHost: 3000, Hosts: 2, CrossHost: 1},
		{PagesPerHost: 333, DeadLinks: 1, Redirects: 0.7, RobotsDenied: 0.003},
	} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			w := New(cfg)
			n := 0
			for range w.Reachable(Rules{IgnoreRobots: true}, "http://h0000.localhost/") {
				n++
			}
			if n != w.perHost() {
				t.Errorf("%d of %d URLs", n, w.perHost())
			}
		})
	}
}

func TestNavigationIsTheSameOnAllPagesOfAHost(t *testing.T) {
	t.Parallel()
	w := New(Config{PagesPerHost: 1000})
	first, _ := w.links(nil, place{})
	for n := range 1000 {
		links, nav := w.links(nil, place{n: n})
		if nav != 37 || len(links) != 60 || !slices.Equal(links[:nav], first[:nav]) {
			t.Fatalf("page %d: %d links, %d of them navigation: %v", n, len(links), nav, links[:nav])
		}
	}
}

func TestOneLinkInTenIsNewWhileTheHostIsDiscovered(t *testing.T) {
	t.Parallel()
	w := New(Config{PagesPerHost: 6000})
	seen := map[place]bool{{}: true}
	var links, fresh int
	for n := range 900 { // in breadth-first order; page 999 would be the last with children
		all, _ := w.links(nil, place{n: n})
		for _, to := range all {
			links++
			if !seen[to] {
				seen[to] = true
				fresh++
			}
		}
	}
	if share := float64(fresh) / float64(links); share < 0.09 || share > 0.11 {
		t.Errorf("%.3f of the links are new", share)
	}
}

func TestCrossHostIsTheShareOfLinksToOtherHosts(t *testing.T) {
	t.Parallel()
	w := New(Config{Hosts: 20, PagesPerHost: 100, CrossHost: 0.1})
	others, links := 0, 0
	everywhere(w, func(p place) {
		all, _ := w.links(nil, p)
		for _, to := range all {
			links++
			if to.host != p.host {
				others++
			}
		}
	})
	if share := float64(others) / float64(links); share < 0.095 || share > 0.105 {
		t.Errorf("%.3f of the links lead to other hosts", share)
	}
}
