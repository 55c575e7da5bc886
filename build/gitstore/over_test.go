package gitstore_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// everything below a folder: names, modes, sizes, times.
func everything(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		out = append(out, fmt.Sprintf("%s %s %d %d", path, info.Mode(), info.Size(), info.ModTime().UnixNano()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOver: uncommitted packages and committed ones are read through one reader, in any kind of repository.
func TestOver(t *testing.T) {
	base := folder(t)
	sha1 := checkoutIn(t, filepath.Join(base, "sha1"), "sha1", "production")
	sha256 := checkoutIn(t, filepath.Join(base, "sha256"), "sha256", "production")
	git(t, "", "clone", "--quiet", "--bare", sha1, filepath.Join(base, "bare.git"))
	git(t, "", "clone", "--quiet", "--depth=1", "file://"+sha1, filepath.Join(base, "shallow"))
	git(t, "", "clone", "--quiet", "--shared", sha1, filepath.Join(base, "borrowing"))
	git(t, sha1, "worktree", "add", "--quiet", "--detach", filepath.Join(base, "worktree"))
	git(t, "", "clone", "--quiet", sha1, filepath.Join(base, "a \"strange\" näme"))
	for _, dir := range []string{sha1, sha256, filepath.Join(sha1, ".git"), filepath.Join(base, "bare.git"), filepath.Join(base, "shallow"),
		filepath.Join(base, "borrowing"), filepath.Join(base, "worktree"), filepath.Join(base, "a \"strange\" näme")} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := open(t, dir)
			before := everything(t, dir)
			over, err := s.Over(t.Context(), filepath.Join(t.TempDir(), "over.git"),
				[]gitstore.Folder{readFolder(t, "uncommitted", samples(t), "packages")})
			if err != nil {
				t.Fatal(err)
			}
			wantLines(t, "the folder", listed(t, over, "uncommitted"), below("packages/", imported))
			if over.Location() != s.Location() {
				t.Errorf("the location is %s", over.Location())
			}
			// One reader for both.
			r := reader(t, over)
			at, err := r.Commit(head(t, s, "production"))
			if err != nil {
				t.Fatal(err)
			}
			trees, err := r.Trees([]object.ID{at.Tree})
			if err != nil {
				t.Fatal(err)
			}
			if content, err := r.Blob(trees[0][0].ID); err != nil || string(content) != "production" {
				t.Errorf("the storage's file is %q, %v", content, err)
			}
			if _, err := r.Commit(head(t, over, "uncommitted")); err != nil {
				t.Error(err)
			}
			if after := everything(t, dir); !slices.Equal(after, before) {
				t.Errorf("the storage was changed:\n%q\nnow\n%q", before, after)
			}
		})
	}
}

// TestOverWritesNothingTwice: objects of the storage are not copied.
func TestOverWritesNothingTwice(t *testing.T) {
	dir := checkout(t, "production")
	over, err := open(t, dir).Over(t.Context(), filepath.Join(t.TempDir(), "over.git"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader(t, over).Commit(resolve(t, dir, "production")); err != nil {
		t.Error(err)
	}
	if over.HasBranch("production") {
		t.Error("the storage's branches are there, where only folders should be")
	}
}

func TestOverOfAFolderThatIsGone(t *testing.T) {
	s := open(t, checkout(t, "production"))
	root := samples(t)
	f := readFolder(t, "uncommitted", root, "packages")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Over(t.Context(), filepath.Join(t.TempDir(), "over.git"), []gitstore.Folder{f}); err == nil {
		t.Error("no error")
	}
}
