// Package history says since when packages have been where they are, as the first-parent histories of their branches
// tell it. A plan of layers goes by it (layer.Stack): what has been there for long will stay, what is new will change.
//
// It is pure: trees come in through an object.TreeReader. Which commits there are is known in package gitstore; what is
// wrong on a branch is found by package assemble, at the head only, so that nothing here complains of old commits.
package history

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Commit is one commit of a branch's first-parent history.
type Commit struct {
	ID   object.ID
	Tree object.ID
	// Time is the committer's, in seconds since 1970.
	Time int64
}

// Stay is the time that one package, the same bytes, was on a branch without a break.
type Stay struct {
	// Path is "<name>/<version>", Tree the package's tree id.
	Path string    `json:"p"`
	Tree object.ID `json:"t"`
	// From is when it came, in seconds since 1970; 0 where it was on the branch in the first commit that is known. To is
	// when it was gone; 0 where it still is there.
	From int64 `json:"f,omitempty"`
	To   int64 `json:"u,omitempty"`
}

// Log is what a branch's first-parent history says of its packages, up to one commit. The zero Log is that of a branch
// without commits.
type Log struct {
	Commit object.ID `json:"commit"`
	// Time is the commit's, but for wrong clocks: it grows with each commit, unless one before was far in the future.
	Time int64 `json:"time"`
	// Stepped is the time before the last step of more than 30 days; 0 for none.
	Stepped int64 `json:"stepped,omitempty"`
	// Began is the time of the first commit that is known.
	Began int64 `json:"began"`
	// Stays are sorted by path, of one path in the order of time.
	Stays []Stay `json:"stays"`
	// Families are the tree ids of packages/<name> in the commit.
	Families map[string]object.ID `json:"families"`
}

// Follow reads on from a log: commits are those that follow its own, the oldest first. The log stays as it is.
// Errors: *object.LostError, those of trees.
func Follow(trees object.TreeReader, log Log, commits []Commit) (Log, error) {
	states, err := families(trees, commits)
	if err != nil {
		return Log{}, err
	}
	versions, err := versions(trees, log.Families, states)
	if err != nil {
		return Log{}, err
	}
	f := follower{log: log, first: log.Commit == "", stays: map[string][]Stay{}, versions: versions}
	for _, s := range log.Stays {
		f.stays[s.Path] = append(f.stays[s.Path], s)
	}
	for i, c := range commits {
		f.step(c, states[i])
	}
	f.log.Stays = nil
	for _, path := range slices.Sorted(maps.Keys(f.stays)) {
		f.log.Stays = append(f.log.Stays, f.stays[path]...)
	}
	return f.log, nil
}

// families finds the folder of each name in each commit.
func families(trees object.TreeReader, commits []Commit) ([]map[string]object.ID, error) {
	roots := make([]object.ID, len(commits))
	for i, c := range commits {
		roots[i] = c.Tree
	}
	tops := make([]object.ID, len(commits)) // of packages/
	err := once(trees, roots, func(i int, root []object.TreeEntry) {
		tops[i] = folders(root)["packages"]
	})
	if err != nil {
		return nil, err
	}
	states := make([]map[string]object.ID, len(commits))
	return states, once(trees, tops, func(i int, top []object.TreeEntry) { states[i] = folders(top) })
}

// versions reads the folder of a name for each of its tree ids.
func versions(trees object.TreeReader, before map[string]object.ID, states []map[string]object.ID) (map[object.ID]map[string]object.ID, error) {
	wanted := map[object.ID]bool{}
	for _, state := range append(slices.Clone(states), before) {
		for _, id := range state {
			wanted[id] = true
		}
	}
	ids := slices.Sorted(maps.Keys(wanted))
	read := make(map[object.ID]map[string]object.ID, len(ids))
	return read, once(trees, ids, func(i int, entries []object.TreeEntry) { read[ids[i]] = folders(entries) })
}

// once reads trees, each of them one time only, and hands them to use in the order of ids; of the zero id there is
// nothing to read.
func once(trees object.TreeReader, ids []object.ID, use func(i int, entries []object.TreeEntry)) error {
	different := slices.Compact(slices.Sorted(slices.Values(ids)))
	different = slices.DeleteFunc(different, func(id object.ID) bool { return id == "" })
	read, err := trees.Trees(different)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if at, found := slices.BinarySearch(different, id); found {
			use(i, read[at])
		}
	}
	return nil
}

func folders(entries []object.TreeEntry) map[string]object.ID {
	found := make(map[string]object.ID, len(entries))
	for _, e := range entries {
		if e.Mode == object.ModeTree {
			found[e.Name] = e.ID
		}
	}
	return found
}

type follower struct {
	log      Log
	first    bool
	stays    map[string][]Stay // by path
	versions map[object.ID]map[string]object.ID
}

// latest is a time that no clock shows, 34,000 years from now: one can be added to it.
const latest = 1 << 40

// doubtful is a step in time, of 30 days, after which a commit whose time lies before it shows that it was a wrong clock's.
const doubtful = 30 * 24 * 60 * 60

// clock is a commit's time after those of the commits before: later than all of them, but for those of a wrong clock.
func (f *follower) clock(c Commit) int64 {
	at := min(max(c.Time, 1), latest)
	if f.log.Stepped != 0 && at > f.log.Stepped && at < f.log.Time-doubtful {
		f.turnBack(at)
	}
	if !f.first && at > f.log.Time+doubtful {
		f.log.Stepped = f.log.Time
	}
	return max(f.log.Time+1, at)
}

// turnBack makes of all times after one that time.
func (f *follower) turnBack(at int64) {
	f.log.Time, f.log.Began = at, min(f.log.Began, at)
	for _, stays := range f.stays {
		for i := range stays {
			stays[i].From, stays[i].To = min(stays[i].From, at), min(stays[i].To, at)
		}
	}
}

// step goes on by one commit. Only names whose folder changed are looked into.
func (f *follower) step(c Commit, now map[string]object.ID) {
	f.log.Time = f.clock(c)
	from := f.log.Time
	if f.first {
		f.log.Began = f.log.Time
		from, f.first = 0, false
	}
	for name, id := range f.log.Families {
		if now[name] != id {
			f.leave(name, f.versions[id], f.versions[now[name]])
		}
	}
	for name, id := range now {
		if before := f.log.Families[name]; before != id {
			f.arrive(name, f.versions[before], f.versions[id], from)
		}
	}
	f.log.Commit, f.log.Families = c.ID, now
}

// leave ends the stays of packages that are not the same any more.
func (f *follower) leave(name string, before, now map[string]object.ID) {
	for version, tree := range before {
		if now[version] != tree {
			stays := f.stays[name+"/"+version]
			stays[len(stays)-1].To = f.log.Time
		}
	}
}

func (f *follower) arrive(name string, before, now map[string]object.ID, from int64) {
	for version, tree := range now {
		if before[version] != tree {
			path := name + "/" + version
			f.stays[path] = append(f.stays[path], Stay{Path: path, Tree: tree, From: from})
		}
	}
}

// Since says since when a package has been in a distribution without a break: on any branch of its chain, whose logs are
// given, the most upstream first. A promotion is no break, if the package was added upstream not after it was removed
// downstream. In seconds since 1970; what was there in the first commit that is known of a branch has been there since
// the branch's place in the chain, 0, 1 and so on: before all that came later, upstream before downstream. ok is false
// where the package is on none of the branches.
type Since struct{ stays map[stayed][]spell }

type stayed struct {
	path string
	tree object.ID
}

type spell struct{ from, to int64 }

const open = int64(^uint64(0) >> 1)

// NewSince prepares the answers. Where histories were cut off (a shallow clone), what was there in the first commit that is
// known is said to have come with it.
func NewSince(chain []Log, cut bool) Since {
	s := Since{map[stayed][]spell{}}
	for place, log := range chain {
		for _, stay := range log.Stays {
			one := spell{stay.From, cmp.Or(stay.To, open)}
			switch {
			case stay.From == 0 && cut:
				one.from = log.Began
			case stay.From == 0:
				one.from = int64(place)
			}
			key := stayed{stay.Path, stay.Tree}
			s.stays[key] = append(s.stays[key], one)
		}
	}
	return s
}

// Of is the answer for one package; path is "<name>/<version>".
func (s Since) Of(path string, tree object.ID) (since int64, ok bool) {
	spells := slices.Clone(s.stays[stayed{path, tree}])
	// From the last end back: what ended before the earliest beginning so far was followed by a break.
	slices.SortFunc(spells, func(a, b spell) int { return cmp.Compare(b.to, a.to) })
	since = open
	for _, one := range spells {
		if one.to < since && since != open || since == open && one.to != open {
			break
		}
		since = min(since, one.from)
	}
	return since, since != open
}
