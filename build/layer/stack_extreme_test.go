package layer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// uniform are so many families of so many versions, each a commit, which have so many bytes in common with the one before.
func uniform(families, versions int, size, shared int64) []layer.Part {
	var parts []layer.Part
	for v := range versions {
		for f := range families {
			p := layer.Part{
				Family: fmt.Sprintf("f%05d", f), Path: fmt.Sprintf("f%05d/1.%d.0", f, v), Since: int64(v), Order: v,
				Size: size, Delta: size, Packed: size / 4, PackedDelta: size / 4,
			}
			if v > 0 {
				p.Delta, p.PackedDelta = size-shared, (size-shared)/4
			}
			parts = append(parts, p)
		}
	}
	return parts
}

// TestExtremes: whatever comes, each part is in one layer, there are few enough, and none is too large without need.
func TestExtremes(t *testing.T) {
	together := func(parts []layer.Part) []layer.Part {
		for i := range parts {
			parts[i].Since = 0
		}
		return parts
	}
	inGroups := func(parts []layer.Part, groups int) []layer.Part {
		for i := range parts {
			parts[i].Since = int64(i * groups / len(parts))
		}
		return parts
	}
	for name, c := range map[string]struct {
		parts []layer.Part
		// limit is the size in bytes that layers of several parts keep to.
		limit int64
	}{
		"50,000 parts of 1 kB at once":               {uniform(50_000, 1, 1000, 0), layer.MaxPart},
		"one of many at once":                        {together(uniform(1, 5000, 1<<20, 1<<20-1000)), layer.MaxPart},
		"5,000 parts of one family in 500 commits":   {inGroups(uniform(1, 5000, 1<<20, 1<<20-1000), 500), layer.MaxPart},
		"5,000 families in 500 commits":              {inGroups(uniform(5000, 1, 50_000, 0), 500), layer.MaxPart},
		"less than half of what they have room for":  {inGroups(uniform(600, 1, 4<<20, 0), 300), layer.MaxPart},
		"four times what they have room for":         {uniform(4*64, 1, layer.MaxPart, 0), 4 * 4 * layer.MaxPart},
		"twice that, one after the other":            {inGroups(uniform(2*64, 1, layer.MaxPart, 0), 2*64), 2 * 4 * layer.MaxPart},
		"64 times a layer, in one family":            {together(uniform(1, 640, layer.MaxPart/10, 0)), 4 * layer.MaxPart},
		"one version after the other, nothing alike": {uniform(1, 1000, 1<<20, 0), layer.MaxPart},
		"one version after the other, all alike":     {uniform(1, 1000, 1<<20, 1<<20), layer.MaxPart},
		"nothing in any of them":                     {uniform(100, 20, 0, 0), layer.MaxPart},
		"a byte each":                                {uniform(100, 20, 1, 0), layer.MaxPart},
		"files of a terabyte":                        {uniform(3, 3, 1<<40, 0), layer.MaxPart},
	} {
		layers, err := layer.Stack{}.Plan(c.parts, 64)
		if err != nil || len(layers) > 64 {
			t.Errorf("%s: %d layers, %v", name, len(layers), err)
			continue
		}
		got, want := slices.SortedFunc(slices.Values(slices.Concat(layers...)), byArrival), slices.SortedFunc(slices.Values(c.parts), byArrival)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d parts went in, %d came out", name, len(want), len(got))
		}
		for _, l := range layers {
			if size, _ := weighed(l); len(l) > 1 && size > c.limit {
				t.Errorf("%s: a layer of %d MB, %d parts", name, size>>20, len(l))
			}
		}
	}
}

// BenchmarkStack plans a storage of a few years: 2,000 packages that came in 700 commits.
func BenchmarkStack(b *testing.B) {
	c := newChronicle(1)
	c.commit(100)
	for len(c.packages) < 2000 {
		names := c.names()
		c.now++
		for range 1 + (len(c.packages)+c.random.IntN(3))%4 {
			c.add(names[c.random.IntN(len(names))])
		}
	}
	parts := c.parts()
	groups := map[int64]bool{}
	for _, p := range parts {
		groups[p.Since] = true
	}
	layers := 0
	for b.Loop() {
		layers = len(plan(b, parts, 64))
	}
	b.ReportMetric(float64(len(groups)), "commits")
	b.ReportMetric(float64(layers), "layers")
}
