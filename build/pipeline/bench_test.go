package pipeline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// BenchmarkBuild builds production of the real storage: with nothing known of it, and again with nothing changed.
// The base is at hand. The real storage is REAL_STORAGE, else the bundle beside the project.
func BenchmarkBuild(b *testing.B) {
	config := pipeline.Config{
		Root: "../..", Storage: realStorage(b), Base: "preview", Compression: layer.Zstd, Dist: b.TempDir(), Cache: b.TempDir(),
	}
	build(b, config, "production")
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			for _, kind := range []string{"layer-1", "family", "package", "history-1"} {
				if err := os.RemoveAll(filepath.Join(config.Cache, "records", kind)); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			build(b, config, "production")
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			build(b, config, "production")
		}
	})
}

func build(tb testing.TB, config pipeline.Config, name string) pipeline.Result {
	tb.Helper()
	session, err := pipeline.Open(tb.Context(), config, silent{})
	if err != nil {
		tb.Fatal(err)
	}
	result, err := session.Build(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := session.Close(); err != nil {
		tb.Fatal(err)
	}
	return result
}

// realStorage is a bare clone of the real storage.
func realStorage(tb testing.TB) string {
	tb.Helper()
	bundle := os.Getenv("REAL_STORAGE")
	if bundle == "" {
		bundle = filepath.Join("..", "..", "..", "shared", "real-storage.bundle")
	}
	if _, err := os.Stat(bundle); err != nil {
		tb.Skip("the real storage is not here: ", err)
	}
	dir := filepath.Join(tb.TempDir(), "storage.git")
	if out, err := exec.Command("git", "clone", "--quiet", "--bare", bundle, dir).CombinedOutput(); err != nil {
		tb.Fatalf("clone the real storage: %v\n%s", err, out)
	}
	return dir
}

// silent is a Reporter for nobody.
type silent struct{}

func (silent) Stage(string) pipeline.Stage { return silent{} }
func (silent) Warn(string)                 {}
func (silent) Detail(string)               {}
func (silent) Total(int64)                 {}
func (silent) Add(int64)                   {}
func (silent) Done(string)                 {}
func (silent) Failed()                     {}
