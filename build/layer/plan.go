package layer

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
)

// MaxPacked is the size in bytes that no layer may exceed when packed: some image repositories refuse larger ones,
// and what is interrupted starts again from its first byte.
const MaxPacked = 100 << 20

// Planner decides which parts share a layer. It is a function of its arguments: the same parts, in any order, give
// the same layers. Families are whole, as one Meter measured them. Each part is in exactly one layer; layers are in the order in which the image stacks them, the
// lowest first. At most most layers come out, unless that is impossible.
type Planner interface {
	Plan(parts []Part, most int) ([][]Part, error)
	// Version changes whenever the same parts may give other layers.
	Version() string
}

// Buckets is the plan by the hash of the family: all versions of a package share a layer, since they share most of
// their files, and a family's layer depends on its own hash, not on its neighbours in the alphabet. A layer that grows
// too large splits in two by the next bit of the hash, and only that layer changes.
type Buckets struct{}

// Version names the plan.
func (Buckets) Version() string { return "buckets/1" }

// smallestBucket is the size in bytes below which a bucket is never split: layers of about 2 MB packed. Smaller ones
// would share less and make the image longer; larger ones cost more for each update.
const smallestBucket = 8 << 20

// Plan splits the parts into buckets of at most 8 MB; where that makes too many, of 16 MB, and so on. most comes first:
// a storage so large that buckets exceed MaxPart has layers that may exceed MaxPacked, if they hardly pack.
func (Buckets) Plan(parts []Part, most int) ([][]Part, error) {
	families := group(parts)
	for limit := int64(smallestBucket); ; limit *= 2 {
		layers := split(families, 0, limit)
		if len(layers) <= most {
			return layers, nil
		}
		if limit > 1<<50 {
			return nil, fmt.Errorf("%d parts do not fit into %d layers", len(parts), most)
		}
	}
}

type family struct {
	hash  [sha256.Size]byte
	parts []Part
	size  int64
}

// group sorts parts into families, and families by hash.
func group(parts []Part) []family {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Path, b.Path))
	})
	index := map[string]int{}
	var families []family
	for _, p := range parts {
		i, known := index[p.Family]
		if !known {
			i = len(families)
			index[p.Family] = i
			families = append(families, family{hash: sha256.Sum256([]byte(p.Family)), size: p.Size - p.Fresh})
		}
		families[i].parts = append(families[i].parts, p)
		families[i].size += p.Fresh
	}
	slices.SortFunc(families, func(a, b family) int { return slices.Compare(a.hash[:], b.hash[:]) })
	return families
}

// split makes the layers of families whose hashes agree up to bit.
func split(families []family, bit int, limit int64) [][]Part {
	if len(families) == 0 {
		return nil
	}
	var total int64
	for _, f := range families {
		total += f.size
	}
	if total <= limit {
		var parts []Part
		for _, f := range families {
			parts = append(parts, f.parts...)
		}
		return [][]Part{parts}
	}
	if len(families) == 1 || bit == 8*sha256.Size {
		return runs(families)
	}
	at, _ := slices.BinarySearchFunc(families, true, func(f family, _ bool) int {
		if f.hash[bit/8]>>(7-bit%8)&1 == 1 {
			return 0
		}
		return -1
	})
	return append(split(families[:at], bit+1, limit), split(families[at:], bit+1, limit)...)
}

// runs cuts a family only where a layer would become too large to be pushed: its versions share their files, so
// that any cut costs space.
func runs(families []family) [][]Part {
	var layers [][]Part
	for _, f := range families {
		var run []Part
		var size int64
		for _, p := range f.parts {
			added := p.Delta
			if len(run) == 0 {
				added = p.Size
			}
			if len(run) > 0 && size+added > MaxPart {
				layers = append(layers, run)
				run, size, added = nil, 0, p.Size
			}
			run = append(run, p)
			size += added
		}
		layers = append(layers, run)
	}
	return layers
}
