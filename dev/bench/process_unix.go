//go:build unix

package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// peak is the largest resident size, in bytes, of a process and those of its children that it waited for. On Linux it
// starts at its parent's peak, even before exec: so this command must stay small, and streams what is large.
func peak(state *os.ProcessState) int64 {
	used, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(used.Maxrss) // getrusage(2) there: in bytes
	}
	return int64(used.Maxrss) << 10 // in kilobytes
}

// endWithChildren makes a cancelled context end all that the process has started: go commands leave compilers behind.
func endWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
