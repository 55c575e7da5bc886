package pipeline_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// gitRuns counts what git is run for while use is at work, by the subcommand.
func gitRuns(t *testing.T, use func()) map[string]int {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("GIT_TRACE2_EVENT", dir)
	use()
	os.Unsetenv("GIT_TRACE2_EVENT")
	traces, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]int{}
	for _, trace := range traces {
		content, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if _, rest, named := strings.Cut(line, `"event":"cmd_name"`); named {
				_, name, _ := strings.Cut(rest, `"name":"`)
				name, _, _ = strings.Cut(name, `"`)
				runs[name]++
			}
		}
	}
	return runs
}

// records are the cache's of a kind, by key.
func records(t *testing.T, config pipeline.Config, kind string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(config.Cache, "records", kind))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Name())
	}
	return keys
}

// TestHistoryIsReadOnce: a build of commits whose history is known asks git for none.
func TestHistoryIsReadOnce(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	config.DryRun = true
	var first, second pipeline.Result
	if n := gitRuns(t, func() { first = build(t, config, "snapshot") })["rev-list"]; n != 3 {
		t.Errorf("git rev-list ran %d times, want once for each branch", n)
	}
	if keys := records(t, config, "history-1"); len(keys) != 3 || !slices.Contains(keys, s.git("rev-parse", "snapshot")) {
		t.Errorf("the records are %v", keys)
	}
	if runs := gitRuns(t, func() { second = build(t, config, "snapshot") }); runs["rev-list"] != 0 {
		t.Errorf("the second time git ran %v", runs)
	}
	if first.Report.InputsID != second.Report.InputsID {
		t.Error("the inputs are others")
	}
	// The other distributions have the same branches.
	if runs := gitRuns(t, func() { build(t, config, "staging"); build(t, config, "production") }); runs["rev-list"] != 0 {
		t.Errorf("for the other distributions git ran %v", runs)
	}
}

// TestHistoryIsReadOn: of a new commit only what is new is read, be it one or many. The commits of before can't be read
// here any more.
func TestHistoryIsReadOn(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	build(t, config, "snapshot")
	for _, changes := range [][]change{
		{add("quince/1.0.0", "new")}, {add("quince/1.1.0", "newer"), remove("plum/1.0.0")}, {remove("quince/1.0.0")},
	} {
		s.commit("snapshot", changes...)
	}
	full := build(t, elsewhere(t, config, s.clone()), "snapshot")
	lost := s.loseOldTree("snapshot~6:packages")
	if runs := gitRuns(t, func() {
		now := build(t, config, "snapshot")
		if now.Digest != full.Digest {
			t.Errorf("the layers are\n%swant\n%s", listed(now.Report), listed(full.Report))
		}
	}); runs["rev-list"] != 1 {
		t.Errorf("git ran %v; one branch has news", runs)
	}
	// Who knows nothing needs it.
	err := tried(t, elsewhere(t, config, s.dir), silent{}, func(ctx context.Context, session *pipeline.Session) error {
		_, err := session.Build(ctx, "snapshot")
		return err
	})
	var damaged *pipeline.HistoryError
	if !errors.As(err, &damaged) || damaged.Branch != "snapshot" || string(damaged.Err.ID) != lost {
		t.Errorf("%v, and %s is lost", err, lost)
	}
}

// TestDamagedHistoryRecord: a record that can't be read is none.
func TestDamagedHistoryRecord(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	first := build(t, config, "snapshot")
	for name, content := range map[string]string{"nonsense": "nonsense", "nothing": "", "another's seal": strings.Repeat("0", 64) + "\n{}"} {
		for _, key := range records(t, config, "history-1") {
			if err := os.WriteFile(filepath.Join(config.Cache, "records", "history-1", key), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		runs := gitRuns(t, func() {
			if now := build(t, config, "snapshot"); now.Digest != first.Digest {
				t.Errorf("%s: the layers are\n%swant\n%s", name, listed(now.Report), listed(first.Report))
			}
		})
		if runs["rev-list"] != 3 {
			t.Errorf("%s: git ran %v", name, runs)
		}
		if runs := gitRuns(t, func() { build(t, config, "snapshot") }); runs["rev-list"] != 0 {
			t.Errorf("%s: it was not mended, git ran %v", name, runs)
		}
	}
}

// TestDamagedHistory: an object of an old commit that is missing or of another kind is named, with the branch. It is no
// fault of the head: that can be read.
func TestDamagedHistory(t *testing.T) {
	for name, revision := range map[string]string{
		"the root": "staging~2^{tree}", "packages": "staging~2:packages", "the folder of a name": "staging~2:packages/pear",
	} {
		t.Run(name, func(t *testing.T) {
			s := busyStorage(t)
			id := s.loseOldTree(revision)
			for _, distribution := range []string{"staging", "snapshot"} {
				err := tried(t, s.config(), silent{}, func(ctx context.Context, session *pipeline.Session) error {
					_, err := session.Build(ctx, distribution)
					return err
				})
				var damaged *pipeline.HistoryError
				var lost *object.LostError
				if !errors.As(err, &damaged) || damaged.Branch != "staging" || !errors.As(err, &lost) || string(lost.ID) != id {
					t.Fatalf("%s: %v, and %s is lost", distribution, err, id)
				}
				want := "the history of branch staging in " + s.dir + " can't be read: object " + id + " is missing from the repository"
				if err.Error() != want {
					t.Errorf("%s: %q, want %q", distribution, err, want)
				}
			}
			if production := build(t, s.config(), "production"); len(production.Report.Layers) == 0 {
				t.Error("production has no layers")
			}
		})
	}
	// What lies deeper in an old package is not read.
	s := busyStorage(t)
	s.commit("staging", remove("pear/1.0.0"))
	s.loseOldTree("staging~2:packages/pear/1.0.0")
	config := s.config()
	whole(t, config, build(t, config, "staging").Report)
}
