package main

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// buckets is the plan by the hash of the family, which the pipeline used before layer.Stack: all versions of a package
// share a layer, since they share most of their files, and a family's layer depends on its own hash, not on its
// neighbours in the alphabet. A layer that grows too large splits in two by the next bit of the hash, and only that layer
// changes.
type buckets struct{}

// Version names the plan.
func (buckets) Version() string { return "buckets/1" }

// smallestBucket is the size in bytes below which a bucket is never split: layers of about 2 MB packed. Smaller ones
// would share less and make the image longer; larger ones cost more for each update.
const smallestBucket = 8 << 20

// Plan splits the parts into buckets of at most 8 MB; where that makes too many, of 16 MB, and so on. most comes first:
// a storage so large that buckets exceed layer.MaxPart has layers that may exceed layer.MaxPacked, if they hardly pack.
func (buckets) Plan(parts []layer.Part, most int) ([][]layer.Part, error) {
	families := bucketFamilies(parts)
	for limit := int64(smallestBucket); ; limit *= 2 {
		layers := splitBucket(families, 0, limit)
		if len(layers) <= most {
			return layers, nil
		}
		if limit > 1<<50 {
			return nil, fmt.Errorf("%d parts do not fit into %d layers", len(parts), most)
		}
	}
}

type bucketFamily struct {
	hash  [sha256.Size]byte
	parts []layer.Part
	size  int64
}

// bucketFamilies groups parts by family, and sorts families by hash.
func bucketFamilies(parts []layer.Part) []bucketFamily {
	index := map[string]int{}
	var families []bucketFamily
	for _, p := range sorted(parts) {
		i, known := index[p.Family]
		if !known {
			i = len(families)
			index[p.Family] = i
			families = append(families, bucketFamily{hash: sha256.Sum256([]byte(p.Family)), size: p.Size - p.Delta})
		}
		families[i].parts = append(families[i].parts, p)
		families[i].size += p.Delta
	}
	slices.SortFunc(families, func(a, b bucketFamily) int { return slices.Compare(a.hash[:], b.hash[:]) })
	return families
}

// splitBucket makes the layers of families whose hashes agree up to bit.
func splitBucket(families []bucketFamily, bit int, limit int64) [][]layer.Part {
	if len(families) == 0 {
		return nil
	}
	var total int64
	for _, f := range families {
		total += f.size
	}
	if total <= limit {
		var parts []layer.Part
		for _, f := range families {
			parts = append(parts, f.parts...)
		}
		return [][]layer.Part{parts}
	}
	if len(families) == 1 || bit == 8*sha256.Size {
		return bucketRuns(families)
	}
	at, _ := slices.BinarySearchFunc(families, true, func(f bucketFamily, _ bool) int {
		if f.hash[bit/8]>>(7-bit%8)&1 == 1 {
			return 0
		}
		return -1
	})
	return append(splitBucket(families[:at], bit+1, limit), splitBucket(families[at:], bit+1, limit)...)
}

// bucketRuns cuts a family only where a layer would become too large to be pushed: its versions share their files, so
// that any cut costs space.
func bucketRuns(families []bucketFamily) [][]layer.Part {
	var layers [][]layer.Part
	for _, f := range families {
		var run []layer.Part
		var size int64
		for _, p := range f.parts {
			added := p.Delta
			if len(run) == 0 {
				added = p.Size
			}
			if len(run) > 0 && size+added > layer.MaxPart {
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
