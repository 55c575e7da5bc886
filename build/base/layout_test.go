package base_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/seed-604f7181/package-storage/build/base"
)

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// newLayout is an empty OCI layout.
func newLayout(t *testing.T) layout.Path {
	t.Helper()
	l, err := layout.Write(filepath.Join(t.TempDir(), "layout"), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// named is the annotation of the OCI image layout for a name; none for "".
func named(name string) layout.Option {
	if name == "" {
		return layout.WithAnnotations(nil)
	}
	return layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name})
}

func addImage(t *testing.T, l layout.Path, name string, image v1.Image) {
	t.Helper()
	if err := l.AppendImage(image, named(name)); err != nil {
		t.Fatal(err)
	}
}

func addIndex(t *testing.T, l layout.Path, name string, index v1.ImageIndex) {
	t.Helper()
	if err := l.AppendIndex(index, named(name)); err != nil {
		t.Fatal(err)
	}
}

func inLayout(l layout.Path, version string) base.Request {
	return base.Request{Repository: "oci:" + string(l), Version: version}
}

func TestLayoutByName(t *testing.T) {
	l, store := newLayout(t), openCache(t)
	one, two, index := imageFor(t, "linux/amd64"), imageFor(t, "linux/amd64"), indexOf(t, "linux/arm64", "linux/amd64")
	addImage(t, l, "v1.0.0", one)
	addImage(t, l, "v2.0.0", two)
	addIndex(t, l, "v3.0.0", index)
	addImage(t, l, "", imageFor(t, "linux/amd64"))

	got := resolve(t, store, inLayout(l, "v2.0.0"))
	matches(t, store, got, 0, two)
	// The folder's path would make another image of it on each machine.
	if got.Name != base.LayoutName || got.Digest != digestOf(t, two) || !got.Local() {
		t.Errorf("it is %s@%s", got.Name, got.Digest)
	}
	matches(t, store, resolve(t, store, inLayout(l, "v1.0.0")), 0, one)
	got = resolve(t, store, inLayout(l, "v3.0.0"))
	if got.Digest != digestOf(t, index) {
		t.Errorf("the digest is %s, want the index's", got.Digest)
	}
	same(t, "platforms", platforms(got), []string{"linux/amd64", "linux/arm64"})
}

func TestOnlyImageOfALayout(t *testing.T) {
	for _, name := range []string{"", "latest", "v9.9.9"} {
		l, store := newLayout(t), openCache(t)
		image := imageFor(t, "linux/amd64")
		addImage(t, l, name, image)
		matches(t, store, resolve(t, store, inLayout(l, "v1.0.0")), 0, image)
	}
	l, store := newLayout(t), openCache(t)
	index := indexOf(t, "linux/amd64")
	addIndex(t, l, "", index)
	if got := resolve(t, store, inLayout(l, "v1.0.0")); got.Digest != digestOf(t, index) {
		t.Errorf("an index: %s", got.Digest)
	}
}

func TestNoSuchBaseInLayout(t *testing.T) {
	ambiguous := newLayout(t)
	addImage(t, ambiguous, "v1.0.0", imageFor(t, "linux/amd64"))
	addImage(t, ambiguous, "v2.0.0", imageFor(t, "linux/amd64"))
	broken := newLayout(t)
	if err := os.WriteFile(filepath.Join(string(broken), "index.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		folder string
		why    []string
	}{
		"ambiguous":    {string(ambiguous), []string{"2 images", "none called v3.0.0", "v1.0.0, v2.0.0"}},
		"empty":        {string(newLayout(t)), []string{"no image"}},
		"broken":       {string(broken), []string{""}},
		"no layout":    {t.TempDir(), []string{"no OCI layout"}},
		"no folder":    {filepath.Join(t.TempDir(), "none"), []string{"no OCI layout"}},
		"no name even": {"", []string{"no OCI layout"}},
	} {
		_, err := newResolver(openCache(t)).Resolve(t.Context(), base.Request{Repository: "oci:" + c.folder, Version: "v3.0.0"})
		var missing *base.MissingError
		if !errors.As(err, &missing) || missing.Name != "oci:"+c.folder {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.why {
			if !strings.Contains(missing.Why, want) {
				t.Errorf("%s: %q does not mention %s", name, missing.Why, want)
			}
		}
	}
}

func TestPlatformThatALayoutLacks(t *testing.T) {
	l := newLayout(t)
	addImage(t, l, "v1.0.0", imageFor(t, "linux/amd64"))
	request := inLayout(l, "v1.0.0")
	request.Platforms = append(request.Platforms, parsePlatform(t, "linux/arm64"))
	_, err := newResolver(openCache(t)).Resolve(t.Context(), request)
	var platform *base.PlatformError
	if !errors.As(err, &platform) || platform.Name != request.Repository || platform.Want != "linux/arm64" {
		t.Errorf("%v", err)
	}
}

// TestDamagedLayout: a layer that is not what its digest says is an error, and is not kept.
func TestDamagedLayout(t *testing.T) {
	l, store := newLayout(t), openCache(t)
	image := imageFor(t, "linux/amd64")
	addImage(t, l, "v1.0.0", image)
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest := digestOf(t, layers[1])
	if err := os.WriteFile(filepath.Join(string(l), "blobs", "sha256", digest.Hex), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = newResolver(store).Resolve(t.Context(), inLayout(l, "v1.0.0"))
	var unreadable *base.ReadError
	if !errors.As(err, &unreadable) || unreadable.Name != "oci:"+string(l) || !strings.Contains(err.Error(), digest.Hex) {
		t.Errorf("%v", err)
	}
	if path, err := store.Blob(digest); path != "" || err != nil {
		t.Errorf("it was kept: %q, %v", path, err)
	}
}

// TestLayoutThatChanged: the record of a base goes by its digest.
func TestLayoutThatChanged(t *testing.T) {
	store := openCache(t)
	for range 2 {
		l := newLayout(t)
		image := imageFor(t, "linux/amd64")
		addImage(t, l, "v1.0.0", image)
		matches(t, store, resolve(t, store, inLayout(l, "v1.0.0")), 0, image)
	}
}
