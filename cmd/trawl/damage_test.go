package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trawl/crawler/webtest"
	"trawl/frontier/disk"
)

// halfCrawled returns the frontier file of a crawl that has pages left to fetch.
func halfCrawled(t *testing.T, seeds []string) []byte {
	t.Helper()
	dir := t.TempDir()
	crawl(t, dir, append(seeds, "--max-pages", "30")...)
	file, err := os.ReadFile(filepath.Join(dir, "trawl-data", "frontier", disk.File))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// place puts a frontier file where a crawl in a new folder expects it.
func place(t *testing.T, file []byte) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "trawl-data", "frontier", disk.File)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(file))
	return dir, path
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec(statement)
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFrontierFileThatIsNotOursIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	good := halfCrawled(t, server.Seeds())
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		names []string
	}{
		"of a newer schema": {func(t *testing.T, path string) { execute(t, path, "pragma user_version = 99") }, []string{"newer trawl", "99"}},
		"garbage":           {func(t *testing.T, path string) { write(t, path, strings.Repeat("garbage ", 4000)) }, []string{"damaged"}},
		"a few bytes":       {func(t *testing.T, path string) { write(t, path, "hello\n") }, []string{"damaged"}},
		"cut in two":        {func(t *testing.T, path string) { write(t, path, string(good[:len(good)/2])) }, []string{"damaged"}},
		"of another program": {func(t *testing.T, path string) {
			os.Remove(path)
			execute(t, path, "create table t (x)")
		}, []string{"not of trawl"}},
		"without a table":            {func(t *testing.T, path string) { execute(t, path, "drop table chunk") }, []string{"damaged"}},
		"without its pages":          {func(t *testing.T, path string) { execute(t, path, "delete from chunk") }, []string{"damaged"}},
		"without its crawl":          {func(t *testing.T, path string) { execute(t, path, "delete from meta where k = 'crawl'") }, []string{"damaged"}},
		"with a policy that is none": {func(t *testing.T, path string) { execute(t, path, "update meta set v = '{' where k = 'crawl'") }, []string{"damaged"}},
		"with text for numbers":      {func(t *testing.T, path string) { execute(t, path, "update chunk set n = 'many'") }, []string{"damaged"}},
		"a folder": {func(t *testing.T, path string) {
			os.Remove(path)
			os.Mkdir(path, 0o777)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := place(t, good)
			c.spoil(t, path)
			before, _ := os.ReadFile(path)
			names := append(c.names, filepath.Join("trawl-data", "frontier"))
			isMistake(t, call(t, dir, quick(server.URL(0, "/"))...), exitFailed, names...)
			isMistake(t, call(t, dir, quick()...), exitFailed, names...)
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			if r := call(t, dir, "status"); r.code != exitDone { // it needs less of the file
				isMistake(t, r, exitFailed, path[len(dir)+1:])
			}
		})
	}
}

// A byte that is wrong is not always noticed, but it brings nothing down.
func TestAFlippedByteIsSurvived(t *testing.T) {
	t.Parallel()
	_, server := serve(t, small)
	good := halfCrawled(t, server.Seeds())
	failed := 0
	for i := range 60 {
		at := i * len(good) / 60
		if i < 20 {
			at = i * 5 // the header has more that matters
		}
		bad := bytes.Clone(good)
		bad[at] ^= 0x55
		dir, _ := place(t, bad)
		var out, errs bytes.Buffer
		args := quick("-o", filepath.Join(dir, "trawl-data"), "--max-time", "3")
		code := run(args, streams{nil, &out, &errs}) // in this process, which it must not bring down
		if code != exitDone {
			failed++
			isMistake(t, result{code, out.String(), errs.String()}, exitFailed, filepath.Join("trawl-data", "frontier"))
		}
		if t.Failed() {
			t.Fatalf("byte %d of %d", at, len(good))
		}
	}
	if failed == 0 {
		t.Error("none was noticed")
	}
	t.Logf("%d of 60 were noticed", failed)
}

func TestAnEmptyFrontierFileIsANewCrawl(t *testing.T) {
	t.Parallel()
	web, server := serve(t, small)
	dir, _ := place(t, nil)
	isMistake(t, call(t, dir, quick()...), exitUsage, "no URL")
	crawl(t, dir, server.Seeds()...)
	holds(t, dir, web.Reachable(webtest.Rules{}, server.Seeds()...))
}

func TestAnOutputFileThatIsNotOursIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	const foreign = "dear diary\nnothing new\n"
	for name, make := range map[string]func(path string) error{
		"text":        func(path string) error { return os.WriteFile(path, []byte(foreign), 0o666) },
		"other JSON":  func(path string) error { return os.WriteFile(path, []byte("[1,\n2]\n"), 0o666) },
		"a folder":    func(path string) error { return os.Mkdir(path, 0o777) },
		"a pipe":      func(path string) error { return os.Symlink("/dev/null", path) },
		"a dead link": func(path string) error { return os.Symlink("none/of/it", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "trawl-data", "pages.jsonl")
			if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			isMistake(t, call(t, dir, quick("http://a.example/")...), exitFailed, "pages.jsonl")
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Errorf("%q became %q", before, after)
			}
		})
	}
}

func TestAFolderInUseNamesItsProcess(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := t.TempDir()
	p := start(t, dir, quick(g.URL)...)
	<-g.asked
	pid := strconv.Itoa(p.Process.Pid)
	isMistake(t, call(t, dir, quick(g.URL)...), exitStore, "in use", pid, filepath.Join("trawl-data", "frontier"))
	isMistake(t, call(t, dir, quick("--fresh", g.URL)...), exitStore, "in use", pid)
	g.open()
	if r := p.end(t); r.code != exitDone || len(records(t, dir)) != 1 {
		t.Errorf("%+v", r)
	}
}

// A crawl whose disk is full ends, however little room there is, again and again, and goes on when there is room.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	c := small
	c.PagesPerHost, c.Links = 150, 30
	web, server := serve(t, c)
	for _, room := range []int{0, 4, 60, 130, 200, 300} { // KiB
		t.Run(fmt.Sprint(room, " KiB"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := strings.Join(quick(append(server.Seeds(), "--per-host", "4")...), " ")
			inMounts(t, dir, fmt.Sprintf(`
				mkdir full && mount -t tmpfs -o size=1m none full && cd full
				head -c %dk /dev/zero >ballast || true
				for i in 1 2 3 4 5 6; do
					code=0; "$TRAWL" %s >../out$i 2>../err$i || code=$?; echo $code >../code$i
				done
				rm ballast
				mount -o remount,size=64m none .
				code=0; "$TRAWL" %s >../out7 2>../err7 || code=$?; echo $code >../code7
				cp -r trawl-data ..`, 1024-room, args, args))
			for _, i := range []string{"1", "2", "3", "4", "5", "6"} {
				isMistake(t, left(t, dir, i), exitFull, "no space left", "same command")
			}
			if r := left(t, dir, "7"); r.code != exitDone {
				t.Errorf("%+v", r)
			}
			got := records(t, dir)
			for page := range web.Reachable(webtest.Rules{}, server.Seeds()...) {
				if len(got[page.URL]) == 0 {
					t.Errorf("%s is lost", page.URL)
				}
			}
			if st := inspect(t, dir).Stats; len(got) != web.Count() || int(st.Done) != web.Count() || st.Dead != 0 {
				t.Errorf("%d URLs of %d; %+v", len(got), web.Count(), st)
			}
		})
	}
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inMounts(t, dir, `mkdir ro && mount -t tmpfs -o ro none ro
		code=0; "$TRAWL" crawl -o ro/data http://a.example/ >out1 2>err1 || code=$?; echo $code >code1`)
	isMistake(t, left(t, dir, "1"), exitFailed, "ro/data", "read-only")
}
