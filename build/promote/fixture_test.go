package promote_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// now is the time of day in these tests.
var now = time.Date(2022, 11, 3, 12, 0, 0, 0, time.UTC)

// tables are snapshot on staging on production, and a frozen one beside them.
func stages() map[string]*promote.Stage {
	d := func(name, upstream, add, overwrite, remove string) *promote.Stage {
		return &promote.Stage{
			Distribution: distribution.Distribution{Name: name, Branch: name, Upstream: upstream, Add: add, Overwrite: overwrite, Remove: remove},
			Since:        map[string]time.Time{}, Gone: map[string]promote.Gone{}, Tombstones: map[string]promote.Tombstone{},
		}
	}
	all := map[string]*promote.Stage{
		"snapshot": d("snapshot", "staging", "commit", "yes", "yes"), "staging": d("staging", "production", "commit", "reason", "reason"),
		"production": d("production", "", "pull-request", "no", "tombstone"), "experimental": d("experimental", "", "never", "no", "no"),
	}
	all["experimental"].Frozen = true
	return all
}

// storageOf makes a storage of what is on its branches: "apm-8.0.0=x" is a version with the tree x.
func storageOf(branches map[string]string, adjust func(map[string]*promote.Stage)) promote.Storage {
	all := stages()
	for name, words := range branches {
		for _, word := range strings.Fields(words) {
			all[name].Packages = append(all[name].Packages, parse(word))
		}
	}
	if adjust != nil {
		adjust(all)
	}
	return promote.NewStorage([]promote.Stage{*all["snapshot"], *all["staging"], *all["production"], *all["experimental"]})
}

func parse(word string) integration.Package {
	text, tree, _ := strings.Cut(word, "=")
	name, version, _ := strings.Cut(text, "-")
	return integration.Package{Name: integration.Name(name), Version: integration.Version(version), Tree: object.ID(tree)}
}

// planOf is what a request for packages makes of a storage.
func planOf(t *testing.T, s promote.Storage, request promote.Request, facts promote.Facts) promote.Plan {
	t.Helper()
	candidates, err := s.Select(request)
	if err != nil {
		t.Fatal(err)
	}
	facts.Now = now
	return s.Plan(request, candidates, facts)
}

// shown is a plan in words: "apm-8.0.0 ok+skips-a-stage snapshot>staging -snapshot".
func shown(plan promote.Plan) string {
	var lines []string
	for _, i := range plan.Items {
		line := i.Label() + " " + string(i.Verdict.Code)
		for _, n := range i.Notes {
			line += "+" + string(n.Code)
		}
		if !i.Verdict.Allowed {
			line += " refused"
		}
		if i.Add {
			line += " " + i.From + ">" + i.To
		}
		for _, name := range i.Remove {
			line += " -" + name
		}
		for _, name := range i.Stays {
			line += " =" + name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// stepsShown are steps in words: "production@promote/production/apm-8.0.0-…: +apm-8.0.0".
func stepsShown(steps []promote.Step) string {
	var lines []string
	for _, s := range steps {
		line := s.Branch
		if s.Topic != "" {
			line += "@" + s.Topic[:strings.LastIndexByte(s.Topic, '-')]
		}
		line += ":"
		for _, i := range s.Add {
			line += " +" + i.Package.String() + "=" + string(i.Tree)
		}
		for _, i := range s.Remove {
			line += " -" + i.Package.String()
		}
		for _, b := range s.Bury {
			line += " †" + b.Package
		}
		for _, l := range s.Lift {
			line += " ↑" + l
		}
		if s.Empties {
			line += " empty"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}
