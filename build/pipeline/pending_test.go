package pipeline_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// changed carries out a change, and fails the test if it can't be.
func changed(t *testing.T, config pipeline.Config, use func(context.Context, *pipeline.Session) (pipeline.ChangeResult, error)) pipeline.ChangeResult {
	t.Helper()
	var result pipeline.ChangeResult
	within(t, config, silent{}, func(ctx context.Context, s *pipeline.Session) (err error) {
		result, err = use(ctx, s)
		return err
	})
	return result
}

func finish(ctx context.Context, s *pipeline.Session) (pipeline.ChangeResult, error) {
	return s.FinishPromotions(ctx)
}

// TestFinishKeepsWhatIsAboutToLeave: while a removal or a revert waits to be merged, promote:finish would take the copy away
// downstream which is the last one then.
func TestFinishKeepsWhatIsAboutToLeave(t *testing.T) {
	identity(t)
	for _, what := range []string{"removal", "revert"} {
		t.Run(what, func(t *testing.T) {
			s := newStorage(t)
			r := repository{t, s.dir}
			s.commit("snapshot", add("apple/1.0.0", "content"))
			s.commit("production", add("apple/1.0.0", "content"))
			config := pipeline.Config{Root: "../..", Storage: s.dir, Cache: t.TempDir(), Dist: t.TempDir(), Reason: "it is broken"}
			asked := changed(t, config, func(ctx context.Context, session *pipeline.Session) (pipeline.ChangeResult, error) {
				if what == "removal" {
					return session.Remove(ctx, "production", []string{"apple-1.0.0"})
				}
				return session.Revert(ctx, "production", r.git("rev-parse", "production"))
			})
			// What came to the branch since the removal was asked for is not taken away by it.
			s.commit("snapshot", add("pear/1.0.0", "content"))
			s.commit("production", add("pear/1.0.0", "content"))
			if done := changed(t, config, finish); len(done.Moves) != 1 || !slices.Equal(done.Moves[0].Removed, []string{"pear-1.0.0"}) {
				t.Errorf("finish moves %+v", done.Moves)
			}
			named := changed(t, config, func(ctx context.Context, session *pipeline.Session) (pipeline.ChangeResult, error) {
				return session.Promote(ctx, "production", []string{"apple-1.0.0"})
			})
			if len(named.Moves) > 0 || !strings.Contains(named.Items[0].Verdict.Why, asked.Moves[len(asked.Moves)-1].Branch) {
				t.Errorf("named, it moves %+v: %s", named.Moves, named.Items[0].Verdict.Why)
			}
			for _, m := range asked.Moves {
				if m.Base != "" {
					merge := r.git("merge-tree", "--write-tree", "refs/heads/"+m.Base, string(m.To))
					r.git("update-ref", "refs/heads/"+m.Base, r.git("commit-tree", "-m", "Merge", "-p", m.Base, "-p", string(m.To), merge))
				}
			}
			changed(t, config, finish)
			if r.packages("refs/heads/production")["apple/1.0.0"] != "" || r.packages("refs/heads/snapshot")["apple/1.0.0"] == "" {
				t.Error("it is in production, or not in snapshot")
			}
		})
	}
}

// TestRemovalRestsOnWhatIsUpstream: what goes downstream must be upstream when it goes, not only when that was planned.
func TestRemovalRestsOnWhatIsUpstream(t *testing.T) {
	identity(t)
	s := newStorage(t)
	s.commit("snapshot", add("apple/1.0.0", "content"))
	before := s.git("rev-parse", "production")
	s.commit("production", add("apple/1.0.0", "content"))
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\ncase \" $* \" in *\" push \"*) " + real + " update-ref refs/heads/production " + before + ";; esac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	config := pipeline.Config{Root: "../..", Storage: s.dir, Cache: t.TempDir(), Dist: t.TempDir()}
	path := os.Getenv("PATH")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+path)
	err = tried(t, config, silent{}, func(ctx context.Context, session *pipeline.Session) error {
		_, err := session.FinishPromotions(ctx)
		return err
	})
	t.Setenv("PATH", path)
	if err != nil { // the second plan finds nothing to do
		t.Error(errors.Unwrap(err), err)
	}
	r := repository{t, s.dir}
	if r.packages("refs/heads/snapshot")["apple/1.0.0"] == "" {
		t.Error("it is in no distribution")
	}
}
