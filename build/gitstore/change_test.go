package gitstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// shelf is a bare storage: production has packages, of which one file is executable.
func shelf(t *testing.T, format string) string {
	t.Helper()
	dir := checkoutIn(t, filepath.Join(folder(t), "checkout"), format, "production")
	for _, path := range []string{"packages/apm/1.0.0/manifest.yml", "packages/apm/1.0.1/manifest.yml", "packages/nginx/1.0.0/manifest.yml", "Dockerfile"} {
		commit(t, dir, path, "content of "+path)
	}
	if err := os.Chmod(filepath.Join(dir, "Dockerfile"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "commit", "--quiet", "--all", "--message=mode")
	git(t, dir, "branch", "staging")
	bare := filepath.Join(folder(t), "storage.git")
	git(t, "", "clone", "--quiet", "--bare", dir, bare)
	return bare
}

// changed makes one commit and returns all files of it: "<mode> <path>".
func changed(t *testing.T, dir string, c gitstore.Change) (object.ID, []string) {
	t.Helper()
	commits, err := open(t, dir).Commit(t.Context(), []gitstore.Change{c})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for line := range strings.Lines(git(t, dir, "ls-tree", "-r", "--format=%(objectmode) %(path)", string(commits[0]))) {
		files = append(files, strings.TrimSpace(line))
	}
	return commits[0], files
}

func TestCommit(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		dir := shelf(t, format)
		head, apm := resolve(t, dir, "production"), resolve(t, dir, "production:packages/apm/1.0.0")
		all := []string{
			"100755 Dockerfile", "100644 manifest.yml", "100644 packages/apm/1.0.0/manifest.yml", "100644 packages/apm/1.0.1/manifest.yml",
			"100644 packages/nginx/1.0.0/manifest.yml",
		}
		for what, c := range map[string]struct {
			change gitstore.Change
			want   func() []string
		}{
			"a folder more": {
				gitstore.Change{Folders: map[string]object.ID{"packages/apm/1.0.2": apm}},
				func() []string { return slices.Insert(slices.Clone(all), 4, "100644 packages/apm/1.0.2/manifest.yml") },
			},
			"a folder in a folder that is new": {
				gitstore.Change{Folders: map[string]object.ID{"packages/zoo/1.0.0": apm}},
				func() []string { return append(slices.Clone(all), "100644 packages/zoo/1.0.0/manifest.yml") },
			},
			"a folder less":              {gitstore.Change{Remove: []string{"packages/apm/1.0.1"}}, func() []string { return slices.Delete(slices.Clone(all), 3, 4) }},
			"the last of a folder":       {gitstore.Change{Remove: []string{"packages/nginx/1.0.0"}}, func() []string { return all[:4] }},
			"what is not there":          {gitstore.Change{Remove: []string{"packages/none/1.0.0", "none"}}, func() []string { return all }},
			"a file's content":           {gitstore.Change{Files: map[string][]byte{"Dockerfile": []byte("new")}}, func() []string { return all }},
			"a file more":                {gitstore.Change{Files: map[string][]byte{"tombstones.yml": nil}}, func() []string { return append(slices.Clone(all), "100644 tombstones.yml") }},
			"all of packages but a file": {gitstore.Change{Remove: []string{"packages/apm", "packages/nginx"}, Files: map[string][]byte{"packages/.gitkeep": nil}}, func() []string { return []string{all[0], all[1], "100644 packages/.gitkeep"} }},
		} {
			c.change.On, c.change.Message = head, "Change\n\nzażółć gęślą jaźń\n"
			id, files := changed(t, dir, c.change)
			if want := c.want(); !slices.Equal(files, want) {
				t.Errorf("%s, %s: %q, want %q", format, what, files, want)
			}
			if what == "what is not there" {
				if id != head {
					t.Errorf("%s: nothing changes, and there is a commit", format)
				}
				continue
			}
			if got := git(t, dir, "log", "-1", "--format=%P %an %ce %B", string(id)); got != string(head)+" Author committer@example.org Change\n\nzażółć gęślą jaźń" {
				t.Errorf("%s: %q", what, got)
			}
			git(t, dir, "fsck", "--strict", "--no-dangling")
		}
		if got := resolve(t, dir, "production"); got != head {
			t.Error("a branch has moved")
		}
	}
}

// TestCommitWithoutIdentity: a commit by root@localhost helps nobody.
func TestCommitWithoutIdentity(t *testing.T) {
	dir := shelf(t, "sha1")
	for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
		t.Setenv(name, "") // so that it is put back
		os.Unsetenv(name)
	}
	change := gitstore.Change{On: resolve(t, dir, "production"), Remove: []string{"packages/apm"}, Message: "m"}
	_, err := open(t, dir).Commit(t.Context(), []gitstore.Change{change})
	var identity *gitstore.IdentityError
	if !errors.As(err, &identity) || identity.Said == "" || strings.Contains(identity.Said, "\n") {
		t.Errorf("%v", err)
	}
}

// hooked is a storage with a hook, and a clone that pushes to it.
func hooked(t *testing.T, name, script string) (upstream, dir string) {
	t.Helper()
	upstream = shelf(t, "sha1")
	write(t, filepath.Join(upstream, "hooks", name), "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(filepath.Join(upstream, "hooks", name), 0o755); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(folder(t), "clone")
	git(t, "", "clone", "--quiet", "--no-checkout", "file://"+upstream, dir)
	return upstream, dir
}

// follow is a storage as Push moves it.
func follow(t *testing.T, dir string) *gitstore.Storage {
	t.Helper()
	s, err := open(t, dir).Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// moves takes a package from both branches.
func moves(t *testing.T, s *gitstore.Storage) []gitstore.Move {
	t.Helper()
	var changes []gitstore.Change
	var all []gitstore.Move
	for _, name := range []string{"production", "staging"} {
		branch, err := s.Branch(name)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, gitstore.Change{On: branch.Commit, Remove: []string{"packages/apm/1.0.0"}, Message: "Change " + name})
		all = append(all, gitstore.Move{Branch: name, From: branch.Commit})
	}
	commits, err := s.Commit(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	for i, commit := range commits {
		all[i].To = commit
	}
	return all
}

func heads(t *testing.T, dir string) string { return git(t, dir, "for-each-ref", "refs/heads") }

func TestPush(t *testing.T) {
	upstream := shelf(t, "sha1")
	clone := filepath.Join(folder(t), "clone")
	git(t, "", "clone", "--quiet", "--no-checkout", "file://"+upstream, clone)
	for what, s := range map[string]*gitstore.Storage{
		"the repository itself": follow(t, upstream),
		"origin of a clone":     follow(t, clone),
		"the URL of a mirror":   mirror(t, upstream, filepath.Join(t.TempDir(), "mirror.git")),
	} {
		before := heads(t, upstream)
		now := current(t, s, upstream)
		all := moves(t, now)
		all = append(all, gitstore.Move{Branch: "promote/x", To: all[0].To})
		if err := now.Push(t.Context(), all); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, m := range all {
			if got := resolve(t, upstream, "refs/heads/"+m.Branch); got != m.To {
				t.Errorf("%s: %s is at %s, want %s", what, m.Branch, got, m.To)
			}
		}
		for line := range strings.Lines(before) { // for the next one
			fields := strings.Fields(line)
			git(t, upstream, "update-ref", fields[2], fields[0])
		}
		git(t, upstream, "update-ref", "-d", "refs/heads/promote/x")
	}
}

// current brings a storage up to date; a mirror is by mirroring.
func current(t *testing.T, s *gitstore.Storage, upstream string) *gitstore.Storage {
	t.Helper()
	now, err := s.Follow(t.Context())
	if err != nil {
		return mirror(t, upstream, filepath.Join(t.TempDir(), "mirror.git"))
	}
	return now
}

// TestPushMovesAllOrNone: whatever is wrong with one branch, the other stays where it was.
func TestPushMovesAllOrNone(t *testing.T) {
	var moved *gitstore.MovedError
	var refused *gitstore.RefusedError
	for what, c := range map[string]struct {
		hook, script string
		meanwhile    func(t *testing.T, upstream string)
		check        func(err error) bool
	}{
		"a branch has moved": {"none", "", func(t *testing.T, upstream string) {
			git(t, upstream, "update-ref", "refs/heads/staging", "staging~1")
		}, func(err error) bool {
			return errors.As(err, &moved) && slices.Equal(moved.Branches, []string{"staging"})
		}},
		"a branch has gone": {"none", "", func(t *testing.T, upstream string) {
			git(t, upstream, "update-ref", "-d", "refs/heads/staging")
		}, func(err error) bool {
			return errors.As(err, &moved) && slices.Equal(moved.Branches, []string{"staging"})
		}},
		"a branch moves while it is received": {"pre-receive", "unset GIT_QUARANTINE_PATH; git update-ref refs/heads/staging refs/heads/staging~1", nil,
			func(err error) bool { return errors.As(err, &moved) }},
		"a hook that refuses one": {"update", `[ "$1" = refs/heads/production ] && { echo "production is protected" >&2; exit 1; }; exit 0`, nil,
			func(err error) bool {
				return errors.As(err, &refused) && slices.Equal(refused.Branches, []string{"production"}) && refused.Said == "production is protected" &&
					refused.Why == "hook declined"
			}},
		// It was named with the one before it, and "atomic push failure" for the reason.
		"a hook that refuses the last one": {"update", `[ "$1" = refs/heads/staging ] && { echo "staging is protected" >&2; exit 1; }; exit 0`, nil,
			func(err error) bool {
				return errors.As(err, &refused) && slices.Equal(refused.Branches, []string{"staging"}) && refused.Said == "staging is protected" &&
					refused.Why == "hook declined"
			}},
		"a hook that refuses all": {"pre-receive", `echo "the storage is closed" >&2; echo "until Monday" >&2; exit 1`, nil,
			func(err error) bool {
				return errors.As(err, &refused) && len(refused.Branches) == 2 && refused.Said == "the storage is closed\nuntil Monday" &&
					refused.Why == "pre-receive hook declined"
			}},
	} {
		t.Run(what, func(t *testing.T) {
			upstream, dir := hooked(t, c.hook, c.script)
			s := follow(t, dir)
			all := moves(t, s)
			if c.meanwhile != nil {
				c.meanwhile(t, upstream)
			}
			production := resolve(t, upstream, "production")
			err := s.Push(t.Context(), all)
			if err == nil || !c.check(err) {
				t.Errorf("%#v: %v", err, err)
			}
			if resolve(t, upstream, "production") != production {
				t.Error("production has moved")
			}
			for _, m := range all {
				if strings.Contains(heads(t, upstream), string(m.To)) {
					t.Errorf("%s has arrived", m.Branch)
				}
			}
		})
	}
}

// TestPushToACheckedOutBranch is refused by git itself: the working tree would be out of date.
func TestPushToACheckedOutBranch(t *testing.T) {
	dir := checkout(t, "staging", "production")
	s := follow(t, dir)
	var all []gitstore.Move
	for _, name := range []string{"production", "staging"} {
		branch, err := s.Branch(name)
		if err != nil {
			t.Fatal(err)
		}
		commits, err := s.Commit(t.Context(), []gitstore.Change{{On: branch.Commit, Files: map[string][]byte{"new": nil}, Message: "m"}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, gitstore.Move{Branch: name, From: branch.Commit, To: commits[0]})
	}
	for what, some := range map[string][]gitstore.Move{"alone": all[:1], "first": all, "last": {all[1], all[0]}} {
		err := s.Push(t.Context(), some)
		var refused *gitstore.RefusedError
		if !errors.As(err, &refused) || !refused.CheckedOut() || !slices.Equal(refused.Branches, []string{"production"}) || refused.Said != "" {
			t.Errorf("%s: %#v", what, err)
		}
	}
}

// TestPushWithoutNetwork names the place, and no token.
func TestPushWithoutNetwork(t *testing.T) {
	upstream, dir := hooked(t, "none", "")
	s := follow(t, dir)
	all := moves(t, s)
	if err := os.Rename(upstream, upstream+".gone"); err != nil {
		t.Fatal(err)
	}
	var failed *gitstore.PushError
	if err := s.Push(t.Context(), all); !errors.As(err, &failed) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%#v: %v", err, err)
	}
}

// TestFollowSeesOrigin: what others have pushed since is there, what is only in this clone is not.
func TestFollowSeesOrigin(t *testing.T) {
	upstream, dir := hooked(t, "none", "")
	git(t, dir, "branch", "local", "origin/production")
	git(t, dir, "branch", "staging", "origin/production~2")
	git(t, upstream, "update-ref", "refs/heads/staging", "staging~1")
	git(t, upstream, "branch", "new", "production")
	s := follow(t, dir)
	for name, want := range map[string]object.ID{"staging": resolve(t, upstream, "staging"), "new": resolve(t, upstream, "new")} {
		if got, err := s.Branch(name); err != nil || got.Commit != want || got.Origin != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if s.HasBranch("local") {
		t.Error("a local branch is there")
	}
	if err := os.Rename(upstream, upstream+".gone"); err != nil {
		t.Fatal(err)
	}
	var failed *gitstore.FetchError
	if _, err := open(t, dir).Follow(t.Context()); !errors.As(err, &failed) {
		t.Errorf("%v", err)
	}
}
