package gitstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
)

func TestOpen(t *testing.T) {
	dir := checkout(t, "production")
	beside := filepath.Dir(dir)
	git(t, "", "clone", "--quiet", "--bare", dir, filepath.Join(beside, "bare.git"))
	git(t, dir, "worktree", "add", "--quiet", "--detach", filepath.Join(beside, "worktree"))
	git(t, "", "clone", "--quiet", "--shared", dir, filepath.Join(beside, "borrowing"))
	if err := os.Symlink(dir, filepath.Join(beside, "link")); err != nil {
		t.Fatal(err)
	}
	git(t, "", "init", "--quiet", "--separate-git-dir="+filepath.Join(beside, "apart.git"), filepath.Join(beside, "apart"))
	git(t, filepath.Join(beside, "apart"), "fetch", "--quiet", dir, "production:production")
	for _, path := range []string{
		"checkout", "checkout/.git", "bare.git", "worktree", "borrowing", "link", "link/.git", "apart", "apart.git", "checkout/.",
	} {
		s, err := gitstore.Open(t.Context(), filepath.Join(beside, path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		wantLines(t, path, listed(t, s, "production"), []string{"100644 manifest.yml=production"})
		if s.Location() != filepath.Join(beside, path) {
			t.Errorf("%s: the location is %s", path, s.Location())
		}
		if s.Shallow() || s.Replaced() != 0 {
			t.Errorf("%s: shallow %v, replaced %d", path, s.Shallow(), s.Replaced())
		}
	}
}

func TestOpenRelative(t *testing.T) {
	t.Chdir(checkout(t, "production"))
	s := open(t, ".")
	t.Chdir(t.TempDir())
	wantLines(t, "branch", listed(t, s, "production"), []string{"100644 manifest.yml=production"})
	if s.Location() != "." {
		t.Errorf("the location is %s", s.Location())
	}
}

func TestOpenAsAnotherName(t *testing.T) {
	s, err := gitstore.OpenAs(t.Context(), checkout(t, "production"), "https://example.org/x.git")
	if err != nil || s.Location() != "https://example.org/x.git" {
		t.Errorf("%v, %v", s, err)
	}
	var not *gitstore.NotStorageError
	if _, err := gitstore.OpenAs(t.Context(), t.TempDir(), "the sample"); !errors.As(err, &not) || not.Location != "the sample" {
		t.Errorf("%v", err)
	}
}

// TestNotAStorage: least of all is a folder inside of some checkout one, whose repository git would find further up.
func TestNotAStorage(t *testing.T) {
	dir := checkout(t, "production")
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "folder"), filepath.Join(filepath.Dir(dir), "link")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "bundle", "create", "--quiet", "storage.bundle", "production")
	for path, why := range map[string]string{
		"checkout/folder":          "no repository there",
		"link":                     "no repository there",
		"checkout/.git/refs":       "no repository there",
		".":                        "no repository there",
		"checkout/manifest.yml":    "it is a file",
		"checkout/storage.bundle":  "git clone --bare",
		"checkout/none":            "no such folder",
		"checkout/manifest.yml/no": "",
	} {
		_, err := gitstore.Open(t.Context(), filepath.Join(filepath.Dir(dir), path))
		var not *gitstore.NotStorageError
		if !errors.As(err, &not) {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if not.Location != filepath.Join(filepath.Dir(dir), path) || !strings.Contains(not.Why, why) ||
			!strings.Contains(err.Error(), not.Location) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestNotAStorageBelowAColon: GIT_CEILING_DIRECTORIES is a list with colons between, and can't hold such a path.
func TestNotAStorageBelowAColon(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no path has a colon there")
	}
	dir := checkoutIn(t, filepath.Join(folder(t), "a:b", "checkout"), "sha1", "production")
	write(t, filepath.Join(dir, "folder", "file"), "")
	wantLines(t, "the checkout", listed(t, open(t, dir), "production"), []string{"100644 manifest.yml=production"})
	_, err := gitstore.Open(t.Context(), filepath.Join(dir, "folder"))
	var not *gitstore.NotStorageError
	if !errors.As(err, &not) {
		t.Errorf("a folder of a checkout is taken for a storage: %v", err)
	}
}

// TestHooksVariablesDoNotMatter: in a hook or an alias, git sets variables that name its own repository.
func TestHooksVariablesDoNotMatter(t *testing.T) {
	dir, other := checkout(t, "production"), checkout(t, "other")
	gitDir := filepath.Join(other, ".git")
	for _, name := range strings.Fields(git(t, dir, "rev-parse", "--local-env-vars")) {
		if strings.HasPrefix(name, "GIT_CONFIG") || strings.HasPrefix(name, "GIT_INTERNAL") {
			continue // how people configure git, in a container for instance; and what only git itself sets
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, gitDir)
			s := open(t, dir)
			if s.Shallow() {
				t.Error("it is taken for a shallow clone")
			}
			wantLines(t, "branch", listed(t, s, "production"), []string{"100644 manifest.yml=production"})
			made, err := s.Over(t.Context(), filepath.Join(t.TempDir(), "over.git"), nil)
			if err != nil || made == nil {
				t.Errorf("Over: %v", err)
			}
		})
	}
}

func TestRepositoryOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	dir := checkout(t, "production")
	for _, path := range []string{dir, filepath.Join(dir, ".git")} {
		if err := os.Chown(path, 12345, 12345); err != nil {
			t.Skip(err)
		}
	}
	_, err := gitstore.Open(t.Context(), dir)
	var untrusted *gitstore.UntrustedError
	if !errors.As(err, &untrusted) || untrusted.Location != dir {
		t.Errorf("%v", err)
	}
}

func TestDamagedRepository(t *testing.T) {
	dir := checkout(t, "production")
	write(t, filepath.Join(dir, ".git", "config"), "[core\n")
	_, err := gitstore.Open(t.Context(), dir)
	var not *gitstore.NotStorageError
	if !errors.As(err, &not) || !strings.Contains(err.Error(), "config") {
		t.Errorf("%v", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gitstore.Open(ctx, checkout(t, "production")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestShallowClone(t *testing.T) {
	dir := checkout(t, "production", "staging")
	commit(t, dir, "new", "new")
	clone := filepath.Join(filepath.Dir(dir), "clone")
	git(t, "", "clone", "--quiet", "--depth=1", "--branch=staging", "file://"+dir, clone)
	s := open(t, clone)
	if !s.Shallow() {
		t.Error("nobody is told")
	}
	wantLines(t, "branch", listed(t, s, "staging"), []string{"100644 manifest.yml=staging", "100644 new=new"})
	var no *gitstore.NoBranchError
	if _, err := s.Branch("production"); !errors.As(err, &no) || !no.Shallow {
		t.Errorf("a branch that was not cloned: %v", err)
	}
}
