package base_test

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/image"
)

// packedLayer is a layer as it is stored. Its media type may lie.
type packedLayer struct {
	packed    []byte
	diffID    v1.Hash
	mediaType types.MediaType
}

func (l *packedLayer) Digest() (v1.Hash, error) {
	d, _, err := v1.SHA256(bytes.NewReader(l.packed))
	return d, err
}
func (l *packedLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *packedLayer) Size() (int64, error)                { return int64(len(l.packed)), nil }
func (l *packedLayer) MediaType() (types.MediaType, error) { return l.mediaType, nil }
func (l *packedLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.packed)), nil
}
func (l *packedLayer) Uncompressed() (io.ReadCloser, error) { panic("nobody should unpack it twice") }

// folderTar is a tar of one folder, and padding as tar programs write it.
func folderTar(t *testing.T, header tar.Header, padding int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	header.Typeflag = tar.TypeDir
	if err := w.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out.Write(make([]byte, padding))
	return out.Bytes()
}

func layerOf(t *testing.T, archive []byte, mediaType types.MediaType, pack func([]byte) []byte) v1.Layer {
	t.Helper()
	diffID, _, err := v1.SHA256(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	return &packedLayer{packed: pack(archive), diffID: diffID, mediaType: mediaType}
}

func plain(archive []byte) []byte { return archive }

func gzipped(archive []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(archive)
	w.Close()
	return out.Bytes()
}

func zstandard(archive []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(archive, nil)
}

// TestSurvey: folders are found in layers however they are packed, whatever their media type says.
func TestSurvey(t *testing.T) {
	layers := []v1.Layer{
		layerOf(t, folderTar(t, tar.Header{Name: "plain/", Mode: 0o755}, 0), types.OCIUncompressedLayer, plain),
		layerOf(t, folderTar(t, tar.Header{Name: "gzip/", Mode: 0o700, Uid: 5, Gid: 6}, 0), types.OCILayer, gzipped),
		layerOf(t, folderTar(t, tar.Header{Name: "zstd/", Mode: 0o1777}, 0), types.OCILayerZStd, zstandard),
		layerOf(t, folderTar(t, tar.Header{Name: "wrong/", Mode: 0o711}, 0), types.OCILayer, zstandard),
		layerOf(t, folderTar(t, tar.Header{Name: "padded/", Mode: 0o711}, 8192), types.OCILayer, gzipped),
	}
	built, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := built.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if built, err = mutate.ConfigFile(built, config); err != nil {
		t.Fatal(err)
	}
	repository, store := newRepository(t), openCache(t)
	repository.push(t, "v1.0.0", built)
	got := resolve(t, store, repository.request("v1.0.0"))
	want := image.Directories{
		"plain": {Mode: 0o755}, "gzip": {Mode: 0o700, UID: 5, GID: 6}, "zstd": {Mode: 0o1777}, "wrong": {Mode: 0o711}, "padded": {Mode: 0o711},
	}
	same(t, "directories", got.Directories[0], want)
	if want := int64(5*1536 + 8192); got.Unpacked[0] != want {
		t.Errorf("unpacked it is %d bytes, want %d", got.Unpacked[0], want)
	}
	for i, l := range got.Platforms[0].Layers {
		was := layers[i].(*packedLayer)
		if l.Digest != digestOf(t, was) || l.DiffID != was.diffID || l.MediaType != was.mediaType || l.Size != int64(len(was.packed)) {
			t.Errorf("layer %d is %+v", i, l)
		}
	}
}
