//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// inMounts runs a shell script in dir that may mount what it likes: nobody else sees it, and it ends with the script.
// $TRAWL is trawl.
func inMounts(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(trawl(t.Context(), dir).Env, "TRAWL="+os.Args[0])
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil && (strings.Contains(string(out), "permission denied") || cmd.ProcessState == nil) {
		t.Skipf("this machine lets nobody mount: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// left is what the script kept of a call: its files out, err and code, with the call's number.
func left(t *testing.T, dir, call string) result {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name+call))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	code, err := strconv.Atoi(strings.TrimSpace(read("code")))
	if err != nil {
		t.Fatal(err)
	}
	return result{code, read("out"), read("err")}
}
