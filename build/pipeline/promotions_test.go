package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// direct is a project whose distributions all take commits: what is planned can be compared at once.
func direct(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"distributions.yml", "Dockerfile.tmpl"} {
		content, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), "add: pull-request", "add: commit")
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// identity is who commits in tests.
func identity(t testing.TB) {
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "A Tester", "GIT_AUTHOR_EMAIL": "tester@localhost", "GIT_COMMITTER_NAME": "A Tester", "GIT_COMMITTER_EMAIL": "tester@localhost",
	} {
		if setter, can := t.(interface{ Setenv(key, value string) }); can {
			setter.Setenv(name, value)
		}
	}
}

// repository is a bare repository that git is run in.
type repository struct {
	t   testing.TB
	dir string
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", r.dir}, args...)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// packages are those of a commit, "<name>/<version>", with their trees.
func (r repository) packages(commit string) map[string]string {
	r.t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(r.git("ls-tree", "-d", "-r", "--format=%(objectname) %(path)", commit, "packages/")) {
		id, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if below := strings.TrimPrefix(path, "packages/"); strings.Count(below, "/") == 1 {
			found[below] = id
		}
	}
	return found
}

// past is one commit of a branch, with its time.
type past struct {
	id   string
	time int64
}

func (r repository) history(branch string) []past {
	r.t.Helper()
	var line []past
	for entry := range strings.Lines(r.git("log", "--first-parent", "--reverse", "--format=%H %ct", branch)) {
		id, when, _ := strings.Cut(strings.TrimSpace(entry), " ")
		seconds, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			r.t.Fatal(err)
		}
		line = append(line, past{id, seconds})
	}
	return line
}

// at is where a branch was just before a moment.
func at(line []past, moment int64) string {
	id := ""
	for _, c := range line {
		if c.time < moment {
			id = c.id
		}
	}
	return id
}

// august is since when promotions are replayed: 1 August 2022.
const august = 1659312000

// TestPromotionsOfTheRealStorage: each commit that brought packages to production or staging from downstream is done again,
// from the branches as they were before it. The branch is then what history made of it; where history broke the rules, the
// verdict that would have stopped it is shown.
func TestPromotionsOfTheRealStorage(t *testing.T) {
	identity(t)
	real := repository{t, realStorage(t)}
	lines := map[string][]past{}
	for _, branch := range []string{"production", "staging", "snapshot"} {
		lines[branch] = real.history(branch)
	}
	root, cache, dist := direct(t), t.TempDir(), t.TempDir()
	same, others, packages, removed := 0, 0, 0, 0
	for _, to := range []string{"production", "staging"} {
		for i, c := range lines[to] {
			if i == 0 || c.time < august {
				continue
			}
			before, after := real.packages(lines[to][i-1].id), real.packages(c.id)
			var words []string
			for path, tree := range after {
				if before[path] != tree {
					words = append(words, strings.Replace(path, "/", "-", 1))
				}
			}
			if len(words) == 0 {
				continue
			}
			slices.Sort(words)
			heads := map[string]string{to: lines[to][i-1].id}
			for _, branch := range []string{"production", "staging", "snapshot"} {
				if heads[branch] == "" {
					heads[branch] = at(lines[branch], c.time)
				}
				real.git("update-ref", "refs/heads/"+branch, heads[branch])
			}
			config := pipeline.Config{Root: root, Storage: real.dir, Cache: cache, Dist: dist}
			var result pipeline.ChangeResult
			err := tried(t, config, silent{}, func(ctx context.Context, s *pipeline.Session) (err error) {
				result, err = s.Promote(ctx, to, words)
				return err
			})
			what := fmt.Sprintf("%s %s %s", to, c.id[:9], strings.Join(words, " "))
			var refused *pipeline.RefusedPlanError
			switch {
			case errors.As(err, &refused):
				others++ // what stopped it is its verdict
				for _, item := range refused.Items {
					t.Logf("%s: %s %s: %s", to, c.id[:9], item.Label(), item.Verdict.Code+promote.Code(" "+item.Verdict.Why))
				}
				continue
			case err != nil:
				t.Fatalf("%s: %v", what, err)
			}
			got := real.packages("refs/heads/" + to)
			if differing := differences(got, missing(before, after)); len(differing) > 0 {
				others++
				t.Logf("%s: history has other bytes than were downstream (promoted by copying): %s", what, strings.Join(differing, " "))
				continue
			}
			if maps.Equal(got, after) && real.git("rev-parse", to+":packages") != real.git("rev-parse", c.id+":packages") {
				t.Errorf("%s: the same packages, and another tree", what)
			}
			same, packages = same+1, packages+len(words)
			removed += checkRemoved(t, real, what, result, heads)
		}
	}
	t.Logf("%d promotions of %d packages give the branch that history has; %d copies were removed downstream; %d are stopped or did more than promote", same, packages, removed, others)
	if same < 20 {
		t.Error("hardly anything was replayed")
	}
}

// differences are the paths at which two are not the same.
func differences(a, b map[string]string) []string {
	var paths []string
	for path := range missing(a, b) {
		if a[path] != b[path] {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// missing are packages after a commit, with those that it removed put back: a promotion removes nothing where it adds.
func missing(before, after map[string]string) map[string]string {
	all := maps.Clone(before)
	maps.Copy(all, after)
	return all
}

// checkRemoved sees to it that downstream only the promoted bytes are gone.
func checkRemoved(t *testing.T, r repository, what string, result pipeline.ChangeResult, heads map[string]string) int {
	t.Helper()
	n := 0
	for _, move := range result.Moves {
		if len(move.Removed) == 0 {
			continue
		}
		want := r.packages(heads[move.Branch])
		for _, item := range result.Items {
			if slices.Contains(item.Remove, move.Distribution) {
				if want[item.Path()] != string(item.Tree) {
					t.Errorf("%s: %s had other bytes of %s", what, move.Branch, item.Package)
				}
				delete(want, item.Path())
				n++
			}
		}
		if got := r.packages("refs/heads/" + move.Branch); !maps.Equal(got, want) {
			t.Errorf("%s: %s is not what it was without them", what, move.Branch)
		}
	}
	return n
}
