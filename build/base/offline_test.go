package base_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/base"
)

// offline resolves when the image repository can't be reached: with a warning, to what was there before.
func offline(t *testing.T, store base.Store, request base.Request, want base.Base) {
	t.Helper()
	r := newResolver(store)
	got, err := r.Resolve(t.Context(), request)
	if err != nil {
		t.Error(err)
		return
	}
	same(t, "offline", got, want)
	if len(r.warnings) != 1 || !strings.Contains(r.warnings[0], request.Repository+":"+request.Version) ||
		!strings.Contains(r.warnings[0], want.Digest.String()) {
		t.Errorf("warnings are %q", r.warnings)
	}
}

func TestOfflineAsBefore(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", indexOf(t, "linux/amd64", "linux/arm64"))
	first := resolve(t, store, repository.request("v1.0.0"))
	one := repository.request("v1.0.0")
	one.Platforms = append(one.Platforms, parsePlatform(t, "linux/arm64"))
	second := resolve(t, store, one)
	repository.server.Close()
	offline(t, store, repository.request("v1.0.0"), first)
	offline(t, store, one, second)
}

// TestNobodyNeedListen: only Store must be set.
func TestNobodyNeedListen(t *testing.T) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("without Warn: panic: %v", r)
		}
	}()
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", imageFor(t, "linux/amd64"))
	first := resolve(t, store, repository.request("v1.0.0"))
	repository.server.Close()
	r := base.Resolver{Store: store}
	if got, err := r.Resolve(t.Context(), repository.request("v1.0.0")); err != nil || got.Digest != first.Digest {
		t.Errorf("without Warn: %v", err)
	}
}

func TestOfflineWhatWasNeverSeen(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", indexOf(t, "linux/amd64", "linux/arm64"))
	request := repository.request("v1.0.0")
	request.Platforms = append(request.Platforms, parsePlatform(t, "linux/amd64"))
	resolve(t, store, request)
	repository.server.Close()
	var unreachable *base.UnreachableError
	for name, other := range map[string]base.Request{
		"another tag":        {Repository: request.Repository, Version: "v2.0.0"},
		"another repository": {Repository: request.Repository + "/x", Version: "v1.0.0"},
		"another platform":   {Repository: request.Repository, Version: "v1.0.0"},
	} {
		if _, err := newResolver(store).Resolve(t.Context(), other); !errors.As(err, &unreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newResolver(openCache(t)).Resolve(t.Context(), request); !errors.As(err, &unreachable) {
		t.Errorf("another cache: %v", err)
	}
}

// TestOfflineWithoutItsBlobs: what is known of a base is no use without them.
func TestOfflineWithoutItsBlobs(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", imageFor(t, "linux/amd64"))
	first := resolve(t, store, repository.request("v1.0.0"))
	path, err := store.Blob(first.Platforms[0].Layers[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, path)
	repository.server.Close()
	var unreachable *base.UnreachableError
	if _, err := newResolver(store).Resolve(t.Context(), repository.request("v1.0.0")); !errors.As(err, &unreachable) {
		t.Errorf("%v", err)
	}
}

// TestTwoTagsOfOneImage: "v1.0.0" and "1.0.0", say. Whichever is asked for offline was seen before.
func TestTwoTagsOfOneImage(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	image := imageFor(t, "linux/amd64")
	repository.push(t, "v1.0.0", image)
	repository.push(t, "1.0.0", image)
	first := resolve(t, store, repository.request("v1.0.0"))
	resolve(t, store, repository.request("1.0.0"))
	repository.server.Close()
	offline(t, store, repository.request("v1.0.0"), first)
	offline(t, store, repository.request("1.0.0"), first)
}

// TestTagThatMovedBack: offline, a tag stands for what it was when last seen, not for what it was in between.
func TestTagThatMovedBack(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	good, bad := imageFor(t, "linux/amd64"), imageFor(t, "linux/amd64")
	repository.push(t, "v1.0.0", good)
	first := resolve(t, store, repository.request("v1.0.0"))
	repository.push(t, "v1.0.0", bad)
	resolve(t, store, repository.request("v1.0.0"))
	repository.push(t, "v1.0.0", good)
	resolve(t, store, repository.request("v1.0.0"))
	repository.server.Close()
	offline(t, store, repository.request("v1.0.0"), first)
}

// TestBrokenRepositoryIsLikeNone: a server that fails has not answered. (One that is told to be tried again, like 500,
// would be, for seconds.)
func TestBrokenRepositoryIsLikeNone(t *testing.T) {
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", imageFor(t, "linux/amd64"))
	first := resolve(t, store, repository.request("v1.0.0"))
	repository.refuseAll(http.StatusNotImplemented)
	offline(t, store, repository.request("v1.0.0"), first)
}
