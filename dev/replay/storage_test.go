package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// moment is a commit to make: all files of a branch, at a time in seconds.
type moment struct {
	branch string
	time   int
	files  map[string]string
}

// newStorage makes a repository of commits, in their order.
func newStorage(t *testing.T, commits ...moment) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "storage.git")
	if _, err := git(context.Background(), t.TempDir(), "", "init", "-q", "--bare", dir); err != nil {
		t.Fatal(err)
	}
	var stream strings.Builder
	for _, c := range commits {
		// Without "from" a branch goes on where it is.
		fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter A <a@example.com> %d +0000\ndata 1\n.\ndeleteall\n", c.branch, c.time)
		for _, path := range slices.Sorted(maps.Keys(c.files)) {
			fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", path, len(c.files[path]), c.files[path])
		}
	}
	if _, err := git(context.Background(), dir, stream.String(), "fast-import", "--quiet"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// files joins maps of files.
func files(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// pack is a version's files: its manifest, and others by their names.
func pack(name, version string, others ...string) map[string]string {
	folder := "packages/" + name + "/" + version + "/"
	all := map[string]string{folder + "manifest.yml": "name: " + name + "\nversion: " + version + "\n"}
	for i := 0; i < len(others); i += 2 {
		all[folder+others[i]] = others[i+1]
	}
	return all
}

// dockerfile says the registry version, and something else that a commit may change.
func dockerfile(comment string) map[string]string {
	return map[string]string{"Dockerfile": "ARG PACKAGE_REGISTRY=v1.0.0\n", "README.md": comment + "\n"}
}
