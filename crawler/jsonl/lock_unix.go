//go:build unix

package jsonl

import (
	"errors"
	"os"
	"syscall"
)

// lock makes the file this process's until it is closed. A file system that knows no locks gives none.
func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return nil
}
