package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// bucketed plans random families of one to six versions, nine tenths of each shared; a layer is a line.
func bucketed(t *testing.T, parts []layer.Part, most int) []string {
	t.Helper()
	layers, err := buckets{}.Plan(parts, most)
	if err != nil || len(layers) > most {
		t.Fatalf("%d layers of at most %d: %v", len(layers), most, err)
	}
	var lines []string
	for _, l := range layers {
		var paths []string
		for _, p := range l {
			paths = append(paths, p.Path)
		}
		lines = append(lines, strings.Join(paths, " "))
	}
	return lines
}

func randomParts(random *rand.Rand) []layer.Part {
	var parts []layer.Part
	for f := range 200 {
		for v := range 1 + random.IntN(6) {
			p := layer.Part{Family: fmt.Sprint("f", f), Path: fmt.Sprintf("f%d/1.%d.0", f, v), Order: v, Size: 100_000 + random.Int64N(1_900_000)}
			p.Delta = p.Size / 10
			if v == 0 {
				p.Delta = p.Size
			}
			parts = append(parts, p)
		}
	}
	return parts
}

// TestBuckets: all versions of a package share a layer, and a new version changes only that one, which may split.
func TestBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	parts := randomParts(random)
	before := bucketed(t, parts, 1<<20)
	if words := strings.Fields(strings.Join(before, " ")); len(words) != len(parts) {
		t.Errorf("%d parts came out, %d went in", len(words), len(parts))
	}
	in := map[string]int{}
	for i, l := range before {
		for _, path := range strings.Fields(l) {
			family, _, _ := strings.Cut(path, "/")
			if at, known := in[family]; known && at != i {
				t.Errorf("%s is in the layers %d and %d", family, at, i)
			}
			in[family] = i
		}
	}
	random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	if !slices.Equal(bucketed(t, parts, 1<<20), before) {
		t.Error("the order of parts matters")
	}
	after := bucketed(t, append(parts, layer.Part{Family: "f7", Path: "f7/2.0.0", Order: 9, Size: 1000, Delta: 1000}), 1<<20)
	gone := slices.DeleteFunc(slices.Clone(before), func(l string) bool { return slices.Contains(after, l) })
	if len(gone) != 1 || !strings.Contains(gone[0], "f7/") {
		t.Errorf("a version of f7 changes the layers %q", gone)
	}
	for _, most := range []int{1, 5, 20} {
		bucketed(t, parts, most)
	}
	if layers, err := (buckets{}).Plan(parts, 0); err == nil {
		t.Errorf("%d layers, none is allowed", len(layers))
	}
}
