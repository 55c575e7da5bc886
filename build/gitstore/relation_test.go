package gitstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// history is a checkout whose commits have names:
//
//	1 - 2 - 3 - merge    branch production
//	     \     /
//	      4 - 5          unrelated, a branch of its own
func history(t *testing.T, format string) (dir string, id map[string]object.ID) {
	t.Helper()
	dir = checkoutIn(t, filepath.Join(folder(t), "history"), format, "production")
	id = map[string]object.ID{"1": resolve(t, dir, "production")}
	id["2"] = commit(t, dir, "2", "2")
	id["3"] = commit(t, dir, "3", "3")
	git(t, dir, "checkout", "--quiet", "--detach", string(id["2"]))
	id["4"] = commit(t, dir, "4", "4")
	id["5"] = commit(t, dir, "5", "5")
	git(t, dir, "checkout", "--quiet", "production")
	git(t, dir, "merge", "--quiet", "--no-edit", string(id["5"]))
	id["merge"] = resolve(t, dir, "HEAD")
	git(t, dir, "checkout", "--quiet", "--orphan", "unrelated")
	id["unrelated"] = commit(t, dir, "unrelated", "unrelated")
	return dir, id
}

// wantRelation checks it both ways.
func wantRelation(t *testing.T, what string, s *gitstore.Storage, a, b object.ID, want gitstore.Relation) {
	t.Helper()
	back := want
	switch want {
	case gitstore.Ancestor:
		back = gitstore.Descendant
	case gitstore.Descendant:
		back = gitstore.Ancestor
	}
	if got, err := s.Relation(t.Context(), a, b); err != nil || got != want {
		t.Errorf("%s: %v, want %v; %v", what, got, want, err)
	}
	if got, err := s.Relation(t.Context(), b, a); err != nil || got != back {
		t.Errorf("%s, the other way: %v, want %v; %v", what, got, back, err)
	}
}

func TestRelation(t *testing.T) {
	for _, format := range formats {
		dir, id := history(t, format)
		s := open(t, dir)
		for names, want := range map[[2]string]gitstore.Relation{
			{"1", "1"}: gitstore.Same, {"1", "2"}: gitstore.Ancestor, {"1", "merge"}: gitstore.Ancestor, {"merge", "4"}: gitstore.Descendant,
			{"3", "merge"}: gitstore.Ancestor, {"3", "5"}: gitstore.Diverged, {"4", "3"}: gitstore.Diverged, {"unrelated", "merge"}: gitstore.Diverged,
		} {
			wantRelation(t, fmt.Sprint(format, names), s, id[names[0]], id[names[1]], want)
		}
	}
}

// TestRelationOfWhatIsNoCommitHere, be it of another repository or another kind.
func TestRelationOfWhatIsNoCommitHere(t *testing.T) {
	dir, id := history(t, "sha1")
	s := open(t, dir)
	for name, other := range map[string]object.ID{
		"unknown": object.ID(strings.Repeat("ab", 20)), "other format": object.ID(strings.Repeat("ab", 32)),
		"tree": resolve(t, dir, "production^{tree}"), "blob": resolve(t, dir, "production:manifest.yml"),
		"none": "",
	} {
		wantRelation(t, name, s, id["3"], other, gitstore.Unknown)
		wantRelation(t, name+" and itself", s, other, other, gitstore.Unknown)
	}
	wantRelation(t, "both unknown", s, object.ID(strings.Repeat("ab", 20)), object.ID(strings.Repeat("cd", 20)), gitstore.Unknown)
}

// TestRelationBesideAFileOfItsName: git asks which is meant.
func TestRelationBesideAFileOfItsName(t *testing.T) {
	dir, id := history(t, "sha1")
	write(t, filepath.Join(dir, string(id["1"]+"..."+id["3"])), "")
	write(t, filepath.Join(dir, string(id["1"])), "")
	wantRelation(t, "1 and 3", open(t, dir), id["1"], id["3"], gitstore.Ancestor)
}

// TestRelationInAShallowClone: what joins two commits may have been cut off.
func TestRelationInAShallowClone(t *testing.T) {
	dir, id := history(t, "sha1")
	clone := filepath.Join(filepath.Dir(dir), "clone")
	git(t, dir, "branch", "three", string(id["3"]))
	git(t, dir, "branch", "five", string(id["5"]))
	git(t, "", "clone", "--quiet", "--bare", "--no-single-branch", "--depth=2", "file://"+dir, clone)
	s := open(t, clone)
	wantRelation(t, "parent and child", s, id["4"], id["5"], gitstore.Ancestor)
	wantRelation(t, "side of a merge", s, id["5"], id["merge"], gitstore.Ancestor)
	wantRelation(t, "joined by 2, or not", s, id["3"], id["5"], gitstore.Unknown)
	wantRelation(t, "unrelated, or not", s, id["unrelated"], id["merge"], gitstore.Unknown)
	wantRelation(t, "where history ends", s, id["4"], id["4"], gitstore.Same)
	wantRelation(t, "not there", s, object.ID(strings.Repeat("ab", 20)), id["3"], gitstore.Unknown)

	// Each commit stands alone there, though one is the other's parent.
	alone := filepath.Join(filepath.Dir(dir), "alone")
	git(t, "", "init", "--quiet", "--bare", alone)
	git(t, alone, "fetch", "--quiet", "--depth=1", "file://"+dir, string(id["3"])+":refs/heads/three")
	git(t, alone, "fetch", "--quiet", "--depth=1", "file://"+dir, string(id["1"])+":refs/heads/one")
	wantRelation(t, "what is between them was cut off", open(t, alone), id["1"], id["3"], gitstore.Unknown)
}

// TestRelationInAPartialClone: its remote is not asked for commits, which are all there or not known there either.
func TestRelationInAPartialClone(t *testing.T) {
	upstream, id := history(t, "sha1")
	git(t, upstream, "config", "uploadpack.allowFilter", "true")
	dir, requests := partialClone(t, upstream)
	git(t, upstream, "checkout", "--quiet", "production")
	newer := commit(t, upstream, "newer", "newer")
	s := open(t, dir)
	wantRelation(t, "3 and 5", s, id["3"], id["5"], gitstore.Diverged)
	wantRelation(t, "1 and merge", s, id["1"], id["merge"], gitstore.Ancestor)
	wantRelation(t, "newer than the clone", s, id["merge"], newer, gitstore.Unknown)
	wantRelation(t, "newer than the clone, and itself", s, newer, newer, gitstore.Unknown)
	wantRelation(t, "unknown to the remote", s, id["merge"], object.ID(strings.Repeat("ab", 20)), gitstore.Unknown)
	wantRelation(t, "a blob that is not here", s, id["merge"], resolve(t, upstream, "production:5"), gitstore.Unknown)
	if n := requests(); n != 0 {
		t.Errorf("the remote was asked %d times", n)
	}
	// So that a count of none means something:
	if _, err := reader(t, s).Commit(newer); err != nil || requests() != 1 {
		t.Errorf("%v; requests are not counted", err)
	}
}

// TestRelationIgnoresReplacements: they are of one repository only.
func TestRelationIgnoresReplacements(t *testing.T) {
	dir, id := history(t, "sha1")
	git(t, dir, "replace", "--graft", string(id["3"]))
	git(t, dir, "replace", "--graft", string(id["unrelated"]), string(id["1"]))
	s := open(t, dir)
	wantRelation(t, "parents taken away", s, id["1"], id["3"], gitstore.Ancestor)
	wantRelation(t, "a parent given", s, id["1"], id["unrelated"], gitstore.Diverged)
}

// TestRelationInADamagedHistory is an error: it would be a guess.
func TestRelationInADamagedHistory(t *testing.T) {
	dir, id := history(t, "sha1")
	lost := string(id["2"])
	if err := os.Remove(filepath.Join(dir, ".git", "objects", lost[:2], lost[2:])); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	got, err := s.Relation(t.Context(), id["1"], id["merge"])
	if err == nil || got != gitstore.Unknown || !strings.Contains(err.Error(), lost) {
		t.Errorf("%v, %v", got, err)
	}

	// Git 2.44 and later go on, and print what they miss.
	if runtime.GOOS == "windows" {
		t.Skip("the new git is a shell script")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\necho '?"+lost+"'\nprintf '0\\t2\\n'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	got, err = s.Relation(t.Context(), id["1"], id["merge"])
	var missing *object.LostError
	if got != gitstore.Unknown || !errors.As(err, &missing) || missing.ID != id["2"] {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRelationEndsWithItsContext(t *testing.T) {
	dir, id := history(t, "sha1")
	s := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := s.Relation(ctx, id["1"], id["2"]); !errors.Is(err, context.Canceled) || got != gitstore.Unknown {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRelationString(t *testing.T) {
	if got := fmt.Sprint(gitstore.Unknown, gitstore.Same, gitstore.Ancestor, gitstore.Descendant, gitstore.Diverged, gitstore.Relation(9)); got != "unknown same ancestor descendant diverged unknown" {
		t.Error(got)
	}
}
