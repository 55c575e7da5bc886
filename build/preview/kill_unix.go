//go:build unix

package preview

import (
	"os/exec"
	"syscall"
)

// killWithChildren makes a cancelled context end the go command's compilers and linkers too.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
