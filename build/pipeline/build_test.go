package pipeline_test

import (
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

// TestUpstreamLayersAreTheSame: what production's image is made of is in staging's and snapshot's as it is, at the bottom
// and in the same order, so that neither a client nor an image repository needs it twice.
func TestUpstreamLayersAreTheSame(t *testing.T) {
	for name, storage := range storages {
		t.Run(name, func(t *testing.T) {
			config := pipeline.Config{
				Root: "../..", Storage: storage(t), Base: "preview", Compression: layer.Zstd, Dist: t.TempDir(), Cache: t.TempDir(),
			}
			var below []string
			for _, distribution := range []string{"production", "staging", "snapshot"} {
				report := build(t, config, distribution).Report
				check(t, distribution, report)
				digests := make([]string, len(report.Layers))
				for i, l := range report.Layers {
					digests[i] = l.Digest
				}
				if len(digests) <= len(below) || !slices.Equal(digests[:len(below)], below) {
					t.Errorf("%s: the lowest layers are %v, want those of its upstream %v", distribution, digests, below)
				}
				if reused := report.Count(pipeline.FromCache); reused != len(below) {
					t.Errorf("%s: %d layers were reused, want the %d of its upstream", distribution, reused, len(below))
				}
				below = digests
			}
			if again := build(t, config, "snapshot").Report; again.Count(pipeline.FromCache) != len(below) {
				t.Errorf("the second time only %d of %d layers were reused", again.Count(pipeline.FromCache), len(below))
			}
		})
	}
}

// check holds a build to what an image may be: not too many layers, none too large, and no package in two of them.
func check(t *testing.T, distribution string, report pipeline.BuildReport) {
	t.Helper()
	in := map[string]string{}
	for _, l := range report.Layers {
		if l.Size > layer.MaxPacked {
			t.Errorf("%s: layer %s has %d bytes", distribution, l.Key, l.Size)
		}
		for _, p := range l.Packages {
			if other := in[p]; other != "" {
				t.Errorf("%s: %s is in layer %s and in %s", distribution, p, other, l.Key)
			}
			in[p] = l.Key
		}
	}
	for _, image := range report.Images {
		if image.Layers > 100 {
			t.Errorf("%s: %d layers for %s", distribution, image.Layers, image.Platform)
		}
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
