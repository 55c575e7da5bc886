package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestTwoAtOnce: both see what either puts, and both may put the same.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, 0), open(t, dir, 0)
	put(t, a, "from a")
	put(t, b, "from b")
	if !there(t, b, "from a") || !there(t, a, "from b") {
		t.Error("one does not see what the other put")
	}
	var writers []interface {
		io.Writer
		Abort()
	}
	first, err := a.NewBlob()
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.NewBlob()
	if err != nil {
		t.Fatal(err)
	}
	writers = append(writers, first, second)
	for _, w := range writers {
		if _, err := io.WriteString(w, "from both"); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(digest("from both")); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(digest("from both")); err != nil {
		t.Fatal(err)
	}
	if !there(t, a, "from both") || !there(t, b, "from both") {
		t.Error("what both put is not there")
	}
	closed(t, a)
	if !there(t, b, "from a") {
		t.Error("what one put went with it")
	}
	closed(t, b)
}

// TestManyGoroutines is to be run with -race, too.
func TestManyGoroutines(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	var group errgroup.Group
	for i := range 16 {
		group.Go(func() error {
			for j := range 10 {
				content := fmt.Sprint("content ", (i+j)%20)
				if err := c.Put(digest(content), strings.NewReader(content)); err != nil {
					return err
				}
				if path, err := c.Blob(digest(content)); err != nil || path == "" {
					return fmt.Errorf("%s is at %q, %v", content, path, err)
				}
				if err := c.PutRecord("layer", fmt.Sprint(j), content); err != nil {
					return err
				}
				var got string
				if known, err := c.Record("layer", fmt.Sprint(j), &got); err != nil || !known {
					return fmt.Errorf("record %d: %v, %v", j, known, err)
				}
				c.Storage("mirror")
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	closed(t, c)
}

// TestKilledProcessIsSweptAway, and what the living write stays.
func TestKilledProcessIsSweptAway(t *testing.T) {
	dir := t.TempDir()
	end, _ := hold(t, dir)
	living := files(t, dir)
	if len(living) != 2 {
		t.Fatalf("the other process has %q, want its lock and half a blob", living)
	}
	_, kill := hold(t, dir)
	if got := files(t, dir); len(got) != 4 {
		t.Fatalf("the two processes have %q", got)
	}
	kill()
	closed(t, open(t, dir, 0))
	wantFiles(t, dir, living...)
	end()
	wantFiles(t, dir)
}

// TestLeftoversAreSweptAway: an unlocked lock belongs to nobody, whatever made it.
func TestLeftoversAreSweptAway(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir, 0))
	left := filepath.Join(dir, "tmp", "x")
	if err := os.MkdirAll(filepath.Join(left, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{left + ".lock", filepath.Join(left, "blob-1"), filepath.Join(left, "deep", "file")} {
		if err := os.WriteFile(path, []byte("left"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir, 0)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("the folder is still there")
	}
	if _, err := os.Stat(left + ".lock"); !os.IsNotExist(err) {
		t.Error("the lock is still there")
	}
	closed(t, c)
	wantFiles(t, dir)
}

func TestTemporaryFolderGoesWithTheProcess(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	one, err := c.Temporary()
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Temporary()
	if err != nil || one == two {
		t.Fatalf("%s, %s, %v", one, two, err)
	}
	if err := os.WriteFile(filepath.Join(one, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir, 0)) // sweeps, but not what is in use
	if _, err := os.Stat(filepath.Join(one, "file")); err != nil {
		t.Error(err)
	}
	closed(t, c)
	if _, err := os.Stat(one); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
}

func TestLockIsForOne(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, 0), open(t, dir, 0)
	defer closed(t, a)
	defer closed(t, b)
	unlock, err := a.Lock(t.Context(), "storage")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.Lock(ctx, "storage"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two have it: %v", err)
	}
	other, err := b.Lock(t.Context(), "another storage")
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	unlock, err = b.Lock(t.Context(), "storage")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// TestFolderWithoutALockIsSweptAway: a compiler that outlived the process that was killed went on writing.
func TestFolderWithoutALockIsSweptAway(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir, 0))
	orphan := filepath.Join(dir, "tmp", "4023646633")
	if err := os.MkdirAll(filepath.Join(orphan, "package-registry-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir, 0)
	living, err := other.Temporary()
	if err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir, 0))
	if _, err := os.Stat(orphan); !os.IsNotExist(err) {
		t.Errorf("it is still there (%v)", err)
	}
	if _, err := os.Stat(living); err != nil {
		t.Errorf("so is not the folder of a process that lives: %v", err)
	}
	closed(t, other)
}
