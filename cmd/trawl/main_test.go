package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"trawl/crawler/webtest"
)

// TestMain makes the test binary double as trawl, so that tests can start, signal and kill real processes.
func TestMain(m *testing.M) {
	if os.Getenv("TRAWL_TEST_AS_TRAWL") == "1" {
		os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
	}
	if c := os.Getenv("TRAWL_TEST_AS_SERVER"); c != "" {
		os.Exit(serveAlone(c))
	}
	stop := stalls.watch()
	code := m.Run()
	stop()
	os.Exit(code)
}

// trawl is a process that has not been started.
func trawl(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	// The race detector would let each process sleep for a second at its end.
	cmd.Env = append(os.Environ(), "TRAWL_TEST_AS_TRAWL=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// result is what a process left behind.
type result struct {
	code     int
	out, err string
}

// call runs trawl to its end.
func call(t *testing.T, dir string, args ...string) result {
	t.Helper()
	cmd := trawl(t.Context(), dir, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("trawl %q: %v", args, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// serve starts a web that ends with the test.
func serve(t *testing.T, c webtest.Config) (*webtest.Web, *webtest.Server) {
	t.Helper()
	web := webtest.New(c)
	server, err := web.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return web, server
}
