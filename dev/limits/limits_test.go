package limits_test

import (
	"archive/tar"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
	"github.com/seed-604f7181/package-storage/dev/generate"
)

// The promises (DESIGN, docs/layers.md). Docker stops at 125 layers.
const (
	mostLayers        = 100
	mostPackageLayers = 64
	mostPacked        = 100 << 20
	mostNames         = 1001 // of one file: itself, and 1,000 links
)

// small is the scale at which each shape still shows what it is about.
var small = map[string]float64{"huge": 0.05, "tiny": 0.02, "versions": 0.05, "same": 0.1, "unique": 0.2}

func scale(t *testing.T, shape string) float64 {
	given := os.Getenv("LIMITS")
	if given == "" {
		return small[shape]
	}
	s, err := strconv.ParseFloat(given, 64)
	if err != nil || s <= 0 {
		t.Fatalf("LIMITS=%s is no scale", given)
	}
	return s
}

func TestLimits(t *testing.T) {
	cache := t.TempDir() // the base is compiled once
	for _, shape := range slices.Sorted(maps.Keys(small)) {
		t.Run(shape, func(t *testing.T) {
			storage := filepath.Join(t.TempDir(), "storage.git")
			branches, err := generate.Shapes[shape](t.Context(), generate.Options{Dir: storage, Scale: scale(t, shape), Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			built := build(t, storage, cache)
			if n := len(built.Report.Layers); n > mostPackageLayers {
				t.Errorf("%d layers of packages", n)
			}
			for _, image := range built.Report.Images {
				if image.Layers > mostLayers {
					t.Errorf("%s: %d layers", image.Platform, image.Layers)
				}
			}
			found := map[string]string{} // path -> layer
			for _, l := range built.Report.Layers {
				if l.Size > mostPacked {
					t.Errorf("layer %s of %d packages is %d MB packed", l.Key[:12], len(l.Packages), l.Size>>20)
				}
				for path, names := range entries(t, built.Dir, l) {
					if names > mostNames {
						t.Errorf("%s has %d names in layer %s", path, names, l.Key[:12])
					}
					if other := found[path]; other != "" {
						t.Errorf("%s is in layers %s and %s", path, other, l.Key[:12])
					}
					found[path] = l.Key[:12]
				}
			}
			compare(t, slices.Sorted(maps.Keys(found)), files(t, storage))
			t.Logf("%d packages, %d files, %d MB: %d layers", branches[0].Packages, branches[0].Files, branches[0].Bytes/1e6, len(built.Report.Layers))
		})
	}
}

func build(t *testing.T, storage, cache string) pipeline.Result {
	t.Helper()
	session, err := pipeline.Open(t.Context(), pipeline.Config{
		Root: "../..", Storage: storage, Base: "preview", Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}},
		Compression: layer.Zstd, Cache: cache, Dist: t.TempDir(),
	}, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	built, err := session.Build(t.Context(), "production")
	if err := errors.Join(err, session.Close()); err != nil {
		t.Fatal(err)
	}
	return built
}

// entries are the files of a layer below packages/, each with the number of names that its content has in the layer; a
// link has one.
func entries(t *testing.T, dir string, l pipeline.ReportLayer) map[string]int {
	t.Helper()
	_, hex, _ := strings.Cut(l.Digest, ":")
	f, err := os.Open(filepath.Join(dir, "image", "blobs", "sha256", hex))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacked.Close()
	names := map[string]int{}
	for reader := tar.NewReader(unpacked); ; {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch header.Typeflag {
		case tar.TypeReg:
			names[header.Name]++
		case tar.TypeLink:
			if names[header.Linkname] == 0 {
				t.Errorf("%s is a link to %s, which the layer does not have", header.Name, header.Linkname)
			}
			names[header.Linkname]++
			names[header.Name]++
		}
	}
	below := make(map[string]int, len(names))
	for name, n := range names {
		path, inside := strings.CutPrefix(name, "packages/package-storage/")
		if !inside {
			t.Errorf("%s is not below the packages", name)
		}
		below[path] = n
	}
	return below
}

// files are those of the branch below packages/, as git lists them.
func files(t *testing.T, storage string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "-C", storage, "ls-tree", "-r", "-z", "--name-only", "production:packages")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	slices.Sort(paths)
	return paths
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%d files, and git has %d; the first that differs: %s, and git has %s", len(got), len(want), at(got, i), at(want, i))
			return
		}
	}
}

func at(paths []string, i int) string {
	if i < len(paths) {
		return paths[i]
	}
	return "none"
}

// quiet hears nothing of what the pipeline says on its way.
type quiet struct{}

func (quiet) Stage(string) pipeline.Stage { return quiet{} }
func (quiet) Detail(string)               {}
func (quiet) Warn(string)                 {}
func (quiet) Total(int64)                 {}
func (quiet) Add(int64)                   {}
func (quiet) Done(string)                 {}
func (quiet) Failed()                     {}
