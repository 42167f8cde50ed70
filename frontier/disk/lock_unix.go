//go:build unix

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// ErrInUse is returned by Open when another process has the folder open.
var ErrInUse = errors.New("the folder is in use")

// lock is an advisory lock on a file, which ends with the process, however that ends. The file says whose it is.
type lock struct{ f *os.File }

func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("frontier folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		owner, _ := io.ReadAll(io.LimitReader(f, 32))
		return nil, fmt.Errorf("%w by the crawl of process %s (%s)", ErrInUse, strings.TrimSpace(string(owner)), path)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, storeError(err))
	}
	return &lock{f}, nil
}

// release empties the file and lets go. The file stays: removing it would let two processes lock two files.
func (l *lock) release() {
	l.f.Truncate(0) // a stale pid does no harm
	l.f.Close()
}
