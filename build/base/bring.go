package base

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/build/image"
)

// bring puts the blobs of the wanted platforms into the store.
func (r *Resolver) bring(ctx context.Context, found source, wanted []v1.Platform) (Base, error) {
	images, err := found.images()
	if err != nil {
		return Base{}, found.unreadable(err)
	}
	chosen, err := selectPlatforms(found.full, images, wanted)
	if err != nil {
		return Base{}, err
	}
	base := Base{Base: image.Base{Name: found.name, Digest: found.digest}}
	for _, c := range chosen {
		if err := r.bringImage(ctx, &base, c); err != nil {
			return Base{}, found.unreadable(errors.Wrap(err, c.platform.String()))
		}
	}
	return base, nil
}

// unreadable leaves alone what is not about the base, such as a full disk.
func (s source) unreadable(err error) error {
	var reason syscall.Errno
	var unreachable *UnreachableError
	full := errors.As(err, &reason) && (reason == syscall.ENOSPC || reason == syscall.EDQUOT)
	if full || errors.As(err, &unreachable) {
		return err
	}
	return &ReadError{s.full, err}
}

// selectPlatforms takes the wanted platforms, all of which must be there; where none is wanted, those of Default that
// are.
func selectPlatforms(full string, images []candidate, wanted []v1.Platform) ([]candidate, error) {
	required := len(wanted) > 0
	if !required {
		wanted = Default
	}
	var chosen []candidate
	offered := make([]string, len(images))
	for i, c := range images {
		offered[i] = c.platform.String()
	}
	for _, want := range wanted {
		match := -1
		for i, c := range images {
			if c.platform.OS == want.OS && c.platform.Architecture == want.Architecture &&
				(want.Variant == "" || c.platform.Variant == want.Variant) {
				match = i
				break
			}
		}
		if match >= 0 {
			chosen = append(chosen, images[match])
		} else if required {
			return nil, &PlatformError{full, want.String(), offered}
		}
	}
	if len(chosen) == 0 {
		return nil, &PlatformError{full, "linux/amd64 or linux/arm64", offered}
	}
	return chosen, nil
}

func (r *Resolver) bringImage(ctx context.Context, base *Base, c candidate) error {
	config, err := c.image.ConfigFile()
	if err != nil {
		return err
	}
	manifest, err := r.bringDocuments(c)
	if err != nil {
		return err
	}
	configDigest, err := c.image.ConfigName()
	if err != nil {
		return err
	}
	layers, err := c.image.Layers()
	if err != nil {
		return err
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return errors.Errorf("its manifest has %d layers, its config %d", len(layers), len(config.RootFS.DiffIDs))
	}
	platform := image.Platform{Platform: c.platform, Config: *config, Layers: make([]image.Layer, len(layers))}
	// A few at a time: most of a base is one large layer, and more connections than that are rarely welcome.
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, l := range layers {
		group.Go(func() (err error) {
			platform.Layers[i], err = r.bringLayer(l)
			platform.Layers[i].DiffID = config.RootFS.DiffIDs[i]
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	directories, unpacked, err := r.survey(platform.Layers)
	if err != nil {
		return err
	}
	base.Platforms = append(base.Platforms, platform)
	base.Directories = append(base.Directories, directories)
	base.Unpacked = append(base.Unpacked, unpacked)
	base.Manifests = append(base.Manifests, manifest)
	base.Configs = append(base.Configs, configDigest)
	return nil
}

// bringDocuments keeps manifest and configuration as they are, and describes the manifest.
func (r *Resolver) bringDocuments(c candidate) (v1.Descriptor, error) {
	descriptor, err := partial.Descriptor(c.image)
	if err != nil {
		return v1.Descriptor{}, err
	}
	platform := c.platform
	descriptor.Platform = &platform
	descriptor.ArtifactType = "" // of no use for an image, and not all bases come with it
	manifest, err := c.image.RawManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := r.Store.Put(descriptor.Digest, bytes.NewReader(manifest)); err != nil {
		return v1.Descriptor{}, err
	}
	config, err := c.image.RawConfigFile()
	if err != nil {
		return v1.Descriptor{}, err
	}
	digest, err := c.image.ConfigName()
	if err != nil {
		return v1.Descriptor{}, err
	}
	return *descriptor, r.Store.Put(digest, bytes.NewReader(config))
}

func (r *Resolver) bringLayer(l v1.Layer) (image.Layer, error) {
	var out image.Layer
	var err error
	if out.Digest, err = l.Digest(); err != nil {
		return out, err
	}
	if out.Size, err = l.Size(); err != nil {
		return out, err
	}
	if out.MediaType, err = l.MediaType(); err != nil {
		return out, err
	}
	path, err := r.Store.Blob(out.Digest)
	if err != nil || path != "" {
		return out, err
	}
	packed, err := l.Compressed()
	if err != nil {
		return out, err
	}
	defer packed.Close()
	return out, r.Store.Put(out.Digest, packed)
}

// survey reads the tars of an image's layers once, for the folders in them and their size.
func (r *Resolver) survey(layers []image.Layer) (image.Directories, int64, error) {
	var counted counter
	readers := make([]io.Reader, 0, len(layers))
	for _, l := range layers {
		path, err := r.Store.Blob(l.Digest)
		if err != nil {
			return nil, 0, err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		tar, err := unpack(f)
		if err != nil {
			return nil, 0, errors.Wrapf(err, "unpack layer %s", l.Digest)
		}
		defer tar.Close()
		readers = append(readers, io.TeeReader(tar, &counted))
	}
	directories, err := image.ReadDirectories(readers...)
	if err != nil {
		return nil, 0, err
	}
	for _, rest := range readers {
		// A tar may be padded behind its end.
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return nil, 0, err
		}
	}
	return directories, int64(counted), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// unpack goes by the first bytes: media types in the wild are not always right.
func unpack(packed io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(packed, 64<<10)
	magic, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}
