package promote_test

import (
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/promote"
)

// TestLeftovers: what has arrived upstream goes downstream; what is about to leave it again, or is other bytes, stays.
func TestLeftovers(t *testing.T) {
	s := storageOf(map[string]string{
		"snapshot":   "apm-1.0.0=x nginx-1.0.0=y zoo-1.0.0=z leaves-1.0.0=a other-1.0.0=o1",
		"staging":    "apm-1.0.0=x nginx-1.0.0=y new-1.0.0=n",
		"production": "apm-1.0.0=x leaves-1.0.0=a other-1.0.0=o2",
	}, func(all map[string]*promote.Stage) {
		all["production"].Leaving = map[string]string{"leaves/1.0.0": "revert/production/leaves-1.0.0-0123"}
	})
	got := stepsShown(s.Steps("", s.Leftovers()...))
	if want := "snapshot: -nginx-1.0.0 -apm-1.0.0; staging: -apm-1.0.0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	plan := planOf(t, s, promote.Request{To: "production", Packages: []string{"leaves-1.0.0"}}, promote.Facts{})
	if got := shown(plan); got != "leaves-1.0.0 already-there" || !strings.Contains(plan.Items[0].Verdict.Why, "revert/production/leaves") {
		t.Errorf("named, it is %s: %s", got, plan.Items[0].Verdict.Why)
	}
	if left := storageOf(map[string]string{"snapshot": "apm-1.0.0=x"}, nil).Leftovers(); len(left) > 0 {
		t.Errorf("%v", left)
	}
}
