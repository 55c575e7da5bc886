package image_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/image"
)

// hash is the digest of some text.
func hash(text string) v1.Hash {
	sum := sha256.Sum256([]byte(text))
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

func layerOf(mediaType types.MediaType, name string) image.Layer {
	return image.Layer{MediaType: mediaType, Digest: hash("packed " + name), DiffID: hash(name), Size: int64(100 + len(name))}
}

var (
	baseTime = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	ourTime  = time.Date(2022, 7, 1, 14, 0, 0, 0, time.FixedZone("CEST", 7200))
	amd64    = v1.Platform{OS: "linux", Architecture: "amd64"}
)

// dockerBase is a base as Docker pushes it, with what it tells about the machine.
func dockerBase() image.Platform {
	return image.Platform{
		Platform: amd64,
		Layers:   []image.Layer{layerOf(types.DockerLayer, "one"), layerOf(types.DockerUncompressedLayer, "two")},
		Config: v1.ConfigFile{
			OS: "linux", Architecture: "amd64", Author: "somebody", Created: v1.Time{Time: baseTime},
			//lint:ignore SA1019 it is there in old images, and must not come through
			Container: "0123", DockerVersion: "20.10",
			Config: v1.Config{
				Hostname: "builder", Domainname: "example.org", Image: "sha256:4567", MacAddress: "00:00", Tty: true, OpenStdin: true,
				AttachStdout: true, Env: []string{"PATH=/bin"},
			},
			RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{hash("one"), hash("two")}},
			History: []v1.History{
				{Created: v1.Time{Time: baseTime}, CreatedBy: "ADD one"},
				{CreatedBy: "ENV PATH=/bin", EmptyLayer: true},
				{Created: v1.Time{Time: baseTime}, CreatedBy: "ADD two", Comment: "of the base"},
			},
		},
	}
}

func ourSteps() []image.ComposedStep {
	packages := layerOf(types.OCILayerZStd, "apm")
	packages.Annotations = map[string]string{"key": "0123", "another": "x"}
	packages.CreatedBy = "packages: apm"
	return []image.ComposedStep{
		{CreatedBy: "LABEL a=b", Empty: true},
		{CreatedBy: "COPY config", Layers: []image.Layer{layerOf(types.OCILayer, "config")}},
		{CreatedBy: "COPY packages", Layers: []image.Layer{packages, layerOf(types.OCILayerZStd, "nginx")}},
		{CreatedBy: "WORKDIR /x", Empty: true},
	}
}

func compose(t *testing.T, base image.Platform, steps []image.ComposedStep) image.Image {
	t.Helper()
	config := base.Config
	config.Config.Labels = map[string]string{"b": "<2>", "a": "1"}
	composed, err := image.Compose(base, config, ourTime, steps, map[string]string{"inputs": "89ab"})
	if err != nil {
		t.Fatal(err)
	}
	return composed
}

func TestComposeConfig(t *testing.T) {
	var got v1.ConfigFile
	if err := json.Unmarshal(compose(t, dockerBase(), ourSteps()).Config.Content, &got); err != nil {
		t.Fatal(err)
	}
	before, now := v1.Time{Time: baseTime}, v1.Time{Time: ourTime.UTC()}
	same(t, "config", got, v1.ConfigFile{
		OS: "linux", Architecture: "amd64", Author: "somebody", Created: now,
		Config: v1.Config{Env: []string{"PATH=/bin"}, Labels: map[string]string{"a": "1", "b": "<2>"}},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{hash("one"), hash("two"), hash("config"), hash("apm"), hash("nginx")}},
		History: []v1.History{
			{Created: before, CreatedBy: "ADD one"},
			{Created: before, CreatedBy: "ENV PATH=/bin", EmptyLayer: true},
			{Created: before, CreatedBy: "ADD two", Comment: "of the base"},
			{Created: now, CreatedBy: "LABEL a=b", EmptyLayer: true},
			{Created: now, CreatedBy: "COPY config"},
			{Created: now, CreatedBy: "packages: apm"},
			{Created: now, CreatedBy: "COPY packages"},
			{Created: now, CreatedBy: "WORKDIR /x", EmptyLayer: true},
		},
	})
}

func TestComposeKeepsHowToRun(t *testing.T) {
	base := dockerBase()
	want := v1.Config{
		ArgsEscaped: true, Cmd: []string{"c"}, Entrypoint: []string{"e"}, Env: []string{"A=1"}, User: "7", WorkingDir: "/w",
		ExposedPorts: map[string]struct{}{"1/tcp": {}}, Volumes: map[string]struct{}{"/v": {}}, Labels: map[string]string{"l": "1"},
		Healthcheck: &v1.HealthConfig{Test: []string{"NONE"}}, Shell: []string{"sh"}, StopSignal: "SIGINT",
	}
	config := v1.ConfigFile{OS: "linux", OSVersion: "1", OSFeatures: []string{"f"}, Architecture: "arm", Variant: "v7", Config: want}
	composed, err := image.Compose(base, config, ourTime, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got v1.ConfigFile
	if err := json.Unmarshal(composed.Config.Content, &got); err != nil {
		t.Fatal(err)
	}
	same(t, "settings", got.Config, want)
	same(t, "platform", got.Platform(), config.Platform())
}

// TestComposeRewritesDocker: podman and some image repositories refuse Docker's media types among OCI's (rules_img#518).
func TestComposeRewritesDocker(t *testing.T) {
	base := dockerBase()
	zstd := layerOf("application/vnd.docker.image.rootfs.diff.tar.zstd", "three")
	base.Layers = append(base.Layers, zstd)
	base.Config.RootFS.DiffIDs = append(base.Config.RootFS.DiffIDs, zstd.DiffID)
	composed := compose(t, base, ourSteps())
	if strings.Contains(string(composed.Manifest.Content), "docker") {
		t.Errorf("the manifest speaks of Docker: %s", composed.Manifest.Content)
	}
	var got v1.Manifest
	if err := json.Unmarshal(composed.Manifest.Content, &got); err != nil {
		t.Fatal(err)
	}
	var layers []string
	for i, l := range got.Layers {
		layers = append(layers, fmt.Sprint(l.MediaType, " ", l.Size))
		same(t, "digest", l.Digest, composed.Layers[i].Digest)
		same(t, "media type", l.MediaType, composed.Layers[i].MediaType)
	}
	const oci = "application/vnd.oci.image.layer.v1.tar"
	same(t, "layers", layers, []string{oci + "+gzip 103", oci + " 103", oci + "+zstd 105", oci + "+gzip 106", oci + "+zstd 103", oci + "+zstd 105"})
	same(t, "layer's annotations", got.Layers[4].Annotations, map[string]string{"key": "0123", "another": "x"})
	same(t, "annotations", got.Annotations, map[string]string{"inputs": "89ab"})
	same(t, "config", got.Config, v1.Descriptor{
		MediaType: "application/vnd.oci.image.config.v1+json", Size: int64(len(composed.Config.Content)), Digest: hash(string(composed.Config.Content)),
	})
	same(t, "manifest", composed.Manifest.Descriptor, v1.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json", Size: int64(len(composed.Manifest.Content)),
		Digest: hash(string(composed.Manifest.Content)), Platform: &amd64,
	})
}

func TestComposeHistory(t *testing.T) {
	base := dockerBase()
	base.Config.History = base.Config.History[:2]
	var got v1.ConfigFile
	if err := json.Unmarshal(compose(t, base, ourSteps()).Config.Content, &got); err != nil {
		t.Fatal(err)
	}
	filled := 0
	for _, entry := range got.History {
		if !entry.EmptyLayer {
			filled++
		}
	}
	if filled != len(got.RootFS.DiffIDs) {
		t.Errorf("%d entries of the history for %d layers: %+v", filled, len(got.RootFS.DiffIDs), got.History)
	}
	if !got.History[0].Created.Equal(baseTime) || got.History[1].CreatedBy != got.History[0].CreatedBy {
		t.Errorf("the base's layers: %+v", got.History[:2])
	}
}

func TestComposeWithoutLayers(t *testing.T) {
	scratch := image.Platform{Platform: amd64, Config: v1.ConfigFile{OS: "linux", Architecture: "amd64"}}
	composed, err := image.Compose(scratch, scratch.Config, ourTime, []image.ComposedStep{{CreatedBy: "COPY packages"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		string(composed.Manifest.Content): `"layers":[]`,
		string(composed.Config.Content):   `"diff_ids":[]`,
	} {
		if !strings.Contains(what, want) {
			t.Errorf("%s has no %s", what, want)
		}
	}
}

func TestComposeLimitsLayers(t *testing.T) {
	many := func(n int) []image.ComposedStep {
		step := image.ComposedStep{CreatedBy: "COPY packages"}
		for i := range n {
			step.Layers = append(step.Layers, layerOf(types.OCILayer, fmt.Sprint(i)))
		}
		return []image.ComposedStep{step}
	}
	if composed := compose(t, dockerBase(), many(98)); len(composed.Layers) != image.MaxLayers {
		t.Errorf("%d layers", len(composed.Layers))
	}
	_, err := image.Compose(dockerBase(), v1.ConfigFile{}, ourTime, many(99), nil)
	var tooMany *image.TooManyLayersError
	if !errors.As(err, &tooMany) {
		t.Fatalf("got %v", err)
	}
	same(t, "error", *tooMany, image.TooManyLayersError{Platform: amd64, Base: 2, Ours: 99})
	if text := err.Error(); !strings.Contains(text, "101 layers, 2 of the base and 99 above") {
		t.Error(text)
	}
}

func TestComposeRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*image.Platform, *image.ComposedStep){
		"can't be distributed":          func(b *image.Platform, _ *image.ComposedStep) { b.Layers[0].MediaType = types.DockerForeignLayer },
		"distributed; take a base":      func(b *image.Platform, _ *image.ComposedStep) { b.Layers[0].MediaType = types.OCIRestrictedLayer },
		"no media type of a layer":      func(b *image.Platform, _ *image.ComposedStep) { b.Layers[0].MediaType = "application/json" },
		"layers, and its configuration": func(b *image.Platform, _ *image.ComposedStep) { b.Layers = b.Layers[:1] },
		"in its configuration":          func(b *image.Platform, _ *image.ComposedStep) { b.Layers[0].DiffID = hash("other") },
		"is missing":                    func(_ *image.Platform, s *image.ComposedStep) { s.Layers[0].DiffID = v1.Hash{} },
		"changes no file":               func(_ *image.Platform, s *image.ComposedStep) { s.Empty = true },
	} {
		base, steps := dockerBase(), ourSteps()
		spoil(&base, &steps[1])
		if _, err := image.Compose(base, base.Config, ourTime, steps, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error: %s", err, want)
		}
	}
}

func TestComposeTakesDiffIDsFromTheConfig(t *testing.T) {
	base := dockerBase()
	want := compose(t, base, ourSteps())
	base.Layers = []image.Layer{layerOf(types.DockerLayer, "one"), layerOf(types.DockerUncompressedLayer, "two")}
	base.Layers[0].DiffID, base.Layers[1].DiffID = v1.Hash{}, v1.Hash{}
	same(t, "image", compose(t, base, ourSteps()), want)
}

// TestComposeIsPinned: the same arguments give the same bytes, today and with the next version of a library. Where this
// fails by intent, all published images change their digest.
func TestComposeIsPinned(t *testing.T) {
	arm := dockerBase()
	arm.Platform = v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	arm.Config.Architecture = "arm64"
	index, err := image.ComposeIndex([]image.Image{compose(t, dockerBase(), ourSteps()), compose(t, arm, ourSteps())}, map[string]string{"b": "2", "a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again := compose(t, dockerBase(), ourSteps())
		same(t, "config again", string(again.Config.Content), string(index.Images[0].Config.Content))
		same(t, "manifest again", string(again.Manifest.Content), string(index.Images[0].Manifest.Content))
	}
	const want = "sha256:1c565b896704986c97d4c05aa24523760e344c0aba96bfdc04979ba975253149"
	if got := index.Descriptor.Digest.String(); got != want {
		t.Errorf("digest %s, want %s:\n%s\n%s\n%s", got, want, index.Content, index.Images[0].Manifest.Content, index.Images[0].Config.Content)
	}
}

func TestComposeIndex(t *testing.T) {
	arm := dockerBase()
	arm.Platform = v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	images := []image.Image{compose(t, arm, ourSteps()), compose(t, dockerBase(), ourSteps())}
	index, err := image.ComposeIndex(images, map[string]string{"a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	var got v1.IndexManifest
	if err := json.Unmarshal(index.Content, &got); err != nil {
		t.Fatal(err)
	}
	same(t, "index", got, v1.IndexManifest{
		SchemaVersion: 2, MediaType: "application/vnd.oci.image.index.v1+json", Annotations: map[string]string{"a": "1"},
		Manifests: []v1.Descriptor{images[0].Manifest.Descriptor, images[1].Manifest.Descriptor},
	})
	same(t, "platform", *got.Manifests[0].Platform, arm.Platform)
	same(t, "descriptor", index.Descriptor, v1.Descriptor{
		MediaType: "application/vnd.oci.image.index.v1+json", Size: int64(len(index.Content)), Digest: hash(string(index.Content)),
	})
	for _, bad := range [][]image.Image{nil, {images[0], images[1], images[0]}} {
		if _, err := image.ComposeIndex(bad, nil); err == nil {
			t.Errorf("an index of %d images was composed", len(bad))
		}
	}
}
