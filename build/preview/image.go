package preview

import (
	"archive/tar"
	"bytes"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// The paths are the real registry's image's, so that one Dockerfile.tmpl fits both.
const (
	homeFolder = "/package-registry"
	executable = homeFolder + "/package-registry"
)

var epoch = time.Unix(0, 0).UTC()

// newImage is an image from scratch of one executable.
func newImage(platform v1.Platform, binary []byte) (v1.Image, error) {
	l, err := newLayer(binary)
	if err != nil {
		return nil, err
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS:           platform.OS,
		Architecture: platform.Architecture,
		Created:      v1.Time{Time: epoch},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:         "1000:1000",
			WorkingDir:   homeFolder,
			Entrypoint:   []string{executable}, // absolute: it starts whatever WORKDIR is put on top
			ExposedPorts: map[string]struct{}{"8080/tcp": {}},
			Env:          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Healthcheck: &v1.HealthConfig{
				Test:        []string{"CMD", executable, "-healthcheck"},
				Interval:    5 * time.Second,
				Timeout:     5 * time.Second,
				StartPeriod: 10 * time.Second,
				Retries:     3,
			},
		},
	})
	if err != nil {
		return nil, err
	}
	img = mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
	return mutate.Append(img, mutate.Addendum{
		Layer:     l,
		MediaType: types.OCILayer,
		History: v1.History{
			Created:   v1.Time{Time: epoch},
			CreatedBy: "COPY package-registry " + executable,
			Comment:   "the embedded preview registry",
		},
	})
}

// writeTar writes the layer's tar: the folders that the image has, and the executable.
func writeTar(w io.Writer, binary []byte) error {
	archive := tar.NewWriter(w)
	for _, header := range []tar.Header{
		{Name: "package-registry/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "package-registry/package-registry", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(binary))},
		{Name: "packages/", Typeflag: tar.TypeDir, Mode: 0o755},
	} {
		header.Format = tar.FormatUSTAR
		header.ModTime = epoch
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := archive.Write(binary); err != nil {
				return err
			}
		}
	}
	return archive.Close()
}

// layer is a gzip layer in memory. gzip, since every engine reads it; klauspost's, since its bytes hang on go.mod and
// not on the Go version (moby#53279).
type layer struct {
	digest, diffID v1.Hash
	compressed     []byte
}

func newLayer(binary []byte) (*layer, error) {
	var plain, compressed bytes.Buffer
	if err := writeTar(&plain, binary); err != nil {
		return nil, err
	}
	compressor, err := gzip.NewWriterLevel(&compressed, 3) // 5 % larger than at 6, in half the time
	if err != nil {
		return nil, err
	}
	if _, err := compressor.Write(plain.Bytes()); err != nil {
		return nil, err
	}
	if err := compressor.Close(); err != nil {
		return nil, err
	}
	l := &layer{compressed: compressed.Bytes()}
	if l.diffID, _, err = v1.SHA256(&plain); err != nil {
		return nil, err
	}
	l.digest, _, err = v1.SHA256(bytes.NewReader(l.compressed))
	return l, err
}

func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layer) Size() (int64, error)                { return int64(len(l.compressed)), nil }
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.compressed)), nil
}
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.compressed))
}
