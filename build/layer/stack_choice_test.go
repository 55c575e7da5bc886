package layer_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// What stack.go has of its own: what a merge must save of what it costs, and what makes an image fat.
const enough, spare = 1.0 / 2, 1.35

// chosen is the layer that a merge should begin at when parts come on top of layers, by the words of Stack and with sums made
// anew; len(layers) where none is worth it.
func chosen(layers [][]layer.Part, came []layer.Part) int {
	all := append(slices.Clone(layers), came)
	now, coming, single := packed(all...), packed(came), packed(slices.Concat(all...))
	least, tooLarge := enough, float64(now) > spare*float64(single)
	best := len(layers)
	for from := len(layers) - 1; from >= 0; from-- {
		apart, merged := packed(all[from:]...), packed(slices.Concat(all[from:]...))
		if after := now - apart + merged; 2*merged > after {
			break
		}
		saved := apart - merged
		if gain := float64(saved) / float64(max(merged-coming, 1)); saved > 0 && gain >= least {
			if best = from; !tooLarge {
				least = gain
			}
		}
	}
	return best
}

// TestACommitChangesOnlyTheTop: what lies below the best merge stays, layer by layer; above it lies what lay there and what
// came, in as little as one layer would take.
func TestACommitChangesOnlyTheTop(t *testing.T) {
	merges, none, inFat := 0, 0, 0
	for seed := range uint64(40) {
		c := newChronicle(seed)
		c.commit(40)
		for range 60 {
			c.commit(1 + c.random.IntN(3))
		}
		parts := slices.SortedFunc(slices.Values(c.parts()), byArrival)
		var layers [][]layer.Part
		for start, end := 0, 0; start < len(parts); start = end {
			for end = start; end < len(parts) && parts[end].Since == parts[start].Since; end++ {
			}
			came := parts[start:end]
			from := chosen(layers, came)
			after := plan(t, parts[:end], many)
			where := fmt.Sprintf("seed %d, %s came:\n%s was\n%s", seed, said(came), said(after...), said(layers...))
			if len(after) < from || said(after[:from]...) != said(layers[:from]...) {
				t.Fatalf("%s\nbelow %d, layers are others", where, from)
			}
			want := append(slices.Concat(layers[from:]...), came...)
			if said(slices.Concat(after[from:]...)) != said(want) {
				t.Fatalf("%s\nfrom %d on there should be %s", where, from, said(want))
			}
			if got := packed(after[from:]...); got != packed(want) {
				t.Fatalf("%s\nfrom %d on there are %d bytes, want %d", where, from, got, packed(want))
			}
			isSplit(t, where, after[from:], parts[:end])
			switch {
			case from == len(layers):
				none++
			case float64(packed(layers...)+packed(came)) > spare*float64(packed(parts[:end])):
				inFat++
			default:
				merges++
			}
			layers = after
		}
	}
	if t.Logf("%d merges, %d in fat images, %d commits without", merges, inFat, none); merges < 50 || inFat < 50 || none < 100 {
		t.Error("too few to say anything")
	}
}

// isSplit: layers were made of what came together, or was merged; arrived are all parts up to then.
func isSplit(t *testing.T, where string, layers [][]layer.Part, arrived []layer.Part) {
	t.Helper()
	count := map[string]int{}
	for _, p := range arrived {
		count[p.Family]++
	}
	type family struct {
		name         string
		packed, size int64
		waste        float64
		layer        int
	}
	var families []family // from the lowest layer up; within one, by waste
	for i, l := range layers {
		byName := map[string][]layer.Part{}
		for _, p := range slices.SortedFunc(slices.Values(l), byArrival) {
			byName[p.Family] = append(byName[p.Family], p)
		}
		var here []family
		for name, parts := range byName {
			f := family{name: name, layer: i}
			f.size, f.packed = weighed(parts)
			f.waste = float64(count[name]) * float64(parts[len(parts)-1].Packed) / float64(f.packed)
			here = append(here, f)
		}
		slices.SortFunc(here, func(a, b family) int { return cmp.Or(cmp.Compare(a.waste, b.waste), cmp.Compare(a.name, b.name)) })
		families = append(families, here...)
	}
	left := packed(layers...)
	var open family // the layer, as far as it is filled
	for i, f := range families {
		if i > 0 && (families[i-1].waste > f.waste || families[i-1].waste == f.waste && families[i-1].name >= f.name) {
			t.Fatalf("%s\n%s (layer %d, waste %g) lies above %s (%d, %g)", where, f.name, f.layer, f.waste, families[i-1].name, families[i-1].layer, families[i-1].waste)
		}
		room := open.packed+f.packed/2 <= max(left/4, 2<<20, packed(arrived)/32) && open.size+f.size <= layer.MaxPart
		if first := i == 0 || families[i-1].layer != f.layer; first && i > 0 {
			if room {
				t.Fatalf("%s\n%s opens layer %d, though there was room for it below", where, f.name, f.layer)
			}
			left, open = left-open.packed, family{}
		} else if i > 0 && !room {
			t.Fatalf("%s\nlayer %d has no room for %s", where, f.layer, f.name)
		}
		open.packed, open.size = open.packed+f.packed, open.size+f.size
	}
}

// TestRemovalMovesLittle: what has gone leaves its layer; on the average, only few others change.
func TestRemovalMovesLittle(t *testing.T) {
	removals, moved, others, layersThere := 0, 0, 0, 0
	for seed := range uint64(30) {
		c := newChronicle(seed)
		c.commit(60)
		for range 100 {
			c.commit(1 + c.random.IntN(3))
		}
		before := plan(t, c.parts(), 64)
		kept := c.packages
		for range 10 {
			gone := c.random.IntN(len(kept))
			c.packages = slices.Delete(slices.Clone(kept), gone, gone+1)
			after := map[string]bool{}
			for _, l := range plan(t, c.parts(), 64) {
				after[said(l)] = true
				for _, p := range l {
					if p.Path == kept[gone].path() {
						t.Fatalf("seed %d: %s is still there", seed, p.Path)
					}
				}
			}
			n := 0
			for _, l := range before {
				rest := slices.DeleteFunc(slices.Clone(l), func(p layer.Part) bool { return p.Path == kept[gone].path() })
				if len(rest) > 0 && !after[said(rest)] {
					n++
				}
			}
			removals, others, layersThere = removals+1, others+n, layersThere+len(before)
			if n > 0 {
				moved++
			}
		}
		c.packages = kept
	}
	t.Logf("%d of %d removals change other layers: %d of %d layers", moved, removals, others, layersThere)
	if 4*others > layersThere { // measured are 15 %
		t.Error("more than a quarter of all layers are others")
	}
}
