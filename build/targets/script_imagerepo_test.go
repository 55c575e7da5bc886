package targets_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// startImageRepository starts an empty image repository server, until the script ends.
func startImageRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: imagerepo <variable>")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.Listener.Addr().String())
}

// showPublished prints what an image repository has.
func showPublished(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: published tags <repository>, published index|manifest|config <repository>:<tag>")
	}
	if args[0] == "tags" {
		repository, err := name.NewRepository(args[1])
		ts.Check(err)
		tags, err := remote.List(repository)
		if err != nil {
			tags = []string{"none"} // there is no such repository yet
		}
		slices.Sort(tags)
		for _, tag := range tags {
			fmt.Fprintln(ts.Stdout(), tag)
		}
		return
	}
	reference, err := name.ParseReference(args[1])
	ts.Check(err)
	found, err := remote.Get(reference)
	ts.Check(err)
	content := found.Manifest
	if args[0] != "index" {
		one, err := found.Image() // linux/amd64
		ts.Check(err)
		switch args[0] {
		case "manifest":
			content, err = one.RawManifest()
		case "config":
			content, err = one.RawConfigFile()
		default:
			ts.Fatalf("published %s: there are tags, index, manifest and config", args[0])
		}
		ts.Check(err)
	}
	ts.Stdout().Write(append(content, '\n'))
}

// checkTagged says whether one of the tags that a build gets stands for its image.
func checkTagged(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] tagged inputs|commit|distribution <repository> <build>")
	}
	content, err := os.ReadFile(filepath.Join(ts.MkAbs(args[2]), "build.json"))
	ts.Check(err)
	var report pipeline.BuildReport
	ts.Check(json.Unmarshal(content, &report))
	tag := map[string]string{
		"inputs":       string(report.Inputs.Commit) + "-" + report.InputsID[:12],
		"commit":       string(report.Inputs.Commit),
		"distribution": report.Inputs.Distribution,
	}[args[0]]
	reference, err := name.ParseReference(args[1] + ":" + tag)
	ts.Check(err)
	stands := "nothing"
	if found, err := remote.Head(reference); err == nil {
		stands = found.Digest.String()
	}
	if (stands == report.Index) == neg {
		ts.Fatalf("%s stands for %s, and the build is %s", reference, stands, report.Index)
	}
}

// checkWhole says whether a build's layout has all layers of its image.
func checkWhole(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] whole <layout>")
	}
	folder := ts.MkAbs(args[0])
	one, err := amd64Image(folder)
	ts.Check(err)
	manifest, err := one.Manifest()
	ts.Check(err)
	missing := 0
	for _, l := range manifest.Layers {
		if _, err := os.Stat(filepath.Join(folder, "blobs", "sha256", l.Digest.Hex)); err != nil {
			missing++
		}
	}
	if (missing == 0) == neg {
		ts.Fatalf("%s lacks %d layers", args[0], missing)
	}
}

// pushForeign pushes an image that no pipeline made.
func pushForeign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: foreign <repository>:<tag>")
	}
	reference, err := name.ParseReference(args[0])
	ts.Check(err)
	image, err := random.Image(100, 1)
	ts.Check(err)
	ts.Check(remote.Write(reference, image))
}

// forgeImage puts another layer in the place of the highest one of packages, and leaves alone what the image says of
// itself. The configuration knows of the layer, or denies it.
func forgeImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "known" && args[0] != "denied" {
		ts.Fatalf("usage: forge known|denied <repository>:<tag>")
	}
	reference, err := name.ParseReference(args[1])
	ts.Check(err)
	put := func(content []byte, mediaType types.MediaType) v1.Descriptor {
		l := static.NewLayer(content, mediaType)
		ts.Check(remote.WriteLayer(reference.Context(), l))
		digest, err := l.Digest()
		ts.Check(err)
		return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(content))}
	}
	found, err := remote.Get(reference)
	ts.Check(err)
	var index v1.IndexManifest
	ts.Check(json.Unmarshal(found.Manifest, &index))
	image, err := found.Image() // linux/amd64, the first of them
	ts.Check(err)
	manifest, err := image.Manifest()
	ts.Check(err)
	config, err := image.ConfigFile()
	ts.Check(err)

	at := len(manifest.Layers) - 1
	for manifest.Layers[at].Annotations[pipeline.KeyAnnotation] == "" {
		at--
	}
	unpacked, packed := forgedLayer(ts)
	forged := put(packed, types.OCILayer)
	forged.Annotations = manifest.Layers[at].Annotations
	manifest.Layers[at] = forged
	if args[0] == "known" {
		config.RootFS.DiffIDs[at], _, err = v1.SHA256(bytes.NewReader(unpacked))
		ts.Check(err)
	}
	content, err := json.Marshal(config)
	ts.Check(err)
	manifest.Config = put(content, manifest.Config.MediaType)
	content, err = json.Marshal(manifest)
	ts.Check(err)
	ts.Check(remote.Put(reference, forgedManifest{content, manifest.MediaType}))
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	ts.Check(err)
	index.Manifests[0].Digest, index.Manifests[0].Size = digest, size
	content, err = json.Marshal(index)
	ts.Check(err)
	ts.Check(remote.Put(reference, forgedManifest{content, index.MediaType}))
}

func forgedLayer(ts *testscript.TestScript) (unpacked, packed []byte) {
	var plain, zipped bytes.Buffer
	w := tar.NewWriter(&plain)
	ts.Check(w.WriteHeader(&tar.Header{Name: "packages/package-storage/evil/1.0.0/manifest.yml", Mode: 0o644}))
	ts.Check(w.Close())
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(plain.Bytes())
	ts.Check(err)
	ts.Check(z.Close())
	return plain.Bytes(), zipped.Bytes()
}

type forgedManifest struct {
	content   []byte
	mediaType types.MediaType
}

func (m forgedManifest) RawManifest() ([]byte, error)        { return m.content, nil }
func (m forgedManifest) MediaType() (types.MediaType, error) { return m.mediaType, nil }
