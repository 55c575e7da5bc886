package gitstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

func mirror(t *testing.T, of, dir string) *gitstore.Storage {
	t.Helper()
	s, err := gitstore.Mirror(t.Context(), "file://"+of, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMirror(t *testing.T) {
	upstream := checkout(t, "production", "staging")
	git(t, upstream, "tag", "v1")
	dir := filepath.Join(t.TempDir(), "deep", "mirror.git")
	s := mirror(t, upstream, dir)
	wantLines(t, "staging", listed(t, s, "staging"), []string{"100644 manifest.yml=staging"})
	if s.Location() != "file://"+upstream {
		t.Errorf("the location is %s", s.Location())
	}
	if refs := git(t, dir, "for-each-ref", "--format=%(refname)"); refs != "refs/heads/production\nrefs/heads/staging" {
		t.Errorf("the mirror has\n%s", refs)
	}

	// Only what is new is fetched: the first objects are where they were.
	first := resolve(t, upstream, "staging")
	before := objects(t, dir)
	commit(t, upstream, "new", "new")
	s = mirror(t, upstream, dir)
	wantLines(t, "staging", listed(t, s, "staging"), []string{"100644 manifest.yml=staging", "100644 new=new"})
	after := objects(t, dir)
	for id := range before {
		if !after[id] {
			t.Errorf("%s was written anew", id)
		}
		delete(after, id)
	}
	if len(after) != 3 && len(after) != 2 { // commit, tree and blob, or a pack of them and its index
		t.Errorf("fetched were %v", after)
	}

	// History may be rewritten, branches may go and come.
	git(t, upstream, "reset", "--quiet", "--hard", string(first))
	commit(t, upstream, "other", "other")
	git(t, upstream, "branch", "--quiet", "-D", "production")
	git(t, upstream, "branch", "production/next")
	s = mirror(t, upstream, dir)
	wantLines(t, "staging", listed(t, s, "staging"), []string{"100644 manifest.yml=staging", "100644 other=other"})
	if s.HasBranch("production") || !s.HasBranch("production/next") {
		t.Error("production is still there, or production/next is not")
	}
}

// objects are the names of files that hold objects.
func objects(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "objects", "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range append(found, packs...) {
		names[strings.TrimPrefix(path, dir)] = true
	}
	return names
}

// TestMirrorOfEitherFormat: ids of 64 digits are as good as those of 40.
func TestMirrorOfEitherFormat(t *testing.T) {
	for _, format := range formats {
		upstream := checkoutIn(t, filepath.Join(folder(t), format), format, "production")
		dir := filepath.Join(t.TempDir(), "mirror.git")
		s, err := gitstore.Mirror(t.Context(), "file://"+upstream, dir)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		wantLines(t, format, listed(t, s, "production"), []string{"100644 manifest.yml=production"})
		before := objects(t, dir)
		commit(t, upstream, "new", "new")
		wantLines(t, format, listed(t, mirror(t, upstream, dir), "production"), []string{"100644 manifest.yml=production", "100644 new=new"})
		after := objects(t, dir)
		for id := range before {
			if !after[id] {
				t.Errorf("%s: everything was fetched again", format)
			}
		}
	}
}

// TestStorageMadeAnewInTheOtherFormat: a URL may stand for another repository than it did.
func TestStorageMadeAnewInTheOtherFormat(t *testing.T) {
	upstream, dir := filepath.Join(folder(t), "upstream"), filepath.Join(t.TempDir(), "mirror.git")
	for _, format := range []string{"sha1", "sha256", "sha1"} {
		if err := os.RemoveAll(upstream); err != nil {
			t.Fatal(err)
		}
		checkoutIn(t, upstream, format, "production", format)
		s := mirror(t, upstream, dir)
		wantLines(t, format, listed(t, s, format), []string{"100644 manifest.yml=" + format})
	}
}

func TestMirrorOfNothing(t *testing.T) {
	upstream := checkout(t)
	if s := mirror(t, upstream, filepath.Join(t.TempDir(), "mirror.git")); s.HasBranch("main") {
		t.Error("there is a branch")
	}
}

// TestFetchThatFailed says from where, keeps the password to itself, and leaves what was there.
func TestFetchThatFailed(t *testing.T) {
	upstream := checkout(t, "production")
	dir := filepath.Join(t.TempDir(), "mirror.git")
	mirror(t, upstream, dir)
	for _, url := range []string{
		"https://me:secret@127.0.0.1:1/storage.git", "https://me:se%cret@127.0.0.1:1/storage.git", "file:///none/storage.git",
	} {
		_, err := gitstore.Mirror(t.Context(), url, dir)
		var failed *gitstore.FetchError
		if !errors.As(err, &failed) {
			t.Fatalf("%s: %v", url, err)
		}
		if !strings.Contains(err.Error(), "storage.git") || strings.Contains(err.Error(), "cret") || strings.Contains(failed.Location, "me:") {
			t.Errorf("%s: %v", url, err)
		}
		if !strings.HasPrefix(err.Error(), "fetch ") {
			t.Errorf("the error does not say what was being done: %v", err)
		}
		wantLines(t, "the mirror", listed(t, open(t, dir), "production"), []string{"100644 manifest.yml=production"})
	}
}

// TestFetchThatFailedSaysWhy: not what ssh warned of before.
func TestFetchThatFailedSaysWhy(t *testing.T) {
	t.Setenv("GIT_SSH_VARIANT", "ssh")
	t.Setenv("GIT_SSH_COMMAND", `echo "Warning: Permanently added 'h' to the list of known hosts." >&2; `+
		`echo "git@h: Permission denied (publickey)." >&2; exit 255; :`)
	_, err := gitstore.Mirror(t.Context(), "ssh://git@h/storage.git", filepath.Join(t.TempDir(), "mirror.git"))
	if err == nil || !strings.Contains(err.Error(), "Permission denied") {
		t.Errorf("%v", err)
	}
}

// TestMirrorThatWasKilled: what it left, locks or half a repository, stops nobody.
func TestMirrorThatWasKilled(t *testing.T) {
	upstream := checkout(t, "production", "staging")
	dir := filepath.Join(t.TempDir(), "mirror.git")
	want := []string{"100644 manifest.yml=staging"}
	for i, left := range [][]string{
		{"mirror.git.new/HEAD"}, // by init
		{"mirror.git/config", "mirror.git/HEAD.lock"},
		{"mirror.git/HEAD.lock", "mirror.git/config.lock", "mirror.git/packed-refs.lock", "mirror.git/refs/heads/staging.lock"},
		{"mirror.git/shallow.lock", "mirror.git/objects/pack/tmp_pack_x", "mirror.git/objects/tmp_objdir-incoming-x/y"},
	} {
		if i == 1 {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range left {
			write(t, filepath.Join(filepath.Dir(dir), path), "")
		}
		commit(t, upstream, fmt.Sprint("new", i), "")
		want = append(want, fmt.Sprintf("100644 new%d=", i))
		s, err := gitstore.Mirror(t.Context(), "file://"+upstream, dir)
		if err != nil {
			t.Errorf("%q were left: %v", left, err)
			continue
		}
		wantLines(t, fmt.Sprintf("%q were left", left), listed(t, s, "staging"), want)
	}
}

func TestMirrorEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := gitstore.Mirror(ctx, "file://"+checkout(t, "production"), filepath.Join(t.TempDir(), "mirror.git"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestPartialClone: a blob that was left out is fetched by git itself, and missing where it can't be.
func TestPartialClone(t *testing.T) {
	upstream := checkout(t, "production")
	git(t, upstream, "config", "uploadpack.allowFilter", "true")
	git(t, upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
	base := folder(t)
	for _, name := range []string{"online", "offline"} {
		git(t, "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+upstream, filepath.Join(base, name))
	}
	blob := resolve(t, upstream, "production:manifest.yml")
	wantLines(t, "production", listed(t, open(t, filepath.Join(base, "online")), "production"), []string{"100644 manifest.yml=production"})
	if err := os.Rename(upstream, upstream+".gone"); err != nil {
		t.Fatal(err)
	}
	r := reader(t, open(t, filepath.Join(base, "offline")))
	_, err := r.Sizes([]object.ID{blob})
	var missing *object.LostError
	if !errors.As(err, &missing) || missing.ID != blob {
		t.Errorf("without its remote: %v", err)
	}
}
