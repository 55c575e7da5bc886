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

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

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

// TestPlatforms: all that is wanted, in that order, or an error; where nothing is, what there is of the defaults.
func TestPlatforms(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "both", indexOf(t, "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"))
	repository.push(t, "one", indexOf(t, "linux/arm64", "windows/amd64"))
	repository.push(t, "none", indexOf(t, "windows/amd64"))
	repository.push(t, "single", imageFor(t, "linux/amd64"))
	repository.push(t, "other", imageFor(t, "plan9/mips"))
	for _, c := range []struct {
		tag, wanted string
		want        string
		lacks       string
		offered     string
	}{
		{"both", "", "linux/amd64 linux/arm64/v8", "", ""},
		{"both", "linux/arm64 linux/amd64", "linux/arm64/v8 linux/amd64", "", ""},
		{"both", "linux/arm/v7", "linux/arm/v7", "", ""},
		{"both", "linux/arm", "linux/arm/v6", "", ""},
		{"both", "linux/arm/v8", "", "linux/arm/v8", "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8"},
		{"both", "linux/amd64 linux/s390x", "", "linux/s390x", "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8"},
		{"one", "", "linux/arm64", "", ""},
		{"one", "windows/amd64", "windows/amd64", "", ""},
		{"one", "linux/amd64", "", "linux/amd64", "linux/arm64 windows/amd64"},
		{"none", "", "", "linux/amd64 or linux/arm64", "windows/amd64"},
		{"single", "", "linux/amd64", "", ""},
		{"single", "linux/arm64", "", "linux/arm64", "linux/amd64"},
		{"other", "", "", "linux/amd64 or linux/arm64", "plan9/mips"},
	} {
		request := repository.request(c.tag)
		for p := range strings.FieldsSeq(c.wanted) {
			request.Platforms = append(request.Platforms, parsePlatform(t, p))
		}
		got, err := newResolver(store).Resolve(t.Context(), request)
		if c.lacks == "" {
			if err != nil || strings.Join(platforms(got), " ") != c.want {
				t.Errorf("%s %s: %s, %v", c.tag, c.wanted, platforms(got), err)
			}
			continue
		}
		var platform *base.PlatformError
		if !errors.As(err, &platform) {
			t.Errorf("%s %s: %v", c.tag, c.wanted, err)
			continue
		}
		if platform.Want != c.lacks || platform.Name != repository.name+":"+c.tag || strings.Join(platform.Offered, " ") != c.offered {
			t.Errorf("%s %s: %+v", c.tag, c.wanted, platform)
		}
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

// TestDamagedBlobIsFetchedAgain, and one that was removed.
func TestDamagedBlobIsFetchedAgain(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	image := imageFor(t, "linux/amd64")
	repository.push(t, "v1.0.0", image)
	first := resolve(t, store, repository.request("v1.0.0"))
	for at, damage := range map[int]func(path string) error{
		0: os.Remove,
		2: func(path string) error {
			return errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte("damaged"), 0o644))
		},
	} {
		digest := first.Platforms[0].Layers[at].Digest
		path, err := store.Blob(digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
		repository.asked()
		got := resolve(t, store, repository.request("v1.0.0"))
		same(t, "the base", got, first)
		matches(t, store, got, 0, image)
		var blobs []string
		for _, request := range repository.asked() {
			if strings.Contains(request, "/blobs/") && !strings.Contains(request, digestOfConfig(t, image).String()) {
				blobs = append(blobs, request)
			}
		}
		same(t, "fetched", blobs, []string{"GET /v2/package-registry/blobs/" + digest.String()})
	}
}

func digestOfConfig(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	d, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return d
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

// TestIndexWithoutPlatforms: what says of itself for which platform it is can't be chosen otherwise.
func TestIndexWithoutPlatforms(t *testing.T) {
	repository := newRepository(t)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: imageFor(t, "linux/amd64")})
	repository.push(t, "v1.0.0", index)
	_, err := newResolver(openCache(t)).Resolve(t.Context(), repository.request("v1.0.0"))
	var platform *base.PlatformError
	if !errors.As(err, &platform) {
		t.Errorf("%v", err)
	}
}
