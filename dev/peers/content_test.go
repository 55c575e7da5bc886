//go:build unix

package peers_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// packagesFolder is where an image has its packages.
const packagesFolder = "packages/package-storage"

// upstreamFirst are the branches of each distribution, the most upstream first.
var upstreamFirst = map[string][]string{
	"production": {"production"},
	"staging":    {"production", "staging"},
	"snapshot":   {"production", "staging", "snapshot"},
}

// TestContent compares what umoci unpacks of an image with what git says of the branches.
func TestContent(t *testing.T) {
	need(t, "skopeo", "umoci")
	w := newWorkplace(t, anyStorage(t))
	w.run(t, "build:all")
	for name, branches := range upstreamFirst {
		t.Run(name, func(t *testing.T) {
			want := gitFiles(t, w.storage, branches)
			got := unpackedFiles(t, w.storage, filepath.Join(unpack(t, w.layout(name)), packagesFolder))
			t.Logf("%d files and folders", len(want))
			same(t, got, want)
		})
	}
}

// gitFiles are the files of a distribution's packages and their folders, each as "<mode> <blob>", by their path below
// the folder of packages. A package that an upstream branch has is taken from there, whole.
func gitFiles(t *testing.T, repository string, branches []string) map[string]string {
	t.Helper()
	files := map[string]string{}
	owner := map[string]string{} // of <name>/<version>: the branch
	for _, branch := range branches {
		for line := range strings.SplitSeq(git(t, repository, "ls-tree", "-r", "-z", branch, "packages/"), "\x00") {
			if line == "" {
				continue
			}
			facts, name, _ := strings.Cut(line, "\t")
			fields := strings.Fields(facts) // mode, type, id
			parts := strings.SplitN(strings.TrimPrefix(name, "packages/"), "/", 3)
			if len(parts) < 3 {
				continue // no package's
			}
			version := parts[0] + "/" + parts[1]
			if owner[version] == "" {
				owner[version] = branch
			}
			if owner[version] != branch {
				continue
			}
			file := version + "/" + parts[2]
			files[file] = strings.TrimPrefix(fields[0], "10") + " " + fields[2]
			for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
				files[dir] = "0755 folder"
			}
		}
	}
	return files
}

// unpack has umoci unpack the amd64 image of a layout, and returns its root. This age's umoci knows neither indexes nor
// zstd: skopeo picks the platform and unpacks the layers, on the way through one layout into another.
func unpack(t *testing.T, image string) string {
	t.Helper()
	dir := t.TempDir()
	plain, layout, root := filepath.Join(dir, "plain"), filepath.Join(dir, "layout"), filepath.Join(dir, "root")
	run(t, "skopeo", "copy", "--quiet", "--override-os=linux", "--override-arch=amd64", "--dest-decompress", image, "dir:"+plain)
	run(t, "skopeo", "copy", "--quiet", "dir:"+plain, "oci:"+layout+":image")
	args := []string{"raw", "unpack", "--image", layout + ":image"}
	if os.Geteuid() != 0 {
		args = append(args, "--rootless")
	}
	run(t, "umoci", append(args, root)...)
	return root
}

// unpackedFiles are the files and folders below root, as gitFiles has them; git computes the blobs' ids.
func unpackedFiles(t *testing.T, repository, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	var names []string
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		below := strings.TrimPrefix(name, root+"/")
		files[below] = fmt.Sprintf("%04o ", info.Mode().Perm())
		switch {
		case e.IsDir():
			files[below] += "folder"
		case e.Type() == 0:
			names = append(names, below)
		default:
			files[below] += e.Type().String()
		}
		if s := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (s.Uid != 0 || s.Gid != 0) {
			files[below] += fmt.Sprintf(" of %d:%d", s.Uid, s.Gid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range hashObjects(t, repository, root, names) {
		files[names[i]] += id
	}
	return files
}

func hashObjects(t *testing.T, repository, root string, names []string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "--git-dir", repository, "hash-object", "--no-filters", "--stdin-paths")
	cmd.Dir = root
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	ids := strings.Fields(output(t, cmd))
	if len(ids) != len(names) {
		t.Fatalf("git hashed %d of %d files", len(ids), len(names))
	}
	return ids
}

// same reports what is in one map only, or differs.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	var report strings.Builder
	differences := 0
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if got[name] == want[name] {
			continue
		}
		if differences++; differences <= 20 {
			fmt.Fprintf(&report, "%s\n  is   %s\n  want %s\n", name, got[name], want[name])
		}
	}
	if differences > 0 || len(want) == 0 {
		t.Errorf("%d differences in %d files and folders\n%s", differences, len(want), &report)
	}
}
