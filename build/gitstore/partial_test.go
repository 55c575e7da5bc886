package gitstore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// promising is a checkout that partial clones can be made of: production has four files, each committed by itself.
func promising(t *testing.T, format string) (dir string, blobs []object.ID) {
	t.Helper()
	dir = checkoutIn(t, filepath.Join(folder(t), "upstream"), format, "production")
	git(t, dir, "config", "uploadpack.allowFilter", "true")
	for _, path := range []string{"a/1", "a/2", "b"} {
		commit(t, dir, path, "content of "+path)
	}
	for _, path := range []string{"manifest.yml", "a/1", "a/2", "b"} {
		blobs = append(blobs, resolve(t, dir, "production:"+path))
	}
	return dir, blobs
}

// partialClone has no blobs. Requests to its remote are counted.
func partialClone(t *testing.T, upstream string, args ...string) (dir string, requests func() int) {
	t.Helper()
	base := folder(t)
	dir, log := filepath.Join(base, "clone"), filepath.Join(base, "requests")
	args = append([]string{"clone", "--quiet", "--no-checkout", "--filter=blob:none", "file://" + upstream, dir}, args...)
	git(t, "", args...)
	write(t, log, "")
	git(t, dir, "config", "remote.origin.uploadpack", "echo >>'"+log+"'; git-upload-pack")
	return dir, func() int {
		t.Helper()
		content, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return len(content)
	}
}

// present are the objects of a repository, sorted: "<id> <kind> <size>". Git fetches nothing to list them.
func present(t *testing.T, dir string) []string {
	t.Helper()
	lines := strings.Split(git(t, dir, "cat-file", "--batch-all-objects", "--batch-check"), "\n")
	slices.Sort(lines)
	return slices.Compact(lines) // one may be in two packs
}

func fetch(t *testing.T, s *gitstore.Storage, want int, ids ...object.ID) {
	t.Helper()
	if got, err := s.Fetch(t.Context(), ids); err != nil || got != want {
		t.Errorf("%d were fetched, want %d; %v", got, want, err)
	}
}

func TestPartial(t *testing.T) {
	upstream, _ := promising(t, "sha1")
	base := folder(t)
	for name, args := range map[string][]string{
		"ordinary": nil, "bare": {"--bare"}, "partial": {"--filter=blob:none"}, "partial and bare": {"--bare", "--filter=blob:none"},
		"shallow": {"--depth=1"}, "partial and shallow": {"--depth=1", "--filter=blob:none"}, "large left out": {"--filter=blob:limit=1k"},
		"of another remote": {"--filter=blob:none", "--origin=git.example.org"}, "treeless": {"--filter=tree:0"},
	} {
		git(t, "", append(append([]string{"clone", "--quiet"}, args...), "file://"+upstream, filepath.Join(base, name))...)
	}
	git(t, filepath.Join(base, "partial"), "worktree", "add", "--quiet", "--detach", filepath.Join(base, "worktree"))
	git(t, "", "clone", "--quiet", "--shared", filepath.Join(base, "partial"), filepath.Join(base, "borrowing"))
	for path, want := range map[string]bool{
		"ordinary": false, "bare": false, "partial": true, "partial/.git": true, "partial and bare": true, "shallow": false,
		"partial and shallow": true, "large left out": true, "of another remote": true, "worktree": true, "treeless": true,
		"borrowing": false, // git would not fetch there either
	} {
		if got := open(t, filepath.Join(base, path)).Partial(); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for path, want := range map[string]bool{"ordinary": false, "partial": false, "large left out": false, "treeless": true} {
		if got := open(t, filepath.Join(base, path)).Treeless(); got != want {
			t.Errorf("%s: treeless: %v, want %v", path, got, want)
		}
	}
	t.Setenv("GIT_CONFIG", os.DevNull) // another file, to git config alone
	if !open(t, filepath.Join(base, "partial")).Partial() {
		t.Error("GIT_CONFIG hides the remote")
	}
	if mirror(t, upstream, filepath.Join(t.TempDir(), "mirror.git")).Partial() {
		t.Error("a mirror is a partial clone")
	}
}

// TestPartialByConfiguration: all the ways in which git learns of a promisor remote.
func TestPartialByConfiguration(t *testing.T) {
	for config, want := range map[string]bool{
		"[remote \"origin\"]\n\tpromisor = true\n": true, "[remote \"origin\"]\n\tpromisor = yes\n": true, "[remote \"origin\"]\n\tpromisor\n": true,
		"[Remote \"origin\"]\n\tPROMISOR = 1\n": true, "[remote \"a.b\"]\n\tpromisor = on\n": true,
		"[remote \"origin\"]\n\tpromisor = false\n": false, "[remote \"origin\"]\n\tpromisor = 0\n": false, "[remote \"origin\"]\n\tpromisor =\n": false,
		"[remote \"origin\"]\n\tpartialclonefilter = blob:none\n": false, "[branch \"x\"]\n\tdescription = promisor\n": false,
		"[extensions]\n\tpartialClone = origin\n": true, // git 2.24 and earlier
		"[include]\n\tpath = more\n":              true, "[include]\n\tpath = none\n": false,
	} {
		dir := checkout(t, "production")
		file := filepath.Join(dir, ".git", "config")
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, ".git", "more"), "[remote \"origin\"]\n\tpromisor = true\n")
		write(t, file, string(before)+config)
		if got := open(t, dir).Partial(); got != want {
			t.Errorf("%q: %v, want %v", config, got, want)
		}
	}
}

// TestOrdinaryStorageIsOpenedByTwoProcesses: that it is no partial clone is known without a third.
func TestOrdinaryStorageIsOpenedByTwoProcesses(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	dir := checkout(t, "production")
	t.Setenv("GIT_TRACE", trace)
	open(t, dir)
	content, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), "built-in: git "); n != 2 {
		t.Errorf("there were %d:\n%s", n, content)
	}
}

func TestFetch(t *testing.T) {
	for _, format := range formats {
		for name, args := range map[string][]string{"checkout": nil, "bare": {"--bare"}, "shallow": {"--depth=1"}} {
			t.Run(format+" "+name, func(t *testing.T) {
				upstream, blobs := promising(t, format)
				dir, requests := partialClone(t, upstream, args...)
				s := open(t, dir)
				r := reader(t, s)
				if _, err := r.Commit(head(t, s, "production")); err != nil { // so that git knows the packs of before
					t.Fatal(err)
				}
				before := present(t, dir)
				fetch(t, s, 3, blobs[0], blobs[1], "", blobs[0], blobs[2])
				want := before
				for _, id := range blobs[:3] {
					want = append(want, string(id)+" blob "+git(t, upstream, "cat-file", "-s", string(id)))
				}
				slices.Sort(want)
				wantLines(t, "objects", present(t, dir), want)
				if n := requests(); n != 1 {
					t.Errorf("three blobs took %d requests", n)
				}
				// What is there is not asked for again.
				fetch(t, s, 0, blobs[0], blobs[1], blobs[2])
				if n := requests(); n != 1 {
					t.Errorf("blobs that are there took %d requests", n-1)
				}
				fetch(t, s, 1, blobs...)
				if n := requests(); n != 2 {
					t.Errorf("one more blob took %d requests", n-1)
				}
				err := r.Blobs(blobs, func(int, int64, io.Reader) error { return nil })
				if err != nil {
					t.Errorf("a reader of before: %v", err)
				}
				if n := requests(); n != 2 {
					t.Errorf("git fetched by itself, in %d requests", n-2)
				}
			})
		}
	}
}

// TestFetchOfNothing needs no git.
func TestFetchOfNothing(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	dir, _ := partialClone(t, upstream)
	partial, whole := open(t, dir), open(t, upstream)
	t.Setenv("PATH", t.TempDir())
	fetch(t, partial, 0)
	fetch(t, partial, 0, "")
	fetch(t, whole, 0, blobs...)
	fetch(t, whole, 0, object.ID(strings.Repeat("ab", 20)))
	if _, err := partial.Fetch(t.Context(), blobs); !errors.Is(err, gitstore.ErrNoGit) {
		t.Errorf("without git: %v", err)
	}
}

// TestFetchChangesNothingElse: neither branches nor the configuration, whatever git is told to do after a fetch.
func TestFetchChangesNothingElse(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	dir, _ := partialClone(t, upstream, "--mirror")
	git(t, dir, "branch", "mine", "production")
	git(t, dir, "config", "--unset", "remote.origin.partialCloneFilter")
	for _, name := range []string{"fetch.prune", "fetch.pruneTags", "fetch.writeCommitGraph", "fetch.recurseSubmodules"} {
		git(t, dir, "config", name, "true")
	}
	git(t, dir, "config", "remote.origin.tagOpt", "--tags")
	git(t, upstream, "tag", "new")
	commit(t, upstream, "new", "new")
	s := open(t, dir)
	but := func() []string {
		return slices.DeleteFunc(everything(t, dir), func(line string) bool {
			return strings.HasPrefix(line, filepath.Join(dir, "objects", "pack"))
		})
	}
	before := but()
	fetch(t, s, len(blobs), blobs...)
	wantLines(t, "the clone", but(), before)
}

// TestFetchOver: what was imported is there, and the rest is fetched into the storage itself.
func TestFetchOver(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	dir, requests := partialClone(t, upstream)
	root := folder(t)
	write(t, filepath.Join(root, "b"), "content of b")
	write(t, filepath.Join(root, "new"), "new")
	over, err := open(t, dir).Over(t.Context(), filepath.Join(t.TempDir(), "over.git"),
		[]gitstore.Folder{readFolder(t, "uncommitted", root, "")})
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, over, 3, blobs...)
	fetch(t, over, 0, blobs...)
	fetch(t, open(t, dir), 1, blobs...) // b is only beside it
	if n := requests(); n != 2 {
		t.Errorf("there were %d requests", n)
	}
}

// TestFetchAtTheSameTime: git locks what several processes may not write at once, and gives up at a lock.
func TestFetchAtTheSameTime(t *testing.T) {
	for name, args := range map[string][]string{"bare": {"--bare"}, "shallow": {"--bare", "--depth=1"}} {
		t.Run(name, func(t *testing.T) {
			upstream, blobs := promising(t, "sha1")
			dir, _ := partialClone(t, upstream, args...)
			git(t, dir, "config", "fetch.writeCommitGraph", "true")
			git(t, dir, "config", "--unset", "remote.origin.partialCloneFilter")
			s := open(t, dir)
			var group sync.WaitGroup
			for i := range 8 {
				ids := blobs // the same for some, others for others
				if i%2 == 1 {
					ids = blobs[i/2:]
				}
				group.Go(func() {
					if _, err := s.Fetch(t.Context(), ids); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			fetch(t, s, 0, blobs...)
		})
	}
}

// TestFetchThatIsRefused says by whom and why, keeps the password to itself, and leaves the clone as it was.
func TestFetchThatIsRefused(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	unknown := object.ID(strings.Repeat("ab", 20))
	for name, c := range map[string]struct {
		config, value, location, says string
		ids                           []object.ID
	}{
		"remote is gone":         {"remote.origin.url", "file:///none/storage.git", "file:///none/storage.git", "storage.git", blobs},
		"nobody listens":         {"remote.origin.url", "https://me:secret@127.0.0.1:1/x.git", "https://127.0.0.1:1/x.git", "127.0.0.1", blobs},
		"blob is gone":           {"fetch.output", "full", "file://" + upstream, "not our ref " + string(unknown), append(blobs, unknown)},
		"no single objects":      {"protocol.version", "0", "file://" + upstream, "not allow request for unadvertised object", blobs},
		"remote has no name":     {"remote.origin.promisor", "false", "other", "other", blobs},
		"id of the other format": {"fetch.output", "full", "file://" + upstream, strings.Repeat("ab", 32), []object.ID{object.ID(strings.Repeat("ab", 32))}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := partialClone(t, upstream)
			git(t, dir, "config", c.config, c.value)
			git(t, dir, "config", "--add", "remote.origin.url", "file:///second") // which git only pushes to
			if c.location == "other" {
				git(t, dir, "config", "remote.other.promisor", "true")
			}
			before := present(t, dir)
			n, err := open(t, dir).Fetch(t.Context(), c.ids)
			var failed *gitstore.FetchError
			if !errors.As(err, &failed) || failed.Location != c.location || n != 0 {
				t.Fatalf("%d, %v, want it of %s", n, err, c.location)
			}
			if !strings.HasPrefix(err.Error(), "fetch "+c.location+": ") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
			wantLines(t, "objects", present(t, dir), before)
		})
	}
}

// TestFetchFromTheNextRemote: git itself asks them in this order, that of extensions.partialClone last.
func TestFetchFromTheNextRemote(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	other, _ := promising(t, "sha1")
	theirs := commit(t, other, "theirs", "theirs")
	blob := resolve(t, other, string(theirs)+":theirs")
	dir, requests := partialClone(t, upstream)
	git(t, dir, "config", "remote.second.url", "file://"+other)
	git(t, dir, "config", "remote.second.promisor", "true")
	s := open(t, dir)
	fetch(t, s, 2, blob, blobs[0])
	if n := requests(); n != 1 {
		t.Errorf("origin had %d requests", n)
	}
	git(t, dir, "config", "extensions.partialClone", "origin")
	fetch(t, open(t, dir), 1, blobs[1])
	if n := requests(); n != 1 {
		t.Errorf("origin had %d requests, and is not the last", n)
	}
	lost := object.ID(strings.Repeat("ab", 20))
	var failed *gitstore.FetchError
	if _, err := open(t, dir).Fetch(t.Context(), []object.ID{lost}); !errors.As(err, &failed) || failed.Location != "file://"+upstream {
		t.Errorf("the error is not that of the last: %v", err)
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	upstream, blobs := promising(t, "sha1")
	dir, requests := partialClone(t, upstream)
	ctx, cancel := context.WithCancel(t.Context())
	s := open(t, dir)
	begun := filepath.Join(t.TempDir(), "begun")
	git(t, dir, "config", "remote.origin.uploadpack", "echo >'"+begun+"'; exec cat; :") // it listens for as long as git is there, and git for as long as it is
	go func() {
		for { // until the remote is at it
			if _, err := os.Stat(begun); err == nil || ctx.Err() != nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	start := time.Now()
	if n, err := s.Fetch(ctx, blobs); err != context.Canceled || n != 0 {
		t.Errorf("cancelled on the way: %d, %v", n, err)
	}
	if took := time.Since(start); took > 30*time.Second { // it is a moment, or for ever
		t.Errorf("it took %s", took)
	}
	if _, err := s.Fetch(ctx, blobs); err != context.Canceled {
		t.Errorf("cancelled before: %v", err)
	}
	if n := requests(); n != 0 {
		t.Errorf("there were %d requests", n)
	}
}
