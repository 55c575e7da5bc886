package layer

import (
	"path"
	"strings"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Part is what a plan deals with: a package's folder; of a package that is too large for one layer, the folders and
// files that it consists of.
type Part struct {
	// Family is the package's name; for a piece of a package, with the piece's path in the package below it. Parts of one
	// family share most of their files.
	Family string `json:"family"`
	// Path is the part's below packages/.
	Path string      `json:"path"`
	Mode object.Mode `json:"mode"`
	ID   object.ID   `json:"id"`
	// Size is what the part holds in bytes, equal files counted once. Delta is what of it the part before it in its
	// family lacks: what a run of a family's parts holds is at most Size of the first and Delta of the others.
	Size  int64 `json:"size"`
	Delta int64 `json:"delta"`
	// Packed and PackedDelta are about what Size and Delta come to when packed.
	Packed      int64 `json:"packed"`
	PackedDelta int64 `json:"packedDelta"`
	// Since is when the part came into the distribution, in seconds since 1970 (history.Since). Order is its place among
	// the parts of its family: they come in the order of Since, and those that came together in that of their versions.
	Since int64 `json:"-"`
	Order int   `json:"-"`
}

// MaxPart is the Size in bytes above which a folder is handed to the plan in pieces. No compression makes a layer
// of this size larger than MaxPacked.
const MaxPart = 90 << 20

// What an entry's header takes beside its content, in bytes: a plan that counted contents only would put a million
// empty files into one layer.
const (
	entryCost       = 128
	packedEntryCost = 24
)

// compact are the kinds of files that no compression makes smaller. In packages they are nearly all that a layer weighs.
var compact = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".gif": true, ".webp": true, ".ico": true, ".pdf": true, ".woff": true, ".woff2": true,
	".zip": true, ".gz": true, ".tgz": true, ".bz2": true, ".xz": true, ".zst": true, ".mp4": true, ".webm": true,
}

// packing is how many times smaller other files become: texts of packages, in layers of the real storage.
const packing = 8

// Meter measures parts. Trees must be loaded and sizes known for all that is measured. It is for one goroutine.
type Meter struct {
	forest *object.Forest
	sizes  map[object.ID]int64
}

// NewMeter is a meter; sizes are those of blobs in bytes.
func NewMeter(forest *object.Forest, sizes map[object.ID]int64) *Meter {
	return &Meter{forest, sizes}
}

// Parts measures the folder tree at path (below packages/), which belongs to a family. before are the parts of the
// package before it in the family: their trees must be loaded, but no sizes of what only they hold are asked for.
func (m *Meter) Parts(family, path string, tree object.ID, before []Part) []Part {
	return m.measure(family, path, object.TreeEntry{Mode: object.ModeTree, ID: tree}, before)
}

func (m *Meter) measure(family, at string, e object.TreeEntry, before []Part) []Part {
	own := weights{}
	all := m.sum(e, at, own)
	if all.size > MaxPart && e.Mode == object.ModeTree {
		var parts []Part
		for _, child := range m.forest.Entries(e.ID) {
			parts = append(parts, m.measure(family+"/"+child.Name, at+"/"+child.Name, child, before)...)
		}
		return parts
	}
	part := Part{
		Family: family, Path: at, Mode: e.Mode, ID: e.ID, Size: all.size, Delta: all.size, Packed: all.packed, PackedDelta: all.packed,
	}
	for _, b := range before {
		if b.Family != family {
			continue
		}
		theirs := weights{}
		m.sum(object.TreeEntry{Mode: b.Mode, ID: b.ID}, b.Path, theirs)
		for id, cost := range own {
			if _, shared := theirs[id]; shared {
				part.Delta -= cost.size
				part.PackedDelta -= cost.packed
			}
		}
	}
	return []Part{part}
}

// cost is a number of bytes, and about what they come to when packed.
type cost struct{ size, packed int64 }

func (c *cost) add(other cost) {
	c.size += other.size
	c.packed += other.packed
}

// weights are different files and what each takes, its header left out.
type weights map[object.ID]cost

// sum adds what of e, which is called name, is not in seen, and puts it there.
func (m *Meter) sum(e object.TreeEntry, name string, seen weights) cost {
	total := cost{entryCost, packedEntryCost}
	if e.Mode == object.ModeTree {
		for _, child := range m.forest.Entries(e.ID) {
			total.add(m.sum(child, child.Name, seen))
		}
		return total
	}
	if _, twice := seen[e.ID]; !twice {
		size := m.sizes[e.ID]
		seen[e.ID] = cost{size, size / packing}
		if compact[strings.ToLower(path.Ext(name))] {
			seen[e.ID] = cost{size, size}
		}
		total.add(seen[e.ID])
	}
	return total
}
