//go:build unix

package peers_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// descriptor and manifest are what these tests want to know of the OCI image spec's.
type descriptor struct {
	Digest   string
	Size     int64
	Platform struct{ Architecture string }
}

type manifest struct {
	Manifests []descriptor
	Config    descriptor
	Layers    []descriptor
}

// buildReport is what they want to know of build.json.
type buildReport struct {
	Index  string
	Inputs struct{ Registry string }
}

// checkOutput says why an output folder of a build is not whole; nil where there is none at all.
func checkOutput(dir string) error {
	if _, err := os.Lstat(dir); os.IsNotExist(err) {
		return nil
	}
	var report buildReport
	if err := decode(filepath.Join(dir, "build.json"), &report); err != nil {
		return err
	}
	var listing struct {
		Packages []struct{ Name, Version string }
	}
	if err := decode(filepath.Join(dir, "packages.json"), &listing); err != nil {
		return err
	}
	for _, name := range []string{"Dockerfile", "package-registry.yml", "image/oci-layout"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			return fmt.Errorf("%s is not there, or empty", name)
		}
	}
	var index manifest
	if err := decode(filepath.Join(dir, "image", "index.json"), &index); err != nil {
		return err
	}
	if len(index.Manifests) != 1 || index.Manifests[0].Digest != report.Index {
		return fmt.Errorf("index.json has %v, build.json %s", index.Manifests, report.Index)
	}
	seen := map[string]bool{}
	if err := checkBlobs(filepath.Join(dir, "image"), index.Manifests[0], true, seen); err != nil {
		return err
	}
	there, err := os.ReadDir(filepath.Join(dir, "image", "blobs", "sha256"))
	if err == nil && len(there) != len(seen) {
		err = fmt.Errorf("%d blobs, and %d are referred to", len(there), len(seen))
	}
	return err
}

// checkBlobs verifies a blob and all that it refers to.
func checkBlobs(layout string, d descriptor, refers bool, seen map[string]bool) error {
	if seen[d.Digest] {
		return nil
	}
	seen[d.Digest] = true
	path := blobPath(layout, d.Digest)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != d.Digest || size != d.Size {
		return fmt.Errorf("blob %s, %d bytes, is %s, %d bytes", d.Digest, d.Size, got, size)
	}
	if !refers {
		return nil
	}
	var m manifest
	if err := decode(path, &m); err != nil {
		return err
	}
	for _, one := range m.Manifests {
		if err := checkBlobs(layout, one, true, seen); err != nil {
			return err
		}
	}
	for _, one := range append(m.Layers, m.Config) {
		if one.Digest == "" { // an index has no config
			continue
		}
		if err := checkBlobs(layout, one, false, seen); err != nil {
			return err
		}
	}
	return nil
}

func decode(path string, value any) error {
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func blobPath(layout, digest string) string {
	return filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

// diffIDs are those of all platforms of a built image, by architecture.
func (w workplace) diffIDs(t *testing.T, name string) map[string][]string {
	t.Helper()
	layout := filepath.Join(w.dist(), name, "image")
	top := readJSON[manifest](t, layout, "index.json")
	ids := map[string][]string{}
	for _, one := range readJSON[manifest](t, blobPath(layout, top.Manifests[0].Digest)).Manifests {
		image := readJSON[manifest](t, blobPath(layout, one.Digest))
		config := readJSON[struct {
			RootFS struct {
				DiffIDs []string `json:"diff_ids"`
			}
		}](t, blobPath(layout, image.Config.Digest))
		ids[one.Platform.Architecture] = config.RootFS.DiffIDs
	}
	return ids
}

func (w workplace) report(t *testing.T, name string) buildReport {
	t.Helper()
	return readJSON[buildReport](t, w.dist(), name, "build.json")
}
