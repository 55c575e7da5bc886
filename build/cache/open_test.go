package cache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/seed-604f7181/package-storage/build/cache"
)

func TestOpenMakesTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	c := open(t, dir, 0)
	if c.Dir() != dir {
		t.Errorf("Dir is %s", c.Dir())
	}
	// Backup programs look for this line (bford.info/cachedir).
	if tag := read(t, filepath.Join(dir, "CACHEDIR.TAG")); !strings.HasPrefix(tag, "Signature: 8a477f597d28d172789f06886806bc55\n") {
		t.Errorf("the tag is %q", tag)
	}
	closed(t, c)
	wantFiles(t, dir)
}

func TestOpenOfARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	c := open(t, "cache", 0)
	if !filepath.IsAbs(c.Dir()) {
		t.Errorf("Dir is %s", c.Dir())
	}
	t.Chdir(t.TempDir())
	put(t, c, "hello")
	if !there(t, c, "hello") {
		t.Error("the cache moved with the working folder")
	}
	closed(t, c)
}

func TestOpenRefusesAFolderOfSomebodyElse(t *testing.T) {
	for name, make := range map[string]func(dir string) error{
		"a file":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644) },
		"a folder": func(dir string) error { return os.Mkdir(filepath.Join(dir, "photos"), 0o755) },
		"among folders like ours": func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "CACHEDIR.TAG"), nil, 0o644), os.Mkdir(filepath.Join(dir, ".git"), 0o755))
		},
	} {
		dir := t.TempDir()
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		before := len(names(t, dir))
		var foreign *cache.ForeignError
		if _, err := cache.Open(t.Context(), dir, 0); !errors.As(err, &foreign) || foreign.Dir != dir {
			t.Errorf("%s: %v", name, err)
		}
		if after := len(names(t, dir)); after != before {
			t.Errorf("%s: %d entries became %d", name, before, after)
		}
		if err := cache.Clean(dir); !errors.As(err, &foreign) || foreign.Dir != dir {
			t.Errorf("%s: Clean: %v", name, err)
		}
		if after := len(names(t, dir)); after != before {
			t.Errorf("%s: Clean made of %d entries %d", name, before, after)
		}
	}
}

func names(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestOpenWhereAFileIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Open(t.Context(), path, 0); err == nil {
		t.Error("a file was opened")
	}
	if err := cache.Clean(path); err == nil {
		t.Error("a file was cleaned")
	}
	if read(t, path) != "mine" {
		t.Error("the file was changed")
	}
}

func TestOpenWhereNothingCanBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "cache")
	var failed *cache.WriteError
	if _, err := cache.Open(t.Context(), dir, 0); !errors.As(err, &failed) || failed.Dir != dir || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v", err)
	}
}

// TestHalfMadeCacheIsMadeWhole: a process was killed while it made it.
func TestHalfMadeCacheIsMadeWhole(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "CACHEDIR.TAG"), []byte(tagOf(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, 0)
	put(t, c, "hello")
	closed(t, c)
	if err := cache.Clean(dir); err != nil {
		t.Error(err)
	}
}

func TestOpenWaitsForWhoRemoves(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir, 0))
	removing := flock.New(filepath.Join(dir, "lock"))
	if err := removing.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := cache.Open(ctx, dir, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("did not wait: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { removing.Close() })
	closed(t, open(t, dir, 0))
}

func TestCleanEmptiesACache(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	put(t, c, "hello")
	if err := c.PutRecord("layer", "key", "value"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Storage("key"), 0o755); err != nil {
		t.Fatal(err)
	}
	closed(t, c)
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := cache.Clean(dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, "notes.txt")
	if left := names(t, dir); len(left) != 3 {
		t.Errorf("there are %v, want the tag, the lock, and the file that is not ours", left)
	}
	if err := cache.Clean(dir); err != nil {
		t.Errorf("again: %v", err)
	}
	c = open(t, dir, 0)
	if there(t, c, "hello") {
		t.Error("a blob is still there")
	}
	put(t, c, "hello")
	closed(t, c)
}

func TestCleanOfNothing(t *testing.T) {
	if err := cache.Clean(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
	// Open would take it for one of ours.
	if err := cache.Clean(t.TempDir()); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestCleanRefusesWhileOpen(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	put(t, c, "hello")
	var busy *cache.BusyError
	if err := cache.Clean(dir); !errors.As(err, &busy) || busy.Dir != dir {
		t.Errorf("%v", err)
	}
	if !there(t, c, "hello") {
		t.Error("the blob is gone")
	}
	closed(t, c)
	end, _ := hold(t, dir)
	if err := cache.Clean(dir); !errors.As(err, &busy) {
		t.Errorf("while another process has it open: %v", err)
	}
	end()
	if err := cache.Clean(dir); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// tagOf is what a cache of ours is tagged with.
func tagOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	closed(t, open(t, dir, 0))
	return read(t, filepath.Join(dir, "CACHEDIR.TAG"))
}
