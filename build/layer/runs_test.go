package layer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// fits fails for layers that may be too large to be pushed: more than MaxPart, and more than one part, which could
// have been parted. Sizes are measured anew.
func fits(t *testing.T, s *storage, layers [][]layer.Part) {
	t.Helper()
	for _, l := range layers {
		if size := s.size(l); len(l) > 1 && size > layer.MaxPart {
			t.Errorf("a layer of %d MB, %d are the most: %v", size>>20, layer.MaxPart>>20, paths(l))
		}
	}
}

func TestLargeFamilyIsCutInRuns(t *testing.T) {
	s := newStorage()
	var versions []version
	for v := range 9 {
		versions = append(versions, version{fmt.Sprintf("1.%d.0", v), map[string]string{"f": s.huge(fmt.Sprint(v), 25<<20)}})
	}
	parts := s.measure(t, "large", versions...)
	layers := plan(t, parts, many)
	if len(layers) != 3 {
		t.Errorf("9 versions of 25 MB make %d layers, want 3", len(layers))
	}
	if got := slices.Concat(layers...); !slices.Equal(got, parts) {
		t.Errorf("the versions are not in order: %v", paths(got))
	}
	fits(t, s, layers)
}

// TestFamilyIsCutOnlyWhereItMust: versions share their files, so that any cut costs space.
func TestFamilyIsCutOnlyWhereItMust(t *testing.T) {
	s := newStorage()
	var versions []version
	for v := range 9 {
		versions = append(versions, version{fmt.Sprintf("1.%d.0", v), map[string]string{
			"shared": s.huge("shared", 50<<20), "own": s.huge(fmt.Sprint(v), 4<<20),
		}})
	}
	if layers := plan(t, s.measure(t, "large", versions...), many); len(layers) != 1 {
		t.Errorf("86 MB in all make %d layers", len(layers))
	}
}

func TestFileLargerThanALayerIsAlone(t *testing.T) {
	s := newStorage()
	parts := s.measure(t, "large", version{"1.0.0", map[string]string{
		"a": s.huge("a", 10<<20), "b": s.huge("b", 2*layer.MaxPart), "c": s.huge("c", 10<<20),
	}})
	layers := plan(t, parts, many)
	for _, l := range layers {
		if slices.Contains(paths(l), "large/1.0.0/b") && len(l) != 1 {
			t.Errorf("the large file is with others: %v", paths(l))
		}
	}
	fits(t, s, layers)
}

// TestRunHoldsWhatItsPartsShareWithFormerRuns: what is not fresh in a part is in an earlier one, but that may be in
// another layer. Here each version is three files of 40 MB, and the second version the same as the first.
func TestRunHoldsWhatItsPartsShareWithFormerRuns(t *testing.T) {
	s := newStorage()
	files := map[string]string{"a": s.huge("a", 40<<20), "b": s.huge("b", 40<<20), "c": s.huge("c", 40<<20)}
	fits(t, s, plan(t, s.measure(t, "large", version{"1.0.0", files}, version{"1.1.0", files}), many))
}

// TestRunsAreInTheOrderOfMeasuring: what a part adds is measured against the one before it, so that both must come in
// one order. In that of plain text "1.0.0-rc1" comes before "1.0.0/a", in git's the folder "a-b" before "a".
func TestRunsAreInTheOrderOfMeasuring(t *testing.T) {
	s := newStorage()
	a, b, c, x := s.huge("a", 40<<20), s.huge("b", 40<<20), s.huge("c", 40<<20), s.huge("x", 40<<20)
	most := s.huge("most", 80<<20)
	fits(t, s, plan(t, s.measure(t, "large", version{"0.9.0", map[string]string{"x": x}},
		version{"1.0.0", map[string]string{"a": a, "b": b, "c": c}}, version{"1.0.0-rc1", map[string]string{"c": c}}), many))
	fits(t, s, plan(t, s.measure(t, "large", version{"1.0.0", map[string]string{"0": x, "a/1": most, "a-b/1": most}}), many))
}

func TestNoRunIsTooLarge(t *testing.T) {
	for seed := range uint64(100) {
		s, random := newStorage(), rand.New(rand.NewPCG(seed, 10))
		parts := s.measure(t, "large", randomFamily(s, random, 8, 8, func() int64 { return random.Int64N(60 << 20) })...)
		fits(t, s, plan(t, parts, many))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
