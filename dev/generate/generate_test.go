package generate_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/dev/generate"
)

// small are all shapes, so small that a test can make them twice.
var small = map[string]generate.Shape{
	"history": func(ctx context.Context, o generate.Options) ([]generate.Branch, error) {
		o.Scale = 0.05
		return generate.History(ctx, o)
	},
	"huge":     with(generate.Huge, 1_000_000),
	"tiny":     with(generate.Tiny, 200),
	"versions": withTwo(generate.Versions, 25, 10),
	"same":     withTwo(generate.Same, 15, 20),
	"unique":   withTwo(generate.Unique, 15, 20),
}

func TestShapesAreAllTested(t *testing.T) {
	if a, b := slices.Sorted(maps.Keys(small)), slices.Sorted(maps.Keys(generate.Shapes)); !slices.Equal(a, b) {
		t.Errorf("tested: %v; there are: %v", a, b)
	}
}

// TestSameOptionsSameCommits: an id stands for all files, names, modes, dates and authors.
func TestSameOptionsSameCommits(t *testing.T) {
	for name, shape := range small {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := newStorage(t, shape, generate.Options{Seed: 1})
			again := newStorage(t, shape, generate.Options{Seed: 1})
			if a, b := one.branches[0].Head, again.branches[0].Head; a != b {
				t.Errorf("two runs differ, %s and %s:\n%s", a, b, differing(one.packages(a), again.packages(b)))
			}
			if other := newStorage(t, shape, generate.Options{Seed: 2}); other.branches[0].Head == one.branches[0].Head {
				t.Error("another seed, and the same commit")
			}
			one.fsck()
			one.checkCounts()
		})
	}
}

// differing is what two branches don't have in common.
func differing(a, b tree) string {
	list := ""
	for key := range a {
		for path, e := range a[key] {
			if e != b[key][path] {
				list += key + "/" + path + "\n"
			}
		}
	}
	return list
}

// pinned makes a change of what is generated visible: measurements of before and after it can't be compared. It also
// says that machines and versions of Go and git make no difference.
const pinned = "ce043a90f233369489d407d00e87b0e306241bf9"

func TestPinned(t *testing.T) {
	s := newStorage(t, small["history"], generate.Options{Seed: 1})
	if head := s.branches[0].Head; head != pinned {
		t.Errorf("the history is another one now: pin %s", head)
	}
}

func TestUserSettingsMakeNoDifference(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[init]\n\tdefaultBranch = other\n[core]\n\tbigFileThreshold = 1\n[user]\n\tname = Other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", config)
	t.Setenv("GIT_DEFAULT_HASH", "sha256")
	t.Setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
	t.Setenv("GIT_DIR", t.TempDir())
	dir := filepath.Join(t.TempDir(), "storage.git")
	branches, err := small["history"](t.Context(), generate.Options{Dir: dir, Seed: 1})
	if err != nil || branches[0].Head != pinned {
		t.Errorf("%+v, %v", branches, err)
	}
}

func TestRefusesAFolderWithSomethingInIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := small["tiny"](t.Context(), generate.Options{Dir: dir}); !errors.Is(err, generate.ErrNotEmpty) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("what was there is gone:", err)
	}
}

func TestRefusesWrongScales(t *testing.T) {
	for _, scale := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		dir := filepath.Join(t.TempDir(), "storage.git")
		if _, err := generate.History(t.Context(), generate.Options{Dir: dir, Scale: scale}); err == nil {
			t.Errorf("scale %v: no error", scale)
		}
	}
}

// TestCancelled: git is ended too, and no half storage is left to be taken for a whole one.
func TestCancelled(t *testing.T) {
	for name, existing := range map[string]bool{"a new folder": false, "an empty folder": true} {
		dir := filepath.Join(t.TempDir(), "storage.git")
		if existing {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		start := time.Now()
		branches, err := generate.Huge(ctx, generate.Options{Dir: dir}, 100e9)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || branches != nil {
			t.Errorf("%s: %v, %v", name, branches, err)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("%s: it took %v to end", name, took)
		}
		left, err := os.ReadDir(dir)
		if len(left) > 0 || existing != (err == nil) {
			t.Errorf("%s: left are %v, %v", name, left, err)
		}
	}
}

// TestCancelledWhileGitDoesNotRead: what is written then waits for git, and does not look at the context.
func TestCancelledWhileGitDoesNotRead(t *testing.T) {
	real, err := exec.LookPath("git")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no git, or no shell to put in its place")
	}
	bin := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *fast-import*) exec sleep 60 ;; esac\nexec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	dir := filepath.Join(t.TempDir(), "storage.git")
	if _, err := generate.Huge(ctx, generate.Options{Dir: dir}, 10_000_000); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "storage.git")
	if _, err := small["history"](ctx, generate.Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}
