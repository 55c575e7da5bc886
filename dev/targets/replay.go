// Package targets is what only developers of the pipeline type: mage targets beside those of build/targets, which another
// storage's magefile has no use for.
package targets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Replay replays the history of a distribution's branch on the real storage and shows what each update costs.
func Replay(ctx context.Context, name string,
	commits *int, // how many updates, the last ones (default: all)
) error {
	args := []string{name}
	if commits != nil {
		args = []string{"-commits=" + strconv.Itoa(*commits), name}
	}
	if err := replay(ctx, args...); err != nil {
		return fmt.Errorf("replay %s: %w", name, err)
	}
	return nil
}

// replay compiles dev/replay and runs it. `go run` would not: when it is told to end, what it has started lives on.
func replay(ctx context.Context, args ...string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	tmp, err := os.MkdirTemp("", "package-storage-replay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	program := filepath.Join(tmp, "replay")
	if err := command(ctx, "go", "build", "-C", "dev/replay", "-o", program, ".").Run(); err != nil {
		return err
	}
	return command(ctx, program, args...).Run()
}

// command is a process that ends with ctx, after it has tidied up.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
