package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"

	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// factsVersion counts the changes of what CheckTree finds and Meter measures.
const factsVersion = 3

// facts are what is known of a family's trees: that they are sound, and which parts they are made of. They follow from
// the tree ids alone, so that they are found once and remembered.
type facts struct {
	// Parts are in the order of the packages.
	Parts []layer.Part `json:"parts"`
}

func factsKey(family []integration.Package) string {
	h := sha256.New()
	fmt.Fprintf(h, "facts/%d\n", factsVersion)
	for _, p := range family {
		fmt.Fprintf(h, "%s %s\n", p.Path(), p.Tree)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// parts are those of packages, all from one branch and sorted by path. Trees that were never seen are read and judged.
// Errors: *assemble.InvalidError, *assemble.LostError.
func (s *Session) parts(ctx context.Context, d *draft, branch assemble.Branch, packages []integration.Package) ([]layer.Part, error) {
	families := byName(packages)
	known := make([]facts, len(families))
	var unknown []int
	for i, f := range families {
		there, err := s.cache.Record("family", factsKey(f), &known[i])
		if err != nil {
			return nil, err
		}
		if !there || s.anew {
			known[i] = facts{}
			unknown = append(unknown, i)
		}
	}
	unknown, err := s.publishedFamilies(ctx, d, families, unknown, known)
	if err != nil {
		return nil, err
	}
	if err := s.inspectAll(ctx, branch, families, unknown, known); err != nil {
		return nil, err
	}
	var parts []layer.Part
	for i, f := range known {
		d.facts[factsKey(families[i])] = f
		parts = append(parts, f.Parts...)
	}
	return parts, nil
}

// factsOf puts facts together again from the sizes of parts, one for each package.
func factsOf(family []integration.Package, sizes [][3]int64) facts {
	var f facts
	for i, p := range family {
		f.Parts = append(f.Parts, layer.Part{
			Family: string(p.Name), Order: i, Path: p.Path(), Mode: object.ModeTree, ID: p.Tree,
			Size: sizes[i][0], Fresh: sizes[i][1], Delta: sizes[i][2],
		})
	}
	return f
}

// byName cuts sorted packages into families.
func byName(packages []integration.Package) [][]integration.Package {
	var families [][]integration.Package
	for start, i := 0, 1; i <= len(packages); i++ {
		if i == len(packages) || packages[i].Name != packages[start].Name {
			families = append(families, packages[start:i])
			start = i
		}
	}
	return families
}

// inspectAll finds the facts of families that nothing is known of, on all cores.
func (s *Session) inspectAll(ctx context.Context, branch assemble.Branch, families [][]integration.Package, unknown []int, known []facts) error {
	if err := s.fetchFamilies(ctx, branch, families, unknown); err != nil {
		return err
	}
	workers := min(runtime.GOMAXPROCS(0), len(unknown))
	forests, findings := make([]*object.Forest, workers), make([][]assemble.Finding, workers)
	var group errgroup.Group
	for w := range workers {
		forests[w] = object.NewForest()
		group.Go(func() error {
			return s.readers.with(func(reader *gitstore.Reader) error {
				in := inspector{session: s, branch: branch, reader: reader, forest: forests[w]}
				var mine []int
				for i := w; i < len(unknown); i += workers {
					mine = append(mine, unknown[i])
				}
				err := in.inspect(families, mine, known)
				findings[w] = in.findings
				return err
			})
		})
	}
	err := group.Wait()
	for _, forest := range forests {
		s.forest.Absorb(forest) // the layers of these families will be built next
	}
	if err != nil {
		return err
	}
	if all := slices.Concat(findings...); len(all) > 0 {
		return invalid(all)
	}
	return nil
}

// invalid sorts findings, so that the same faults give the same message.
func invalid(findings []assemble.Finding) error {
	slices.SortFunc(findings, func(a, b assemble.Finding) int {
		return cmp.Or(cmp.Compare(a.Branch, b.Branch), cmp.Compare(a.Path, b.Path))
	})
	return &assemble.InvalidError{Findings: findings}
}

// inspector reads the trees of families, judges their names and modes, and measures them.
type inspector struct {
	session  *Session
	branch   assemble.Branch
	reader   *gitstore.Reader
	forest   *object.Forest
	findings []assemble.Finding
}

func (in *inspector) inspect(families [][]integration.Package, mine []int, known []facts) error {
	var packages []integration.Package
	for _, i := range mine {
		packages = append(packages, families[i]...)
	}
	roots := make([]object.ID, len(packages))
	for i, p := range packages {
		roots[i] = p.Tree
	}
	if err := in.forest.Load(in.reader, roots...); err != nil {
		return in.locate(err, packages)
	}
	for _, p := range packages {
		in.findings = append(in.findings, assemble.CheckTree(in.forest, in.branch.Where(p.Path()), p)...)
	}
	if len(in.findings) > 0 {
		return nil
	}
	sizes, err := in.sizes(packages)
	if err != nil {
		return in.locate(err, packages)
	}
	for _, i := range mine {
		meter := layer.NewMeter(in.forest, sizes, string(families[i][0].Name))
		for _, p := range families[i] {
			known[i].Parts = append(known[i].Parts, meter.Parts(p.Path(), p.Tree)...)
		}
		if err := in.session.cache.PutRecord("family", factsKey(families[i]), known[i]); err != nil {
			return err
		}
	}
	return nil
}

// sizes are those of all files in packages, in bytes.
func (in *inspector) sizes(packages []integration.Package) (map[object.ID]int64, error) {
	sizes := map[object.ID]int64{}
	var ids []object.ID
	for _, p := range packages {
		err := in.forest.Walk(p.Path(), p.Tree, func(_ string, e object.TreeEntry) error {
			if _, known := sizes[e.ID]; !known && e.Mode != object.ModeTree {
				sizes[e.ID] = 0
				ids = append(ids, e.ID)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	read, err := in.reader.Sizes(ids)
	for i, size := range read {
		sizes[ids[i]] = size
	}
	return sizes, err
}

// locate gives an object that is missing a name that people know.
func (in *inspector) locate(err error, packages []integration.Package) error {
	var lost *object.LostError
	if !errors.As(err, &lost) {
		return err
	}
	for _, p := range packages {
		if path, found := in.forest.Find("packages/"+p.Path(), p.Tree, lost.ID); found {
			return &assemble.LostError{Branch: in.branch.Where(p.Path()), Path: path, Err: lost}
		}
	}
	return err
}
