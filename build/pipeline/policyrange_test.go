package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// judged are the findings of a range, in words.
func judged(t *testing.T, config pipeline.Config, name string, r pipeline.PolicyRange) string {
	t.Helper()
	var found []string
	within(t, config, silent{}, func(ctx context.Context, s *pipeline.Session) error {
		result, err := s.Policy(ctx, name, r)
		for _, f := range result.Findings {
			found = append(found, string(f.Code)+" "+f.Path)
		}
		return err
	})
	return strings.Join(found, "; ")
}

// TestPolicyReadsTheReasonOfWhatWasMerged: a merge commit's own message says nothing of it.
func TestPolicyReadsTheReasonOfWhatWasMerged(t *testing.T) {
	identity(t)
	s := newStorage(t)
	r := repository{t, s.dir}
	s.commit("staging", add("apple/1.0.0", "old"))
	base := r.git("rev-parse", "staging")
	r.git("branch", "topic", base)
	for message, want := range map[string]string{"Mend it\n\nReason: it was broken": "", "Mend it": "overwritten packages/apple/1.0.0"} {
		s.commitOn(s.clock+60, "topic", base, add("apple/1.0.0", "new"))
		topic := r.git("commit-tree", "-p", base, "-m", message, "topic^{tree}")
		merge := r.git("commit-tree", "-p", base, "-p", topic, "-m", "Merge the topic", "topic^{tree}")
		r.git("update-ref", "refs/heads/staging", merge)
		config := s.config()
		for what, of := range map[string]pipeline.PolicyRange{"the history": {}, "the pull request": {Base: merge + "^1", Head: merge}} {
			if got := judged(t, config, "staging", of); got != want {
				t.Errorf("%q, %s: %q, want %q", message, what, got, want)
			}
		}
	}
}

// TestPolicyOfARewrittenBranch: what it was before is what counts, not where both began.
func TestPolicyOfARewrittenBranch(t *testing.T) {
	s := newStorage(t)
	r := repository{t, s.dir}
	s.commit("production", add("apple/1.0.0", "content"))
	was := r.git("rev-parse", "production")
	s.commitOn(s.clock+60, "production", r.git("rev-parse", "production~1"), add("pear/1.0.0", "content"))
	if got, want := judged(t, s.config(), "production", pipeline.PolicyRange{Base: was}), "removed packages/apple/1.0.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPolicyOfWhatWasPromoted: a version that went upstream was not removed, whatever has become of it there.
func TestPolicyOfWhatWasPromoted(t *testing.T) {
	s := newStorage(t)
	s.commit("staging", add("apple/1.0.0", "content"), add("pear/1.0.0", "content"))
	s.commit("production", add("apple/1.0.0", "content"))
	s.commit("staging", remove("apple/1.0.0"))
	s.commit("production", remove("apple/1.0.0"))
	if got := judged(t, s.config(), "staging", pipeline.PolicyRange{}); got != "" {
		t.Errorf("%q", got)
	}
	s.commit("staging", remove("pear/1.0.0"))
	if got, want := judged(t, s.config(), "staging", pipeline.PolicyRange{}), "removed packages/pear/1.0.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
