package promote_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestRevert(t *testing.T) {
	for _, c := range []struct {
		what          string
		branches      map[string]string
		gone          string // from which distributions, with the tree x
		before, after string
		want, steps   string
	}{
		{
			"back to where it was", map[string]string{"snapshot": "nginx-1.0.0=y", "staging": "apm-1.0.0=x apm-0.9.0=w"}, "snapshot", "apm-0.9.0=w",
			"apm-0.9.0=w apm-1.0.0=x", "apm-1.0.0 ok -staging", "snapshot: +apm-1.0.0=x; staging: -apm-1.0.0 †apm-1.0.0",
		},
		{
			"nobody knows where it was", map[string]string{"staging": "apm-1.0.0=x apm-0.9.0=w"}, "", "apm-0.9.0=w", "apm-0.9.0=w apm-1.0.0=x",
			"apm-1.0.0 ok -staging", "snapshot: +apm-1.0.0=x; staging: -apm-1.0.0 †apm-1.0.0",
		},
		{
			"it still is where it was", map[string]string{"snapshot": "apm-1.0.0=x", "staging": "apm-1.0.0=x apm-0.9.0=w"}, "", "apm-0.9.0=w",
			"apm-0.9.0=w apm-1.0.0=x", "apm-1.0.0 ok -staging", "staging: -apm-1.0.0 †apm-1.0.0",
		},
		{
			"what it overwrote", map[string]string{"snapshot": "nginx-1.0.0=y", "staging": "apm-1.0.0=x"}, "snapshot", "apm-1.0.0=old", "apm-1.0.0=x",
			"apm-1.0.0 ok -staging", "snapshot: +apm-1.0.0=x; staging: +apm-1.0.0=old",
		},
		{"changed since", map[string]string{"staging": "apm-1.0.0=new"}, "snapshot", "", "apm-1.0.0=x", "apm-1.0.0 changed-since refused", ""},
		{"no way back", map[string]string{"snapshot": "apm-1.0.0=other", "staging": "apm-1.0.0=x"}, "", "", "apm-1.0.0=x", "apm-1.0.0 no-way-back refused", ""},
		{"gone since", map[string]string{"staging": "apm-1.0.1=x"}, "snapshot", "", "apm-1.0.0=x", "apm-1.0.0 changed-since refused", ""},
	} {
		s := storageOf(c.branches, func(all map[string]*promote.Stage) {
			for _, name := range strings.Fields(c.gone) {
				all[name].Gone["apm/1.0.0"] = promote.Gone{Tree: "x", When: now}
			}
		})
		reverted := promote.Reverted{Commit: "0123456789abcdef"}
		for _, word := range strings.Fields(c.before) {
			reverted.Before = append(reverted.Before, parse(word))
		}
		for _, word := range strings.Fields(c.after) {
			reverted.After = append(reverted.After, parse(word))
		}
		revert, err := s.Revert("staging", reverted, "why")
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(promote.Plan{Items: revert.Items}); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if c.steps == "" {
			continue
		}
		if got := stepsShown(s.RevertSteps(revert, now)); got != c.steps {
			t.Errorf("%s: %s, want %s", c.what, got, c.steps)
		}
	}
	same := promote.Reverted{Commit: "0123", Before: storageOf(nil, nil)[0].Packages}
	var request *promote.RequestError
	if _, err := storageOf(nil, nil).Revert("staging", same, "why"); !errors.As(err, &request) {
		t.Errorf("of a commit that brought nothing: %v", err)
	}
}

// TestRevertGoesBackOneStep: to the distribution that lost it last; those that include that one serve it again without a copy.
// Where it was removed for a reason it does not come back.
func TestRevertGoesBackOneStep(t *testing.T) {
	reverted := promote.Reverted{Commit: "0123456789abcdef", After: storageOf(map[string]string{"production": "apm-1.0.0=x"}, nil)[2].Packages}
	for _, c := range []struct {
		what            string
		snapshot, stage time.Duration // ago; 0 for never
		buried          bool
		want            string
	}{
		{"one after the other", 48 * time.Hour, time.Hour, false, "staging: +apm-1.0.0=x"},
		{"from both", time.Hour, time.Hour, false, "staging: +apm-1.0.0=x"},
		{"straight from snapshot, long after it left staging", time.Hour, 48 * time.Hour, false, "snapshot: +apm-1.0.0=x"},
		{"buried in staging", time.Hour, time.Hour, true, "snapshot: +apm-1.0.0=x"},
	} {
		s := storageOf(map[string]string{"production": "apm-1.0.0=x", "staging": "nginx-1.0.0=y"}, func(all map[string]*promote.Stage) {
			all["snapshot"].Gone["apm/1.0.0"] = promote.Gone{Tree: "x", When: now.Add(-c.snapshot)}
			all["staging"].Gone["apm/1.0.0"] = promote.Gone{Tree: "x", When: now.Add(-c.stage)}
			if c.buried {
				all["staging"].Tombstones["apm/1.0.0"] = promote.Tombstone{Package: "apm-1.0.0", Reason: "so"}
			}
		})
		revert, err := s.Revert("production", reverted, "why")
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := strings.Cut(stepsShown(s.RevertSteps(revert, now)), "; production")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
