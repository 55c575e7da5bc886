package main

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stack makes layers of 1, 10, 100… bytes. Two layers are the same if their letters are; an upper-case letter is the same
// tar packed otherwise.
func stack(letters string) []stacked {
	var layers []stacked
	size := int64(1)
	for _, r := range letters {
		layers = append(layers, stacked{digest: v1.Hash{Hex: string(r)}, diffID: v1.Hash{Hex: string(r | 0x20)}, size: size})
		size *= 10
	}
	return layers
}

func TestDownloads(t *testing.T) {
	for _, c := range []struct {
		before, after string
		chain, digest int64
	}{
		{"abc", "abc", 0, 0},
		{"abc", "abx", 100, 100},
		{"abc", "xbc", 111, 1},
		{"abc", "abcd", 1000, 1000},
		{"abc", "ab", 0, 0},
		{"abc", "acb", 110, 0},
		{"abc", "bc", 11, 0},
		{"abc", "aBc", 0, 10},
		{"", "ab", 11, 11},
		{"a", "axx", 110, 10}, // two positions in the chain, one digest
	} {
		before, after := stack(c.before), stack(c.after)
		if got := chainBytes(before, after); got != c.chain {
			t.Errorf("%s to %s: a chain of %d bytes, want %d", c.before, c.after, got, c.chain)
		}
		if got := digestBytes(before, after); got != c.digest {
			t.Errorf("%s to %s: digests of %d bytes, want %d", c.before, c.after, got, c.digest)
		}
	}
}
