// Package policy judges what commits do to a distribution's branch by the rules of its row in the table: whether versions
// may be overwritten or removed, may come back, which registry versions there may be.
//
// It is pure: changes, histories and what is wrong with packages come in as values. Only what a range of commits changed is
// judged: nobody mends an old fault in passing. Package promote judges before the fact what this one judges after it.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Code names a rule. Codes never change: scripts go by them.
type Code string

// The rules.
const (
	Overwritten Code = "overwritten"      // a published version has other bytes now
	Removed     Code = "removed"          // a published version is gone
	Resurrected Code = "resurrected"      // a version that was removed is back
	Shadowed    Code = "shadowed"         // upstream has other bytes of the version: these are not served
	Invalid     Code = "invalid"          // no registry would serve it, or start with it
	DevFolder   Code = "dev-folder"       // a package has a folder _dev, which is for its makers
	Stray       Code = "stray-file"       // a file where only packages belong
	Registry    Code = "registry-version" // the policy does not allow it
	Frozen      Code = "frozen"           // nothing changes there
)

// Finding is a rule that a commit broke.
type Finding struct {
	Code Code `json:"code"`
	// Commit did it; Path is on the branch, from its root.
	Commit  object.ID `json:"commit"`
	Path    string    `json:"path"`
	Problem string    `json:"problem"`
	WayOut  string    `json:"wayOut,omitempty"`
}

// Change is what one commit, or a range of them, does to a branch.
type Change struct {
	Commit object.ID
	// Message is the commit's: a line "Reason: …" in it allows what wants a reason.
	Message string
	// Came and Went are packages with their trees, by "<name>/<version>"; what was overwritten is in both.
	Came, Went map[string]object.ID
	// Buried are the packages that have a tombstone after the change, by "<name>/<version>"; Were those before it.
	Buried, Were map[string]bool
	// Stray are paths that are new, and no package; Others those of all other files that changed.
	Stray, Others []string
	// Registry is the registry version, and RegistryProblem why the policy does not allow it; empty where it has not changed.
	RegistryProblem string
	// Faults are what is wrong with a package that came, by "<name>/<version>"; a path in it is from the package on.
	Faults map[string][]Fault
}

// Fault is something wrong in a package.
type Fault struct {
	Code                  Code
	Path, Problem, WayOut string
}

// Judge knows a distribution's branch, and what came before.
type Judge struct {
	Distribution distribution.Distribution
	// Gone are the versions that were on the branch once and are not now, by "<name>/<version>"; Change goes on with it.
	Gone map[string]bool
	// Head are the packages at the end of all changes, by "<name>/<version>": what has gone by then can't be shadowed.
	Head map[string]object.ID
	// Upstream is the tree of a version that a distribution upstream has now, zero where none has it. Promoted says whether
	// one of them has ever had these bytes: what is gone downstream since, was promoted.
	Upstream func(path string) object.ID
	Promoted func(path string, tree object.ID) bool
}

// Change finds the rules that a change broke, sorted by path.
func (j *Judge) Change(c Change) []Finding {
	var found []Finding
	add := func(code Code, path, problem, wayOut string) {
		found = append(found, Finding{code, c.Commit, path, problem, wayOut})
	}
	d := j.Distribution
	if d.Frozen || d.Add == "never" {
		for _, path := range c.paths() {
			add(Frozen, path, d.Name+" is frozen, and this changes it", "leave branch "+d.Branch+" as it is")
		}
		return found
	}
	reason := hasReason(c.Message)
	for path, tree := range c.Came {
		_, overwritten := c.Went[path]
		switch upstream := j.upstream(path); {
		case overwritten && d.Overwrite == "no":
			add(Overwritten, "packages/"+path, "a version that is published never changes", "publish it as another version")
		case overwritten && d.Overwrite == "reason" && !reason:
			add(Overwritten, "packages/"+path, "a version that is published changes for a reason only", `say it in the commit: "Reason: …"`)
		case !overwritten && (j.Gone[path] || c.Were[path]) && !reason && d.Remove != "yes":
			add(Resurrected, "packages/"+path, "it was removed once, and is back", `publish it as another version, or say why in the commit: "Reason: …"`)
		case upstream != "" && upstream != tree && j.Head[path] == tree:
			add(Shadowed, "packages/"+path, "upstream has other bytes of this version: these are not served", "publish it as another version")
		}
		for _, f := range c.Faults[path] {
			add(f.Code, "packages/"+path+strings.TrimSuffix("/"+f.Path, "/"), f.Problem, f.WayOut)
		}
	}
	for path, tree := range c.Went {
		if _, overwritten := c.Came[path]; overwritten || j.Promoted != nil && j.Promoted(path, tree) || c.Buried[path] {
			continue // not removed, promoted, or removed as it should be
		}
		switch d.Remove {
		case "reason":
			if !reason {
				add(Removed, "packages/"+path, "a version is removed for a reason only", `mage remove does it, or say it in the commit: "Reason: …"`)
			}
		case "tombstone":
			add(Removed, "packages/"+path, "a published version is gone, and no tombstone says why", "put it back; mage remove removes it as it should be")
		case "no":
			add(Removed, "packages/"+path, "no version is ever removed from "+d.Name, "put it back")
		}
	}
	for _, path := range c.Stray {
		add(Stray, path, "a file where only packages belong: packages/<name>/<version>/", "move it into a package, or remove it")
	}
	if c.RegistryProblem != "" {
		add(Registry, "Dockerfile", c.RegistryProblem, "mage registry:update gives all branches one that is allowed")
	}
	j.remember(c)
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code)) })
	return found
}

func (j *Judge) upstream(path string) object.ID {
	if j.Upstream == nil {
		return ""
	}
	return j.Upstream(path)
}

// remember is for the changes that follow.
func (j *Judge) remember(c Change) {
	if j.Gone == nil {
		j.Gone = map[string]bool{}
	}
	for path := range c.Went {
		if _, overwritten := c.Came[path]; !overwritten {
			j.Gone[path] = true
		}
	}
	for path := range c.Came {
		delete(j.Gone, path)
	}
}

// paths are all that a change touches, sorted.
func (c Change) paths() []string {
	all := slices.Concat(c.Stray, c.Others)
	for _, packages := range []map[string]object.ID{c.Came, c.Went} {
		for path := range packages {
			all = append(all, "packages/"+path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hasReason finds the trailer by which a commit says why.
func hasReason(message string) bool {
	for line := range strings.Lines(message) {
		if why, found := strings.CutPrefix(line, "Reason:"); found && strings.TrimSpace(why) != "" {
			return true
		}
	}
	return false
}

// String is a finding in a line.
func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Path, f.Code, f.Problem) }
