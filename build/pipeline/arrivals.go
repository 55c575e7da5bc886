package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/object"
)

// arrival is a package of the tree, and since when it has been in the distribution (history.Since).
type arrival struct {
	assemble.Placed
	since int64
}

// arrive finds out since when each package has been in the distribution: from the histories of the branches; where a
// clone is shallow, from the published image, as far as that has the package.
func (s *Session) arrive(ctx context.Context, d *draft) error {
	logs := make([]history.Log, len(d.tree.Branches))
	for i, branch := range d.tree.Branches {
		var err error
		if logs[i], err = s.log(ctx, branch); err != nil {
			return err
		}
	}
	recorded, err := s.recordedArrivals(ctx, d)
	if err != nil {
		return err
	}
	// A package that is not published, and was there where a shallow history begins, came after the image was published.
	since := history.NewSince(logs, s.storage.Shallow() && len(recorded) > 0)
	d.arrivals = make([]arrival, len(d.tree.Packages))
	for i, p := range d.tree.Packages {
		a := arrival{Placed: p}
		known, there := recorded[p.Path()]
		switch {
		case there && known.Tree == p.Tree:
			a.since = known.Since
		case d.tree.Branches[p.Branch].Laid[p.Path()]:
			a.since = math.MaxInt64 // uncommitted: on top of everything
		default:
			if a.since, there = since.Of(p.Path(), p.Tree); !there {
				return errors.Errorf("%s is on branch %s, but its history does not have it", p.Path(), d.tree.Branches[p.Branch].Name)
			}
		}
		d.arrivals[i] = a
	}
	d.inputs.Arrivals = arrivalsID(d.arrivals)
	return nil
}

// arrivalsID is a hash of all that a plan takes from history.
func arrivalsID(arrivals []arrival) string {
	h := sha256.New()
	for _, a := range arrivals {
		fmt.Fprintf(h, "%s %s %d\n", a.Path(), a.Tree, a.since)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// recordedArrivals are those that the published image is planned by, by path: all of them where it is to be built again
// (verify), else where this clone's own history is cut off. They come from the own image before those upstream.
func (s *Session) recordedArrivals(ctx context.Context, d *draft) (map[string]PublishedPackage, error) {
	if s.recorded != nil || !s.storage.Shallow() {
		return s.recorded, nil
	}
	recorded, silent := map[string]PublishedPackage{}, false
	err := s.publishedImages(ctx, d, func(image *published) (bool, error) {
		silent = silent || image.ours && len(image.facts.Packages) == 0
		for path, p := range image.facts.byPath() {
			if _, there := recorded[path]; !there {
				recorded[path] = p
			}
		}
		return len(image.facts.Packages) > 0, nil
	})
	if silent && len(recorded) == 0 {
		s.report.Warn("the published image of " + d.distribution.Name + " does not say since when its packages are there, and the clone " +
			"is shallow: its layers are made anew, and every client downloads them (git fetch --unshallow brings the history)")
	}
	return recorded, err
}

// logKind is the kind of the record of a branch's history; its key is the commit's id.
const logKind = "history-1"

// log is the history of a branch. It is remembered, and read on from the newest commit that it is remembered of; that
// of a shallow clone, which depends on where it was cut off, is read each time.
func (s *Session) log(ctx context.Context, branch assemble.Branch) (history.Log, error) {
	if s.storage.Shallow() {
		return s.follow(ctx, branch, func(object.ID) (history.Log, bool, error) { return history.Log{}, false, nil })
	}
	remembered := func(commit object.ID) (log history.Log, known bool, err error) {
		known, err = s.cache.Record(logKind, string(commit), &log)
		return log, known, err
	}
	log, known, err := remembered(branch.Commit)
	if known || err != nil {
		return log, err
	}
	var older object.ID
	log, err = s.follow(ctx, branch, func(commit object.ID) (history.Log, bool, error) {
		log, known, err := remembered(commit)
		if known {
			older = commit
		}
		return log, known, err
	})
	if err != nil {
		return history.Log{}, err
	}
	if err := s.cache.PutRecord(logKind, string(branch.Commit), log); err != nil || older == "" {
		return log, err
	}
	return log, s.cache.DropRecord(logKind, string(older)) // each holds all of the history
}

// atOnce is how many commits are read at once: all of their trees are in memory.
const atOnce = 256

// follow reads a branch's history from the newest commit on that something is remembered of.
func (s *Session) follow(ctx context.Context, branch assemble.Branch, remembered func(object.ID) (history.Log, bool, error)) (history.Log, error) {
	line, err := s.storage.Lineage(ctx, branch.Commit)
	if err != nil {
		return history.Log{}, errors.Wrapf(err, "read the history of branch %s", branch.Name)
	}
	var log history.Log
	var commits []history.Commit
	for _, c := range line {
		known, there, err := remembered(c.ID)
		if err != nil {
			return history.Log{}, err
		}
		if there {
			log = known
			break
		}
		commits = append(commits, history.Commit{ID: c.ID, Tree: c.Tree, Time: c.Time.Unix()})
	}
	slices.Reverse(commits) // the oldest first
	err = s.readers.with(func(reader *gitstore.Reader) error {
		for some := range slices.Chunk(commits, atOnce) {
			if log, err = history.Follow(reader, log, some); err != nil {
				return err
			}
		}
		return nil
	})
	if lost := (*object.LostError)(nil); errors.As(err, &lost) {
		return history.Log{}, &HistoryError{s.storage.Location(), branch.Name, lost}
	}
	return log, errors.Wrapf(err, "read the history of branch %s", branch.Name)
}

// HistoryError says that an object of an older commit is missing or damaged.
type HistoryError struct {
	Location, Branch string
	Err              *object.LostError
}

func (e *HistoryError) Error() string {
	return fmt.Sprintf("the history of branch %s in %s can't be read: %v", e.Branch, e.Location, e.Err)
}

func (e *HistoryError) Unwrap() error { return e.Err }

// families are the packages of the tree by name, each family in the order of arrival; what came together, in that of
// versions.
func (d *draft) families() [][]arrival {
	sorted := slices.Clone(d.arrivals)
	versions := make(map[string]*semver.Version, len(sorted))
	for _, a := range sorted {
		if version, err := semver.StrictNewVersion(string(a.Version)); err == nil { // numbers may be too large for it
			versions[string(a.Version)] = version
		}
	}
	slices.SortFunc(sorted, func(a, b arrival) int {
		order := cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.since, b.since))
		if order != 0 {
			return order
		}
		switch x, y := versions[string(a.Version)], versions[string(b.Version)]; {
		case x != nil && y != nil:
			order = x.Compare(y)
		case x != nil:
			order = -1
		case y != nil:
			order = 1
		}
		return cmp.Or(order, cmp.Compare(a.Version, b.Version))
	})
	var families [][]arrival
	for start, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || sorted[i].Name != sorted[start].Name {
			families = append(families, sorted[start:i])
			start = i
		}
	}
	return families
}
