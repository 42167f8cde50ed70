//go:build !linux

package redistest

import "syscall"

// mortal would have a process killed when the one that started it dies, where there is such a thing.
func mortal() *syscall.SysProcAttr { return nil }
