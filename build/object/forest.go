package object

import (
	"fmt"
	"maps"
	"strings"
)

// TreeReader reads tree objects: one slice of entries per id, in git's order. Errors: *LostError.
type TreeReader interface {
	Trees(ids []ID) ([][]TreeEntry, error)
}

// Forest keeps the trees that were read, each once: the versions of a package share most of their folders.
// It is not safe for concurrent use while Load runs; Walk and Entries only read.
type Forest struct {
	trees map[ID][]TreeEntry
}

// NewForest is an empty forest.
func NewForest() *Forest {
	return &Forest{trees: map[ID][]TreeEntry{}}
}

// Load reads the trees named by ids and all trees below them: one request a level, whatever their number. What was
// loaded before an error stays.
func (f *Forest) Load(reader TreeReader, ids ...ID) error {
	wanted := ids
	for len(wanted) > 0 {
		missing := make([]ID, 0, len(wanted))
		queued := make(map[ID]bool, len(wanted))
		for _, id := range wanted {
			if _, known := f.trees[id]; !known && !queued[id] {
				queued[id] = true
				missing = append(missing, id)
			}
		}
		read, err := reader.Trees(missing)
		if err != nil {
			return err
		}
		wanted = wanted[:0:0]
		for i, entries := range read {
			f.trees[missing[i]] = entries
			for _, e := range entries {
				if e.Mode == ModeTree {
					wanted = append(wanted, e.ID)
				}
			}
		}
	}
	return nil
}

// Absorb takes over the trees of another forest, which is not used any more.
func (f *Forest) Absorb(other *Forest) {
	if len(f.trees) == 0 {
		f.trees = other.trees
		return
	}
	maps.Copy(f.trees, other.trees)
}

// Entries are those of a tree that was loaded; nil for another.
func (f *Forest) Entries(id ID) []TreeEntry { return f.trees[id] }

// Walk visits all that is below the tree root, folders before what they hold, in git's order. Paths start with
// prefix, without a slash at the end. An error of visit ends the walk.
func (f *Forest) Walk(prefix string, root ID, visit func(path string, e TreeEntry) error) error {
	entries, loaded := f.trees[root]
	if !loaded {
		return fmt.Errorf("tree %s of %s was not loaded", root, prefix)
	}
	for _, e := range entries {
		path := e.Name
		if prefix != "" {
			var b strings.Builder
			b.Grow(len(prefix) + 1 + len(e.Name))
			b.WriteString(prefix)
			b.WriteByte('/')
			b.WriteString(e.Name)
			path = b.String()
		}
		if err := visit(path, e); err != nil {
			return err
		}
		if e.Mode == ModeTree {
			if err := f.Walk(path, e.ID, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find is the path of an object below the tree root, as far as trees were loaded.
func (f *Forest) Find(prefix string, root, wanted ID) (path string, found bool) {
	if root == wanted {
		return prefix, true
	}
	for _, e := range f.trees[root] {
		if e.ID == wanted {
			return prefix + "/" + e.Name, true
		}
		if e.Mode == ModeTree {
			if path, found := f.Find(prefix+"/"+e.Name, e.ID, wanted); found {
				return path, true
			}
		}
	}
	return "", false
}
