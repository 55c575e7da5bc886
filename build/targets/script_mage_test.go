package targets_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"
	"github.com/rogpeppe/go-internal/testscript"
)

// lastRun is what a script's last mage came to.
type lastRun struct {
	program string
	ran     bool
	status  int
}

// slowest is how long a run may take. The embedded base may have to be compiled in it; nothing may wait for a network.
const slowest = 30 * time.Second

// runMage runs targets. Whatever they do, what rules lists must hold afterwards.
func runMage(ts *testscript.TestScript, neg bool, args []string) {
	run := ts.Value(lastRun{}).(*lastRun)
	before := lookAround(ts)
	start := time.Now()
	err := ts.Exec(run.program, args...)
	took := time.Since(start)
	run.ran, run.status = true, 0
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		run.status = failed.ExitCode()
	case err != nil:
		ts.Fatalf("mage did not run: %v", err)
	}
	if neg != (run.status != 0) {
		ts.Fatalf("mage ended with status %d", run.status)
	}
	if took > slowest {
		ts.Fatalf("mage took %s", took)
	}
	after := lookAround(ts)
	if slices.Contains(args, "build:all") {
		before.output = after.output // what was done before the failure stays
	}
	if slices.ContainsFunc(args, changesBranches) {
		dryRun := ts.Getenv("DRY_RUN") != ""
		withoutRepositories(before.project, dryRun)
		withoutRepositories(after.project, dryRun)
	}
	for _, broken := range rules(before, after, run.status, ts.ReadFile("stdout"), ts.ReadFile("stderr")) {
		ts.Fatalf("%s", broken)
	}
}

func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	run := ts.Value(lastRun{}).(*lastRun)
	if neg || len(args) != 1 {
		ts.Fatalf("usage: status <n>")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if !run.ran || run.status != want {
		ts.Fatalf("the exit status is %d, not %d", run.status, want)
	}
}

// surroundings are the files that a run can see, by path, each with what changes when it is written to.
type surroundings struct {
	work, cache, dist string
	project           map[string]string // the script's folder without the others, and without a partial clone
	output            map[string]string // DIST
	left              []string          // what only a running process needs
}

func lookAround(ts *testscript.TestScript) surroundings {
	s := surroundings{
		work: ts.Getenv("WORK"), cache: ts.MkAbs(ts.Getenv("PACKAGE_STORAGE_CACHE")),
		dist: ts.MkAbs(cmp.Or(ts.Getenv("DIST"), "dist")),
	}
	s.project = files(s.work, s.cache, s.dist, filepath.Join(s.work, ".home"), filepath.Join(s.work, ".tmp"),
		filepath.Join(s.work, "trace"), filepath.Join(s.work, "partial"))
	for _, folder := range []string{s.dist, s.cache} { // the folders on the way to them are made as well
		for above := filepath.Dir(folder); above != s.work && above != filepath.Dir(above); above = filepath.Dir(above) {
			delete(s.project, above)
		}
	}
	s.output = files(s.dist)
	for _, folder := range []string{filepath.Join(s.work, ".tmp"), filepath.Join(s.cache, "tmp")} {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			s.left = append(s.left, filepath.Join(folder, e.Name()))
		}
	}
	entries, _ := os.ReadDir(s.dist)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && e.Name() != ".lock" {
			s.left = append(s.left, filepath.Join(s.dist, e.Name()))
		}
	}
	return s
}

// files lists what is at and below root, without some folders.
func files(root string, without ...string) map[string]string {
	found := map[string]string{}
	filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if slices.Contains(without, path) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		found[path] = info.Mode().String()
		if !e.IsDir() { // a folder's time changes with what is made beside ours
			found[path] += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return found
}

// changesBranches says whether a target may write into a storage.
func changesBranches(target string) bool {
	return slices.Contains([]string{"promote", "promote:finish", "remove", "revert", "registry:update"}, target)
}

// withoutRepositories leaves git repositories out, whose checkouts stay. A dry run writes into those only that follow an
// origin, since it fetches what is new there.
func withoutRepositories(project map[string]string, dryRun bool) {
	for path := range maps.Clone(project) {
		if filepath.Base(path) != "HEAD" {
			continue
		}
		repository := filepath.Dir(path)
		_, isOne := project[filepath.Join(repository, "objects")]
		_, follows := project[filepath.Join(repository, "refs", "remotes", "origin")]
		if !isOne || dryRun && !follows {
			continue
		}
		maps.DeleteFunc(project, func(path, _ string) bool { return strings.HasPrefix(path, repository+string(filepath.Separator)) })
		delete(project, repository)
	}
}

// rules are what no run may break, whatever was asked of it; each that is broken is one line.
func rules(before, after surroundings, status int, stdout, stderr string) []string {
	var broken []string
	rule := func(holds bool, text string) {
		if !holds {
			broken = append(broken, text)
		}
	}
	rule(len(after.left) == 0, "the run left behind "+strings.Join(after.left, ", "))
	rule(maps.Equal(before.project, after.project), "the run wrote outside of DIST and the cache:\n"+
		difference(before.project, after.project))
	rule(!strings.Contains(stdout+stderr, "\x1b"), "the output is not plain though CI is set")
	if status == 0 {
		return broken
	}
	rule(status == 1 || status == 2, fmt.Sprintf("status %d means nothing", status))
	delete(after.output, filepath.Join(after.dist, ".lock"))
	delete(before.output, filepath.Join(after.dist, ".lock"))
	if len(before.output) == 0 && len(after.output) == 1 {
		after.output = before.output // DIST itself may be made
	}
	rule(maps.Equal(before.output, after.output), "the failed run changed the output:\n"+difference(before.output, after.output))
	rule(stderr != "", "the failed run does not say why")
	for _, internal := range []string{
		filepath.Join(after.work, ".tmp"), filepath.Join(after.cache, "tmp"), filepath.Join(after.cache, "blobs"),
		filepath.Join(after.cache, "records"), filepath.Join(after.cache, "storages"), ".new", "goroutine ", "exit status",
	} {
		rule(!strings.Contains(stderr, internal), "the message shows what is of no use to a person: "+internal)
	}
	return broken
}

func difference(before, after map[string]string) string {
	var lines []string
	for path, was := range before {
		if is, there := after[path]; !there {
			lines = append(lines, "  removed "+path)
		} else if is != was {
			lines = append(lines, "  changed "+path)
		}
	}
	for path := range after {
		if _, there := before[path]; !there {
			lines = append(lines, "  added "+path)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
