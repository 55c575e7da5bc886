package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// NothingBuiltError says that there is nothing to push.
type NothingBuiltError struct{ Dist string }

func (e *NothingBuiltError) Error() string {
	return "there is no image of any distribution in " + e.Dist
}

// BuiltError says that what lies in the output folder is not what a build leaves there.
type BuiltError struct {
	Dir string
	Err error
}

func (e *BuiltError) Error() string { return fmt.Sprintf("read the build in %s: %v", e.Dir, e.Err) }

// Unwrap is what is wrong.
func (e *BuiltError) Unwrap() error { return e.Err }

// UnpushableError says that an image may not be pushed there.
type UnpushableError struct{ Distribution, Why, WayOut string }

func (e *UnpushableError) Error() string { return e.Why }

// built is an image that a build left in the output folder.
type built struct {
	distribution distribution.Distribution
	dir          string
	report       BuildReport
	index        publish.Manifest
	manifests    []builtManifest
}

// builtManifest is one platform's.
type builtManifest struct {
	publish.Manifest
	parsed v1.Manifest
}

// Built are the names of the distributions whose images lie in the output folder and may be pushed, upstream before
// downstream. Errors: *NothingBuiltError, *BuiltError, *UnpushableError, *publish.LocationError.
func (s *Session) Built(ctx context.Context) ([]string, error) {
	unlock, err := s.lockOutput(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var names []string
	for _, d := range s.table.UpstreamFirst() {
		b, err := s.readBuilt(d)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		if err := s.pushable(b); err != nil {
			return nil, err
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return nil, &NothingBuiltError{s.config.Dist}
	}
	return names, nil
}

// pushable says why an image may not be pushed to where it would go.
func (s *Session) pushable(b *built) error {
	repository, err := s.repository(b.distribution)
	if err != nil {
		return err
	}
	name := b.distribution.Name
	switch {
	case !b.report.Pushable:
		return &UnpushableError{name, "the image of " + name + " holds uncommitted packages (WITH), and a commit's tag must not name it",
			"commit them, or build without WITH"}
	case b.report.Sample && !repository.Loopback():
		return &UnpushableError{name, "the image of " + name + " is the sample storage's, which goes to an image repository on this machine only, not to " +
			repository.Name(), "set STORAGE and build again, or set IMAGE to a repository on 127.0.0.1"}
	}
	return nil
}

// lockOutput keeps builds from replacing what is being read; other pushes may read as well.
func (s *Session) lockOutput(ctx context.Context) (unlock func(), err error) {
	if _, err := os.Stat(s.config.Dist); err != nil {
		return nil, &NothingBuiltError{s.config.Dist}
	}
	lock := flock.New(filepath.Join(s.config.Dist, lockName))
	if _, err := lock.TryRLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, &OutputError{s.config.Dist, err}
	}
	return func() { lock.Close() }, nil
}

// readBuilt reads what a build left of a distribution; nil where there is nothing.
func (s *Session) readBuilt(d distribution.Distribution) (*built, error) {
	dir := filepath.Join(s.config.Dist, d.Name)
	if _, err := os.Stat(filepath.Join(dir, reportName)); os.IsNotExist(err) {
		return nil, nil
	}
	b := &built{distribution: d, dir: dir}
	if err := b.read(); err != nil {
		return nil, &BuiltError{dir, err}
	}
	return b, nil
}

func (b *built) read() error {
	if err := readJSON(filepath.Join(b.dir, reportName), &b.report); err != nil {
		return err
	}
	digest, err := v1.NewHash(b.report.Index)
	if err != nil {
		return errors.Wrap(err, reportName)
	}
	var index v1.IndexManifest
	if b.index, err = b.manifest(digest, types.OCIImageIndex, &index); err != nil {
		return err
	}
	for _, d := range index.Manifests {
		var one builtManifest
		if one.Manifest, err = b.manifest(d.Digest, d.MediaType, &one.parsed); err != nil {
			return err
		}
		b.manifests = append(b.manifests, one)
	}
	inputs, ok := readInputs(index.Annotations)
	if !ok || index.Annotations[InputsAnnotation] != b.report.InputsID || inputs.Commit != b.report.Inputs.Commit {
		return errors.New("its index and " + reportName + " say different things")
	}
	b.report.Pushable = b.report.Pushable && len(inputs.Uncommitted) == 0
	b.report.Inputs = inputs
	return nil
}

// manifest reads a manifest of the layout, and verifies it.
func (b *built) manifest(digest v1.Hash, mediaType types.MediaType, parsed any) (publish.Manifest, error) {
	content, err := os.ReadFile(b.blobPath(digest))
	if err != nil {
		return publish.Manifest{}, err
	}
	if sum(content) != digest.Hex {
		return publish.Manifest{}, errors.Errorf("manifest %s is damaged", digest)
	}
	err = json.NewDecoder(bytes.NewReader(content)).Decode(parsed)
	return publish.Manifest{Digest: digest, MediaType: mediaType, Content: content}, errors.Wrapf(err, "manifest %s", digest)
}

func (b *built) blobPath(digest v1.Hash) string {
	return filepath.Join(b.dir, "image", "blobs", digest.Algorithm, digest.Hex)
}

// has says whether a blob's bytes are here.
func (b *built) has(digest v1.Hash) bool {
	_, err := os.Stat(b.blobPath(digest))
	return err == nil
}

// open gives a blob's bytes.
func (b *built) open(digest v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(b.blobPath(digest))
	if os.IsNotExist(err) {
		return nil, &publish.MissingBlobError{Digest: digest}
	}
	return f, err
}

// blobs are all that the manifests refer to, each once.
func (b *built) blobs() []v1.Descriptor {
	var all []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, m := range b.manifests {
		for _, d := range append([]v1.Descriptor{m.parsed.Config}, m.parsed.Layers...) {
			if !seen[d.Digest] {
				seen[d.Digest] = true
				all = append(all, d)
			}
		}
	}
	return all
}

func readJSON(path string, value any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Wrap(json.Unmarshal(content, value), filepath.Base(path))
}
