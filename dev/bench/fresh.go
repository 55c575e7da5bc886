package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// buildFresh clones this project's HEAD and builds the sample's first image there, as on a machine that has Go and git
// and nothing else: no modules, no compiled packages, no layers. The modules come from the module proxy. Both results
// are seconds: all of it, and what of that was left once the pipeline itself was compiled and running.
func (b *bench) buildFresh(ctx context.Context) (took, own float64, err error) {
	const doing = "build in a fresh clone: %w"
	clone := filepath.Join(b.tmp, "fresh", "clone")
	empty, err := b.emptyCaches(ctx, filepath.Dir(clone))
	if err != nil {
		return 0, 0, fmt.Errorf(doing, err)
	}
	start := time.Now()
	if _, err := timed(command(ctx, b.tmp, "git", "clone", "-q", b.root, clone)); err != nil {
		return 0, 0, fmt.Errorf(doing, err)
	}
	cmd := command(ctx, clone, "go", "tool", "mage", "build:snapshot")
	cmd.Env = empty
	if _, err := timed(cmd); err != nil {
		return 0, 0, fmt.Errorf(doing, err)
	}
	took = time.Since(start).Seconds()
	r, err := readReport(filepath.Join(clone, "dist", "snapshot"))
	if err != nil {
		return 0, 0, fmt.Errorf(doing, err)
	}
	return took, r.Total, nil
}

// emptyCaches is an environment in which all caches are empty, in dir.
func (b *bench) emptyCaches(ctx context.Context, dir string) ([]string, error) {
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	// Go's own settings (a company's proxy) are no cache; a module cache that can be written can be removed.
	settings, err := output(command(ctx, b.root, "go", "env", "GOENV", "GOFLAGS"))
	if err != nil {
		return nil, err
	}
	goenv, goflags, _ := strings.Cut(string(settings), "\n")
	return environment("HOME="+home, "XDG_CACHE_HOME="+filepath.Join(dir, "caches"), "GOPATH="+filepath.Join(dir, "go"),
		"GOMODCACHE="+filepath.Join(dir, "modules"), "GOCACHE="+filepath.Join(dir, "compiled"), "GOENV="+goenv,
		"GOFLAGS="+strings.TrimSpace(strings.TrimSpace(goflags)+" -modcacherw"), "CI=1"), nil
}
