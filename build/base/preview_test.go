package base_test

import (
	"context"
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/base"
)

var preview = base.Request{Repository: "preview", Version: "v1.0.0"}

// withPreview is a resolver whose preview is index; made counts how often it was made.
func withPreview(store base.Store, key string, index v1.ImageIndex) (r *resolver, made *int) {
	r, made = newResolver(store), new(int)
	r.PreviewKey = func() string { return key }
	r.Preview = func(context.Context) (v1.ImageIndex, error) { *made++; return index, nil }
	return r, made
}

func TestPreviewIsMadeOnce(t *testing.T) {
	store, index := openCache(t), indexOf(t, "linux/amd64", "linux/arm64")
	var first base.Base
	for build, want := range []int{1, 0, 0} {
		r, made := withPreview(store, "key", index)
		got, err := r.Resolve(t.Context(), preview)
		if err != nil {
			t.Fatal(err)
		}
		if *made != want {
			t.Errorf("build %d made the preview %d times", build, *made)
		}
		if build == 0 {
			first = got
		}
		same(t, "the base", got, first)
	}
	if first.Name != base.PreviewName || first.Digest != digestOf(t, index) || !first.Local() {
		t.Errorf("it is %s@%s", first.Name, first.Digest)
	}
	same(t, "platforms", platforms(first), []string{"linux/amd64", "linux/arm64"})
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	matches(t, store, first, 1, image)
}

func TestPreviewOfAnotherKeyIsMade(t *testing.T) {
	store := openCache(t)
	for _, key := range []string{"one", "two"} {
		index := indexOf(t, "linux/amd64")
		r, made := withPreview(store, key, index)
		if got, err := r.Resolve(t.Context(), preview); err != nil || got.Digest != digestOf(t, index) || *made != 1 {
			t.Errorf("%s: %s, %v, made %d times", key, got.Digest, err, *made)
		}
	}
}

// TestPreviewThatComesOutTheSame under another key is remembered under that, too.
func TestPreviewThatComesOutTheSame(t *testing.T) {
	store, index := openCache(t), indexOf(t, "linux/amd64")
	for build, c := range []struct {
		key  string
		want int
	}{{"one", 1}, {"two", 1}, {"two", 0}, {"one", 0}} {
		r, made := withPreview(store, c.key, index)
		if _, err := r.Resolve(t.Context(), preview); err != nil || *made != c.want {
			t.Errorf("build %d made the preview %d times, want %d (%v)", build, *made, c.want, err)
		}
	}
}

func TestPreviewIsMadeAgainWhereItsBlobsAreGone(t *testing.T) {
	store, index := openCache(t), indexOf(t, "linux/amd64")
	r, _ := withPreview(store, "key", index)
	first, err := r.Resolve(t.Context(), preview)
	if err != nil {
		t.Fatal(err)
	}
	path, err := store.Blob(first.Platforms[0].Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, path)
	r, made := withPreview(store, "key", index)
	got, err := r.Resolve(t.Context(), preview)
	if err != nil || *made != 1 {
		t.Errorf("made %d times, %v", *made, err)
	}
	same(t, "the base", got, first)
}

// TestPlatformsOfThePreview: one that was not brought in before is.
func TestPlatformsOfThePreview(t *testing.T) {
	store, index := openCache(t), indexOf(t, "linux/amd64", "linux/arm64")
	for _, platform := range []string{"linux/arm64", "linux/amd64"} {
		r, _ := withPreview(store, "key", index)
		request := preview
		request.Platforms = append(request.Platforms, parsePlatform(t, platform))
		got, err := r.Resolve(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "platforms", platforms(got), []string{platform})
	}
	r, _ := withPreview(store, "key", index)
	request := preview
	request.Platforms = append(request.Platforms, parsePlatform(t, "linux/s390x"))
	var lacks *base.PlatformError
	if _, err := r.Resolve(t.Context(), request); !errors.As(err, &lacks) || lacks.Name != "preview" {
		t.Errorf("%v", err)
	}
}

// TestPreviewThatFailed is tried again.
func TestPreviewThatFailed(t *testing.T) {
	store, oops := openCache(t), errors.New("oops")
	r := newResolver(store)
	r.Preview = func(context.Context) (v1.ImageIndex, error) { return nil, oops }
	var unreadable *base.ReadError
	if _, err := r.Resolve(t.Context(), preview); !errors.As(err, &unreadable) || !errors.Is(err, oops) {
		t.Errorf("%v", err)
	}
	again, made := withPreview(store, r.PreviewKey(), indexOf(t, "linux/amd64"))
	if _, err := again.Resolve(t.Context(), preview); err != nil || *made != 1 {
		t.Errorf("made %d times, %v", *made, err)
	}
}
