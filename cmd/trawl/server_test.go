package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"trawl/crawler/webtest"
)

// serveAlone is a process that serves a web, given as JSON, until its input ends. It prints the first host's URL. The
// server's CPU and memory are then not the crawl's.
func serveAlone(config string) int {
	var c webtest.Config
	err := json.Unmarshal([]byte(config), &c)
	if err == nil {
		var server *webtest.Server
		if server, err = webtest.New(c).Start(); err == nil {
			fmt.Println(server.URL(0, ""))
			io.Copy(io.Discard, os.Stdin)
			err = server.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startServer starts that process and returns the first host's URL, without a path.
func startServer(t testing.TB, c webtest.Config) string {
	t.Helper()
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "TRAWL_TEST_AS_SERVER="+string(config))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(first)
}
