package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/cache"
	"github.com/seed-604f7181/package-storage/build/image"
)

// OutputError says why the output folder can't be written.
type OutputError struct {
	Dir string
	Err error
}

func (e *OutputError) Error() string {
	// The file is one that goes again; what counts is the folder, and why.
	var reason syscall.Errno
	if errors.As(e.Err, &reason) {
		return "write into " + e.Dir + ": " + reason.Error()
	}
	return "write into " + e.Dir + ": " + e.Err.Error()
}

// Unwrap is the operating system's error.
func (e *OutputError) Unwrap() error { return e.Err }

// prepareOutput finds out whether the output folder can be written before any work is done.
func (s *Session) prepareOutput() error {
	if s.config.DryRun {
		return nil
	}
	if err := os.MkdirAll(s.config.Dist, 0o755); err != nil {
		return &OutputError{s.config.Dist, err}
	}
	probe, err := os.OpenFile(filepath.Join(s.config.Dist, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return &OutputError{s.config.Dist, err}
	}
	return probe.Close()
}

// lockName is the file by which processes take turns in an output folder.
const lockName = ".lock"

// deliver fills a folder beside its place and then puts it there, for all to see at once. One process at a time does
// so in an output folder; what an earlier one left half done is removed.
func (s *Session) deliver(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	place := filepath.Join(s.config.Dist, name)
	lock := flock.New(filepath.Join(s.config.Dist, lockName))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return "", &OutputError{place, err}
	}
	defer lock.Close()
	if !ours(place) {
		return "", &OutputError{place, errors.New("something else is there, which this would remove")}
	}
	beside := filepath.Join(s.config.Dist, "."+name+".new")
	if err := os.RemoveAll(beside); err != nil {
		return "", &OutputError{place, err}
	}
	defer os.RemoveAll(beside)
	if err := os.Mkdir(beside, 0o755); err != nil {
		return "", &OutputError{place, err}
	}
	if err := fill(beside); err != nil {
		return "", outputError(place, err)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := replace(beside, place); err != nil {
		return "", &OutputError{place, err}
	}
	return place, nil
}

// ours says whether a place may be written over: nothing is there, or what a build or assemble left.
func ours(place string) bool {
	entries, err := os.ReadDir(place)
	if err != nil {
		return os.IsNotExist(err)
	}
	for _, e := range entries {
		if e.Name() == listingName {
			return true
		}
	}
	return len(entries) == 0
}

// outputError leaves alone what is not about the output folder, such as a package that is wrong.
func outputError(place string, err error) error {
	var reason syscall.Errno
	var other *cache.WriteError
	if errors.As(err, &reason) && !errors.As(err, &other) {
		return &OutputError{place, err}
	}
	return err
}

// writeBuild writes dist/<name>.
func (s *Session) writeBuild(ctx context.Context, d *draft, index image.Index, report *BuildReport, watch *watch) (string, error) {
	return s.deliver(ctx, d.distribution.Name, func(dir string) error {
		if err := s.writeLayout(filepath.Join(dir, "image"), d.distribution.Tag, index, report.elsewhere()); err != nil {
			return err
		}
		if err := d.writeFiles(dir); err != nil {
			return err
		}
		watch.lap("write")
		report.finish(watch)
		content, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, reportName), append(content, '\n'))
	})
}

// writeFiles writes what a docker build context and the output of a build have in common.
func (d *draft) writeFiles(dir string) error {
	for _, f := range []struct {
		name    string
		content []byte
	}{{dockerfileName, d.dockerfile}, {configName, d.config}, {listingName, d.listing}} {
		if err := writeFile(filepath.Join(dir, f.name), f.content); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file that everybody may read, whatever the umask is: docker build takes its mode over.
func writeFile(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}

// writeLayout writes an OCI image layout (image-spec, image-layout.md) whose blobs are links into the cache, but for
// layers that are only in the image repository.
func (s *Session) writeLayout(dir, tag string, index image.Index, elsewhere map[v1.Hash]bool) error {
	small := []image.Blob{index.Blob}
	seen := map[v1.Hash]bool{}
	var large []v1.Hash
	for _, one := range index.Images {
		small = append(small, one.Config, one.Manifest)
		for _, l := range one.Layers {
			if !seen[l.Digest] && !elsewhere[l.Digest] {
				seen[l.Digest] = true
				large = append(large, l.Digest)
			}
		}
	}
	return s.layout(dir, tag, index.Descriptor, small, large)
}

// writeBase writes an OCI image layout of a base, all of whose blobs are in the cache.
func (s *Session) writeBase(dir, tag string, b base.Base) error {
	manifests := make([]v1.Descriptor, len(b.Manifests))
	copy(manifests, b.Manifests)
	content, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: manifests})
	if err != nil {
		return errors.Wrap(err, "write the base's index")
	}
	index := image.Blob{Content: content, Descriptor: v1.Descriptor{
		MediaType: types.OCIImageIndex, Size: int64(len(content)), Digest: v1.Hash{Algorithm: "sha256", Hex: sum(content)},
	}}
	return s.layout(dir, tag, index.Descriptor, []image.Blob{index}, b.Blobs())
}

// layout writes the files of a layout; top is what its index.json names.
func (s *Session) layout(dir, tag string, top v1.Descriptor, small []image.Blob, large []v1.Hash) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	for _, digest := range large {
		if err := s.cache.Link(digest, filepath.Join(blobs, digest.Hex)); err != nil {
			return err
		}
	}
	for _, b := range small {
		if err := writeFile(filepath.Join(blobs, b.Descriptor.Digest.Hex), b.Content); err != nil {
			return err
		}
	}
	top.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{top}})
	if err != nil {
		return errors.Wrap(err, "write index.json")
	}
	if err := writeFile(filepath.Join(dir, "index.json"), index); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`))
}
