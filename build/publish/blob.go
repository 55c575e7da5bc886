package publish

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"
)

// Blob is a packed layer or a configuration that an image needs.
type Blob struct {
	v1.Descriptor
	// Open gives its bytes. It is called for each try, and not at all where the image repository has the blob.
	Open func() (io.ReadCloser, error)
	// From names another repository of the same host that has the blob: it is mounted from there, if that works.
	From string
	// Progress, if set, is told how many bytes were sent, less what has to be sent again.
	Progress func(bytes int64)
}

// Send sees to it that the repository has a blob; sent is false where it needed not be sent. The error is an *Error, or
// Open's.
func (r *Repository) Send(ctx context.Context, b Blob) (sent bool, err error) {
	l := &blobLayer{blob: b}
	var one v1.Layer = l
	if from, err := name.NewRepository(b.From); b.From != "" && err == nil && from.Registry.Name() == r.name.Registry.Name() &&
		from.Name() != r.Name() {
		one = &remote.MountableLayer{Layer: l, Reference: from.Digest(b.Digest.String())}
	}
	err = r.upload(ctx, one)
	if err != nil && one != v1.Layer(l) && ctx.Err() == nil {
		err = r.upload(ctx, l) // the right to read the other repository may be lacking
	}
	if err != nil {
		l.takeBack(true)
		return false, r.failure("send blob "+b.Digest.String(), err)
	}
	return l.opened.Load(), nil
}

func (r *Repository) upload(ctx context.Context, l v1.Layer) error {
	_, err := within(ctx, func() (none struct{}, err error) { return none, r.writer().Upload(ctx, r.name, l) })
	return err
}

// MissingBlobError is Open's where it can't give the bytes: they are taken to be in the image repository, and are not.
type MissingBlobError struct{ Digest v1.Hash }

func (e *MissingBlobError) Error() string {
	return "blob " + e.Digest.String() + " is neither here nor in the image repository"
}

// blobLayer is a v1.Layer of which all is known but the bytes. static.NewLayer takes the digest for the diff id.
type blobLayer struct {
	blob   Blob
	opened atomic.Bool

	mutex sync.Mutex
	read  int64 // bytes that Progress has been told of
	ended bool
}

// account tells of bytes that were read.
func (l *blobLayer) account(bytes int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.blob.Progress != nil && !l.ended {
		l.read += bytes
		l.blob.Progress(bytes)
	}
}

// takeBack takes back what was told, since it has to be read again, or never will be.
func (l *blobLayer) takeBack(ended bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.blob.Progress != nil && l.read > 0 {
		l.blob.Progress(-l.read)
	}
	l.read, l.ended = 0, ended
}

// localError is a fault of a file of ours, which no other try would mend.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

func (l *blobLayer) Digest() (v1.Hash, error)             { return l.blob.Digest, nil }
func (l *blobLayer) Size() (int64, error)                 { return l.blob.Size, nil }
func (l *blobLayer) MediaType() (types.MediaType, error)  { return l.blob.MediaType, nil }
func (l *blobLayer) Descriptor() (*v1.Descriptor, error)  { return &l.blob.Descriptor, nil }
func (l *blobLayer) DiffID() (v1.Hash, error)             { return v1.Hash{}, errNotNeeded }
func (l *blobLayer) Uncompressed() (io.ReadCloser, error) { return nil, errNotNeeded }

// Compressed is asked for once for each try.
func (l *blobLayer) Compressed() (io.ReadCloser, error) {
	content, err := l.blob.Open()
	if err != nil {
		return nil, &localError{err}
	}
	l.opened.Store(true)
	l.takeBack(false)
	return &sending{content, l}, nil
}

var (
	errNotNeeded                     = errors.New("a push needs no tar")
	_            v1.Layer            = (*blobLayer)(nil)
	_            partial.Describable = (*blobLayer)(nil)
)

// sending tells of bytes that were read.
type sending struct {
	io.ReadCloser
	layer *blobLayer
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.layer.account(int64(n))
	if err != nil && err != io.EOF {
		err = &localError{err}
	}
	return n, err
}
