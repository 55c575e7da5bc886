//go:build unix

package peers_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKill kills builds (SIGKILL, git and all) at random moments, in one cache and one output folder. Whatever is in
// the output folder must be whole each time; afterwards a build must come to what it comes to on a clean desk, and
// leave nothing behind. Between builds the branches move, so that there is always something to do.
func TestKill(t *testing.T) {
	kills := 15
	if text := os.Getenv("KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("KILLS: %v", err)
		}
	}
	storage := anyStorage(t)
	clean := newWorkplace(t, storage)
	start := time.Now()
	clean.run(t, "build:all")
	first := time.Since(start)
	longest := first

	branches, w := newMovable(t, storage), newWorkplace(t, storage)
	var tally tally
	for tally.killed < kills {
		branches.move(t)
		delay := rand.N(longest)
		if tally.killed < 3 {
			// Only before a build has come through is the preview compiled, which takes the first half of the time.
			delay = first * time.Duration(tally.killed+1) / 8
		}
		took, killed := killWithin(t, w, delay)
		longest = tally.count(took, killed, longest)
		for name := range upstreamFirst {
			dir := filepath.Join(w.dist(), name)
			if !exists(dir) {
				tally.absent++
			} else if err := checkOutput(dir); err != nil {
				t.Fatalf("kill %d, after %s: %s is not whole: %v", tally.killed, took, name, err)
			}
		}
	}
	t.Logf("%d builds were killed, %d were faster; %d times an output was not there yet", tally.killed, tally.finished, tally.absent)

	branches.restore(t)
	w.run(t, "build:all")
	for name := range upstreamFirst {
		if got, want := w.report(t, name).Index, clean.report(t, name).Index; got != want {
			t.Errorf("%s: after all the kills %s, on a clean desk %s", name, got, want)
		}
		if err := checkOutput(filepath.Join(w.dist(), name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	checkNothingLeft(t, w)
}

type tally struct{ killed, finished, absent int }

// count counts a build and returns the longest time to wait with the next kill: what is in the cache makes builds
// faster, and a kill shall hit any moment of them.
func (y *tally) count(took time.Duration, killed bool, longest time.Duration) time.Duration {
	if killed {
		y.killed++
		return longest + longest/4
	}
	y.finished++
	return took
}

// killWithin builds all, and kills the build with its process group after a while, unless it is done by then.
func killWithin(t *testing.T, w workplace, delay time.Duration) (took time.Duration, killed bool) {
	t.Helper()
	cmd := w.command("build:all")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(delay, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	timer.Stop()
	if failed, ok := err.(*exec.ExitError); ok && failed.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return time.Since(start), true
	}
	if err != nil {
		t.Fatalf("a build after a kill fails: %v\n%s", err, &stderr)
	}
	return time.Since(start), false
}

// movable is a storage whose branches are put on any of their commits.
type movable struct {
	repository string
	heads      map[string]string
	commits    map[string][]string
}

func newMovable(t *testing.T, repository string) movable {
	t.Helper()
	m := movable{repository, map[string]string{}, map[string][]string{}}
	for _, branch := range upstreamFirst["snapshot"] {
		m.commits[branch] = strings.Fields(git(t, repository, "rev-list", "--first-parent", branch))
		m.heads[branch] = m.commits[branch][0]
	}
	return m
}

func (m movable) move(t *testing.T) {
	t.Helper()
	for branch, commits := range m.commits {
		m.set(t, branch, commits[rand.N(len(commits))])
	}
}

func (m movable) restore(t *testing.T) {
	t.Helper()
	for branch, head := range m.heads {
		m.set(t, branch, head)
	}
}

func (m movable) set(t *testing.T, branch, commit string) {
	t.Helper()
	git(t, m.repository, "update-ref", "refs/heads/"+branch, commit)
}

// checkNothingLeft finds what killed builds left and no later one swept away.
func checkNothingLeft(t *testing.T, w workplace) {
	t.Helper()
	dist := map[string]bool{".lock": true}
	for name := range upstreamFirst {
		dist[name] = true
	}
	for folder, known := range map[string]map[string]bool{
		w.dist():                        dist,
		filepath.Join(w.cache(), "tmp"): {},
		w.temporary():                   {},
	} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			if !known[e.Name()] {
				t.Errorf("left behind: %s, %d bytes", filepath.Join(folder, e.Name()), sizeOf(filepath.Join(folder, e.Name())))
			}
		}
	}
}

func sizeOf(root string) (bytes int64) {
	filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && !e.IsDir() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// TestKilledGit is about a storage with a URL: a git that is killed while it writes into the mirror leaves its lock,
// and no later git goes on while that is there.
func TestKilledGit(t *testing.T) {
	storage := anyStorage(t)
	branches := newMovable(t, storage)
	w := newWorkplace(t, "file://"+storage)
	w.run(t, "build:production")
	mirrors, err := filepath.Glob(filepath.Join(w.cache(), "storages", "*.git"))
	if err != nil || len(mirrors) != 1 {
		t.Fatalf("there is not one mirror: %v %v", mirrors, err)
	}
	for _, left := range []string{"HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/production.lock"} {
		t.Run(left, func(t *testing.T) {
			branches.move(t)
			if err := os.WriteFile(filepath.Join(mirrors[0], left), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(filepath.Join(mirrors[0], left))
			if out, err := w.command("build:production").CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
