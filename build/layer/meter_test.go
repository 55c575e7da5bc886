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

// perEntry is more than a header takes in any measure.
const perEntry = 1 << 10

func TestEqualFilesCountOnce(t *testing.T) {
	s := newStorage()
	mega := strings.Repeat("m", 1<<20)
	parts := s.measure(t, "apm",
		version{"1.0.0", map[string]string{"a": mega, "b/b": mega, "c*": mega, "d": "small"}},
		version{"1.1.0", map[string]string{"a": mega, "new": strings.Repeat("n", 1<<19)}},
		version{"1.2.0", map[string]string{"a": mega, "b/b": mega, "c*": mega, "d": "small"}},
		version{"1.3.0", map[string]string{"new": strings.Repeat("n", 1<<19)}})
	if len(parts) != 4 {
		t.Fatalf("%v", paths(parts))
	}
	// What 1.3.0 shares with 1.1.0 does not count: 1.2.0 is before it.
	for i, want := range []struct{ size, delta int64 }{{1 << 20, 1 << 20}, {3 << 19, 1 << 19}, {1 << 20, 0}, {1 << 19, 1 << 19}} {
		p := parts[i]
		for what, measure := range map[string][2]int64{
			"Size": {p.Size, want.size}, "Delta": {p.Delta, want.delta}, "Packed": {p.Packed, want.size / 8}, "PackedDelta": {p.PackedDelta, want.delta / 8},
		} {
			if measure[0] < measure[1] || measure[0] > measure[1]+6*perEntry {
				t.Errorf("%s: %s is %d, want about %d", p.Path, what, measure[0], measure[1])
			}
		}
		if p.Family != "apm" || p.Mode != object.ModeTree {
			t.Errorf("%+v", p)
		}
	}
	if first := parts[0]; first.Path != "apm/1.0.0" || first.Size != first.Delta || first.Packed != first.PackedDelta || first.ID != parts[2].ID {
		t.Errorf("%+v", parts)
	}
}

// TestPicturesPackToWhatTheyAre, and texts to an eighth; entries cost in either.
func TestPicturesPackToWhatTheyAre(t *testing.T) {
	for name, divisor := range map[string]int64{
		"a.yml": 8, "a.md": 8, "a": 8, "png": 8, "a.png.txt": 8, "img/a.svg": 8, "a.png": 1, "img/A.PNG": 1, "b.jpeg": 1, "b.JPG": 1, "c.gif": 1,
		"x.tar.gz": 1, "x.zip": 1, "font.woff2": 1, "img.png/readme": 8,
	} {
		s := newStorage()
		p := s.measure(t, "apm", version{"1.0.0", map[string]string{name: s.huge("content", 8<<20)}})[0]
		if want := 8 << 20 / divisor; p.Packed < want || p.Packed > want+4*perEntry || p.Size < 8<<20 {
			t.Errorf("%s: 8 MB are packed to %d, want about %d", name, p.Packed, want)
		}
	}
	// The next version's share is as heavy as in itself.
	s := newStorage()
	picture, text := s.huge("picture", 8<<20), s.huge("text", 8<<20)
	p := s.measure(t, "apm", version{"1.0.0", map[string]string{"a.png": picture, "b.txt": text}},
		version{"1.1.0", map[string]string{"a.png": picture, "new.txt": s.huge("new", 16<<20)}},
		version{"1.2.0", map[string]string{"b.png": s.huge("other", 1<<20), "new.txt": s.huge("new", 16<<20)}})
	for i, want := range []int64{9 << 20, 2 << 20, 1 << 20} {
		if p[i].PackedDelta < want || p[i].PackedDelta > want+4*perEntry {
			t.Errorf("%s: PackedDelta is %d, want about %d", p[i].Path, p[i].PackedDelta, want)
		}
	}
}

// TestSizesOfTheVersionBeforeAreNotAskedFor: of it, trees are enough.
func TestSizesOfTheVersionBeforeAreNotAskedFor(t *testing.T) {
	s := newStorage()
	old := s.tree(map[string]string{"shared": s.huge("shared", 5<<20), "gone": s.huge("gone", 50<<20)})
	tree := s.tree(map[string]string{"shared": "shared", "new": s.huge("new", 3<<20)})
	sizes := s.sizes()
	before := layer.NewMeter(s.forest(t, old), sizes).Parts("apm", "apm/1.0.0", old, nil)
	delete(sizes, s.blob("gone"))
	got := layer.NewMeter(s.forest(t, old, tree), sizes).Parts("apm", "apm/1.1.0", tree, before)
	want := layer.NewMeter(s.forest(t, old, tree), s.sizes()).Parts("apm", "apm/1.1.0", tree, before)
	if !slices.Equal(got, want) || got[0].Delta > 3<<20+4*perEntry || got[0].Size < 8<<20 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestPiecesFollowPieces: of a package in pieces, it is the same piece of the version before that counts.
func TestPiecesFollowPieces(t *testing.T) {
	s := newStorage()
	half := int64(layer.MaxPart/2 + 1)
	first := map[string]string{"a/x": s.huge("ax", half), "b/x": s.huge("bx", half), "c": s.huge("c", 5<<20)}
	second := map[string]string{"a/x": "ax", "a/y": s.huge("y", 1<<20), "b/x": s.huge("b2", half), "d": "c"}
	small := map[string]string{"a/x": "ax"}
	parts := s.measure(t, "huge", version{"1.0.0", first}, version{"1.1.0", second}, version{"1.2.0", small}, version{"1.3.0", first})
	for i, want := range []struct {
		family, path string
		size, delta  int64
	}{
		{"huge/a", "huge/1.0.0/a", half, half}, {"huge/b", "huge/1.0.0/b", half, half}, {"huge/c", "huge/1.0.0/c", 5 << 20, 5 << 20},
		{"huge/a", "huge/1.1.0/a", half + 1<<20, 1 << 20}, {"huge/b", "huge/1.1.0/b", half, half},
		{"huge/d", "huge/1.1.0/d", 5 << 20, 5 << 20}, // the same bytes as c, but in another family
		{"huge", "huge/1.2.0", half, half},           // whole: no piece is of its family
		{"huge/a", "huge/1.3.0/a", half, half}, {"huge/b", "huge/1.3.0/b", half, half}, {"huge/c", "huge/1.3.0/c", 5 << 20, 5 << 20},
	} {
		if i >= len(parts) {
			t.Fatalf("only %d parts: %v", len(parts), paths(parts))
		}
		p := parts[i]
		if p.Family != want.family || p.Path != want.path || p.Size < want.size || p.Size > want.size+4*perEntry || p.Delta < want.delta || p.Delta > want.delta+4*perEntry {
			t.Errorf("%+v, want about %+v", p, want)
		}
	}
}

// TestEntriesCost: a million empty files are not nothing.
func TestEntriesCost(t *testing.T) {
	s := newStorage()
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("f%d", i)] = ""
	}
	parts := s.measure(t, "apm", version{"1.0.0", files}, version{"1.1.0", files})
	for _, p := range parts {
		if p.Size < 1000*100 || p.Delta < 1000*100 || p.Packed < 1000*10 || p.PackedDelta < 1000*10 {
			t.Errorf("%s: 1,000 empty files measure %+v", p.Path, p)
		}
	}
}

// randomFamily shares files among its versions.
func randomFamily(s *storage, random *rand.Rand, versions, files int, size func() int64) []version {
	pool := make([]string, files)
	for i := range pool {
		pool[i] = s.huge(fmt.Sprintf("%d of %d", i, random.Uint64()), size())
	}
	out := make([]version, versions)
	for v := range out {
		out[v] = version{fmt.Sprintf("1.%d.0", v), map[string]string{}}
		for f := range 1 + random.IntN(files) {
			out[v].files[fmt.Sprintf("%d/%d", f%3, f)] = pool[random.IntN(files)]
		}
	}
	return out
}

// TestARunHoldsWhatItMeasures: what versions hold together is never more than Size of the first and Delta of the others,
// from whichever one on; of two versions, it is just that.
func TestARunHoldsWhatItMeasures(t *testing.T) {
	for seed := range uint64(100) {
		s, random := newStorage(), rand.New(rand.NewPCG(seed, 2))
		parts := s.measure(t, "apm", randomFamily(s, random, 1+random.IntN(6), 8, func() int64 { return random.Int64N(1 << 20) })...)
		for from := range parts {
			run := parts[from].Size
			for to := from + 1; to <= len(parts); to++ {
				held := s.size(parts[from:to])
				if held > run || to-from <= 2 && held < run-int64(to-from)*20*perEntry {
					t.Fatalf("seed %d: the versions %d to %d hold %d bytes, measured are %d", seed, from, to-1, held, run)
				}
				if to < len(parts) {
					run += parts[to].Delta
				}
			}
		}
		for _, p := range parts {
			if p.Delta > p.Size || p.PackedDelta > p.Packed || p.Packed > p.Size || p.Delta < 0 || p.PackedDelta < 0 {
				t.Errorf("seed %d: %+v", seed, p)
			}
		}
	}
}

// TestHugePackageIsSplit: down to the pieces that fit, each once, and all of them together are the package.
func TestHugePackageIsSplit(t *testing.T) {
	s := newStorage()
	third := int64(layer.MaxPart / 3)
	files := map[string]string{
		"manifest.yml":  "name: huge",
		"a/x":           s.huge("x", third), // with a/y too large by a little, as headers count
		"a/y":           s.huge("y", third),
		"a/deep/z":      s.huge("z", third),
		"a/deep/run*":   "#!",
		"b/x":           s.huge("x", third),
		"b/small":       "small",
		"one.bin":       s.huge("one", 2*layer.MaxPart),
		"c/only/a/path": s.huge("path", 3*layer.MaxPart),
	}
	parts := s.measure(t, "huge", version{"1.0.0", files})
	want := []string{
		"huge/1.0.0/a/deep", "huge/1.0.0/a/x", "huge/1.0.0/a/y", "huge/1.0.0/b", "huge/1.0.0/c/only/a/path",
		"huge/1.0.0/manifest.yml", "huge/1.0.0/one.bin",
	}
	got := paths(parts)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("parts are %q, want %q", got, want)
	}
	listing, err := layer.List("packages", parts, s.forest(t, s.tree(files)), object.EmptyBlob(s.blob("")))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, f := range listing.Files {
		listed = append(listed, f.Path)
	}
	for _, l := range listing.Links {
		listed = append(listed, l.Path)
	}
	var all []string
	for path := range files {
		all = append(all, "packages/huge/1.0.0/"+strings.TrimSuffix(path, "*"))
	}
	slices.Sort(listed)
	slices.Sort(all)
	if !slices.Equal(listed, all) {
		t.Errorf("the parts hold %q, the package %q", listed, all)
	}
	for _, p := range parts {
		if p.Mode == object.ModeTree && p.Size > layer.MaxPart {
			t.Errorf("%s is %d bytes", p.Path, p.Size)
		}
		if want := strings.Replace(p.Path, "huge/1.0.0", "huge", 1); p.Family != want {
			t.Errorf("%s is of the family %q, want %q", p.Path, p.Family, want)
		}
	}
}

func TestPackageOfMaxPartIsOnePart(t *testing.T) {
	s := newStorage()
	parts := s.measure(t, "apm", version{"1.0.0", map[string]string{"a": s.huge("a", layer.MaxPart-10*perEntry), "b": s.huge("b", 1)}})
	if len(parts) != 1 || parts[0].Path != "apm/1.0.0" {
		t.Errorf("%v", paths(parts))
	}
}
