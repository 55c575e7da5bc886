package promote_test

import (
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestVerdicts(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		what     string
		branches map[string]string
		adjust   func(map[string]*promote.Stage)
		to, word string
		reason   string
		facts    promote.Facts
		want     string
	}{
		{what: "fine", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0", want: "apm-1.0.0 ok snapshot>staging -snapshot"},
		{
			what: "in several distributions", branches: map[string]string{"snapshot": "apm-1.0.0=x", "staging": "apm-1.0.0=x"}, to: "production",
			word: "apm-1.0.0", want: "apm-1.0.0 ok staging>production -staging -snapshot",
		},
		{
			what: "other bytes further downstream", branches: map[string]string{"snapshot": "apm-1.0.0=y", "staging": "apm-1.0.0=x"}, to: "production",
			word: "apm-1.0.0", want: "apm-1.0.0 ok staging>production -staging =snapshot",
		},
		{what: "nowhere", branches: nil, to: "staging", word: "apm-1.0.0", want: "apm-1.0.0 not-found refused"},
		{
			what: "the same bytes", branches: map[string]string{"snapshot": "apm-1.0.0=x", "staging": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			want: "apm-1.0.0 already-there -snapshot",
		},
		{
			what: "the same bytes upstream", branches: map[string]string{"snapshot": "apm-1.0.0=x", "production": "apm-1.0.0=x"}, to: "staging",
			word: "apm-1.0.0", want: "apm-1.0.0 already-there -snapshot",
		},
		{what: "there and nowhere else", branches: map[string]string{"staging": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0", want: "apm-1.0.0 already-there"},
		{
			what: "other bytes", branches: map[string]string{"snapshot": "apm-1.0.0=y", "production": "apm-1.0.0=x"}, to: "production", word: "apm-1.0.0",
			reason: "we want it", want: "apm-1.0.0 conflict+skips-a-stage refused",
		},
		{
			what: "other bytes upstream", branches: map[string]string{"snapshot": "apm-1.0.0=y", "production": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			reason: "we want it", want: "apm-1.0.0 conflict refused",
		},
		{
			what: "other bytes where a reason is enough", branches: map[string]string{"snapshot": "apm-1.0.0=y", "staging": "apm-1.0.0=x"}, to: "staging",
			word: "apm-1.0.0", want: "apm-1.0.0 conflict refused",
		},
		{
			what: "the same with a reason", branches: map[string]string{"snapshot": "apm-1.0.0=y", "staging": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			reason: "a broken build", want: "apm-1.0.0 conflict snapshot>staging -snapshot",
		},
		{
			what: "other modes", branches: map[string]string{"snapshot": "apm-1.0.0=y", "staging": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			facts: promote.Facts{OnlyModes: func(a, b object.ID) bool { return a == "x" && b == "y" }}, want: "apm-1.0.0 mode-only-difference refused",
		},
		{
			what: "invalid", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0", reason: "never mind",
			facts: promote.Facts{Findings: map[string][]string{"apm/1.0.0": {"manifest.yml: unreadable"}}}, want: "apm-1.0.0 invalid refused",
		},
		{
			what: "another case", branches: map[string]string{"snapshot": "apm-1.0.0-RC1=x", "staging": "apm-1.0.0-rc1=y"}, to: "staging",
			word: "apm-1.0.0-RC1", reason: "we want it", want: "apm-1.0.0-RC1 conflict+older-than-published refused",
		},
		{
			what: "buried", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			adjust: func(s map[string]*promote.Stage) {
				s["staging"].Tombstones["apm/1.0.0"] = promote.Tombstone{Package: "apm-1.0.0", Reason: "it broke"}
			},
			want: "apm-1.0.0 tombstoned refused",
		},
		{
			what: "there once", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			adjust: func(s map[string]*promote.Stage) {
				s["staging"].Gone["apm/1.0.0"] = promote.Gone{Tree: "x", When: now.Add(-day)}
			},
			want: "apm-1.0.0 tombstoned refused",
		},
		{
			what: "there once, with a reason", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0", reason: "mended",
			adjust: func(s map[string]*promote.Stage) { s["staging"].Gone["apm/1.0.0"] = promote.Gone{Tree: "x", When: now} },
			want:   "apm-1.0.0 tombstoned snapshot>staging -snapshot",
		},
		{
			what: "too young", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			adjust: func(s map[string]*promote.Stage) {
				s["staging"].Soak, s["snapshot"].Since["apm/1.0.0"] = "48h", now.Add(-47*time.Hour)
			},
			want: "apm-1.0.0 too-young refused",
		},
		{
			what: "old enough", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			adjust: func(s map[string]*promote.Stage) {
				s["staging"].Soak, s["snapshot"].Since["apm/1.0.0"] = "48h", now.Add(-48*time.Hour)
			},
			want: "apm-1.0.0 ok snapshot>staging -snapshot",
		},
		{
			what: "there since time out of mind", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0",
			adjust: func(s map[string]*promote.Stage) { s["staging"].Soak = "48h" },
			want:   "apm-1.0.0 ok snapshot>staging -snapshot",
		},
		{
			what: "too young, with a reason", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "staging", word: "apm-1.0.0", reason: "it mends a leak",
			adjust: func(s map[string]*promote.Stage) { s["staging"].Soak, s["snapshot"].Since["apm/1.0.0"] = "48h", now },
			want:   "apm-1.0.0 too-young snapshot>staging -snapshot",
		},
		{
			what: "a backport", branches: map[string]string{"staging": "apm-8.9.0=x", "production": "apm-8.10.0=y"}, to: "production", word: "apm-8.9.0",
			want: "apm-8.9.0 older-than-published staging>production -staging",
		},
		{
			what: "a release after its candidate", branches: map[string]string{"staging": "apm-8.9.0=x", "production": "apm-8.9.0-rc1=y"}, to: "production",
			word: "apm-8.9.0", want: "apm-8.9.0 ok staging>production -staging",
		},
		{
			what: "a stage is left out", branches: map[string]string{"snapshot": "apm-1.0.0=x"}, to: "production", word: "apm-1.0.0",
			want: "apm-1.0.0 skips-a-stage snapshot>production -snapshot",
		},
		{
			what: "what refuses comes first", branches: map[string]string{"snapshot": "apm-1.0.0=x", "production": "apm-2.0.0=y"}, to: "production",
			word: "apm-1.0.0", facts: promote.Facts{Findings: map[string][]string{"apm/1.0.0": {"bad"}}},
			want: "apm-1.0.0 invalid+older-than-published+skips-a-stage refused",
		},
	} {
		s := storageOf(c.branches, c.adjust)
		plan := planOf(t, s, promote.Request{To: c.to, Packages: []string{c.word}, Reason: c.reason}, c.facts)
		if got := shown(plan); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		for _, i := range plan.Refused() {
			if i.Verdict.Why == "" || i.Add || len(i.Remove) > 0 {
				t.Errorf("%s: %+v", c.what, i)
			}
		}
	}
}

func TestFrozenTarget(t *testing.T) {
	s := storageOf(map[string]string{"snapshot": "apm-1.0.0=x"}, func(all map[string]*promote.Stage) { all["staging"].Frozen = true })
	if got := shown(planOf(t, s, promote.Request{To: "staging", Packages: []string{"apm-1.0.0"}}, promote.Facts{})); got != "apm-1.0.0 frozen refused" {
		t.Error(got)
	}
}
