package layer

import (
	"github.com/seed-604f7181/package-storage/build/object"
)

// Part is what a plan deals with: a package's folder; of a package that is too large for one layer, the folders and
// files that it consists of.
type Part struct {
	// Family is the package's name: parts of one family share most of their files.
	Family string `json:"family"`
	// Order is the part's place in its family, in the order of measuring.
	Order int `json:"order"`
	// Path is the part's below packages/.
	Path string      `json:"path"`
	Mode object.Mode `json:"mode"`
	ID   object.ID   `json:"id"`
	// Size is what the part holds in bytes, equal files counted once. Fresh is what of that no earlier part of the
	// family holds: over a whole family it adds up to what the family holds. Delta is what of it the part just before
	// lacks: what a run of parts holds is at most Size of the first and Delta of the others.
	Size  int64 `json:"size"`
	Fresh int64 `json:"fresh"`
	Delta int64 `json:"delta"`
}

// MaxPart is the Size in bytes above which a folder is handed to the plan in pieces. No compression makes a layer
// of this size larger than MaxPacked.
const MaxPart = 90 << 20

// entryCost is what an entry's header takes beside its content: a plan that counted contents only would put a
// million empty files into one layer.
const entryCost = 128

// Meter measures the parts of one family. Trees must be loaded and sizes known for all that is measured.
type Meter struct {
	forest   *object.Forest
	sizes    map[object.ID]int64
	family   string
	seen     map[object.ID]bool // in any earlier part
	before   map[object.ID]bool // in the part before
	measured int
}

// NewMeter starts a family. sizes are those of blobs in bytes.
func NewMeter(forest *object.Forest, sizes map[object.ID]int64, family string) *Meter {
	return &Meter{forest: forest, sizes: sizes, family: family, seen: map[object.ID]bool{}}
}

// Parts measures the folder tree at path (below packages/), in the order of calls.
func (m *Meter) Parts(path string, tree object.ID) []Part {
	return m.measure(path, object.TreeEntry{Mode: object.ModeTree, ID: tree})
}

func (m *Meter) measure(path string, e object.TreeEntry) []Part {
	own := map[object.ID]bool{}
	size := m.sum(e, own)
	if size > MaxPart && e.Mode == object.ModeTree {
		var parts []Part
		for _, child := range m.forest.Entries(e.ID) {
			parts = append(parts, m.measure(path+"/"+child.Name, child)...)
		}
		return parts
	}
	part := Part{Family: m.family, Order: m.measured, Path: path, Mode: e.Mode, ID: e.ID, Size: size, Fresh: size, Delta: size}
	for id := range own {
		if m.seen[id] {
			part.Fresh -= m.sizes[id]
		}
		if m.before[id] {
			part.Delta -= m.sizes[id]
		}
		m.seen[id] = true
	}
	m.before = own
	m.measured++
	return []Part{part}
}

// sum adds what of e is not in seen, and puts it there.
func (m *Meter) sum(e object.TreeEntry, seen map[object.ID]bool) int64 {
	if e.Mode != object.ModeTree {
		if seen[e.ID] {
			return entryCost
		}
		seen[e.ID] = true
		return m.sizes[e.ID] + entryCost
	}
	total := int64(entryCost)
	for _, child := range m.forest.Entries(e.ID) {
		total += m.sum(child, seen)
	}
	return total
}
