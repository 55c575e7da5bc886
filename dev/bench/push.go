package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// load is what one build and push took.
type load struct {
	seconds float64 // of the whole process
	traffic
}

// platform is what is built and pushed, on both sides: BuildKit does one unless it is told otherwise. No container is
// run, so that it need not be this machine's.
const platform = "linux/amd64"

// push builds production of a storage and pushes it, in one process; cache and output are in dir.
func (t *trial) push(ctx context.Context, storage, dir, image string) (load, buildReport, error) {
	cmd := t.command(ctx, storage, dir, "build:"+branch, "push")
	cmd.Env = append(cmd.Env, "IMAGE="+image)
	var used usage
	counted, err := t.measured(ctx, func() (err error) {
		used, err = timed(cmd)
		return err
	})
	if err != nil {
		return load{}, buildReport{}, fmt.Errorf("build and push %s: %w", branch, err)
	}
	r, err := readReport(filepath.Join(dir, "dist", branch))
	return load{used.wall, counted}, r, err
}

// command is the pipeline with some targets.
func (t *trial) command(ctx context.Context, storage, dir string, targets ...string) *exec.Cmd {
	cmd := command(ctx, t.b.root, t.b.pipeline, targets...)
	cmd.Env = environment("STORAGE="+storage, "PACKAGE_REGISTRY_IMAGE=preview", "PLATFORMS="+platform,
		"DIST="+filepath.Join(dir, "dist"), "PACKAGE_STORAGE_CACHE="+cacheIn(dir), "CI=1", "FORCE=", "GITHUB_STEP_SUMMARY=",
		t.b.noCredentials())
	return cmd
}

// emptyCache is the bench's, with the base of our one platform, which is another than that of all.
func (t *trial) emptyCache(ctx context.Context, dir string) error {
	if err := t.b.emptyCache(ctx, dir); err != nil {
		return err
	}
	if _, err := timed(t.command(ctx, t.b.tiny, dir, "build:"+branch)); err != nil {
		return fmt.Errorf("bring the base of %s: %w", platform, err)
	}
	return nil
}

// noCredentials is the variable that keeps the user's credential helpers out: loopback needs none.
func (b *bench) noCredentials() string {
	return "DOCKER_CONFIG=" + filepath.Join(b.tmp, "no-credentials")
}

// measured counts what one run moves. What was written before is on the disk first: whoever writes much would else slow down
// who comes next.
func (t *trial) measured(ctx context.Context, run func() error) (traffic, error) {
	output(command(ctx, t.b.tmp, "sync")) // where there is none, there is none
	t.repositories.take()
	err := run()
	return t.repositories.take(), err
}

// bareMachine is what one package more takes where only the image repository has the image before it.
type bareMachine struct {
	load
	git     int64 // bytes that were fetched after the clone
	changed int64 // bytes of the layers that were built
	built   int
	layers  int
}

// allowed are the bytes that may be moved.
func (m bareMachine) allowed() int64 { return 4*m.changed + 1e6 }

func (m bareMachine) moved() int64 { return m.git + m.up + m.down }

// pushBare adds the n-th version and pushes it from a machine with an empty cache and a clone without files.
func (t *trial) pushBare(ctx context.Context, n int, image string) (bareMachine, error) {
	if _, err := t.b.addVersion(ctx, t.storage, t.b.model, n); err != nil {
		return bareMachine{}, err
	}
	dir := filepath.Join(t.dir, "bare")
	if err := t.emptyCache(ctx, dir); err != nil {
		return bareMachine{}, err
	}
	clone := filepath.Join(dir, "clone.git")
	if _, err := output(command(ctx, t.dir, "git", "clone", "-q", "--bare", "--filter=blob:none", "file://"+t.storage, clone)); err != nil {
		return bareMachine{}, fmt.Errorf("clone without files: %w", err)
	}
	before, err := objectBytes(os.DirFS(clone))
	if err != nil {
		return bareMachine{}, err
	}
	pushed, report, err := t.push(ctx, clone, dir, image)
	if err != nil {
		return bareMachine{}, fmt.Errorf("on a bare machine: %w", err)
	}
	after, err := objectBytes(os.DirFS(clone))
	if err != nil {
		return bareMachine{}, err
	}
	m := bareMachine{load: pushed, git: after - before, built: report.count(), layers: len(report.Layers)}
	for _, l := range report.Layers {
		if l.fresh() {
			m.changed += l.Size
		}
	}
	return m, nil
}

// loose is the path of an object that is in no pack.
var loose = regexp.MustCompile(`^objects/[0-9a-f]{2}/`)

// objectBytes are the sizes of all packs, their indexes, and loose objects of a bare repository.
func objectBytes(repository fs.FS) (int64, error) {
	var sum int64
	err := fs.WalkDir(repository, "objects", func(path string, entry fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || entry.IsDir() || ext != ".pack" && ext != ".idx" && !loose.MatchString(path) {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure a repository: %w", err)
	}
	return sum, nil
}
