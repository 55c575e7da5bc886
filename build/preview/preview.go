// Package preview makes the embedded base: an image from scratch with a small package registry of our own, for when
// the real one is not at hand: the sample, tests, a first look at a branch.
//
// The registry's sources are embedded, and compiled with the go command for each platform; package serve and command
// package-registry below this folder are these sources. Compiling takes seconds to a minute, so callers keep what
// Index returns under Key. Putting packages on the base is package image's work, pushing it package publish's.
package preview

import (
	"context"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"

	// Whoever imports this package needs the modules that the embedded sources import, in go.sum and in vendor/.
	_ "github.com/seed-604f7181/package-storage/build/preview/serve"
)

// platforms are those that there is a preview for.
var platforms = []v1.Platform{
	{OS: "linux", Architecture: "amd64"},
	{OS: "linux", Architecture: "arm64"},
}

// Options of Index; the zero value works.
type Options struct {
	// Platforms of the index: linux/amd64, linux/arm64, without variants. None means both. Order and repetition do
	// not matter.
	Platforms []v1.Platform
	// Dir is a folder in a Go module that imports this package, from which the go command finds the YAML module that
	// the registry needs, also in a vendor folder. Empty is the current folder.
	Dir string
	// Temporary is a folder that the caller sees removed, also after a kill. Empty is the system's.
	Temporary string
}

// Index compiles the registry and returns an OCI index of one single-layer image per platform, by platform. It is
// held in memory (some 3 MB each) and needs nothing on disk. For one Key and one set of platforms the digests are
// always the same, on every machine and wherever the module is.
//
// The go command must be in PATH; what it prints is in the error. A cancelled ctx kills it.
func Index(ctx context.Context, opts Options) (v1.ImageIndex, error) {
	wanted, err := sortPlatforms(opts.Platforms)
	if err != nil {
		return nil, err
	}
	binaries, err := compile(ctx, opts.Dir, opts.Temporary, wanted)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for i, platform := range wanted {
		img, err := newImage(platform, binaries[i])
		if err != nil {
			return nil, errors.Wrapf(err, "making the preview image for %s", platform)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &platform},
		})
	}
	return index, nil
}

func sortPlatforms(asked []v1.Platform) ([]v1.Platform, error) {
	if len(asked) == 0 {
		return platforms, nil
	}
	for _, p := range asked {
		if !slices.ContainsFunc(platforms, p.Equals) {
			return nil, errors.Errorf("there is no preview registry for platform %q, only for linux/amd64 and linux/arm64", p)
		}
	}
	sorted := slices.Clone(asked)
	slices.SortFunc(sorted, func(a, b v1.Platform) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(sorted, v1.Platform.Equals), nil
}
