package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"trawl/crawler/webtest"
)

// No link, redirect, sitemap or robots.txt leads a crawl to this machine or its network; with a proxy, which would go
// there, it is not even asked to.
func TestNothingLeadsToPrivateAddresses(t *testing.T) {
	t.Parallel()
	isLinux(t)
	for _, name := range []string{"direct", "by a proxy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, server := serve(t, webtest.Config{
				Hosts: 2, PagesPerHost: 5, Links: 5, PageBytes: 1 << 10, ByAddress: true, Hostile: []webtest.Class{"ssrf", "ssrf-robots", "ssrf-sitemap", "redirect-odd"},
			})
			var args []string
			proxy := newProxy(t)
			if name == "by a proxy" {
				args = []string{"--proxy", proxy.URL}
			}
			dir := t.TempDir()
			if r := call(t, dir, hostileCrawl(server, args...)...); r.code != exitDone || r.err != "" {
				t.Fatalf("%+v", r)
			}
			fates, err := readFates(filepath.Join(dir, "trawl-data", "pages.jsonl"), server)
			if err != nil {
				t.Fatal(err)
			}
			honest(t, web, server, fates.honest)
			for i, h := range server.Hostile() {
				if err := fates.judge(i, h, nil); err != nil {
					t.Error(err)
				}
			}
			if o := fates.others; o.done > 0 || len(o.dead) != 1 || o.dead["address"] < 25 {
				t.Errorf("elsewhere: %+v", o)
			}
			if n := server.Canary(); n > 0 {
				t.Errorf("the canary got %d connections", n)
			}
			for _, target := range proxy.asked() {
				if !strings.HasPrefix(target, "127.1.0.") && !strings.HasPrefix(target, "127.200.0.") {
					t.Errorf("the proxy was asked for %s", target)
				}
			}
			if used := len(proxy.asked()) > 0; used != (args != nil) {
				t.Errorf("the proxy was used: %v", used)
			}
		})
	}
}

// forward is a proxy that goes wherever it is asked to.
type forward struct {
	*httptest.Server
	mu      sync.Mutex
	targets []string
}

func newProxy(t *testing.T) *forward {
	t.Helper()
	f := &forward{}
	var transport http.Transport
	f.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.targets = append(f.targets, r.Host)
		f.mu.Unlock()
		resp, err := transport.RoundTrip(&http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header})
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(resp.StatusCode)
		io.Copy(rw, resp.Body)
	}))
	t.Cleanup(func() { f.Close(); transport.CloseIdleConnections() })
	return f
}

func (f *forward) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.targets
}

// --allow-net opens the networks that it names, and no address beside them.
func TestAllowNetOpensWhatItNames(t *testing.T) {
	t.Parallel()
	isLinux(t)
	inside := map[string]bool{
		"127.77.0.4": true, "127.77.0.7": true, "127.77.0.3": false, "127.77.0.8": false, "127.0.0.1": false, "localhost": false, "127.77.1.4": false, "[::1]": false,
		"[::ffff:127.77.0.5]": true, "[::ffff:127.77.0.9]": false,
	}
	called := newCallers(t, "127.77.0.3", "127.77.0.4", "127.77.0.5", "127.77.0.7", "127.77.0.8", "127.77.0.9", "127.77.1.4", "127.0.0.1", "[::1]")
	var links []string
	for host := range inside {
		links = append(links, fmt.Sprintf("http://%s:%s/", host, called.port))
	}
	front := site(t, map[string][]string{"/": links})
	// Its own address is the seed's, which is open: on that port alone.
	dir := t.TempDir()
	crawl(t, dir, "--scope", "any", "--allow-net", "127.77.0.4/30", front.URL)
	got := records(t, dir)
	for host, open := range inside {
		if open != called.has(host) {
			t.Errorf("%s was called: %v, want %v", host, called.has(host), open)
		}
	}
	refused := 0
	for url, of := range got {
		if of[0].Error != nil && of[0].Error.Kind == "address" {
			refused++
		} else if !strings.Contains(url, "127.77.0.") && !strings.HasPrefix(url, front.URL) && !strings.Contains(url, "7f4d") {
			t.Errorf("%s: %+v", url, of)
		}
	}
	if refused != 7 {
		t.Errorf("%d addresses were refused, want 7", refused)
	}
}

// callers note which of some addresses of this machine are called, on one port.
type callers struct {
	port string
	mu   sync.Mutex
	to   map[string]bool
}

func newCallers(t *testing.T, hosts ...string) *callers {
	t.Helper()
	c := &callers{port: "0", to: map[string]bool{}}
	for _, host := range hosts {
		l, err := net.Listen("tcp", host+":"+c.port)
		if err != nil && host == "[::1]" {
			continue // a machine without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		_, c.port, _ = net.SplitHostPort(l.Addr().String())
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "here") }))
		s.Listener.Close()
		s.Listener = l
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				c.mu.Lock()
				c.to[host] = true
				c.mu.Unlock()
			}
		}
		s.Start()
		t.Cleanup(s.Close)
	}
	return c
}

// has tells whether an address was called, whatever it is spelled like.
func (c *callers) has(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	host = strings.Trim(strings.TrimPrefix(host, "[::ffff:"), "]")
	return c.to[host] || c.to["["+host+"]"]
}
