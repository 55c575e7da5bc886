package assemble

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Tree is the assembled tree of a distribution: each version once.
type Tree struct {
	// Branches are those of the chain, the most upstream first.
	Branches []Branch
	// Packages are sorted by path.
	Packages []Placed
	// Shadowed are the copies that are not in the tree, sorted by path.
	Shadowed []Shadowed
}

// Placed is a package and where it comes from.
type Placed struct {
	integration.Package
	// Branch is an index into Tree.Branches.
	Branch int
}

// Shadowed is a copy of a version that a more upstream branch has as well.
type Shadowed struct {
	Placed
	// By is the branch whose copy won, an index into Tree.Branches.
	By int
	// ByTree is the tree id of the copy that won.
	ByTree object.ID
}

// Differs says whether the two copies are different bytes.
func (s Shadowed) Differs() bool { return s.Tree != s.ByTree }

// Assemble lays branches over each other, the most upstream first: the first copy of a version wins.
func Assemble(branches []Branch) Tree {
	tree := Tree{Branches: branches}
	won := map[string]Placed{}
	for i, b := range branches {
		for _, f := range b.Families {
			for _, p := range f.Packages {
				placed := Placed{p, i}
				if winner, there := won[p.Path()]; there {
					tree.Shadowed = append(tree.Shadowed, Shadowed{placed, winner.Branch, winner.Tree})
					continue
				}
				won[p.Path()] = placed
				tree.Packages = append(tree.Packages, placed)
			}
		}
	}
	slices.SortFunc(tree.Packages, func(a, b Placed) int { return cmp.Compare(a.Path(), b.Path()) })
	slices.SortFunc(tree.Shadowed, func(a, b Shadowed) int {
		return cmp.Or(cmp.Compare(a.Path(), b.Path()), cmp.Compare(a.Branch, b.Branch))
	})
	return tree
}

// Check finds packages of different branches that could not lie beside each other where case does not count.
func (t Tree) Check() []Finding {
	var findings []Finding
	seen := make(map[string]Placed, len(t.Packages))
	for _, p := range t.Packages {
		folded := strings.ToLower(p.Path())
		if other, twice := seen[folded]; twice {
			findings = append(findings, Finding{t.Branches[p.Branch].Where(p.Path()), "packages/" + p.Path(),
				"differs only in case from " + t.Branches[other.Branch].Where(other.Path()) + ":packages/" + other.Path(), "rename one of them"})
		}
		seen[folded] = p
	}
	return findings
}

// From are the packages of the tree that come from one of its branches.
func (t Tree) From(branch int) []integration.Package {
	var packages []integration.Package
	for _, p := range t.Packages {
		if p.Branch == branch {
			packages = append(packages, p.Package)
		}
	}
	return packages
}

// Listing is packages.json: where each package of a distribution comes from.
type Listing struct {
	Distribution string           `json:"distribution"`
	Branches     []ListedBranch   `json:"branches"`
	Packages     []ListedPackage  `json:"packages"`
	Shadowed     []ListedShadowed `json:"shadowed"`
	Ignored      []Finding        `json:"ignored,omitempty"`
}

// ListedBranch is a branch of the chain, the most upstream first. Packages counts those that are in the tree.
type ListedBranch struct {
	Branch   string    `json:"branch"`
	Commit   object.ID `json:"commit"`
	Packages int       `json:"packages"`
}

// ListedPackage is one package of the tree.
type ListedPackage struct {
	Name    integration.Name    `json:"name"`
	Version integration.Version `json:"version"`
	Branch  string              `json:"branch"`
	Tree    object.ID           `json:"tree"`
	// Uncommitted packages were laid over the branch, which does not have them.
	Uncommitted bool `json:"uncommitted,omitempty"`
}

// ListedShadowed is a copy that is not in the tree; ShadowedBy is the branch whose copy is.
type ListedShadowed struct {
	ListedPackage
	ShadowedBy string `json:"shadowedBy"`
	SameBytes  bool   `json:"sameBytes"`
}

// Listing makes the tree's packages.json.
func (t Tree) Listing(distribution string) Listing {
	l := Listing{Distribution: distribution, Packages: []ListedPackage{}, Shadowed: []ListedShadowed{}}
	for i, b := range t.Branches {
		l.Branches = append(l.Branches, ListedBranch{b.Name, b.Commit, len(t.From(i))})
		l.Ignored = append(l.Ignored, b.Ignored...)
	}
	for _, p := range t.Packages {
		l.Packages = append(l.Packages, t.listed(p))
	}
	for _, s := range t.Shadowed {
		l.Shadowed = append(l.Shadowed, ListedShadowed{t.listed(s.Placed), t.Branches[s.By].Name, !s.Differs()})
	}
	return l
}

func (t Tree) listed(p Placed) ListedPackage {
	b := t.Branches[p.Branch]
	return ListedPackage{p.Name, p.Version, b.Name, p.Tree, b.Laid[p.Path()]}
}

// Overlay lays packages over those of a branch: a version that is in both is over's. It returns the packages that came
// from over, about which findings name over.
func Overlay(branch, over Branch) (Branch, []integration.Package) {
	var laid []integration.Package
	branch.Laid, branch.laidFrom = map[string]bool{}, over.Name
	families := slices.Clone(branch.Families)
	for _, f := range over.Families {
		laid = append(laid, f.Packages...)
		for _, p := range f.Packages {
			branch.Laid[p.Path()] = true
		}
		at := slices.IndexFunc(families, func(known Family) bool { return known.Name == f.Name })
		if at < 0 {
			families = append(families, f)
			continue
		}
		merged := slices.Clone(families[at].Packages)
		for _, p := range f.Packages {
			merged = slices.DeleteFunc(merged, func(known integration.Package) bool { return known.Version == p.Version })
			merged = append(merged, p)
		}
		slices.SortFunc(merged, func(a, b integration.Package) int { return cmp.Compare(a.Version, b.Version) })
		families[at].Packages = merged
	}
	slices.SortFunc(families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	branch.Families = families
	branch.Ignored = append(slices.Clone(branch.Ignored), over.Ignored...)
	return branch, laid
}
