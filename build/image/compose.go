package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"
)

// Layer is a packed layer, wherever its bytes are.
type Layer struct {
	// MediaType may be Docker's; Compose rewrites it.
	MediaType types.MediaType
	// Digest is of the packed bytes, DiffID of the tar. A base's layer may leave DiffID to its configuration.
	Digest, DiffID v1.Hash
	// Size is that of the packed bytes.
	Size        int64
	Annotations map[string]string
	// CreatedBy is for the history; "" takes the step's.
	CreatedBy string
}

// Base is the registry's image, for all platforms that it offers and that are wanted.
type Base struct {
	// Name is its reference, Digest that of its index, or of its manifest if it has no index.
	Name      string
	Digest    v1.Hash
	Platforms []Platform
}

// Platform is one platform's image of a base.
type Platform struct {
	Platform v1.Platform
	Config   v1.ConfigFile
	// Layers are the lowest first.
	Layers []Layer
}

// ComposedStep is a Step whose files have become layers: one for entries, any number for packages.
type ComposedStep struct {
	CreatedBy string
	Empty     bool
	Layers    []Layer
}

// Blob is a small part of an image: config, manifest or index.
type Blob struct {
	Descriptor v1.Descriptor
	Content    []byte
}

// Image is one platform's.
type Image struct {
	Platform v1.Platform
	// Manifest's descriptor carries the platform, as an index wants it.
	Config, Manifest Blob
	// Layers are all of them, the base's first, as in the manifest, with OCI media types and diff ids.
	Layers []Layer
}

// Index refers to the images of all platforms.
type Index struct {
	Blob
	Images []Image
}

// MaxLayers is the most that an image may have. Docker can stack 125, containers/storage 128; a derived image needs
// some room.
const MaxLayers = 100

// TooManyLayersError says that base and Dockerfile together exceed MaxLayers.
type TooManyLayersError struct {
	Platform   v1.Platform
	Base, Ours int
}

func (e *TooManyLayersError) Error() string {
	return fmt.Sprintf("%s: %d layers, %d of the base and %d above; an image may have %d: take a base with fewer layers,"+
		" or put the packages into larger ones", e.Platform, e.Base+e.Ours, e.Base, e.Ours, MaxLayers)
}

// Compose makes one platform's image: base with config's settings (as in Result; its RootFS and History do not count)
// and with the steps' layers above. Media types become OCI's throughout. created is the image's time and that of its
// new history. The same arguments give the same bytes. The error is a *TooManyLayersError if that is what is wrong.
func Compose(
	base Platform, config v1.ConfigFile, created time.Time, steps []ComposedStep, annotations map[string]string,
) (Image, error) {
	layers, err := stackLayers(base, steps)
	if err != nil {
		return Image{}, err
	}
	file := plainConfig(config)
	file.Created = v1.Time{Time: created.UTC()}
	file.History = append(baseHistory(base, file.Created), stepHistory(steps, file.Created)...)
	file.RootFS = v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}}
	descriptors := []v1.Descriptor{}
	for _, l := range layers {
		file.RootFS.DiffIDs = append(file.RootFS.DiffIDs, l.DiffID)
		descriptors = append(descriptors, v1.Descriptor{
			MediaType: l.MediaType, Digest: l.Digest, Size: l.Size, Annotations: l.Annotations,
		})
	}
	image := Image{Platform: base.Platform, Layers: layers}
	if image.Config, err = newBlob(types.OCIConfigJSON, file); err != nil {
		return Image{}, err
	}
	image.Manifest, err = newBlob(types.OCIManifestSchema1, v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        image.Config.Descriptor,
		Layers:        descriptors,
		Annotations:   annotations,
	})
	platform := base.Platform
	image.Manifest.Descriptor.Platform = &platform
	return image, err
}

// ComposeIndex makes the index of images, in their order. Two images of one platform are an error.
func ComposeIndex(images []Image, annotations map[string]string) (Index, error) {
	if len(images) == 0 {
		return Index{}, fmt.Errorf("an index of no images")
	}
	manifests := make([]v1.Descriptor, len(images))
	seen := map[string]bool{}
	for i, image := range images {
		name := image.Platform.String()
		if seen[name] {
			return Index{}, fmt.Errorf("two images for %s", name)
		}
		seen[name] = true
		manifests[i] = image.Manifest.Descriptor
	}
	blob, err := newBlob(types.OCIImageIndex, v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests:     manifests,
		Annotations:   annotations,
	})
	return Index{Blob: blob, Images: images}, err
}

// newBlob marshals content: structs and maps with sorted keys, so that equal contents are equal bytes.
func newBlob(mediaType types.MediaType, content any) (Blob, error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return Blob{}, errors.Wrapf(err, "compose %s", mediaType)
	}
	sum := sha256.Sum256(raw)
	return Blob{Content: raw, Descriptor: v1.Descriptor{
		MediaType: mediaType,
		Size:      int64(len(raw)),
		Digest:    v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])},
	}}, nil
}

// stackLayers are the base's and the steps', checked and with OCI media types.
func stackLayers(base Platform, steps []ComposedStep) ([]Layer, error) {
	diffIDs := base.Config.RootFS.DiffIDs
	if len(diffIDs) != len(base.Layers) {
		return nil, fmt.Errorf("the base for %s has %d layers, and its configuration knows of %d",
			base.Platform, len(base.Layers), len(diffIDs))
	}
	layers := make([]Layer, 0, len(base.Layers))
	for i, l := range base.Layers {
		if l.DiffID == (v1.Hash{}) {
			l.DiffID = diffIDs[i]
		}
		if l.DiffID != diffIDs[i] {
			return nil, fmt.Errorf("layer %d of the base for %s: diff id %s, and %s in its configuration",
				i+1, base.Platform, l.DiffID, diffIDs[i])
		}
		layers = append(layers, l)
	}
	for _, step := range steps {
		if step.Empty && len(step.Layers) > 0 {
			return nil, fmt.Errorf("%s: %d layers of a step that changes no file", step.CreatedBy, len(step.Layers))
		}
		layers = append(layers, step.Layers...)
	}
	if len(layers) > MaxLayers {
		return nil, &TooManyLayersError{Platform: base.Platform, Base: len(base.Layers), Ours: len(layers) - len(base.Layers)}
	}
	for i, l := range layers {
		mediaType, err := ociLayer(l.MediaType)
		if err != nil {
			return nil, errors.Wrapf(err, "layer %d for %s (%s)", i+1, base.Platform, l.Digest)
		}
		if l.Digest.Hex == "" || l.DiffID.Hex == "" || l.Size <= 0 {
			return nil, fmt.Errorf("layer %d for %s: digest, diff id or size is missing", i+1, base.Platform)
		}
		layers[i].MediaType = mediaType
	}
	return layers, nil
}

// dockerZstd is what containerd calls a Docker layer packed with zstd (core/images/mediatypes.go).
const dockerZstd types.MediaType = "application/vnd.docker.image.rootfs.diff.tar.zstd"

// ociLayer is OCI's name for a layer's media type: the bytes are the same under both names, and podman and some image
// repositories refuse a mixture (rules_img#518).
func ociLayer(t types.MediaType) (types.MediaType, error) {
	switch t {
	case types.OCILayer, types.OCILayerZStd, types.OCIUncompressedLayer:
		return t, nil
	case types.DockerLayer:
		return types.OCILayer, nil
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer, nil
	case dockerZstd:
		return types.OCILayerZStd, nil
	}
	if !t.IsDistributable() {
		return "", fmt.Errorf("%s can't be distributed; take a base without such layers", t)
	}
	return "", fmt.Errorf("%q is no media type of a layer", t)
}
