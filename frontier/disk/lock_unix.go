//go:build unix

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrInUse is returned by Open when another process has the folder open.
var ErrInUse = errors.New("the folder is in use")

// lock is an advisory lock on a file, which ends with the process, however that ends. The file says whose it is.
type lock struct {
	f *os.File
	// died: the process that had the lock before ended without releasing it.
	died bool
}

// A process that was killed a moment ago may not have let go yet, and who only looks holds the lock for a moment.
const (
	lockTries = 10
	lockWait  = 50 * time.Millisecond
)

// acquire takes the lock and signs it, or says whose it is. Whoever let go in order left the file empty.
func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("frontier folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for range lockTries {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		<-time.After(lockWait)
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	owner, _ := io.ReadAll(io.LimitReader(f, 32))
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%w by the crawl of process %s (%s)", ErrInUse, strings.TrimSpace(string(owner)), path)
	case err != nil:
		err = fmt.Errorf("lock %s: %w", path, err)
	default:
		err = sign(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &lock{f, len(owner) > 0}, nil
}

// sign writes our process into a lock file.
func sign(f *os.File) error {
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), storeError(err))
	}
	return nil
}

// heldBy is the process that has the lock; 0 for none. It changes nothing.
func heldBy(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0
	}
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// lost tells whether the file was removed or replaced, and the store beside it surely too.
func (l *lock) lost() bool {
	ours, err := l.f.Stat()
	if err != nil {
		return true
	}
	there, err := os.Stat(l.f.Name())
	return err != nil || !os.SameFile(ours, there)
}

// release empties the file and lets go, in this order: after that it is another's to sign. The file stays: removing it
// would let two processes lock two files.
func (l *lock) release() {
	l.f.Truncate(0) // a stale pid does no harm
	l.f.Close()
}
