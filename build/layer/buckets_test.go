package layer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// many is more layers than any plan makes of itself.
const many = 1 << 20

func plan(t testing.TB, parts []layer.Part, most int) [][]layer.Part {
	t.Helper()
	layers, err := layer.Buckets{}.Plan(parts, most)
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) > most {
		t.Fatalf("%d layers, %d are allowed", len(layers), most)
	}
	return layers
}

// randomStorage is so many families of one to six versions, each 100 kB to 2 MB, nine tenths of it shared.
func randomStorage(random *rand.Rand, families int) []layer.Part {
	var parts []layer.Part
	for f := range families {
		name := fmt.Sprintf("family_%d_%d", f, random.IntN(1000))
		for v := range 1 + random.IntN(6) {
			parts = append(parts, nextVersion(random, name, v))
		}
	}
	return parts
}

func nextVersion(random *rand.Rand, family string, v int) layer.Part {
	path := fmt.Sprintf("%s/1.%d.0", family, v)
	p := layer.Part{Family: family, Path: path, Mode: object.ModeTree, ID: hash(path), Size: 100_000 + random.Int64N(1_900_000)}
	p.Fresh = p.Size / 10
	if v == 0 {
		p.Fresh = p.Size
	}
	return p
}

// described is a layer in one line.
func described(parts []layer.Part) string { return strings.Join(paths(parts), " ") }

func TestEachPartIsInOneLayer(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		parts := randomStorage(random, random.IntN(300))
		for _, most := range []int{1, 2, 7, 28, 84, many} {
			var got []layer.Part
			for _, l := range plan(t, parts, most) {
				if len(l) == 0 {
					t.Fatalf("seed %d: an empty layer", seed)
				}
				got = append(got, l...)
			}
			byPath := func(a, b layer.Part) int { return strings.Compare(a.Path, b.Path) }
			want := slices.Clone(parts)
			slices.SortFunc(got, byPath)
			slices.SortFunc(want, byPath)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, at most %d layers: %d parts went in, %d came out", seed, most, len(want), len(got))
			}
		}
	}
}

func TestVersionsOfAPackageShareALayer(t *testing.T) {
	in := map[string]int{}
	for i, l := range plan(t, randomStorage(rand.New(rand.NewPCG(1, 4)), 200), many) {
		for _, p := range l {
			if other, known := in[p.Family]; known && other != i {
				t.Errorf("%s is in the layers %d and %d", p.Family, other, i)
			}
			in[p.Family] = i
		}
	}
}

func TestOrderOfPartsDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 5))
	s := newStorage()
	parts := randomStorage(random, 200)
	parts = append(parts, s.measure(t, "huge", randomFamily(s, random, 5, 6, func() int64 { return 30 << 20 })...)...)
	for _, most := range []int{10, 28, many} {
		want := plan(t, parts, most)
		for range 10 {
			before := slices.Clone(parts)
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			given := slices.Clone(parts)
			got := plan(t, parts, most)
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("at most %d: the plan of %d parts depends on their order", most, len(before))
			}
			if !slices.Equal(parts, given) {
				t.Fatal("the plan changed what it was given")
			}
		}
	}
}

// TestOnlyTheLayerOfAFamilyChanges is what is guaranteed as long as the layers are not too many: a new version changes
// the layer of its family, which may split; all others stay what they are.
func TestOnlyTheLayerOfAFamilyChanges(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 6))
		parts := randomStorage(random, 200)
		before := plan(t, parts, many)
		latest, earliest := 9, -1 // "1.-1.0" is no version, but comes before all
		added := nextVersion(random, parts[random.IntN(len(parts))].Family, []int{latest, earliest}[seed%2])
		if seed%5 == 0 { // or a new family
			added = nextVersion(random, fmt.Sprintf("new_%d", seed), 0)
		}
		after := plan(t, append(slices.Clone(parts), added), many)
		old := map[string]bool{}
		for _, l := range before {
			old[described(l)] = true
		}
		var changed []layer.Part
		for _, l := range after {
			if !old[described(l)] {
				changed = append(changed, l...)
			}
			delete(old, described(l))
		}
		if len(old) > 1 || len(changed) == 0 {
			t.Fatalf("seed %d: %d layers of %d are gone", seed, len(old), len(before))
		}
		// The new layers hold what the old one held, and what was added.
		var want []string
		for l := range old {
			want = strings.Fields(l)
		}
		want = append(want, added.Path)
		got := paths(changed)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: the new layers hold %v, want %v", seed, got, want)
		}
	}
}

// TestAnUpdateChangesFewLayers is the usual case, within the layers that an image has room for: at most two new ones.
// Where the storage outgrows a step, buckets of twice the size are made, and most layers are new: that happens once
// while a storage doubles.
func TestAnUpdateChangesFewLayers(t *testing.T) {
	const trials, most = 60, 28
	usual := 0
	for seed := range uint64(trials) {
		random := rand.New(rand.NewPCG(seed, 7))
		parts := randomStorage(random, 200)
		old := map[string]bool{}
		for _, l := range plan(t, parts, most) {
			old[described(l)] = true
		}
		parts = append(parts, nextVersion(random, parts[random.IntN(len(parts))].Family, 9))
		fresh := 0
		for _, l := range plan(t, parts, most) {
			if !old[described(l)] {
				fresh++
			}
		}
		if fresh <= 2 {
			usual++
		}
	}
	if usual < trials*95/100 {
		t.Errorf("only %d of %d updates made at most two new layers", usual, trials)
	}
}

// TestSizesOfLayers: as small as 8 MB where there is room, and no more of them than allowed.
func TestSizesOfLayers(t *testing.T) {
	parts := randomStorage(rand.New(rand.NewPCG(1, 8)), 200)
	for _, l := range plan(t, parts, many) {
		families, total := map[string]bool{}, int64(0)
		for _, p := range l {
			if !families[p.Family] {
				total += p.Size
			} else {
				total += p.Fresh
			}
			families[p.Family] = true
		}
		if len(families) > 1 && total > 8<<20 {
			t.Errorf("%d families of %d bytes share a layer", len(families), total)
		}
	}
	small := plan(t, parts[:3], many)
	if len(small) != 1 {
		t.Errorf("three small packages make %d layers", len(small))
	}
}

func TestNeverMoreLayersThanAllowed(t *testing.T) {
	s := newStorage()
	random := rand.New(rand.NewPCG(1, 9))
	parts := randomStorage(random, 50)
	for f := range 5 {
		parts = append(parts, s.measure(t, fmt.Sprintf("huge_%d", f), randomFamily(s, random, 4, 6, func() int64 { return 40 << 20 })...)...)
	}
	for most := 1; most < 40; most++ {
		plan(t, parts, most)
	}
	if layers, err := (layer.Buckets{}).Plan(parts, 0); err == nil {
		t.Errorf("%d layers, none is allowed", len(layers))
	}
}

func TestNoPartsMakeNoLayers(t *testing.T) {
	for _, most := range []int{0, 1, many} {
		if layers := plan(t, nil, most); len(layers) != 0 {
			t.Errorf("%v", layers)
		}
	}
}
