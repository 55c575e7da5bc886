package layer

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Stack is the plan by arrival: what came first lies lowest, and what comes makes layers of its own on top. An engine
// downloads again all that lies above the first layer that changed, so that an update costs it what came. Since a layer
// shares files only within itself, layers of few packages make an image large; so, as packages arrive, layers at the top
// are merged into one where that saves enough, as a log-structured store merges its runs. docs/layers.md has the figures.
//
// The plan follows from the parts that are there now: it is made by letting them arrive one after the other. What has
// gone is in no layer; what was merged for its sake may then be merged otherwise.
type Stack struct{}

// Version names the plan.
func (Stack) Version() string { return "stack/1" }

// What a merge saves is paid for by engines that start from nothing, what it costs by those that update. docs/layers.md
// has the measurements that these numbers come from.
const (
	// enough is what a merge must save of what it costs.
	enough = 1.0 / 2
	// spare is how many times as large as one layer an image may be before merges are no longer the best, but the largest.
	spare = 1.35
	// largest is the part of the image that a merge may touch: one half.
	largest = 2
	// fraction is the part of what comes together that its lowest layer holds, the next of the rest, and so on: one
	// quarter. smallest is the packed size in bytes of the smallest of them, finest that as a part of the image.
	fraction, smallest, finest = 4, 2 << 20, 32
)

// Plan stacks the parts. Where that makes too many layers it starts again with larger ones, which may exceed MaxPart: in a
// storage of nearly most times that or more, layers may exceed MaxPacked, if they hardly pack.
func (Stack) Plan(parts []Part, most int) ([][]Part, error) {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Path, b.Path))
	})
	for limit := int64(MaxPart); limit < math.MaxInt64/4; limit += limit / 4 {
		s := newStack(parts, most, limit)
		if layers := s.plan(); len(layers) <= most {
			return layers, nil
		}
	}
	return nil, fmt.Errorf("%d parts do not fit into %d layers", len(parts), most)
}

// stack is a plan while parts arrive. Parts are known by their index. What is weighed against each other is packed; only
// the limit is for what is not, since compression may not help.
type stack struct {
	parts []Part // in the order of arrival
	most  int
	limit int64 // no layer is larger unpacked, in bytes, but one of a single part
	// before is the part before each in its family, -1 for the first; layer is where each part is.
	before, layer []int
	// family is that of each part, families are in the order of their names. arrived counts the parts of each that are
	// there so far: families with many will get more.
	family  []int
	arrived []int
	slots   []int     // of families, for families()
	layers  []stacked // the lowest first
	total   int64     // of layers, packed
	single  int64     // what all parts that have arrived come to in one layer, packed
}

type stacked struct {
	parts []int // sorted
	cost
	// apart is what the parts of layers above share with parts of this one: what a merge of all of them saves.
	apart int64
	// waste is how much a family is expected to make, beside others.
	waste float64
}

func newStack(parts []Part, most int, limit int64) *stack {
	s := &stack{parts: parts, most: most, limit: limit}
	names := map[string]int{}
	for _, p := range parts {
		names[p.Family] = 0
	}
	for i, name := range slices.Sorted(maps.Keys(names)) {
		names[name] = i
	}
	s.before, s.layer, s.family = make([]int, len(parts)), make([]int, len(parts)), make([]int, len(parts))
	s.arrived, s.slots = make([]int, len(names)), make([]int, len(names))
	last := make([]int, len(names)) // the last part of each family, and one
	for i, p := range parts {
		f := names[p.Family]
		s.family[i], s.before[i] = f, last[f]-1
		last[f] = i + 1
	}
	return s
}

func (s *stack) plan() [][]Part {
	for start, end := 0, 0; start < len(s.parts); start = end {
		var group []int
		for end = start; end < len(s.parts) && s.parts[end].Since == s.parts[start].Since; end++ {
			group = append(group, end)
			s.arrived[s.family[end]]++
			if s.before[end] >= 0 {
				s.single += s.added(end).packed
			} else {
				s.single += s.whole(end).packed
			}
		}
		s.arrive(group)
		if len(s.layers) > max(s.most, 1) {
			break // no use: Plan tries again with larger layers
		}
	}
	planned := make([][]Part, len(s.layers))
	for i, l := range s.layers {
		for _, p := range l.parts {
			planned[i] = append(planned[i], s.parts[p])
		}
	}
	return planned
}

// common is what a part shares with the one before it in its family, packed; nothing where one layer can't have both.
func (s *stack) common(part int) int64 {
	if s.parts[s.before[part]].Size+s.parts[part].Delta > s.limit {
		return 0
	}
	return s.parts[part].Packed - s.parts[part].PackedDelta
}

// whole is what a part takes alone, added what it adds to the one before it in its family.
func (s *stack) whole(part int) cost { return cost{s.parts[part].Size, s.parts[part].Packed} }
func (s *stack) added(part int) cost { return cost{s.parts[part].Delta, s.parts[part].PackedDelta} }

// arrive puts a group of parts on top. What they share with layers below is apart from there on.
func (s *stack) arrive(group []int) {
	came := len(s.layers)
	s.push(group)
	for _, p := range group {
		if b := s.before[p]; b >= 0 && s.layer[b] < came {
			s.layers[s.layer[b]].apart += s.common(p)
		}
	}
	s.settle(came)
}

// push puts parts on top, in layers of their own.
func (s *stack) push(parts []int) {
	for _, l := range s.split(parts) {
		for _, p := range l.parts {
			s.layer[p] = len(s.layers)
		}
		s.layers = append(s.layers, l)
		s.total += l.packed
	}
}

// merge makes the layers from one on upwards anew, as if all their parts had come together. Nothing of them is apart
// then: what split has to cut, it would cut again.
func (s *stack) merge(from int) {
	var parts []int
	for _, l := range s.layers[from:] {
		parts = append(parts, l.parts...)
		s.total -= l.packed
	}
	slices.Sort(parts)
	s.layers = s.layers[:from]
	s.push(parts)
}

// settle merges what is worth it after the layers from came on upwards have been pushed.
func (s *stack) settle(came int) {
	if best := s.best(came); best >= 0 {
		s.merge(best)
	}
	for len(s.layers) > max(s.most, 1) {
		before := len(s.layers)
		// What is merged may have to be split again into as many layers: then more of them go into it.
		for from, more := s.crowded(), 1; len(s.layers) >= before; from, more = max(from-more, 0), 2*more {
			s.merge(from)
			if from == 0 && len(s.layers) >= before {
				return // Plan tries again with larger layers
			}
		}
	}
}

// best is the layer from which on upwards a merge saves most for what it costs, -1 where none is worth it. It costs the
// download of the merged layers, but for those of what came, which are downloaded anyway. In an image that is too large
// it is the largest merge that is worth it: many small ones would each find little to save.
func (s *stack) best(came int) int {
	least, tooLarge := enough, float64(s.total) > spare*float64(s.single)
	var size, saved int64
	for _, l := range s.layers[came:] {
		size, saved = size+l.packed, saved+l.apart
	}
	coming := size
	best := -1
	for from := came - 1; from >= 0; from-- {
		size, saved = size+s.layers[from].packed, saved+s.layers[from].apart
		if (size-saved)*largest > s.total-saved {
			break
		}
		if gain := float64(saved) / float64(max(size-saved-coming, 1)); saved > 0 && gain >= least {
			best = from
			if !tooLarge {
				least = gain
			}
		}
	}
	return best
}

// crowded is the layer to merge from where there are too many: the one that costs least for each layer that it spares, so
// that small ones at the top are put together long before large ones below; within half of the image if that is possible.
func (s *stack) crowded() int {
	var above cost
	var saved int64
	from, least := max(len(s.layers)-2, 0), math.Inf(1)
	for i := len(s.layers) - 1; i >= 0; i-- {
		above.add(s.layers[i].cost)
		saved += s.layers[i].apart
		size := above.packed - saved
		if !math.IsInf(least, 1) && size*largest > s.total-saved {
			break
		}
		if spared := len(s.layers) - i - s.cuts(size, above.size); spared > 0 {
			if each := float64(size) / float64(spared); each <= least {
				from, least = i, each
			}
		}
	}
	return from
}

// cuts is into how many layers split would cut so many bytes, packed and unpacked, if it could cut them anywhere.
func (s *stack) cuts(packed, size int64) int {
	n := 0
	for left := packed; left > 0; n++ {
		left -= s.room(left)
	}
	return max(n, int(size/s.limit)+1)
}

// room is the packed size of a layer that split makes while so much is left.
func (s *stack) room(left int64) int64 {
	return max(left/fraction, s.single/finest, s.limit/MaxPart*smallest)
}

// split makes layers of parts, which are sorted. Families stay whole. Those that will make most waste come last, so that
// a merge with what they get next touches little: of a family that has had many arrivals more will come, and what these
// share with the newest one lies apart until it is merged.
func (s *stack) split(parts []int) []stacked {
	families, left := s.families(parts)
	var layers []stacked
	var open stacked
	finish := func() {
		if len(open.parts) > 0 {
			slices.Sort(open.parts)
			layers, left = append(layers, open), left-open.packed
		}
		open = stacked{}
	}
	for _, f := range families {
		if open.packed+f.packed/2 > s.room(left) || open.size+f.size > s.limit {
			finish()
		}
		if f.size <= s.limit {
			open.parts = append(open.parts, f.parts...)
			open.add(f.cost)
			continue
		}
		for _, run := range s.runs(f) {
			finish()
			open = run
		}
	}
	finish()
	return layers
}

// families groups parts, in the order in which split takes them; total is what they all come to, packed.
func (s *stack) families(parts []int) (families []stacked, total int64) {
	for _, p := range parts {
		at := s.slots[s.family[p]] - 1
		added := s.added(p)
		if at < 0 {
			at = len(families)
			families = append(families, stacked{})
			s.slots[s.family[p]] = len(families)
			added = s.whole(p) // the one before it, if any, lies elsewhere
		}
		families[at].parts = append(families[at].parts, p)
		families[at].add(added)
		total += added.packed
	}
	for i, f := range families {
		newest := f.parts[len(f.parts)-1]
		families[i].waste = float64(s.arrived[s.family[newest]]) * float64(s.whole(newest).packed) / float64(max(f.packed, 1))
		s.slots[s.family[newest]] = 0
	}
	slices.SortFunc(families, func(a, b stacked) int {
		return cmp.Or(cmp.Compare(a.waste, b.waste), cmp.Compare(s.family[a.parts[0]], s.family[b.parts[0]]))
	})
	return families, total
}

// runs cuts a family that is larger than a layer may be: its parts share their files, so that any cut costs space.
func (s *stack) runs(family stacked) []stacked {
	var runs []stacked
	var run stacked
	for _, p := range family.parts {
		added := s.added(p)
		if len(run.parts) == 0 {
			added = s.whole(p)
		} else if run.size+added.size > s.limit {
			runs = append(runs, run)
			run, added = stacked{}, s.whole(p)
		}
		run.parts = append(run.parts, p)
		run.add(added)
	}
	return append(runs, run)
}
