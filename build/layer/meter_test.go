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
	kilo := strings.Repeat("k", 1<<20)
	parts := s.measure(t, "apm",
		version{"1.0.0", map[string]string{"a": kilo, "b/b": kilo, "c*": kilo, "d": "small"}},
		version{"1.1.0", map[string]string{"a": kilo, "new": strings.Repeat("n", 1<<19)}},
		version{"1.2.0", map[string]string{"a": kilo, "b/b": kilo, "c*": kilo, "d": "small"}})
	if len(parts) != 3 {
		t.Fatalf("%v", paths(parts))
	}
	for i, want := range []struct{ size, fresh int64 }{{1 << 20, 1 << 20}, {3 << 19, 1 << 19}, {1 << 20, 0}} {
		p := parts[i]
		if p.Size < want.size || p.Size > want.size+6*perEntry {
			t.Errorf("%s: Size is %d, want about %d", p.Path, p.Size, want.size)
		}
		if p.Fresh < want.fresh || p.Fresh > want.fresh+6*perEntry {
			t.Errorf("%s: Fresh is %d, want about %d", p.Path, p.Fresh, want.fresh)
		}
		if p.Family != "apm" || p.Mode != object.ModeTree {
			t.Errorf("%+v", p)
		}
	}
	if parts[0].Path != "apm/1.0.0" || parts[0].Size != parts[0].Fresh || parts[0].ID != parts[2].ID {
		t.Errorf("%+v", parts)
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
		if p.Size < 1000*100 || p.Fresh < 1000*100 {
			t.Errorf("%s: 1,000 empty files have Size %d, Fresh %d", p.Path, p.Size, p.Fresh)
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

// TestFreshAddsUp: what is fresh in each version of a family is what all of them are together.
func TestFreshAddsUp(t *testing.T) {
	for seed := range uint64(100) {
		s, random := newStorage(), rand.New(rand.NewPCG(seed, 2))
		family := randomFamily(s, random, 1+random.IntN(6), 8, func() int64 { return random.Int64N(1 << 20) })
		parts := s.measure(t, "apm", family...)
		all := version{"all", map[string]string{}}
		var fresh int64
		for i, p := range parts {
			fresh += p.Fresh
			if p.Fresh > p.Size {
				t.Errorf("seed %d: %s has Size %d and Fresh %d", seed, p.Path, p.Size, p.Fresh)
			}
			for path, content := range family[i].files {
				all.files[family[i].name+"/"+path] = content
			}
		}
		empty := s.measure(t, "empty", version{"", nil})[0].Size // the folder that holds all versions
		if whole := s.measure(t, "apm", all)[0]; whole.Size != fresh+empty {
			t.Fatalf("seed %d: all versions together are %d, what is fresh in them %d", seed, whole.Size, fresh)
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
		if p.Family != "huge" {
			t.Errorf("%s is of the family %q", p.Path, p.Family)
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
