package policy_test

import (
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/policy"
)

// trees reads "apm/1.0.0=x nginx/1.0.0=y".
func trees(words string) map[string]object.ID {
	found := map[string]object.ID{}
	for _, word := range strings.Fields(words) {
		path, tree, _ := strings.Cut(word, "=")
		found[path] = object.ID(tree)
	}
	return found
}

func set(words string) map[string]bool {
	found := map[string]bool{}
	for _, word := range strings.Fields(words) {
		found[word] = true
	}
	return found
}

// shown are findings in words: "overwritten packages/apm/1.0.0".
func shown(findings []policy.Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, string(f.Code)+" "+f.Path)
	}
	return strings.Join(all, "; ")
}

var (
	snapshot   = distribution.Distribution{Name: "snapshot", Branch: "snapshot", Add: "commit", Overwrite: "yes", Remove: "yes"}
	staging    = distribution.Distribution{Name: "staging", Branch: "staging", Add: "commit", Overwrite: "reason", Remove: "reason"}
	production = distribution.Distribution{Name: "production", Branch: "production", Add: "pull-request", Overwrite: "no", Remove: "tombstone"}
	strict     = distribution.Distribution{Name: "strict", Branch: "strict", Add: "commit", Overwrite: "no", Remove: "no"}
	frozen     = distribution.Distribution{Name: "frozen", Branch: "frozen", Frozen: true, Add: "never", Overwrite: "no", Remove: "no"}
)

func TestChange(t *testing.T) {
	const why = "Change it\n\nReason: it was broken\n"
	for _, c := range []struct {
		what               string
		on                 distribution.Distribution
		came, went         string
		message            string
		gone, buried, were string
		upstream           string
		stray, others      []string
		registry, faults   string
		want               string
	}{
		{what: "added", on: production, came: "apm/1.0.0=x"},
		{what: "nothing", on: production},
		{what: "overwritten", on: production, came: "apm/1.0.0=y", went: "apm/1.0.0=x", message: why, want: "overwritten packages/apm/1.0.0"},
		{what: "overwritten for no reason", on: staging, came: "apm/1.0.0=y", went: "apm/1.0.0=x", message: "Reason:\n", want: "overwritten packages/apm/1.0.0"},
		{what: "overwritten for a reason", on: staging, came: "apm/1.0.0=y", went: "apm/1.0.0=x", message: why},
		{what: "overwritten freely", on: snapshot, came: "apm/1.0.0=y", went: "apm/1.0.0=x"},
		{what: "removed", on: production, went: "apm/1.0.0=x", message: why, want: "removed packages/apm/1.0.0"},
		{what: "removed, with a tombstone", on: production, went: "apm/1.0.0=x", buried: "apm/1.0.0"},
		{what: "removed for no reason", on: staging, went: "apm/1.0.0=x", want: "removed packages/apm/1.0.0"},
		{what: "removed for a reason", on: staging, went: "apm/1.0.0=x", message: why},
		{what: "removed where nothing is", on: strict, went: "apm/1.0.0=x", message: why, want: "removed packages/apm/1.0.0"},
		{what: "removed freely", on: snapshot, went: "apm/1.0.0=x"},
		{what: "promoted", on: staging, went: "apm/1.0.0=x", upstream: "apm/1.0.0=x"},
		{what: "removed, other bytes upstream", on: staging, went: "apm/1.0.0=x", upstream: "apm/1.0.0=y", want: "removed packages/apm/1.0.0"},
		{what: "back", on: production, came: "apm/1.0.0=x", gone: "apm/1.0.0", want: "resurrected packages/apm/1.0.0"},
		{what: "back from its grave", on: production, came: "apm/1.0.0=x", were: "apm/1.0.0", want: "resurrected packages/apm/1.0.0"},
		{what: "back for a reason", on: production, came: "apm/1.0.0=x", gone: "apm/1.0.0", message: why},
		{what: "back where all may come and go", on: snapshot, came: "apm/1.0.0=x", gone: "apm/1.0.0"},
		{what: "shadowed", on: staging, came: "apm/1.0.0=x", upstream: "apm/1.0.0=y", want: "shadowed packages/apm/1.0.0"},
		{what: "the same bytes upstream", on: staging, came: "apm/1.0.0=x", upstream: "apm/1.0.0=x"},
		{what: "stray files", on: staging, stray: []string{"packages/README.md"}, want: "stray-file packages/README.md"},
		{what: "other files", on: staging, others: []string{"README.md"}},
		{what: "a registry version", on: staging, registry: "no stable release", want: "registry-version Dockerfile"},
		{what: "faults", on: staging, came: "apm/1.0.0=x nginx/1.0.0=y", faults: "apm/1.0.0", want: "invalid packages/apm/1.0.0; dev-folder packages/apm/1.0.0/_dev"},
		{
			what: "frozen", on: frozen, came: "apm/1.0.0=x", went: "nginx/1.0.0=y", others: []string{"README.md"}, stray: []string{"packages/x"},
			want: "frozen README.md; frozen packages/apm/1.0.0; frozen packages/nginx/1.0.0; frozen packages/x",
		},
		{
			what: "several, by path", on: production, came: "zoo/1.0.0=y", went: "zoo/1.0.0=x apm/1.0.0=x", want: "removed packages/apm/1.0.0; overwritten packages/zoo/1.0.0",
		},
	} {
		upstream := trees(c.upstream)
		judge := policy.Judge{
			Distribution: c.on, Gone: set(c.gone), Head: trees(c.came), Upstream: func(path string) object.ID { return upstream[path] },
			Promoted: func(path string, tree object.ID) bool { return upstream[path] == tree },
		}
		change := policy.Change{
			Commit: "0123", Message: c.message, Came: trees(c.came), Went: trees(c.went), Buried: set(c.buried), Were: set(c.were),
			Stray: c.stray, Others: c.others, RegistryProblem: c.registry,
		}
		if c.faults != "" {
			change.Faults = map[string][]policy.Fault{c.faults: {{Code: policy.Invalid, Problem: "no manifest"}, {Code: policy.DevFolder, Path: "_dev", Problem: "a folder"}}}
		}
		found := judge.Change(change)
		if got := shown(found); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		for _, f := range found {
			if f.Commit != "0123" || f.Problem == "" || f.WayOut == "" && f.Code != policy.Invalid && f.Code != policy.DevFolder {
				t.Errorf("%s: %+v", c.what, f)
			}
		}
	}
}

// TestAcrossChanges: what one commit removed, another may not bring back; what has gone by the end can't be shadowed.
func TestAcrossChanges(t *testing.T) {
	judge := policy.Judge{Distribution: production}
	for i, c := range []struct{ came, went, buried, want string }{
		{"apm/1.0.0=x", "", "", ""},
		{"", "apm/1.0.0=x", "apm/1.0.0", ""},
		{"apm/1.0.0=x", "", "", "resurrected packages/apm/1.0.0"},
		{"apm/1.0.0=y", "apm/1.0.0=x", "", "overwritten packages/apm/1.0.0"},
	} {
		found := judge.Change(policy.Change{Came: trees(c.came), Went: trees(c.went), Buried: set(c.buried)})
		if got := shown(found); got != c.want {
			t.Errorf("change %d: %q, want %q", i, got, c.want)
		}
	}
	passing := policy.Judge{Distribution: staging, Upstream: func(string) object.ID { return "y" }, Head: trees("apm/1.0.0=y")}
	if found := passing.Change(policy.Change{Came: trees("apm/1.0.0=x")}); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

// TestReason: only a line of the message that says something is one.
func TestReason(t *testing.T) {
	for message, is := range map[string]bool{
		"": false, "Reason: so": true, "x\n\nReason: so": true, "Reason:": false, "Reason:   \n": false, "The Reason: so": false, "x\nreason: so": false,
	} {
		judge := policy.Judge{Distribution: staging}
		found := judge.Change(policy.Change{Message: message, Went: trees("apm/1.0.0=x")})
		if allowed := len(found) == 0; allowed != is {
			t.Errorf("%q: %v", message, allowed)
		}
	}
}
