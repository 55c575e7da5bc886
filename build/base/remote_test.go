package base_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/base"
)

// matches compares what was brought in with the image.
func matches(t *testing.T, store base.Store, got base.Base, at int, want v1.Image) {
	t.Helper()
	config, err := want.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := want.Layers()
	if err != nil {
		t.Fatal(err)
	}
	p := got.Platforms[at]
	same(t, "config", p.Config, config)
	if len(p.Layers) != len(layers) {
		t.Fatalf("%d layers, want %d", len(p.Layers), len(layers))
	}
	var unpacked int64
	for i, l := range layers {
		diffID, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		size, err := l.Size()
		if err != nil {
			t.Fatal(err)
		}
		mediaType, err := l.MediaType()
		if err != nil {
			t.Fatal(err)
		}
		is := p.Layers[i]
		if is.Digest != digestOf(t, l) || is.DiffID != diffID || is.Size != size || is.MediaType != mediaType {
			t.Errorf("layer %d is %+v", i, is)
		}
		path, err := store.Blob(is.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != size {
			t.Errorf("layer %d is not in the store: %q, %v", i, path, err)
		}
		tar, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, tar)
		if err != nil {
			t.Fatal(err)
		}
		unpacked += n
	}
	if got.Unpacked[at] != unpacked {
		t.Errorf("unpacked it is %d bytes, want %d", got.Unpacked[at], unpacked)
	}
	raw, err := want.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	mediaType, err := want.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	d := got.Manifests[at]
	if d.Digest != digestOf(t, want) || d.Size != int64(len(raw)) || d.MediaType != mediaType || d.Platform.String() != p.Platform.String() {
		t.Errorf("its manifest is %+v", d)
	}
	rawConfig, err := want.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for digest, content := range map[v1.Hash][]byte{d.Digest: raw, got.Configs[at]: rawConfig} {
		path, err := store.Blob(digest)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, content) {
			t.Errorf("%s is not in the store as it is: %q, %v", digest, path, err)
		}
	}
	if n := len(got.Platforms); len(got.Directories) != n || len(got.Unpacked) != n || len(got.Manifests) != n || len(got.Configs) != n {
		t.Errorf("of %d platforms, something is missing", n)
	}
}

func TestSingleImage(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	image := imageFor(t, "linux/arm64/v8")
	repository.push(t, "v1.0.0", image)
	got := resolve(t, store, repository.request("v1.0.0"))
	if got.Name != repository.name || got.Digest != digestOf(t, image) {
		t.Errorf("it is %s@%s", got.Name, got.Digest)
	}
	same(t, "platforms", platforms(got), []string{"linux/arm64/v8"})
	matches(t, store, got, 0, image)
}

func TestIndex(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	index := indexOf(t, "windows/amd64", "linux/arm64", "linux/s390x", "linux/amd64", "unknown/unknown")
	repository.push(t, "v1.0.0", index)
	got := resolve(t, store, repository.request("v1.0.0"))
	if got.Digest != digestOf(t, index) {
		t.Errorf("the digest is %s, want the index's", got.Digest)
	}
	same(t, "platforms", platforms(got), []string{"linux/amd64", "linux/arm64"}) // in the order of Default
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for at, child := range []int{3, 1} {
		image, err := index.Image(manifest.Manifests[child].Digest)
		if err != nil {
			t.Fatal(err)
		}
		matches(t, store, got, at, image)
	}
}

// TestNothingIsFetchedTwice: the second build asks for no more than what the tag stands for.
func TestNothingIsFetchedTwice(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", indexOf(t, "linux/amd64", "linux/arm64"))
	first := resolve(t, store, repository.request("v1.0.0"))
	repository.asked()
	same(t, "the second", resolve(t, store, repository.request("v1.0.0")), first)
	asked := slices.DeleteFunc(repository.asked(), func(request string) bool { return request == "GET /v2/" })
	same(t, "requests", asked, []string{"HEAD /v2/package-registry/manifests/v1.0.0"})
}

func TestMovedTagIsFollowed(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	old, moved := imageFor(t, "linux/amd64"), imageFor(t, "linux/amd64")
	repository.push(t, "v1.0.0", old)
	resolve(t, store, repository.request("v1.0.0"))
	repository.push(t, "v1.0.0", moved)
	matches(t, store, resolve(t, store, repository.request("v1.0.0")), 0, moved)
}

// TestDamagedBlobIsFetchedAgain, and one that was removed; the others are not.
func TestDamagedBlobIsFetchedAgain(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	image := imageFor(t, "linux/amd64")
	repository.push(t, "v1.0.0", image)
	first := resolve(t, store, repository.request("v1.0.0"))
	blobs := first.Blobs()
	if len(blobs) != 5 {
		t.Fatalf("%d blobs, want a manifest, a config and three layers", len(blobs))
	}
	for i, digest := range blobs {
		path, err := store.Blob(digest)
		if err != nil {
			t.Fatal(err)
		}
		remove(t, path)
		if i%2 == 0 {
			if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		repository.asked()
		got := resolve(t, store, repository.request("v1.0.0"))
		same(t, "the base", got, first)
		matches(t, store, got, 0, image)
		asked := repository.asked()
		for _, l := range first.Platforms[0].Layers {
			if fetched := slices.Contains(asked, "GET /v2/package-registry/blobs/"+l.Digest.String()); fetched && l.Digest != digest {
				t.Errorf("a layer that was whole was fetched again")
			}
		}
	}
}

func TestNoSuchBase(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", imageFor(t, "linux/amd64"))
	resolve(t, store, repository.request("v1.0.0"))
	for name, c := range map[string]struct {
		request base.Request
		status  int
		why     string
	}{
		"other tag":        {repository.request("v2.0.0"), 0, "does not know it"},
		"other repository": {base.Request{Repository: repository.name + "/x", Version: "v1.0.0"}, 0, "does not know it"},
		"no reference":     {base.Request{Repository: "UPPER/case", Version: "v1.0.0"}, 0, "UPPER/case"},
		"no tag":           {repository.request("a b"), 0, "a b"},
		"not logged in":    {repository.request("v1.0.0"), http.StatusUnauthorized, "log in"},
		"forbidden":        {repository.request("v1.0.0"), http.StatusForbidden, "log in"},
		"gone":             {repository.request("v1.0.0"), http.StatusNotFound, "does not know it"},
	} {
		repository.refuseAll(c.status)
		r := newResolver(store)
		_, err := r.Resolve(t.Context(), c.request)
		var missing *base.MissingError
		if !errors.As(err, &missing) || missing.Name != c.request.Repository+":"+c.request.Version || !strings.Contains(missing.Why, c.why) {
			t.Errorf("%s: %v", name, err)
		}
		if len(r.warnings) != 0 { // an answer is an answer, whatever the base was before
			t.Errorf("%s: warned %q", name, r.warnings)
		}
	}
}

func TestUnreachable(t *testing.T) {
	repository := newRepository(t)
	repository.server.Close()
	_, err := newResolver(openCache(t)).Resolve(t.Context(), repository.request("v1.0.0"))
	var unreachable *base.UnreachableError
	var operation *net.OpError
	if !errors.As(err, &unreachable) || unreachable.Name != repository.name+":v1.0.0" || !errors.As(err, &operation) {
		t.Errorf("%v", err)
	}
}

func TestResolveEndsWithItsContext(t *testing.T) {
	repository := newRepository(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newResolver(openCache(t)).Resolve(ctx, repository.request("v1.0.0")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
