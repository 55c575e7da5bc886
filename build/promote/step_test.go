package promote_test

import (
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		what     string
		branches map[string]string
		adjust   func(map[string]*promote.Stage)
		to       string
		words    string
		want     string
	}{
		{"direct", map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y"}, nil, "staging", "apm-1.0.0", "snapshot: -apm-1.0.0; staging: +apm-1.0.0=x"},
		{"the last package", map[string]string{"snapshot": "apm-1.0.0=x"}, nil, "staging", "apm-1.0.0", "snapshot: -apm-1.0.0 empty; staging: +apm-1.0.0=x"},
		{
			"by pull request: removed when it has arrived", map[string]string{"snapshot": "apm-1.0.0=x", "staging": "apm-1.0.0=x"}, nil, "production", "apm-1.0.0",
			"production@promote/production/apm-1.0.0: +apm-1.0.0=x",
		},
		{
			"by pull request: what has arrived", map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y", "production": "apm-1.0.0=x"}, nil, "production",
			"apm-1.0.0,nginx-1.0.0", "snapshot: -apm-1.0.0; production@promote/production/nginx-1.0.0: +nginx-1.0.0=y",
		},
		{
			"a removal by pull request", map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y"},
			func(all map[string]*promote.Stage) { all["snapshot"].Add = "pull-request" }, "staging", "apm-1.0.0",
			"snapshot@remove/snapshot/apm-1.0.0: -apm-1.0.0; staging: +apm-1.0.0=x",
		},
		{
			"a tombstone goes", map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y"},
			func(all map[string]*promote.Stage) {
				all["staging"].Tombstones["apm/1.0.0"] = promote.Tombstone{Package: "apm-1.0.0"}
			}, "staging", "apm-1.0.0", "snapshot: -apm-1.0.0; staging: +apm-1.0.0=x ↑apm-1.0.0",
		},
		{"nothing", map[string]string{"staging": "apm-1.0.0=x"}, nil, "staging", "apm-1.0.0", ""},
	} {
		s := storageOf(c.branches, c.adjust)
		plan := planOf(t, s, promote.Request{To: c.to, Packages: strings.Split(c.words, ","), Reason: "for a reason"}, promote.Facts{})
		steps := s.Steps("for a reason", plan)
		if got := stepsShown(steps); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		for _, step := range steps {
			if step.Title == "" || strings.Contains(step.Title, "\n") || !strings.Contains(step.Body, "apm-1.0.0, tree x") &&
				!strings.Contains(step.Body, "tree y") && !strings.Contains(step.Body, "apm-1.0.0 from snapshot, tree x") && !strings.Contains(step.Body, "apm-1.0.0 from staging, tree x") || !strings.HasSuffix(step.Body, "Reason: for a reason\n") {
				t.Errorf("%s: %q, %q", c.what, step.Title, step.Body)
			}
		}
	}
}

// TestTopicIsThatOfThePackages: the same request makes the same topic branch, other bytes another one.
func TestTopicIsThatOfThePackages(t *testing.T) {
	topic := func(snapshot, words string) string {
		s := storageOf(map[string]string{"snapshot": snapshot}, nil)
		steps := s.Steps("", planOf(t, s, promote.Request{To: "production", Packages: strings.Split(words, ",")}, promote.Facts{}))
		return steps[0].Topic
	}
	first := topic("apm-1.0.0=x nginx-1.0.0=y", "apm-1.0.0,nginx-1.0.0")
	if again := topic("nginx-1.0.0=y zoo-1.0.0=z apm-1.0.0=x", "apm-1.0.0,nginx-1.0.0"); again != first {
		t.Errorf("%s and %s", first, again)
	}
	for _, other := range []string{topic("apm-1.0.0=z nginx-1.0.0=y", "apm-1.0.0,nginx-1.0.0"), topic("apm-1.0.0=x nginx-1.0.0=y", "apm-1.0.0")} {
		if other == first {
			t.Errorf("%s", other)
		}
	}
}
