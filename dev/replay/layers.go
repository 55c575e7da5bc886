package main

import v1 "github.com/google/go-containerregistry/pkg/v1"

// stacked is a layer of an image that was pushed.
type stacked struct {
	digest, diffID v1.Hash
	size           int64 // bytes, packed
}

// chainBytes are downloaded by who has the layers before and knows layers by all that is below them, as Docker does: those
// from the first on that differs.
func chainBytes(before, after []stacked) int64 {
	same := 0
	for same < len(before) && same < len(after) && before[same].diffID == after[same].diffID {
		same++
	}
	return packed(after[same:])
}

// digestBytes are downloaded by who has the layers before and knows layers by their digests.
func digestBytes(before, after []stacked) int64 {
	there := map[v1.Hash]bool{}
	for _, l := range before {
		there[l.digest] = true
	}
	var total int64
	for _, l := range after {
		if !there[l.digest] {
			there[l.digest] = true
			total += l.size
		}
	}
	return total
}

// packed is the size of layers.
func packed(layers []stacked) int64 {
	var total int64
	for _, l := range layers {
		total += l.size
	}
	return total
}
