//go:build unix

package peers_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPushed pushes all distributions of the real storage, and has others look: skopeo reads each by tag and by digest
// and copies it, and crane validates it.
func TestPushed(t *testing.T) {
	need(t, "docker-registry", "skopeo")
	storage, crane := anyStorage(t), compileCrane(t)
	for compression, validate := range map[string][]string{
		"gzip": {"validate", "--insecure", "--remote"},
		"zstd": {"validate", "--insecure", "--fast", "--remote"}, // crane takes each layer's bytes for gzip
	} {
		t.Run(compression, func(t *testing.T) {
			repository := startRegistry(t) + "/package-registry/distribution"
			w := newWorkplace(t, storage, "IMAGE="+repository, "COMPRESSION="+compression)
			w.run(t, "build:all", "push")
			for _, name := range []string{"production", "staging", "snapshot"} {
				checkPushed(t, w, repository, name)
				run(t, crane, append(validate, repository+":"+name)...)
			}
		})
	}
}

func checkPushed(t *testing.T, w workplace, repository, name string) {
	t.Helper()
	built := readJSON[struct {
		Index  string
		Inputs struct{ Commit string }
	}](t, w.dist(), name, "build.json")
	for _, reference := range []string{":" + name, "@" + built.Index, ":" + built.Inputs.Commit} {
		got := run(t, "skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", "docker://"+repository+reference)
		if strings.TrimSpace(got) != built.Index {
			t.Errorf("%s is %s, and was built as %s", reference, got, built.Index)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	run(t, "skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://"+repository+":"+name, "oci:"+copied+":"+name)
	if got, want := blobs(t, copied), blobs(t, filepath.Join(w.dist(), name, "image")); !slices.Equal(got, want) {
		t.Errorf("%s: copied were %d blobs: %v\nbuilt were %d: %v", name, len(got), got, len(want), want)
	}
}

// blobs are the names of a layout's, sorted.
func blobs(t *testing.T, layout string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(layout, "blobs", "sha256", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no blobs: %v", layout, err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	slices.Sort(paths)
	return paths
}

// compileCrane compiles go-containerregistry's own tool, which a module of its own pins.
func compileCrane(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crane")
	cmd := exec.Command("go", "build", "-C", filepath.Join(moduleRoot, "dev", "imagerepo"), "-o", path,
		"github.com/google/go-containerregistry/cmd/crane")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile crane: %v\n%s", err, out)
	}
	return path
}
