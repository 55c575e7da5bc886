package base

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/image"
)

// Store keeps blobs and records.
type Store interface {
	// Blob is the path of a blob that is there and whole, else "".
	Blob(digest v1.Hash) (string, error)
	// Put takes a blob and verifies it.
	Put(digest v1.Hash, content io.Reader) error
	Record(kind, key string, value any) (bool, error)
	PutRecord(kind, key string, value any) error
}

// Request says which base is wanted.
type Request struct {
	// Repository is an image repository, "oci:<folder>" for an OCI layout, or "preview".
	Repository string
	// Version is the registry version: the tag.
	Version string
	// Digest is the base that is wanted, whatever the tag stands for now; zero: what it stands for. It is for image
	// repositories only.
	Digest v1.Hash
	// Platforms that are wanted; none means all that the base offers of Default.
	Platforms []v1.Platform
}

// Default are the platforms that distributions are built for.
var Default = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}

// PreviewName stands for the embedded preview where a reference is wanted. It names no image repository.
const PreviewName = "localhost/package-registry-preview"

// LayoutName stands for a base from an OCI layout: the folder's path would give another image on each machine.
const LayoutName = "localhost/package-registry"

// Base is a base whose blobs are in the store.
type Base struct {
	image.Base
	// Directories are the folders of each platform's image, Unpacked the size of its tars in bytes; both in the order
	// of Platforms.
	Directories []image.Directories
	Unpacked    []int64
	// Manifests describe each platform's own manifest, Configs its configuration, as they were found; both are in the
	// store.
	Manifests []v1.Descriptor
	Configs   []v1.Hash
}

// Local says that no image repository has the base under its name.
func (b Base) Local() bool { return b.Name == PreviewName || b.Name == LayoutName }

// Resolver finds bases. Store must be set.
type Resolver struct {
	Store Store
	// Preview makes the embedded preview; PreviewKey changes whenever it would come out another.
	Preview    func(context.Context) (v1.ImageIndex, error)
	PreviewKey func() string
	// Warn, if set, is told what a person should know, for instance that an old answer is used since there is no network.
	Warn func(text string)
}

// Check says whether there is a base, without bringing it in. Errors: *UnreachableError, *MissingError.
func (r *Resolver) Check(ctx context.Context, request Request) error {
	_, err := r.find(ctx, request)
	return err
}

// Resolve finds a base and sees to it that its blobs are in the store.
// Errors: *UnreachableError, *MissingError, *ReadError, *PlatformError.
func (r *Resolver) Resolve(ctx context.Context, request Request) (Base, error) {
	found, err := r.find(ctx, request)
	if err != nil {
		return Base{}, err
	}
	key := recordKey(found, request.Platforms)
	var base Base
	known, err := r.Store.Record("base", key, &base)
	if err != nil {
		return Base{}, err
	}
	if known {
		whole, err := r.whole(base)
		if err != nil {
			return Base{}, err
		}
		if whole {
			return base, found.remember()
		}
	}
	if base, err = r.bring(ctx, found, request.Platforms); err != nil {
		return Base{}, err
	}
	if err := r.Store.PutRecord("base", key, base); err != nil {
		return Base{}, err
	}
	// What was brought in may be remembered only now: before, half of it could have been missing.
	return base, found.remember()
}

// whole says whether all blobs of a base are still in the store.
func (r *Resolver) whole(base Base) (bool, error) {
	for _, digest := range base.Blobs() {
		if path, err := r.Store.Blob(digest); err != nil || path == "" {
			return false, err
		}
	}
	return true, nil
}

// Blobs are all that the base consists of, each once: manifests, configurations and layers.
func (b Base) Blobs() []v1.Hash {
	seen := map[v1.Hash]bool{}
	var blobs []v1.Hash
	add := func(digest v1.Hash) {
		if !seen[digest] {
			seen[digest] = true
			blobs = append(blobs, digest)
		}
	}
	for i, p := range b.Platforms {
		add(b.Manifests[i].Digest)
		add(b.Configs[i])
		for _, l := range p.Layers {
			add(l.Digest)
		}
	}
	return blobs
}

// recordVersion counts the changes of what a record of a base holds.
const recordVersion = 2

func recordKey(found source, platforms []v1.Platform) string {
	names := make([]string, len(platforms))
	for i, p := range platforms {
		names[i] = p.String()
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(recordVersion, " ", found.name, " ", found.digest, " ", strings.Join(names, ","))))
	return hex.EncodeToString(sum[:])
}

// PlatformError says that a base lacks a platform.
type PlatformError struct {
	Name    string
	Want    string
	Offered []string
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("base %s has no image for %s; it offers %s", e.Name, e.Want, strings.Join(e.Offered, ", "))
}

// UnreachableError says that a base could not be read.
type UnreachableError struct {
	Name string
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("base %s can't be reached: %v", e.Name, e.Err)
}

// Unwrap is the network's own error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// ReadError says that a base is there and can't be read: it is damaged or incomplete, or the preview could not be made.
type ReadError struct {
	Name string
	Err  error
}

func (e *ReadError) Error() string { return fmt.Sprintf("read base %s: %v", e.Name, e.Err) }

// Unwrap is what went wrong.
func (e *ReadError) Unwrap() error { return e.Err }

// MissingError says that the image repository, or the layout, has no such base.
type MissingError struct{ Name, Why string }

func (e *MissingError) Error() string { return fmt.Sprintf("there is no base %s: %s", e.Name, e.Why) }
