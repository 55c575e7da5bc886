package generate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// History makes a storage with a history like the real one's (measured.go), Options.Scale times: so many times its
// families, versions and commits. The first commit has most versions; each later one adds as many, and as large ones, as
// the real ones did.
func History(ctx context.Context, o Options) ([]Branch, error) {
	return generate(ctx, o, packed, func(im *importer) {
		h := newHistory(im, o)
		h.writeProduction(o.times(measuredCommits))
		if o.AllBranches {
			h.writeUpcoming("staging", o.times(19))
			h.writeUpcoming("snapshot", o.times(92))
		}
	})
}

// history is a storage that is being written.
type history struct {
	im       *importer
	random   *rand.Rand
	families []*family
	// toCome are the versions that each family gets before all have got what their profiles say; then that begins anew.
	toCome []int
	// deck are the numbers of versions that the next commits add.
	deck []int
}

func newHistory(im *importer, o Options) *history {
	h := &history{im: im, random: rand.New(rand.NewPCG(o.Seed, 1))}
	for i := range o.times(len(profiles)) {
		h.families = append(h.families, newFamily(im, o.Seed, i, profiles[i%len(profiles)]))
	}
	h.toCome = make([]int, len(h.families))
	return h
}

// writeProduction writes the production branch. With each pass through the deck of additions all families have got the
// versions that they got in the real history.
func (h *history) writeProduction(commits int) {
	numbers := make([]int, commits-1)
	for i := range numbers {
		numbers[i] = h.deal()
	}
	updates := 0 // of the registry version, to come
	for _, n := range numbers {
		if n == 0 {
			updates++
		}
	}
	h.im.branch("production")
	putRoot(h.im, registryVersion(updates))
	for _, f := range h.families {
		for range f.profile.first {
			if h.im.ended() {
				return
			}
			f.addVersion()
		}
	}
	h.im.commit("Begin with what there is")
	for _, n := range numbers {
		if h.im.ended() {
			return
		}
		if n == 0 {
			updates--
			putDockerfile(h.im, registryVersion(updates))
			h.im.commit("Update the registry to " + registryVersion(updates))
			continue
		}
		h.commitVersions(n)
	}
}

// deal is how many versions the next commit adds.
func (h *history) deal() int {
	if len(h.deck) == 0 {
		h.deck = slices.Clone(additions)
		h.random.Shuffle(len(h.deck), func(i, j int) { h.deck[i], h.deck[j] = h.deck[j], h.deck[i] })
	}
	n := h.deck[0]
	h.deck = h.deck[1:]
	return n
}

func (h *history) commitVersions(n int) {
	var added []string
	last := -1
	for range n {
		if last < 0 || h.toCome[last] == 0 || h.random.Float64() >= sameFamily {
			last = h.choose()
		}
		h.toCome[last]--
		f := h.families[last]
		f.addVersion()
		added = append(added, f.about.name+"-"+f.about.version)
	}
	h.im.commit("Add " + strings.Join(added, ", "))
}

// choose is a family that has a version to come.
func (h *history) choose() int {
	sum := 0
	for _, n := range h.toCome {
		sum += n
	}
	if sum == 0 {
		for i, f := range h.families {
			h.toCome[i] = f.profile.last - f.profile.first
			sum += h.toCome[i]
		}
	}
	if sum == 0 { // so few families that all of them sleep
		h.toCome[0]++
		sum = 1
	}
	k := h.random.IntN(sum)
	for i, n := range h.toCome {
		if k < n {
			return i
		}
		k -= n
	}
	panic("generate: the families' versions were counted wrong")
}

// writeUpcoming writes a branch with versions that follow those of the branches before it, in one commit.
func (h *history) writeUpcoming(name string, versions int) {
	h.im.branch(name)
	putRoot(h.im, registryVersion(0))
	for range versions {
		if h.im.ended() {
			return
		}
		i := h.choose()
		h.toCome[i]--
		h.families[i].addVersion()
	}
	h.im.commit(fmt.Sprintf("Add %d versions", versions))
}
