//go:build containers

package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The shipped files name official images. Where the engine does not have one, it is made here from this machine's own
// programs, under the same name, so that the test needs no registry; it is removed with the test. To test with the
// official ones, pull them first.
var standIns = map[string]func(t *testing.T, r *root) []string{
	"golang:1.26": goImage,
	"redis:7":     redisImage,
}

// provideImages makes the images that are missing.
func provideImages(t *testing.T) {
	t.Helper()
	for name, fill := range standIns {
		if exec.CommandContext(t.Context(), "docker", "image", "inspect", name).Run() == nil {
			t.Log(name, "is the engine's own")
			continue
		}
		t.Log(name, "is made of this machine's programs")
		importImage(t, name, fill)
	}
}

// importImage makes an image whose root is filled by a function, which returns the changes to its configuration.
func importImage(t *testing.T, name string, fill func(t *testing.T, r *root) []string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := &root{t: t, tar: tar.NewWriter(file), has: map[string]bool{}}
	r.folder("tmp", 0o1777)
	changes := fill(t, r)
	if err := r.tar.Close(); err != nil {
		t.Fatal(err)
	}
	args := []string{"import"}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	docker(t, append(args, file.Name(), name)...)
	t.Cleanup(func() { dockerAtEnd(t, "image", "rm", "--force", name) })
}

// forgetBuilds takes out of the engine's build cache what the test has put there: 700 MB, useless without the stand-ins.
func forgetBuilds(t *testing.T) {
	t.Helper()
	before := cached(t.Context(), t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for left := -1; ; { // what others are made of goes only after them
			after := cached(ctx, t)
			maps.DeleteFunc(after, func(id string, _ bool) bool { return before[id] })
			if len(after) == left || len(after) == 0 {
				return
			}
			left = len(after)
			for id := range after {
				run(ctx, t, nil, "docker", "builder", "prune", "--all", "--force", "--filter", "id="+id)
			}
		}
	})
}

// cached are the ids of the engine's build cache.
func cached(ctx context.Context, t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for id := range strings.FieldsSeq(run(ctx, t, nil, "docker", "system", "df", "--verbose", "--format", "{{range .BuildCache}}{{.ID}} {{end}}")) {
		ids[id] = true
	}
	return ids
}

// goImage builds what the host's module cache holds, and asks no proxy.
func goImage(t *testing.T, r *root) []string {
	r.programs("sh", "mkdir")
	r.file("/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt")
	r.tree(goEnv(t, "GOROOT"), "usr/local/go", "api", "doc", "test", "testdata")
	cache := t.TempDir()
	download := exec.CommandContext(t.Context(), "go", "mod", "download")
	download.Dir = repository
	download.Env = append(os.Environ(), "GOMODCACHE="+cache, "GOFLAGS=-modcacherw",
		"GOPROXY=file://"+goEnv(t, "GOMODCACHE")+"/cache/download,"+goEnv(t, "GOPROXY"))
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	r.tree(filepath.Join(cache, "cache", "download"), "go/pkg/mod/cache/download")
	return []string{"ENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOTOOLCHAIN=local GOPROXY=off", "WORKDIR /go"}
}

// redisImage behaves as the official one: it begins as root, gives /data to its user, and goes on as that user, outside
// protected mode.
func redisImage(t *testing.T, r *root) []string {
	r.programs("sh", "redis-server", "redis-cli", "grep", "chown", "setpriv")
	r.write("etc/passwd", 0o644, []byte("root:x:0:0::/:/bin/sh\nredis:x:999:999::/data:/bin/sh\n"))
	r.write("etc/group", 0o644, []byte("root:x:0:\nredis:x:999:\n"))
	r.write("bin/entrypoint", 0o755, []byte(`#!/bin/sh
set -e
if [ "$1" = redis-server ] && [ "$(setpriv --dump | grep -c '^euid: 0$')" = 1 ]; then
	chown -R redis:redis /data
	exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi
if [ "$1" = redis-server ]; then shift; set -- redis-server --protected-mode no "$@"; fi
exec "$@"
`))
	return []string{"ENV PATH=/bin", "WORKDIR /data", "VOLUME /data", "EXPOSE 6379", `ENTRYPOINT ["entrypoint"]`, `CMD ["redis-server"]`}
}

// root is the file system of an image that is being made.
type root struct {
	t   *testing.T
	tar *tar.Writer
	has map[string]bool
}

func (r *root) folder(name string, mode int64) {
	if r.has[name] {
		return
	}
	r.has[name] = true
	r.put(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (r *root) write(name string, mode int64, content []byte) {
	r.put(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}, bytes.NewReader(content))
}

func (r *root) put(h *tar.Header, content io.Reader) {
	r.t.Helper()
	err := r.tar.WriteHeader(h)
	if err == nil && content != nil {
		_, err = io.Copy(r.tar, content)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", h.Name, err)
	}
}

// file copies what a path leads to, once.
func (r *root) file(from, to string) {
	r.t.Helper()
	if r.has[to] {
		return
	}
	r.has[to] = true
	f, err := os.Open(from)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		r.t.Fatal(err)
	}
	r.put(&tar.Header{Typeflag: tar.TypeReg, Name: to, Mode: int64(info.Mode().Perm()), Size: info.Size()}, f)
}

// programs copies programs to /bin, and the libraries that they load to where they are on this machine.
func (r *root) programs(names ...string) {
	r.t.Helper()
	for _, name := range names {
		from, err := exec.LookPath(name)
		if err != nil {
			r.t.Fatal(err)
		}
		r.file(from, "bin/"+name)
		needs, err := exec.CommandContext(r.t.Context(), "ldd", from).Output()
		if err != nil {
			r.t.Fatalf("ldd %s: %v", from, err)
		}
		for _, lib := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(needs), -1) {
			r.file(lib[1], strings.TrimPrefix(lib[1], "/"))
		}
	}
}

// tree copies a folder, but for subfolders of some names.
func (r *root) tree(from, to string, skip ...string) {
	r.t.Helper()
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, name := range skip {
			if d.IsDir() && d.Name() == name {
				return filepath.SkipDir
			}
		}
		rel, err := filepath.Rel(from, p)
		if err == nil && d.Type().IsRegular() {
			r.file(p, path.Join(to, filepath.ToSlash(rel)))
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}
