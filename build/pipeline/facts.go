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
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// factsVersion counts the changes of what CheckTree finds and Meter measures.
const factsVersion = 5

// facts are what is known of a package's tree, or of those of a family: that they are sound, and which parts they are
// made of. They follow from the tree ids alone, so that they are found once and remembered.
type facts struct {
	// Parts are in the order of the packages.
	Parts []layer.Part `json:"parts"`
}

// member is a package in its family: the one before it is what its Delta is measured by.
type member struct {
	arrival
	before *member // nil for the first
	facts  facts
	known  bool
}

// key is that of the facts of one member.
func (m *member) key() string {
	before := "-"
	if m.before != nil {
		before = string(m.before.Tree)
	}
	return factsKey(fmt.Sprintf("%s %s %s\n", m.Path(), m.Tree, before))
}

// earlier are the parts of the package before.
func (m *member) earlier() []layer.Part {
	if m.before == nil {
		return nil
	}
	return m.before.facts.Parts
}

func factsKey(of string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "facts/%d\n%s", factsVersion, of))
	return hex.EncodeToString(sum[:])
}

// familyKey is that of the facts of a whole family: one record spares many.
func familyKey(family []*member) string {
	var all []byte
	for _, m := range family {
		all = fmt.Appendf(all, "%s %s\n", m.Path(), m.Tree)
	}
	return factsKey(string(all))
}

// parts are those of all packages of the tree. Trees that were never seen are read and judged.
// Errors: *assemble.InvalidError, *assemble.LostError.
func (s *Session) parts(ctx context.Context, d *draft) ([]layer.Part, error) {
	var families [][]*member
	var unknown []*member
	for _, of := range d.families() {
		family := make([]*member, len(of))
		for i, a := range of {
			family[i] = &member{arrival: a}
			if i > 0 {
				family[i].before = family[i-1]
			}
		}
		left, err := s.remembered(family)
		if err != nil {
			return nil, err
		}
		families, unknown = append(families, family), append(unknown, left...)
	}
	unknown, err := s.publishedMembers(ctx, d, unknown)
	if err != nil {
		return nil, err
	}
	if err := s.inspectAll(ctx, d.where(), unknown); err != nil {
		return nil, err
	}
	d.members = slices.Concat(families...)
	var parts []layer.Part
	for _, family := range families {
		for order, m := range family {
			for _, p := range m.facts.Parts {
				p.Since, p.Order = m.since, order
				parts = append(parts, p)
			}
		}
	}
	return parts, s.remember(families, unknown)
}

// remembered fills in what the cache knows of a family, and returns the members that it does not know.
func (s *Session) remembered(family []*member) (unknown []*member, err error) {
	if s.anew {
		return family, nil
	}
	if len(family) > 1 {
		var all []facts
		if known, err := s.cache.Record("family", familyKey(family), &all); err != nil {
			return nil, err
		} else if known && len(all) == len(family) {
			for i, m := range family {
				m.facts, m.known = all[i], true
			}
			return nil, nil
		}
	}
	for _, m := range family {
		if m.known, err = s.cache.Record("package", m.key(), &m.facts); err != nil {
			return nil, err
		}
		if !m.known {
			unknown = append(unknown, m)
		}
	}
	return unknown, nil
}

// remember keeps what was found here; what was taken from a published image is not.
func (s *Session) remember(families [][]*member, found []*member) error {
	news := map[*member]bool{}
	for _, m := range found {
		news[m] = true
		if err := s.cache.PutRecord("package", m.key(), m.facts); err != nil {
			return err
		}
	}
	for _, family := range families {
		if len(family) == 1 || !slices.ContainsFunc(family, func(m *member) bool { return news[m] }) ||
			slices.ContainsFunc(family, func(m *member) bool { return !m.known && !news[m] }) {
			continue
		}
		all := make([]facts, len(family))
		for i, m := range family {
			all[i] = m.facts
		}
		if err := s.cache.PutRecord("family", familyKey(family), all); err != nil {
			return err
		}
	}
	return nil
}

// inspectAll finds the facts of packages that nothing is known of, on all cores; where is draft.where.
func (s *Session) inspectAll(ctx context.Context, where map[string]string, unknown []*member) error {
	if err := s.fetchMembers(ctx, where, unknown); err != nil {
		return err
	}
	// A family is for one worker: each of its members is measured beside the one before.
	var families [][]*member
	for i, m := range unknown {
		if i == 0 || unknown[i-1].Name != m.Name {
			families = append(families, nil)
		}
		families[len(families)-1] = append(families[len(families)-1], m)
	}
	workers := min(runtime.GOMAXPROCS(0), len(families))
	forests, findings := make([]*object.Forest, workers), make([][]assemble.Finding, workers)
	var group errgroup.Group
	for w := range workers {
		forests[w] = object.NewForest()
		group.Go(func() error {
			return s.readers.with(func(reader *gitstore.Reader) error {
				in := inspector{where: where, reader: reader, forest: forests[w]}
				var mine []*member
				for i := w; i < len(families); i += workers {
					mine = append(mine, families[i]...)
				}
				err := in.inspect(mine)
				findings[w] = in.findings
				return err
			})
		})
	}
	err := group.Wait()
	for _, forest := range forests {
		s.forest.Absorb(forest) // the layers of these packages will be built next
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

// inspector reads the trees of packages, judges their names and modes, and measures them.
type inspector struct {
	where    map[string]string
	reader   *gitstore.Reader
	forest   *object.Forest
	findings []assemble.Finding
}

func (in *inspector) inspect(mine []*member) error {
	var trees, roots []object.ID
	for _, m := range mine {
		trees, roots = append(trees, m.Tree), append(roots, m.Tree)
		if m.before != nil {
			roots = append(roots, m.before.Tree)
		}
	}
	if err := in.forest.Load(in.reader, roots...); err != nil {
		return in.locate(err, mine)
	}
	for _, m := range mine {
		in.findings = append(in.findings, assemble.CheckTree(in.forest, in.where[m.Path()], m.Package)...)
	}
	if len(in.findings) > 0 {
		return nil
	}
	sizes, err := in.sizes(trees)
	if err != nil {
		return in.locate(err, mine)
	}
	meter := layer.NewMeter(in.forest, sizes)
	for _, m := range mine {
		m.facts.Parts = meter.Parts(string(m.Name), m.Path(), m.Tree, m.earlier())
	}
	return nil
}

// sizes are those of all files in trees, in bytes.
func (in *inspector) sizes(trees []object.ID) (map[object.ID]int64, error) {
	sizes := map[object.ID]int64{}
	var ids []object.ID
	seen := map[object.ID]bool{}
	var collect func(tree object.ID)
	collect = func(tree object.ID) {
		if seen[tree] {
			return
		}
		seen[tree] = true
		for _, e := range in.forest.Entries(tree) {
			if e.Mode == object.ModeTree {
				collect(e.ID)
			} else if _, known := sizes[e.ID]; !known {
				sizes[e.ID] = 0
				ids = append(ids, e.ID)
			}
		}
	}
	for _, tree := range trees {
		collect(tree)
	}
	read, err := in.reader.Sizes(ids)
	for i, size := range read {
		sizes[ids[i]] = size
	}
	return sizes, err
}

// locate gives an object that is missing a name that people know.
func (in *inspector) locate(err error, mine []*member) error {
	var lost *object.LostError
	if !errors.As(err, &lost) {
		return err
	}
	for _, m := range mine {
		for _, one := range []*member{m, m.before} {
			if one == nil {
				continue
			}
			if path, found := in.forest.Find("packages/"+one.Path(), one.Tree, lost.ID); found {
				return &assemble.LostError{Branch: in.where[one.Path()], Path: path, Err: lost}
			}
		}
	}
	return err
}
