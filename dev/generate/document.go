package generate

import "math/rand/v2"

// document is a text file's content, as what it is made from: blocks of text, each of them following from the
// document's seed, its place and the revision that last changed it. So a version that changes a few lines is written
// from a few numbers, and no text is kept.
type document struct {
	kind kind
	seed uint64
	size int // bytes that the first revision comes to, about

	blocks  int            // 0 before the first revision is written
	changed map[int]uint64 // block → revision
}

// Places of a document's parts that are no blocks.
const (
	headPlace = 1<<32 + iota
	tailPlace
)

// write appends the document to out. There is one block at least.
func (d *document) write(out []byte, about subject) []byte {
	return d.writeAs(patterns[d.kind], out, about)
}

func (d *document) writeAs(p pattern, out []byte, about subject) []byte {
	source := rand.NewPCG(0, 0)
	w := &writer{out: out, random: rand.New(source), about: about}
	at := func(place int, revision uint64) {
		n := mix(d.seed, uint64(place))
		source.Seed(n, mix(n, revision))
	}
	before := len(out)
	at(headPlace, 0)
	w.expand(p.head)
	goesOn := func(i int) bool {
		if d.blocks > 0 {
			return i < d.blocks
		}
		return i == 0 || len(w.out)-before+len(p.tail) < d.size
	}
	i := 0
	for ; goesOn(i); i++ {
		if i > 0 {
			w.expand(p.between)
		}
		at(i, d.changed[i])
		w.expand(p.blocks[w.random.IntN(len(p.blocks))])
	}
	d.blocks = i
	at(tailPlace, 0)
	w.expand(p.tail)
	return w.out
}

// change changes blocks, which are numbers of any size, and adds one if grow says so. A revision of 0 is what there was
// at first.
func (d *document) change(blocks []int, grow bool, revision uint64) {
	if d.changed == nil {
		d.changed = map[int]uint64{}
	}
	for _, b := range blocks {
		d.changed[b%d.blocks] = revision
	}
	if grow {
		d.changed[d.blocks] = revision
		d.blocks++
	}
}
