package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// tombstonesFile is where a branch keeps its tombstones.
const tombstonesFile = "tombstones.yml"

// refresh brings the storage up to date with where branches are pushed to; what was read of branches is forgotten.
func (s *Session) refresh(ctx context.Context) (err error) {
	before := s.storage
	if gitstore.IsURL(s.config.Storage) {
		if s.fresh { // it has just been mirrored
			s.fresh = false
			return nil
		}
		s.storage, err = s.mirror(ctx, s.config.Storage)
	} else {
		s.storage, err = s.storage.Follow(ctx)
	}
	if err != nil {
		s.storage = before
		return err
	}
	clear(s.branches)
	return s.readers.use(s.storage)
}

// stages reads distributions, whatever their order, with what their histories tell.
func (s *Session) stages(ctx context.Context, distributions []distribution.Distribution) (promote.Storage, error) {
	var stages []promote.Stage
	for _, d := range distributions {
		read, err := s.scan(ctx, d)
		if err != nil {
			return nil, err
		}
		log, err := s.log(ctx, read.Branch)
		if err != nil {
			return nil, err
		}
		stones, err := s.tombstones(read)
		if err != nil {
			return nil, err
		}
		one := stage(d, read.Branch, log, stones)
		if one.Leaving, err = s.leaving(ctx, d, read); err != nil {
			return nil, err
		}
		stages = append(stages, one)
	}
	return promote.NewStorage(stages), nil
}

// related are the distribution and all that it includes or that include it, in the order of the table; without a name, all
// but the frozen ones.
func (s *Session) related(name string) ([]distribution.Distribution, error) {
	var found []distribution.Distribution
	if name == "" {
		return s.alive()
	}
	own, err := s.table.Chain(name)
	if err != nil {
		return nil, err
	}
	for _, d := range s.table.Distributions {
		chain, err := s.table.Chain(d.Name)
		if err != nil {
			return nil, err
		}
		if includes(own, d.Name) || includes(chain, name) {
			found = append(found, d)
		}
	}
	return found, nil
}

// alive are the distributions that are not frozen, and the frozen ones that they include.
func (s *Session) alive() ([]distribution.Distribution, error) {
	used := map[string]bool{}
	for _, d := range s.table.Distributions {
		chain, err := s.table.Chain(d.Name)
		if err != nil {
			return nil, err
		}
		for _, up := range chain {
			used[up.Name] = used[up.Name] || !d.Frozen
		}
	}
	return slices.DeleteFunc(slices.Clone(s.table.Distributions), func(d distribution.Distribution) bool { return !used[d.Name] }), nil
}

func includes(chain []distribution.Distribution, name string) bool {
	return slices.ContainsFunc(chain, func(d distribution.Distribution) bool { return d.Name == name })
}

// leaving are the packages that topic branches take away from a branch which are not merged yet: a revert, a removal. Who
// declines one removes its branch.
func (s *Session) leaving(ctx context.Context, d distribution.Distribution, branch scanned) (map[string]string, error) {
	found := map[string]string{}
	for _, verb := range []string{"revert", "remove"} {
		for _, topic := range s.storage.Branches(verb + "/" + d.Name + "/") {
			merged, err := s.merged(ctx, topic, gitstore.Branch{Name: branch.Name, Commit: branch.Commit})
			if err != nil {
				return nil, err
			}
			if merged {
				continue
			}
			gone, err := s.taken(ctx, topic, branch.Commit)
			if err != nil {
				return nil, err
			}
			for _, path := range gone {
				found[path] = topic.Name
			}
		}
	}
	return found, nil
}

// taken are the versions that a topic branch takes away from where it left a branch.
func (s *Session) taken(ctx context.Context, topic gitstore.Branch, from object.ID) ([]string, error) {
	base, err := s.storage.MergeBase(ctx, topic.Commit, from)
	if err != nil || base == "" {
		return nil, err
	}
	before, err := s.contentsAt(gitstore.Branch{Name: topic.Name, Commit: base})
	if err != nil {
		return nil, err
	}
	after, err := s.contentsAt(topic)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(before, func(path string, _ object.ID) bool { return after[path] != "" })
	return slices.Sorted(maps.Keys(before)), nil
}

// contentsAt are the versions of a commit, by their paths, with their trees, and its Dockerfile.
func (s *Session) contentsAt(branch gitstore.Branch) (map[string]object.ID, error) {
	there := map[string]object.ID{}
	err := s.readers.with(func(reader *gitstore.Reader) error {
		commit, err := reader.Commit(branch.Commit)
		if err != nil {
			return err
		}
		read, err := assemble.Scan(reader, assemble.Branch{Name: branch.Name, Commit: branch.Commit, Root: commit.Tree})
		for _, f := range read.Families {
			for _, p := range f.Packages {
				there[p.Path()] = p.Tree
			}
		}
		if err != nil {
			return err
		}
		if id, err := dockerfile(reader, commit.Tree); err != nil || id != "" {
			there[dockerfileName] = id
			return err
		}
		return nil
	})
	return there, errors.Wrapf(err, "read branch %s", branch.Name)
}

// stage is a branch as plans see it.
func stage(d distribution.Distribution, branch assemble.Branch, log history.Log, stones []promote.Tombstone) promote.Stage {
	one := promote.Stage{
		Distribution: d, Since: map[string]time.Time{}, Gone: map[string]promote.Gone{}, Tombstones: map[string]promote.Tombstone{},
	}
	for _, f := range branch.Families {
		one.Packages = append(one.Packages, f.Packages...)
	}
	for _, stay := range log.Stays { // of one path in the order of time
		if stay.To != 0 {
			one.Gone[stay.Path] = promote.Gone{Tree: stay.Tree, When: time.Unix(stay.To, 0)}
			continue
		}
		delete(one.Gone, stay.Path)
		if stay.From != 0 {
			one.Since[stay.Path] = time.Unix(stay.From, 0)
		}
	}
	for _, t := range stones {
		one.Tombstones[pathOf(t.Package)] = t
	}
	return one
}

// TombstonesError says that a branch's tombstones can't be read. Nothing is done on such a branch: what was removed for
// good might come back.
type TombstonesError struct {
	Branch string
	Err    error
}

func (e *TombstonesError) Error() string {
	return branchPath(e.Branch, tombstonesFile) + ": " + withoutTypes(e.Err.Error())
}

// tombstones are those of a branch, in the order of the file.
func (s *Session) tombstones(branch scanned) ([]promote.Tombstone, error) {
	content, err := s.file(branch, tombstonesFile)
	if err != nil {
		return nil, err
	}
	return readTombstones(branch.Name, content)
}

func readTombstones(branch string, content []byte) ([]promote.Tombstone, error) {
	stones, err := promote.ReadTombstones(content)
	if err != nil {
		return nil, &TombstonesError{branch, err}
	}
	return stones, nil
}

// file is the content of a file at the root of a branch, nil where there is none.
func (s *Session) file(branch scanned, name string) (content []byte, err error) {
	err = s.readers.with(func(reader *gitstore.Reader) error {
		trees, err := reader.Trees([]object.ID{branch.Root})
		if err != nil {
			return err
		}
		for _, e := range trees[0] {
			if e.Name == name && (e.Mode == object.ModeFile || e.Mode == object.ModeExecutable) {
				content, err = reader.Blob(e.ID)
				return err
			}
		}
		return nil
	})
	return content, errors.Wrapf(err, "read %s", branchPath(branch.Name, name))
}
