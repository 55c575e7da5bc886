package promote_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestSelect(t *testing.T) {
	s := storageOf(map[string]string{
		"snapshot":   "apm-8.0.0=s apm-8.10.0=a apm-8.9.0=b apm-8.10.0-rc1=c 1password-1.2.0=p apm_server-1.0.0=q",
		"staging":    "apm-8.0.0=t nginx-1.0.0=n",
		"production": "apm-7.0.0=u nginx-0.9.0=m",
	}, nil)
	for _, c := range []struct{ to, words, want string }{
		{"production", "apm-8.10.0", "apm-8.10.0 snapshot"},
		{"production", "apm-8.10.0-rc1", "apm-8.10.0-rc1 snapshot"},
		{"production", "1password-1.2.0", "1password-1.2.0 snapshot"},
		{"production", "apm-8.0.0", "apm-8.0.0 staging"}, // the nearest that has it
		{"staging", "apm-8.0.0", "apm-8.0.0 snapshot"},
		{"production", "apm", "apm-8.0.0 staging"}, // the newest there
		{"staging", "apm", "apm-8.10.0 snapshot"},  // not 8.9.0, not a release candidate
		{"staging", "apm_server", "apm_server-1.0.0 snapshot"},
		{"production", "apm-8.*", "apm-8.0.0 staging; apm-8.9.0 snapshot; apm-8.10.0-rc1 snapshot; apm-8.10.0 snapshot"},
		{"production", "*-1.?.0", "1password-1.2.0 snapshot; apm_server-1.0.0 snapshot; nginx-1.0.0 staging"},
		{"production", "apm-8.1*,apm-8.10.0", "apm-8.10.0-rc1 snapshot; apm-8.10.0 snapshot"}, // once
		{"production", "nginx-0.9.0", "nginx-0.9.0 "},                                         // there already, from nowhere
		{"staging", "nginx", "nginx-1.0.0 "},
		{"production", "apm-9.9.9", "apm-9.9.9 ?apm-8.9.0 apm-8.0.0 apm-7.0.0"},
		{"production", "ngnix-1.0.0", "ngnix-1.0.0 ?nginx-1.0.0 nginx-0.9.0"},
		{"production", "zzzzzzzz", "zzzzzzzz ?"},
		{"production", "zz*", "zz* ?"},
	} {
		found, err := s.Select(promote.Request{To: c.to, Packages: strings.Split(c.words, ",")})
		if err != nil {
			t.Errorf("%s to %s: %v", c.words, c.to, err)
			continue
		}
		var got []string
		for _, one := range found {
			line := one.Label() + " " + one.From
			if one.Name == "" {
				line += "?" + strings.Join(one.Near, " ")
			}
			got = append(got, line)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s to %s: %q, want %q", c.words, c.to, text, c.want)
		}
	}
	for what, r := range map[string]promote.Request{
		"nothing downstream": {To: "snapshot", Packages: []string{"apm"}}, "a frozen one": {To: "experimental", Packages: []string{"apm"}},
		"nothing": {To: "staging"}, "twice": {To: "staging", Packages: []string{"apm-8.9.0", "apm-8.9.0"}},
		"no pattern": {To: "staging", Packages: []string{"apm-[8"}}, "an empty word": {To: "staging", Packages: []string{""}},
	} {
		_, err := s.Select(r)
		var request *promote.RequestError
		if !errors.As(err, &request) || request.WayOut == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

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

func TestRemove(t *testing.T) {
	branches := map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y", "staging": "apm-1.0.0=x apm-1.0.1=z", "production": "apm-0.9.0=w"}
	for _, c := range []struct{ what, from, words, reason, want, steps string }{
		{"freely", "snapshot", "nginx-1.0.0", "", "nginx-1.0.0 ok -snapshot", "snapshot: -nginx-1.0.0"},
		{"freely, for a reason", "snapshot", "nginx-1.0.0", "why", "nginx-1.0.0 ok -snapshot", "snapshot: -nginx-1.0.0 †nginx-1.0.0"},
		{"without a reason", "staging", "apm-1.0.1", "", "apm-1.0.1 wants-reason refused", ""},
		{"with a reason", "staging", "apm-1.0.1", "why", "apm-1.0.1 ok -staging", "staging: -apm-1.0.1 †apm-1.0.1"},
		{"by pull request", "production", "apm-0.9.0", "why", "apm-0.9.0 ok -production", "production@remove/production/apm-0.9.0: -apm-0.9.0 †apm-0.9.0 empty"},
		{"elsewhere", "production", "apm-1.0.1", "why", "apm-1.0.1 not-found refused", ""},
		{"a name is no version", "snapshot", "nginx", "why", "nginx not-found refused", ""},
		{"a pattern is no version", "snapshot", "nginx-*", "why", "nginx-* not-found refused", ""},
		{"frozen", "experimental", "apm-1.0.1", "why", "apm-1.0.1 not-found refused", ""},
	} {
		s := storageOf(branches, nil)
		removal, err := s.Remove(c.from, strings.Split(c.words, ","), c.reason)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(promote.Plan{Items: removal.Items}); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if len(removal.Refused()) > 0 != (c.steps == "") {
			t.Errorf("%s: %d refused", c.what, len(removal.Refused()))
		}
		if c.steps != "" {
			if got := stepsShown([]promote.Step{s.RemovalStep(removal, now)}); got != c.steps {
				t.Errorf("%s: %s, want %s", c.what, got, c.steps)
			}
		}
	}
	for _, words := range [][]string{nil, {"apm-1.0.0", "apm-1.0.0"}} {
		var request *promote.RequestError
		if _, err := storageOf(branches, nil).Remove("snapshot", words, ""); !errors.As(err, &request) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

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

func TestTombstones(t *testing.T) {
	stone := promote.Tombstone{Package: "apm-1.0.0", Tree: "0123", Removed: now, Reason: "it broke: \"all\"\nof it"}
	first, err := promote.EditTombstones(nil, []promote.Tombstone{stone}, nil)
	if err != nil {
		t.Fatal(err)
	}
	edited := []byte(strings.Replace(string(first), "  - package", "  # ask us first\n  - package", 1))
	if string(edited) == string(first) {
		t.Fatalf("%s", first)
	}
	other := promote.Tombstone{Package: "nginx-1.0.0", Tree: "4567", Removed: now, Reason: "so"}
	second, err := promote.EditTombstones(edited, []promote.Tombstone{other, other}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(second), "# ask us first") {
		t.Errorf("what somebody wrote is gone:\n%s", second)
	}
	if got, err := promote.ReadTombstones(second); err != nil || !slices.Equal(got, []promote.Tombstone{stone, other, other}) && !slices.Equal(got, []promote.Tombstone{stone, other}) {
		t.Errorf("%v, %v", got, err)
	}
	third, err := promote.EditTombstones(second, nil, []string{"nginx-1.0.0", "none-1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := promote.ReadTombstones(third); err != nil || !slices.Equal(got, []promote.Tombstone{stone}) {
		t.Errorf("%v, %v", got, err)
	}
	if last, err := promote.EditTombstones(third, nil, []string{"apm-1.0.0"}); err != nil || last != nil {
		t.Errorf("%s, %v", last, err)
	}
	for _, content := range []string{"[]", "tombstones: x", "tombstones:\n- packet: apm-1.0.0\n", "tombstones:\n- tree: 0123\n", "\t"} {
		if _, err := promote.EditTombstones([]byte(content), []promote.Tombstone{stone}, nil); err == nil && content != "\t" {
			t.Errorf("%q was edited", content)
		}
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
