package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// usage is what the operating system says of a process that has ended.
type usage struct {
	wall float64 // seconds
	// peak is the memory of the largest process among it and its children, in bytes; 0 where the system does not tell.
	peak int64
}

// own are variables that would make the pipeline, or the git below it, do something else than what is measured.
var own = []string{
	"STORAGE", "IMAGE", "PACKAGE_REGISTRY", "PACKAGE_REGISTRY_IMAGE", "PLATFORMS", "COMPRESSION", "PACKAGE_STORAGE_CACHE",
	"PACKAGE_STORAGE_CACHE_LIMIT", "DIST", "WITH", "REASON", "DRY_RUN", "JSON", "BASE", "HEAD", "ALL", "CODE_HOST_API", "CODE_HOST_TOKEN",
	"CODE_HOST_REPOSITORY",
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE",
}

// environment is the user's, without what would change the measurement, and with more.
func environment(more ...string) []string {
	kept := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(own, name) || strings.HasPrefix(name, "MAGEFILE_")
	})
	return append(kept, more...)
}

// command is a process that ends with ctx, its children too.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.WaitDelay = 4 * time.Second
	endWithChildren(cmd)
	return cmd
}

// timed runs a process; what it prints is in the error if it fails.
func timed(cmd *exec.Cmd) (usage, error) {
	var said bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	start := time.Now()
	err := cmd.Run()
	used := usage{wall: time.Since(start).Seconds(), peak: peak(cmd.ProcessState)}
	if err != nil {
		return usage{}, explain(cmd, err, said.String())
	}
	return used, nil
}

// output runs a process and returns what it printed.
func output(cmd *exec.Cmd) ([]byte, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, explain(cmd, err, said.String())
	}
	return out.Bytes(), nil
}

// explain names the command that failed, with the last lines of what it said.
func explain(cmd *exec.Cmd, err error, said string) error {
	name := strings.Join(cmd.Args[:min(len(cmd.Args), 4)], " ")
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s: it is not installed, or not on the PATH", name)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return fmt.Errorf("%s: %w: %s", name, err, strings.Join(lines[max(0, len(lines)-8):], "\n\t"))
}
