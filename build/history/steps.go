package history

import (
	"github.com/seed-604f7181/package-storage/build/object"
)

// Step is what one commit did to the packages of a branch. Paths are "<name>/<version>"; what was overwritten is in both.
type Step struct {
	Commit Commit
	// Came are packages that are there since the commit, Went those that were there before it, with their trees.
	Came, Went map[string]object.ID
}

// Steps are what commits did, which follow each other, the oldest first; to the first of them, everything came. Errors: as
// of Follow.
func Steps(trees object.TreeReader, commits []Commit) ([]Step, error) {
	states, err := families(trees, commits)
	if err != nil {
		return nil, err
	}
	versions, err := versions(trees, nil, states)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(commits))
	var before map[string]object.ID
	for i, now := range states {
		steps[i] = Step{commits[i], map[string]object.ID{}, map[string]object.ID{}}
		for name, id := range before {
			if now[name] != id {
				differ(steps[i].Went, name, versions[id], versions[now[name]])
			}
		}
		for name, id := range now {
			if before[name] != id {
				differ(steps[i].Came, name, versions[id], versions[before[name]])
			}
		}
		before = now
	}
	return steps, nil
}

// differ puts into into what these are and others are not.
func differ(into map[string]object.ID, name string, these, others map[string]object.ID) {
	for version, tree := range these {
		if others[version] != tree {
			into[name+"/"+version] = tree
		}
	}
}
