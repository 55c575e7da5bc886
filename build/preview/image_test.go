package preview_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/preview"
)

// pinned is the digest of an image of "binary". When it changes, raise format in key.go, or cached bases stay as they
// were; but when it is a new version of a module that changed it, the key has changed already.
const pinned = "sha256:8236d5e614f0c761781912daff61d8f3a4374a51d436ffb709022297c9167d90"

func testImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := preview.NewImage(v1.Platform{OS: "linux", Architecture: "arm64"}, []byte("binary"))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// tarListing is one line per entry, and the content of the registry's executable.
func tarListing(t *testing.T, img v1.Image) (lines []string, executable []byte) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v; want 1", len(layers), err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return lines, executable
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%c %o %d:%d%s%s %d %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime.Unix(), h.Name))
		if h.Typeflag == tar.TypeReg {
			if executable, err = io.ReadAll(archive); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestImageIsPinned(t *testing.T) {
	img := testImage(t)
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if digest.String() != pinned {
		manifest, _ := img.RawManifest()
		config, _ := img.RawConfigFile()
		lines, _ := tarListing(t, img)
		t.Errorf("digest %s, want %s\n%s\n%s\n%s", digest, pinned, manifest, config, strings.Join(lines, "\n"))
	}
}

// checkLayer reads the layer as an engine does: what it is said to be must be what it is.
func checkLayer(t *testing.T, img v1.Image) {
	t.Helper()
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 1 || len(manifest.Layers) != 1 || len(config.RootFS.DiffIDs) != 1 || len(config.History) != 1 {
		t.Fatalf("%d layers, %d in the manifest, %d diff ids, %d in the history; want one each",
			len(layers), len(manifest.Layers), len(config.RootFS.DiffIDs), len(config.History))
	}
	compressed, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	var stored bytes.Buffer
	digest, size, err := v1.SHA256(io.TeeReader(compressed, &stored))
	if err != nil || digest != manifest.Layers[0].Digest || size != manifest.Layers[0].Size {
		t.Errorf("%v; layer is %s, %d bytes; the manifest says %s, %d", err, digest, size, manifest.Layers[0].Digest, manifest.Layers[0].Size)
	}
	plain, err := gzip.NewReader(&stored)
	if err != nil {
		t.Fatal(err)
	}
	if diffID, _, err := v1.SHA256(plain); err != nil || diffID != config.RootFS.DiffIDs[0] {
		t.Errorf("%v; diff id is %s; the config says %s", err, diffID, config.RootFS.DiffIDs[0])
	}
}

func TestImageLayer(t *testing.T) {
	checkLayer(t, testImage(t))
	lines, executable := tarListing(t, testImage(t))
	want := []string{
		"5 755 0:0 0 package-registry/",
		"0 755 0:0 0 package-registry/package-registry",
		"5 755 0:0 0 packages/",
	}
	if !slices.Equal(lines, want) || string(executable) != "binary" {
		t.Errorf("executable %q in\n%s", executable, strings.Join(lines, "\n"))
	}
}

func TestImageConfig(t *testing.T) {
	config, err := testImage(t).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	got := fmt.Sprintln(config.Platform(), config.Created.Unix(), c.User, c.WorkingDir, c.Entrypoint, c.Cmd, c.ExposedPorts,
		c.Healthcheck.Test, c.Healthcheck.Interval)
	const want = "linux/arm64 0 1000:1000 /package-registry [/package-registry/package-registry] [] map[8080/tcp:{}] " +
		"[CMD /package-registry/package-registry -healthcheck] 5s\n"
	if got != want {
		t.Errorf("config\n%swant\n%s", got, want)
	}
}

// One Docker-typed descriptor among OCI ones is refused by podman and some image repositories (rules_img#518).
func TestImageIsOCIThroughout(t *testing.T) {
	manifest, err := testImage(t).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[types.MediaType]types.MediaType{
		types.OCIManifestSchema1: manifest.MediaType,
		types.OCIConfigJSON:      manifest.Config.MediaType,
		types.OCILayer:           manifest.Layers[0].MediaType,
	} {
		if got != what {
			t.Errorf("media type %q, want %q", got, what)
		}
	}
}
