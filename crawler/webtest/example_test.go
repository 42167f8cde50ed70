package webtest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"trawl/crawler/webtest"
)

// To judge a crawler as a black box, the web must live in a process of its own. A test binary can be that process: it
// starts itself again, with a word in the environment that TestMain looks for.
func TestMain(m *testing.M) {
	if os.Getenv("WEBTEST_LOG") != "" {
		serveForParent()
		return
	}
	os.Exit(m.Run())
}

// serveForParent says where the web is, and serves it until the parent closes our standard input, or dies.
func serveForParent() {
	file, err := os.OpenFile(os.Getenv("WEBTEST_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	server, err := webtest.New(webtest.Config{Hosts: 3, LogTo: file, CountsOnly: true}).Start()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.URL(0, "/"))
	io.Copy(io.Discard, os.Stdin)
	if err := server.Close(); err != nil {
		log.Fatal(err)
	}
}

func TestAWebInAProcessOfItsOwnIsJudgedByItsLog(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/requests.log"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "WEBTEST_LOG="+file)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seed, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	seed = strings.TrimSpace(seed)
	fetchTwice(t, seed)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := webtest.ReadLog(f)
	if err != nil || l.Count(seed) != 2 {
		t.Errorf("%d requests for %s, %v", l.Count(seed), seed, err)
	}
}

// Example crawls a synthetic web, and asks its oracle and its log how that went.
func Example() {
	web := webtest.New(webtest.Config{Hosts: 3, PagesPerHost: 50, DeadLinks: 0.1})
	server, err := web.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	// Crawl server.Seeds() here; then every URL of the oracle must be settled, and nothing else.
	settled := 0
	for fate := range web.Reachable(webtest.Rules{}, server.Seeds()...) {
		if fate.Status == 200 || fate.Status == 404 {
			settled++
		}
	}
	fmt.Println(settled, "of", web.Count())
	if host, gap := server.Log().Worst(); host != "" {
		fmt.Println("impolite:", host, gap)
	}
	// Output: 165 of 165
}

// fetchTwice fetches a URL through the server as a proxy, so that its host need not resolve.
func fetchTwice(t *testing.T, u string) {
	t.Helper()
	at, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:" + at.Port()})}
	defer transport.CloseIdleConnections()
	for range 2 {
		resp, err := (&http.Client{Transport: transport}).Get(u)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
