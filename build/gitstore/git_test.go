package gitstore_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
)

func TestWithoutGit(t *testing.T) {
	dir := checkout(t, "production")
	s := open(t, dir)
	t.Setenv("PATH", t.TempDir())
	if _, err := gitstore.Open(t.Context(), dir); !errors.Is(err, gitstore.ErrNoGit) {
		t.Errorf("Open: %v", err)
	}
	if _, err := s.Reader(t.Context()); !errors.Is(err, gitstore.ErrNoGit) {
		t.Errorf("Reader: %v", err)
	}
}

// TestOldGit: one before 2.36 does not know --batch-command, and says so in words that help nobody.
func TestOldGit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the old git is a shell script")
	}
	dir := checkout(t, "production")
	commit := resolve(t, dir, "production")
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *--batch-command*) echo \"error: unknown option \\`batch-command'\" >&2; exit 129;; esac\n" +
		"exec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := reader(t, open(t, dir)).Commit(commit); !errors.Is(err, gitstore.ErrOldGit) {
		t.Errorf("%v", err)
	}
}
