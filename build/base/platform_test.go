package base_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/base"
)

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
