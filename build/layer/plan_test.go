package layer_test

import (
	"cmp"
	"fmt"
	"maps"
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
	layers, err := layer.Stack{}.Plan(parts, most)
	if err != nil {
		t.Fatalf("%d parts in at most %d layers: %v", len(parts), most, err)
	}
	if len(layers) > most {
		t.Fatalf("%d layers, %d are allowed", len(layers), most)
	}
	return layers
}

// said is a layer, or a stack of them, in one line: "apm/1.0.0 apm/1.1.0 | zoo/1.0.0". Within a layer, the order does not
// matter.
func said(layers ...[]layer.Part) string {
	var lines []string
	for _, l := range layers {
		lines = append(lines, strings.Join(slices.Sorted(slices.Values(paths(l))), " "))
	}
	return strings.Join(lines, " | ")
}

// weighed is what parts come to in one layer, as Part has it: of each family, the first one whole, and what the others add.
func weighed(parts []layer.Part) (size, packed int64) {
	families := map[string]bool{}
	for _, p := range slices.SortedFunc(slices.Values(parts), byArrival) {
		if families[p.Family] {
			size, packed = size+p.Delta, packed+p.PackedDelta
		} else {
			size, packed = size+p.Size, packed+p.Packed
		}
		families[p.Family] = true
	}
	return size, packed
}

// packed is what layers come to.
func packed(layers ...[]layer.Part) int64 {
	var total int64
	for _, l := range layers {
		_, one := weighed(l)
		total += one
	}
	return total
}

func byArrival(a, b layer.Part) int {
	return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Order, b.Order))
}

// stored is a package as a storage has it. Files are numbers; those of the same number are equal.
type stored struct {
	family, version string
	since           int64
	files           map[int]measures
}

type measures struct{ size, packed int64 }

func (s stored) path() string { return s.family + "/" + s.version }

// chronicle is a storage that lives: each commit is later than the one before it.
type chronicle struct {
	random   *rand.Rand
	now      int64
	packages []stored
	versions map[string]int // that each family ever had
	files    int            // that there ever were
	// smallest and largest are the bounds of a file, in bytes.
	smallest, largest int64
}

// newChronicle has files of 4 kB to 400 kB, packages of 40 kB to 2 MB.
func newChronicle(seed uint64) *chronicle {
	return &chronicle{random: rand.New(rand.NewPCG(seed, 20)), versions: map[string]int{}, smallest: 4 << 10, largest: 400 << 10}
}

// names are the families that are there, sorted.
func (c *chronicle) names() []string {
	seen := map[string]bool{}
	for _, p := range c.packages {
		seen[p.family] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// file makes a file that is unlike all others: half of them are pictures.
func (c *chronicle) file(of map[int]measures) {
	c.files++
	m := measures{size: c.smallest + c.random.Int64N(c.largest-c.smallest)}
	m.packed = m.size >> (3 * c.random.IntN(2))
	of[c.files] = m
}

// changed are files of which some were replaced.
func (c *chronicle) changed(files map[int]measures) map[int]measures {
	after := maps.Clone(files)
	for _, id := range slices.Sorted(maps.Keys(files)) {
		if c.random.IntN(6) == 0 {
			delete(after, id)
			c.file(after)
		}
	}
	c.file(after)
	return after
}

// add brings the next version of a family; of a new one, the first.
func (c *chronicle) add(family string) {
	files := map[int]measures{}
	for range 1 + c.random.IntN(9) {
		c.file(files)
	}
	for _, p := range c.packages {
		if p.family == family {
			files = p.files
		}
	}
	version := fmt.Sprintf("1.%03d.0", c.versions[family])
	c.versions[family]++
	c.packages = append(c.packages, stored{family, version, c.now, c.changed(files)})
}

// commit changes up to so many packages: most are versions of families that are there.
func (c *chronicle) commit(packages int) {
	c.now += 1 + c.random.Int64N(1000)
	for range packages {
		names := c.names()
		switch n := c.random.IntN(20); {
		case len(names) < 3 || n < 4:
			c.add(fmt.Sprintf("family_%03d", len(c.versions)))
		case n < 16:
			c.add(names[c.random.IntN(len(names))])
		case n < 18: // overwritten: the path stays, but not its place in history
			p := &c.packages[c.random.IntN(len(c.packages))]
			p.since, p.files = c.now, c.changed(p.files)
		default:
			at := c.random.IntN(len(c.packages))
			c.packages = slices.Delete(c.packages, at, at+1)
		}
	}
}

// parts measures what is there as a Meter would, with the part before it in the order of arrival.
func (c *chronicle) parts() []layer.Part {
	sorted := slices.SortedFunc(slices.Values(c.packages), func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.since, b.since), cmp.Compare(a.version, b.version))
	})
	var parts []layer.Part
	for i, s := range sorted {
		p := layer.Part{
			Family: s.family, Path: s.path(), Mode: object.ModeTree, ID: hash(fmt.Sprint(s.path(), s.since)), Since: s.since,
			Size: 128, Packed: 24, Delta: 128, PackedDelta: 24, Order: i,
		}
		for id, m := range s.files {
			p.Size, p.Packed = p.Size+m.size, p.Packed+m.packed
			if i > 0 && sorted[i-1].family == s.family {
				if _, shared := sorted[i-1].files[id]; shared {
					continue
				}
			}
			p.Delta, p.PackedDelta = p.Delta+m.size, p.PackedDelta+m.packed
		}
		parts = append(parts, p)
	}
	return parts
}

// chronicles are storages of all kinds, by name.
func chronicles(seeds uint64) map[string]*chronicle {
	all := map[string]*chronicle{}
	for seed := range seeds {
		c := newChronicle(seed)
		name := "small"
		switch seed % 4 {
		case 1: // layers are as large as they may be
			name, c.smallest, c.largest = "large", 1<<20, 30<<20
		case 2:
			name, c.smallest, c.largest = "tiny", 1, 100
		}
		if c.random.IntN(2) == 0 {
			c.commit(c.random.IntN(200)) // many come first
		}
		for range c.random.IntN(120) {
			c.commit(1 + c.random.IntN(4))
		}
		all[fmt.Sprintf("seed %d, %s files", seed, name)] = c
	}
	return all
}
