package layer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// TestEachPartIsInOneLayer, and there are no more layers than allowed.
func TestEachPartIsInOneLayer(t *testing.T) {
	for name, c := range chronicles(20) {
		parts := c.parts()
		for _, most := range []int{64, many} {
			layers := plan(t, parts, most)
			for i, l := range layers {
				if len(l) == 0 {
					t.Fatalf("%s: layer %d is empty", name, i)
				}
			}
			got, want := slices.SortedFunc(slices.Values(slices.Concat(layers...)), byArrival), slices.SortedFunc(slices.Values(parts), byArrival)
			if !slices.Equal(got, want) {
				t.Fatalf("%s, at most %d layers: %d parts went in, %d came out", name, most, len(want), len(got))
			}
		}
	}
}

func TestOrderOfPartsDoesNotMatter(t *testing.T) {
	for name, c := range chronicles(8) {
		parts := c.parts()
		for _, most := range []int{64, many} {
			want := plan(t, parts, most)
			for range 3 {
				c.random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				given := slices.Clone(parts)
				if got := plan(t, parts, most); !slices.EqualFunc(got, want, slices.Equal) {
					t.Fatalf("%s, at most %d: the plan depends on the order of parts:\n%s\nand\n%s", name, most, said(want...), said(got...))
				}
				if !slices.Equal(parts, given) {
					t.Fatalf("%s: the plan changed what it was given", name)
				}
			}
		}
	}
}

// TestNoLayerIsTooLarge: none is larger than MaxPart but one of a single part, of which there was no cutting more off.
func TestNoLayerIsTooLarge(t *testing.T) {
	full := 0
	for name, c := range chronicles(40) {
		for _, l := range plan(t, c.parts(), many) {
			size, _ := weighed(l)
			if size > layer.MaxPart && len(l) > 1 {
				t.Errorf("%s: a layer of %d MB, %d are the most: %s", name, size>>20, layer.MaxPart>>20, said(l))
			}
			if size > layer.MaxPart/2 {
				full++
			}
		}
	}
	if full < 20 {
		t.Errorf("only %d layers came near to the limit", full)
	}
}

// TestFamiliesLieInTheOrderOfArrival: a version never lies below one of its family that came earlier, and those that came
// together are in one layer, if all that had come of the family by then has room in one.
func TestFamiliesLieInTheOrderOfArrival(t *testing.T) {
	for name, c := range chronicles(40) {
		parts := c.parts() // a family's are in the order of arrival
		at := map[string]int{}
		for i, l := range plan(t, parts, many) {
			for _, p := range l {
				at[p.Path] = i
			}
		}
		first := 0
		for i, p := range parts {
			if p.Family != parts[first].Family {
				first = i
			}
			if i == first {
				continue
			}
			before := parts[i-1]
			if at[p.Path] < at[before.Path] {
				t.Errorf("%s: %s (since %d) is in layer %d, %s (%d) in %d", name, before.Path, before.Since, at[before.Path], p.Path, p.Since, at[p.Path])
			}
			if size, _ := weighed(parts[first : i+1]); p.Since == before.Since && at[p.Path] != at[before.Path] && size <= layer.MaxPart {
				t.Errorf("%s: %s and %s came together, and are in the layers %d and %d", name, before.Path, p.Path, at[before.Path], at[p.Path])
			}
		}
	}
}

// TestRemovalWithoutMerges: where each commit made a layer and nothing was ever merged, only that of what has gone is
// another.
func TestRemovalWithoutMerges(t *testing.T) {
	var parts []layer.Part
	for i := range 60 {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26))
		parts = append(parts, layer.Part{Family: name, Path: name + "/1", Since: int64(i / 2), Size: 1000, Delta: 1000, Packed: 1000, PackedDelta: 1000})
	}
	before := plan(t, parts, many)
	if len(before) != 30 {
		t.Fatalf("%d layers", len(before))
	}
	for i := range parts {
		rest := slices.Delete(slices.Clone(parts), i, i+1)
		after := plan(t, rest, many)
		want := slices.Clone(before)
		want[i/2] = slices.DeleteFunc(slices.Clone(before[i/2]), func(p layer.Part) bool { return p == parts[i] })
		if said(after...) != said(want...) {
			t.Fatalf("without %s: %s", parts[i].Path, said(after...))
		}
	}
}

// TestNeverMoreLayersThanAllowed, however few are: families can always be put together.
func TestNeverMoreLayersThanAllowed(t *testing.T) {
	for name, c := range chronicles(4) {
		parts := c.parts()
		for _, most := range []int{1, 2, 5, 12, 28, 64} {
			if layers, err := (layer.Stack{}).Plan(parts, most); err != nil || len(layers) > most {
				t.Errorf("%s: %d layers of at most %d: %v", name, len(layers), most, err)
				break
			}
		}
	}
}

// TestManyLayersBelowALargeCommit: 50 layers, and 25 that come at once, are too many. Those that came are more than half of
// the image, and to split them anew makes no fewer of them.
func TestManyLayersBelowALargeCommit(t *testing.T) {
	var parts []layer.Part
	add := func(since, size int64) {
		name := fmt.Sprintf("f%04d", len(parts))
		parts = append(parts, layer.Part{Family: name, Path: name + "/1", Since: since, Size: size, Delta: size, Packed: size, PackedDelta: size})
	}
	for since := range int64(50) {
		add(since, 10_000)
	}
	for range 1000 {
		add(50, 1<<20)
	}
	plan(t, parts, 64)
}

// TestNothingMakesNoLayers, whatever is allowed.
func TestNothingMakesNoLayers(t *testing.T) {
	for _, most := range []int{0, 1, many} {
		for _, parts := range [][]layer.Part{nil, {}} {
			if layers := plan(t, parts, most); len(layers) != 0 {
				t.Errorf("%v", layers)
			}
		}
	}
}

// TestWhereNoLayerIsAllowed: that is an error, not a panic.
func TestWhereNoLayerIsAllowed(t *testing.T) {
	defer func() {
		if r := recover(); r != nil {
			t.Error(r)
		}
	}()
	for _, most := range []int{0, -1} {
		if layers, err := (layer.Stack{}).Plan(arrived(t, "a/1:1"), most); err == nil {
			t.Errorf("at most %d: %v", most, layers)
		}
	}
}
