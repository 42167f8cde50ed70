//go:build containers

package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fleet is a project of Docker Compose, made of the shipped file and what the test adds.
type fleet struct {
	t           *testing.T
	project     string
	file        string    // what the test adds
	reconnected time.Time // the worker that had lost its network
}

// newFleet names a project, and removes all of it with the test.
func newFleet(t *testing.T, added map[string]any) *fleet {
	t.Helper()
	text, err := json.Marshal(added)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, project: project, file: filepath.Join(t.TempDir(), "added.json")}
	if err := os.WriteFile(f.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last lines of the containers:\n%s", f.at(context.Background(), nil, "logs", "--tail", "30", "--no-color"))
		}
		f.at(context.Background(), nil, "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
		dockerAtEnd(t, "image", "rm", "--force", image)
	})
	return f
}

// compose runs a command of Compose, which must succeed, and returns what it prints.
func (f *fleet) compose(args ...string) string {
	f.t.Helper()
	return f.at(f.t.Context(), nil, args...)
}

// trawl runs a command of trawl in a container of its own, as the README has it.
func (f *fleet) trawl(args ...string) string {
	f.t.Helper()
	return f.compose(append([]string{"run", "--rm", "-T", "trawl"}, args...)...)
}

func (f *fleet) at(ctx context.Context, in io.Reader, args ...string) string {
	f.t.Helper()
	line := strings.Fields(composeCommand())
	line = append(line, "--progress", "quiet", "-p", f.project, "-f", filepath.Join(repository, "docker-compose.yml"), "-f", f.file)
	return run(ctx, f.t, in, append(line, args...)...)
}

// workers are the ids of the workers' containers, also of those that do not run.
func (f *fleet) workers() []string {
	f.t.Helper()
	return strings.Fields(f.compose("ps", "--all", "--quiet", "worker"))
}

// status is what trawl status --json says.
type status struct {
	Stats struct {
		Drained                                              bool
		Seen, Queued, Delayed, Leased, Done, Dead, Reclaimed int
	}
	Workers []struct {
		Machine string
		Age     float64 `json:"age_seconds"`
	}
}

// silence is how long nothing was heard of the worker in a container, which is a machine of that name.
func (s status) silence(id string) time.Duration {
	for _, w := range s.Workers {
		if w.Machine == id[:12] {
			return time.Duration(w.Age * float64(time.Second))
		}
	}
	return 0
}

func (f *fleet) status() (s status) {
	f.t.Helper()
	text := f.trawl("status", "--json", "--hosts", "0")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		f.t.Fatalf("status --json: %v in %s", err, text)
	}
	return s
}

// await waits until something is so.
func (f *fleet) await(what string, atMost time.Duration, isSo func() bool) {
	f.t.Helper()
	late := time.NewTimer(atMost)
	defer late.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-tick.C:
		case <-late.C:
			f.t.Fatalf("waited in vain for %s: %s", atMost, what)
		}
	}
}

// output reads the files of the output volume, by name, through a container that has it; they must be the owner's.
func (f *fleet) output(container string) map[string][]byte {
	f.t.Helper()
	files := map[string][]byte{}
	archive := tar.NewReader(strings.NewReader(docker(f.t, "cp", container+":/data", "-")))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			f.t.Fatal(err)
		}
		if h.Uid != 65532 || h.Gid != 65532 {
			f.t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(archive); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// composeCommand is `docker compose`, or another Compose that the environment names.
func composeCommand() string {
	if c := os.Getenv("COMPOSE"); c != "" {
		return c
	}
	return "docker compose"
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	return run(t.Context(), t, nil, append([]string{"docker"}, args...)...)
}

// dockerAtEnd is for cleaning up: the test's own context is over, and what is gone already is no error.
func dockerAtEnd(t *testing.T, args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput(); err != nil {
		t.Logf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// run runs a program, within twenty minutes, for a build on a busy machine. Settings of the caller's own fleet are kept from it.
func run(ctx context.Context, t *testing.T, in io.Reader, line ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRAWL_") && !strings.HasPrefix(v, "REDIS_") && !strings.HasPrefix(v, "COMPOSE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TRAWL_LEASE_TTL="+leaseTTL.String(), "VERSION=containers-test")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(line, " "), err, out.String(), errs.String())
	}
	return out.String()
}
