package redistest

import "syscall"

// mortal has a process killed when the one that started it dies.
func mortal() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
