package promote

import (
	"slices"
	"time"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Stage is a distribution with what is known of its own branch.
type Stage struct {
	distribution.Distribution
	// Packages are those on the branch.
	Packages []integration.Package
	// trees are their trees by their paths, once NewStorage has seen them.
	trees map[string]object.ID
	// Since is when each has come, by its path; what is not there was on the branch in the first commit that is known.
	Since map[string]time.Time
	// Gone are versions that were on the branch once and are not now, by their path.
	Gone map[string]Gone
	// Leaving are the topic branches that are not merged yet and take a package away from here (a revert, a removal), by the
	// package's path.
	Leaving map[string]string
	// Tombstones are those of the branch, by the package's path.
	Tombstones map[string]Tombstone
}

// Gone is a version that is not on a branch any more: what it was last, and when it went.
type Gone struct {
	Tree object.ID
	When time.Time
}

// tree is a package's tree id, zero where the branch lacks it.
func (s Stage) tree(path string) object.ID { return s.trees[path] }

// Storage are all stages, in the order of the table.
type Storage []Stage

// NewStorage makes a storage of stages, which are in the order of the table.
func NewStorage(stages []Stage) Storage {
	storage := slices.Clone(stages)
	for i := range storage {
		storage[i].trees = make(map[string]object.ID, len(storage[i].Packages))
		for _, p := range storage[i].Packages {
			storage[i].trees[p.Path()] = p.Tree
		}
	}
	return storage
}

func (s Storage) stage(name string) Stage {
	at := slices.IndexFunc(s, func(one Stage) bool { return one.Name == name })
	if at < 0 {
		return Stage{}
	}
	return s[at]
}

// upstream are the stages that one includes, the nearest first.
func (s Storage) upstream(of Stage) []Stage {
	var found []Stage
	for of.Upstream != "" {
		of = s.stage(of.Upstream)
		found = append(found, of)
	}
	return found
}

// downstream are the stages that include one, the nearest first, each with its distance: 1 is the next.
func (s Storage) downstream(of string) (found []Stage, distance map[string]int) {
	distance = map[string]int{}
	for _, one := range s {
		if at := slices.IndexFunc(s.upstream(one), func(u Stage) bool { return u.Name == of }); at >= 0 {
			found = append(found, one)
			distance[one.Name] = at + 1
		}
	}
	slices.SortStableFunc(found, func(a, b Stage) int { return distance[a.Name] - distance[b.Name] })
	return found, distance
}
