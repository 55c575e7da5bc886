package pipeline_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// storages are the sample, and the real one where it is at hand.
var storages = map[string]func(testing.TB) string{
	"sample": func(testing.TB) string { return "" },
	"real":   realStorage,
}

// TestEachPackageIsInOneLayer, in the image of each distribution; and a build with nothing changed reuses all layers.
func TestEachPackageIsInOneLayer(t *testing.T) {
	for name, storage := range storages {
		t.Run(name, func(t *testing.T) {
			config := pipeline.Config{
				Root: "../..", Storage: storage(t), Base: "preview", Compression: layer.Zstd, Dist: t.TempDir(), Cache: t.TempDir(),
			}
			for _, distribution := range []string{"production", "staging", "snapshot"} {
				first := build(t, config, distribution)
				check(t, config, first.Report)
				again := build(t, config, distribution)
				if n := again.Report.Count(pipeline.FromCache); n != len(first.Report.Layers) || again.Digest != first.Digest {
					t.Errorf("%s: the second time %d of %d layers were reused, and the digest is %s, not %s", distribution, n,
						len(first.Report.Layers), again.Digest, first.Digest)
				}
			}
		})
	}
}

// check holds a build to what an image may be: not too many layers, none too large, and each package in one of them.
func check(t *testing.T, config pipeline.Config, report pipeline.BuildReport) {
	t.Helper()
	for _, l := range report.Layers {
		if l.Size > layer.MaxPacked {
			t.Errorf("layer %s has %d bytes", l.Key, l.Size)
		}
	}
	for _, image := range report.Images {
		if image.Layers > 100 {
			t.Errorf("%d layers for %s", image.Layers, image.Platform)
		}
	}
	if len(report.Layers) > 64 {
		t.Errorf("%d layers of packages", len(report.Layers))
	}
	in := map[string]string{}
	for _, l := range report.Layers {
		for _, p := range l.Packages {
			if other := in[p]; other != "" && other != l.Key {
				t.Errorf("%s is in layer %s and in %s", p, other, l.Key)
			}
			in[p] = l.Key
		}
	}
	if got, want := slices.Sorted(maps.Keys(in)), listing(t, filepath.Join(config.Dist, report.Inputs.Distribution)); !slices.Equal(got, want) {
		t.Errorf("%d packages are in layers, %d in packages.json", len(got), len(want))
	}
}

// TestDryRunBuildsNothing: neither the output nor a layer.
func TestDryRunBuildsNothing(t *testing.T) {
	config := pipeline.Config{
		Root: "../..", Base: "preview", Compression: layer.Zstd, Dist: t.TempDir() + "/dist", Cache: t.TempDir(), DryRun: true,
	}
	for range 2 {
		report := build(t, config, "production").Report
		if n := report.Count(pipeline.FromLater); n == 0 || n != len(report.Layers) || report.Index != "" {
			t.Errorf("%d of %d layers are to be built, the index is %q", n, len(report.Layers), report.Index)
		}
	}
}
