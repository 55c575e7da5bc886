package main

import (
	"maps"
	"slices"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/object"
)

// version is a package in an assembled tree: what it holds, and which branch it is from.
type version struct {
	tree   object.ID
	branch string
}

// versions are those of an assembled tree, by their paths below packages/.
type versions map[string]version

func versionsOf(tree assemble.Tree) versions {
	all := versions{}
	for _, p := range tree.Packages {
		all[p.Path()] = version{p.Tree, tree.Branches[p.Branch].Name}
	}
	return all
}

// change is what an update does to versions, as paths. One that was moved is the same in another branch: a promotion.
type change struct {
	Added       []string `json:"added,omitempty"`
	Overwritten []string `json:"overwritten,omitempty"`
	Removed     []string `json:"removed,omitempty"`
	Moved       []string `json:"moved,omitempty"`
}

func compare(before, after versions) change {
	var c change
	for _, path := range slices.Sorted(maps.Keys(after)) {
		was, there := before[path]
		switch is := after[path]; {
		case !there:
			c.Added = append(c.Added, path)
		case was.tree != is.tree:
			c.Overwritten = append(c.Overwritten, path)
		case was.branch != is.branch:
			c.Moved = append(c.Moved, path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if _, there := after[path]; !there {
			c.Removed = append(c.Removed, path)
		}
	}
	return c
}

// fresh are the versions that were not there before, sorted.
func (c change) fresh() []string {
	return slices.Sorted(slices.Values(slices.Concat(c.Added, c.Overwritten)))
}

// count is the number of versions that are not what, or where, they were.
func (c change) count() int { return len(c.Added) + len(c.Overwritten) + len(c.Removed) + len(c.Moved) }
