//go:build unix

package peers_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestReproducible builds two clones of one storage on two desks, and compares digests.
func TestReproducible(t *testing.T) {
	bare := anyStorage(t)
	ours := newWorkplace(t, bare)
	ours.run(t, "build:all")

	// A checkout, whose branches are origin's, of a user with other settings.
	checkout := filepath.Join(t.TempDir(), "somewhere", "else")
	run(t, "git", "clone", "--quiet", "--branch=snapshot", bare, checkout)
	settings := filepath.Join(t.TempDir(), "gitconfig")
	text := "[core]\nautocrlf = true\nquotePath = false\nabbrev = 5\n[log]\ndate = relative\nshowSignature = true\n"
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	theirs := newWorkplace(t, checkout, "GIT_CONFIG_GLOBAL="+settings, "GOMAXPROCS=1", "TZ=Asia/Kathmandu", "LC_ALL=C")
	theirs.umask = "077"
	theirs.run(t, "build:all")
	for name := range upstreamFirst {
		if a, b := ours.report(t, name).Index, theirs.report(t, name).Index; a != b {
			t.Errorf("%s: %s, and on the other desk %s", name, a, b)
		}
	}
}

// TestOrigin is about what a clone alone knows: from where it was cloned. It is no input of the image.
func TestOrigin(t *testing.T) {
	storage := anyStorage(t)
	digests := map[string]string{}
	for _, origin := range []string{
		storage, "https://example.org/storage.git", "https://example.org/storage", "git@example.org:storage.git",
		"file://" + storage,
	} {
		git(t, storage, "remote", "set-url", "origin", origin)
		w := newWorkplace(t, storage)
		w.run(t, "build:production")
		digests[origin] = w.report(t, "production").Index
	}
	for origin, digest := range digests {
		t.Logf("%s %s", digest, origin)
		if digest != digests[storage] {
			t.Errorf("cloned from %s the image is another", origin)
		}
	}
}

// TestCompressions expects of gzip the tars of zstd.
func TestCompressions(t *testing.T) {
	storage := anyStorage(t)
	zstd, gzip := newWorkplace(t, storage), newWorkplace(t, storage, "COMPRESSION=gzip")
	for _, w := range []workplace{zstd, gzip} {
		w.run(t, "build:snapshot")
	}
	want, got := zstd.diffIDs(t, "snapshot"), gzip.diffIDs(t, "snapshot")
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("%d and %d platforms", len(want), len(got))
	}
	for arch, ids := range want {
		if !slices.Equal(got[arch], ids) {
			t.Errorf("%s: diff ids are %v with zstd, %v with gzip", arch, ids, got[arch])
		}
	}
}
