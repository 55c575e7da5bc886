package gitstore_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
)

// clone is one of a checkout, with origin's branches; production is checked out.
func clone(t *testing.T, of string) string {
	t.Helper()
	dir := filepath.Join(folder(t), "clone")
	git(t, "", "clone", "--quiet", "--branch=production", of, dir)
	return dir
}

func TestBranch(t *testing.T) {
	upstream := checkout(t, "production", "staging")
	dir := clone(t, upstream)
	theirs := resolve(t, upstream, "production")
	s := open(t, dir)
	for name, want := range map[string]gitstore.Branch{
		"production": {Name: "production", Ref: "refs/heads/production", Commit: theirs},
		"staging":    {Name: "staging", Ref: "refs/remotes/origin/staging", Commit: resolve(t, upstream, "staging")},
	} {
		if got, err := s.Branch(name); err != nil || got != want || !s.HasBranch(name) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}

	ours := commit(t, dir, "new", "new")
	want := gitstore.Branch{Name: "production", Ref: "refs/heads/production", Commit: ours, Origin: theirs}
	if got, err := open(t, dir).Branch("production"); err != nil || got != want {
		t.Errorf("local and origin's differ: %+v, %v, want %+v", got, err, want)
	}
	// A storage is of the moment it was opened.
	if got, err := s.Branch("production"); err != nil || got.Commit != theirs {
		t.Errorf("the branch moved below an open storage: %+v, %v", got, err)
	}
}

func TestBranchWithASlash(t *testing.T) {
	s := open(t, checkout(t, "production", "feature/new-packages"))
	if b, err := s.Branch("feature/new-packages"); err != nil || b.Name != "feature/new-packages" {
		t.Errorf("%+v, %v", b, err)
	}
	if s.HasBranch("new-packages") || s.HasBranch("feature") {
		t.Error("half of a name is a branch")
	}
}

func TestNoBranch(t *testing.T) {
	upstream := checkout(t, "production", "staging")
	git(t, upstream, "tag", "experimental")
	git(t, upstream, "update-ref", "refs/notes/experimental", "production")
	dir := clone(t, upstream)
	git(t, dir, "remote", "add", "fork", upstream)
	git(t, dir, "fetch", "--quiet", "fork")
	s := open(t, dir)
	for _, name := range []string{"experimental", "", "origin/staging", "heads/production", "HEAD", "snap*"} {
		_, err := s.Branch(name)
		var no *gitstore.NoBranchError
		if !errors.As(err, &no) || s.HasBranch(name) {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if no.Branch != name || no.Location != dir || no.Shallow {
			t.Errorf("%q: %+v", name, no)
		}
		if want := []string{"origin/production", "origin/staging", "production"}; !slices.Equal(no.Known, want) {
			t.Errorf("%q: known are %q, want %q", name, no.Known, want)
		}
	}
}

func TestNoBranchesAtAll(t *testing.T) {
	dir := folder(t)
	git(t, dir, "init", "--quiet", "--bare")
	_, err := open(t, dir).Branch("production")
	var no *gitstore.NoBranchError
	if !errors.As(err, &no) || len(no.Known) != 0 || err.Error() != dir+" has no branch production: it has no branches at all" {
		t.Errorf("%v", err)
	}
}

func TestIsURL(t *testing.T) {
	for location, want := range map[string]bool{
		"https://example.org/x.git": true, "http://h/x": true, "ssh://git@h:22/x": true, "git://h/x": true, "file:///x": true,
		"git@github.com:org/x.git": true, "me.too@host-1.example:~/x": true, "git+ssh://h/x": true,
		"": false, ".": false, "/x": false, "../x": false, "x": false, "x.git": false, "a/b@c:d": false, `C:\x`: false, "C:/x": false,
		"~/x": false, "-x": false, "--upload-pack=x@h:y": false,
	} {
		if got := gitstore.IsURL(location); got != want {
			t.Errorf("%q: %v", location, got)
		}
	}
}
