package base

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/pkg/errors"
)

// source is where a base comes from: what it is called, which bytes it is, and how to get at them.
type source struct {
	name   string // as in FROM, without the tag
	full   string // for people
	digest v1.Hash
	images func() ([]candidate, error)
	// remember keeps what tag stands for which digest, for when there is no network.
	remember func() error
}

// candidate is the image of one platform.
type candidate struct {
	platform v1.Platform
	image    v1.Image
}

func (r *Resolver) find(ctx context.Context, request Request) (source, error) {
	if request.Repository == "preview" {
		return r.findPreview(ctx)
	}
	if folder, isLayout := strings.CutPrefix(request.Repository, "oci:"); isLayout {
		return findInLayout(folder, request.Version)
	}
	return r.findRemote(ctx, request)
}

// remembered is the record of a digest that something stood for.
type remembered struct{ Digest v1.Hash }

// keep writes the record, unless it says so already.
func (r *Resolver) keep(kind, key string, digest v1.Hash) error {
	var last remembered
	known, err := r.Store.Record(kind, key, &last)
	if err != nil || known && last.Digest == digest {
		return err
	}
	return r.Store.PutRecord(kind, key, remembered{digest})
}

func (r *Resolver) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

func (r *Resolver) findPreview(ctx context.Context) (source, error) {
	key := r.PreviewKey()
	found := source{name: PreviewName, full: "preview", remember: func() error { return nil }}
	build := func() (v1.ImageIndex, error) { return r.Preview(ctx) }
	var last remembered
	known, err := r.Store.Record("preview", key, &last)
	if err != nil {
		return source{}, err
	}
	if known {
		found.digest = last.Digest
		found.images = func() ([]candidate, error) {
			index, err := build()
			if err != nil {
				return nil, err
			}
			return indexImages(index)
		}
		return found, nil
	}
	index, err := build()
	if err != nil {
		return source{}, &ReadError{found.full, err}
	}
	if found.digest, err = index.Digest(); err != nil {
		return source{}, err
	}
	found.images = func() ([]candidate, error) { return indexImages(index) }
	found.remember = func() error { return r.keep("preview", key, found.digest) }
	return found, nil
}

// refName is the annotation by which a layout names its images (OCI image-layout spec).
const refName = "org.opencontainers.image.ref.name"

func findInLayout(folder, version string) (source, error) {
	full := "oci:" + folder
	path, err := layout.FromPath(folder)
	if err != nil {
		return source{}, &MissingError{full, "the folder is no OCI layout (" + err.Error() + ")"}
	}
	index, err := path.ImageIndex()
	if err != nil {
		return source{}, &MissingError{full, err.Error()}
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return source{}, &MissingError{full, err.Error()}
	}
	chosen, err := choose(manifest.Manifests, version)
	if err != nil {
		return source{}, &MissingError{full, err.Error()}
	}
	found := source{name: LayoutName, full: full, digest: chosen.Digest, remember: func() error { return nil }}
	found.images = func() ([]candidate, error) {
		if chosen.MediaType.IsIndex() {
			nested, err := index.ImageIndex(chosen.Digest)
			if err != nil {
				return nil, err
			}
			return indexImages(nested)
		}
		one, err := index.Image(chosen.Digest)
		if err != nil {
			return nil, err
		}
		return singleImage(one)
	}
	return found, nil
}

// choose takes the image that is called like the registry version, else the only one there is.
func choose(manifests []v1.Descriptor, version string) (v1.Descriptor, error) {
	var names []string
	for _, d := range manifests {
		named := d.Annotations[refName]
		if named == version {
			return d, nil
		}
		names = append(names, named)
	}
	switch len(manifests) {
	case 0:
		return v1.Descriptor{}, errors.New("the layout holds no image")
	case 1:
		return manifests[0], nil
	}
	return v1.Descriptor{}, errors.Errorf("the layout holds %d images, none called %s (%s)", len(manifests), version,
		strings.Join(names, ", "))
}

func (r *Resolver) findRemote(ctx context.Context, request Request) (source, error) {
	full := request.Repository + ":" + request.Version
	ref, err := name.NewTag(full)
	if err != nil {
		return source{}, &MissingError{full, err.Error()}
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	sum := sha256.Sum256([]byte(full))
	key := hex.EncodeToString(sum[:])
	found := source{name: request.Repository, full: full, remember: func() error { return nil }}

	descriptor := &v1.Descriptor{Digest: request.Digest}
	if request.Digest == (v1.Hash{}) {
		descriptor, err = remote.Head(ref, options...)
	}
	switch {
	case err != nil:
		var last remembered
		known, recordErr := r.Store.Record("tag", key, &last)
		if recordErr != nil {
			return source{}, recordErr
		}
		if why := answered(err); why != "" {
			return source{}, &MissingError{full, why}
		}
		if ctx.Err() != nil {
			return source{}, ctx.Err()
		}
		if !known {
			return source{}, &UnreachableError{full, err}
		}
		r.warn("base " + full + " can't be reached; what it was when last seen is used: " + last.Digest.String())
		found.digest = last.Digest
	case request.Digest != (v1.Hash{}):
		found.digest = request.Digest
	default:
		found.digest = descriptor.Digest
		found.remember = func() error { return r.keep("tag", key, found.digest) }
	}
	found.images = func() ([]candidate, error) {
		fetched, err := remote.Get(ref.Context().Digest(found.digest.String()), options...)
		if err != nil {
			return nil, &UnreachableError{full, err}
		}
		if !fetched.MediaType.IsIndex() {
			one, err := fetched.Image()
			if err != nil {
				return nil, err
			}
			return singleImage(one)
		}
		index, err := fetched.ImageIndex()
		if err != nil {
			return nil, err
		}
		return indexImages(index)
	}
	return found, nil
}

// answered says what an image repository gave as its reason, where it was one that trying again would not change; ""
// where it could not be reached.
func answered(err error) string {
	var failed *transport.Error
	if !errors.As(err, &failed) {
		return ""
	}
	switch failed.StatusCode {
	case http.StatusNotFound:
		return "the image repository does not know it"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the image repository refuses it (" + http.StatusText(failed.StatusCode) + "): log in, or it does not exist"
	}
	return ""
}

func indexImages(index v1.ImageIndex) ([]candidate, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var images []candidate
	for _, d := range manifest.Manifests {
		if d.Platform == nil || !d.MediaType.IsImage() {
			continue
		}
		one, err := index.Image(d.Digest)
		if err != nil {
			return nil, err
		}
		images = append(images, candidate{*d.Platform, one})
	}
	return images, nil
}

// singleImage is a base that is no index: its platform stands in its config.
func singleImage(one v1.Image) ([]candidate, error) {
	config, err := one.ConfigFile()
	if err != nil {
		return nil, err
	}
	return []candidate{{v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}, one}}, nil
}
