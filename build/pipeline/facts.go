package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// factsVersion counts the changes of what CheckTree finds and Meter measures.
const factsVersion = 1

// facts are what is known of a family's trees: that they are sound, and which parts they are made of. They follow from
// the tree ids alone, so that they are found once and remembered.
type facts struct {
	// Packages are in the order of the family's.
	Packages [][]layer.Part `json:"packages"`
}

func factsKey(f assemble.Family) string {
	h := sha256.New()
	fmt.Fprintf(h, "facts/%d\n", factsVersion)
	for _, p := range f.Packages {
		fmt.Fprintf(h, "%s %s\n", p.Path(), p.Tree)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// parts are those of all packages on a branch, by the package's path. Trees that were never seen are read and judged.
// Errors: *assemble.InvalidError.
func (s *Session) parts(branch assemble.Branch) (map[string][]layer.Part, error) {
	parts := make(map[string][]layer.Part, branch.Packages())
	var unknown []assemble.Family
	for _, f := range branch.Families {
		var known facts
		there, err := s.cache.Record("family", factsKey(f), &known)
		if err != nil {
			return nil, err
		}
		if !there {
			unknown = append(unknown, f)
			continue
		}
		keepParts(parts, f, known)
	}
	if len(unknown) == 0 {
		return parts, nil
	}
	return parts, s.inspect(branch, unknown, parts)
}

func keepParts(parts map[string][]layer.Part, f assemble.Family, known facts) {
	for i, p := range f.Packages {
		parts[p.Path()] = known.Packages[i]
	}
}

// inspect reads the trees of families, judges their names and modes, and measures them.
func (s *Session) inspect(branch assemble.Branch, families []assemble.Family,
	parts map[string][]layer.Part) error {
	var packages []integration.Package
	for _, f := range families {
		packages = append(packages, f.Packages...)
	}
	if err := s.load(branch, packages); err != nil {
		return err
	}
	var findings []assemble.Finding
	for _, p := range packages {
		findings = append(findings, assemble.CheckTree(s.forest, branch.Name, p)...)
	}
	if len(findings) > 0 {
		return &assemble.InvalidError{Findings: findings}
	}
	sizes, err := s.sizes(branch, packages)
	if err != nil {
		return err
	}
	for _, f := range families {
		meter := layer.NewMeter(s.forest, sizes, string(f.Name))
		var measured facts
		for _, p := range f.Packages {
			measured.Packages = append(measured.Packages, meter.Parts(p.Path(), p.Tree))
		}
		keepParts(parts, f, measured)
		if err := s.cache.PutRecord("family", factsKey(f), measured); err != nil {
			return err
		}
	}
	return nil
}

// load brings the trees of packages into the session's forest.
func (s *Session) load(branch assemble.Branch, packages []integration.Package) error {
	roots := make([]object.ID, len(packages))
	for i, p := range packages {
		roots[i] = p.Tree
	}
	err := s.loadTrees(roots)
	return s.locate(err, branch.Name, packages)
}

func (s *Session) loadTrees(roots []object.ID) error {
	return s.readers.with(func(r *gitstore.Reader) error { return s.forest.Load(r, roots...) })
}

// sizes are those of all files in packages, in bytes.
func (s *Session) sizes(branch assemble.Branch, packages []integration.Package) (map[object.ID]int64, error) {
	sizes := map[object.ID]int64{}
	var ids []object.ID
	for _, p := range packages {
		s.forest.Walk(p.Path(), p.Tree, func(_ string, e object.TreeEntry) error {
			if _, known := sizes[e.ID]; !known && e.Mode != object.ModeTree {
				sizes[e.ID] = 0
				ids = append(ids, e.ID)
			}
			return nil
		})
	}
	err := s.readers.with(func(r *gitstore.Reader) error {
		read, err := r.Sizes(ids)
		for i, size := range read {
			sizes[ids[i]] = size
		}
		return err
	})
	return sizes, s.locate(err, branch.Name, packages)
}

// LostError says which file or folder of a branch can't be read since git lacks its object.
type LostError struct {
	Branch, Path string
	Err          error
}

func (e *LostError) Error() string { return branchPath(e.Branch, e.Path) + ": " + e.Err.Error() }

// Unwrap is a *gitstore.MissingError or *gitstore.KindError.
func (e *LostError) Unwrap() error { return e.Err }

// locate gives an object that is missing a name that people know.
func (s *Session) locate(err error, branch string, packages []integration.Package) error {
	var lost object.ID
	var missing *gitstore.MissingError
	var kind *gitstore.KindError
	switch {
	case errors.As(err, &missing):
		lost = missing.ID
	case errors.As(err, &kind):
		lost = kind.ID
	default:
		return err
	}
	for _, p := range packages {
		if path, found := s.forest.Find("packages/"+p.Path(), p.Tree, lost); found {
			return &LostError{Branch: branch, Path: path, Err: err}
		}
	}
	return &LostError{Branch: branch, Path: "packages", Err: err}
}
