package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// machine is what figures depend on beside the code.
type machine struct {
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
	Git   string `json:"git"`
	// Zstd is empty where it is not installed.
	Zstd string `json:"zstd,omitempty"`
}

func (m machine) String() string {
	zstd := m.Zstd
	if zstd == "" {
		zstd = "not installed"
	}
	return fmt.Sprintf("machine: %d cores, %s, %s, git %s, zstd %s", m.Cores, m.OS, m.Go, m.Git, zstd)
}

func describeMachine(ctx context.Context, root string) (machine, error) {
	m := machine{Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	goVersion, err := output(command(ctx, root, "go", "env", "GOVERSION"))
	if err != nil {
		return m, err
	}
	m.Go = strings.TrimSpace(string(goVersion))
	git, err := output(command(ctx, root, "git", "version"))
	if err != nil {
		return m, err
	}
	m.Git = strings.TrimPrefix(strings.TrimSpace(string(git)), "git version ")
	if _, err := exec.LookPath("zstd"); err != nil {
		return m, nil
	}
	zstd, err := output(command(ctx, root, "zstd", "-q", "--version"))
	m.Zstd = strings.TrimSpace(string(zstd))
	return m, err
}
