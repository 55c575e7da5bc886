package publish

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"
)

// Options say how to deal with an image repository; zero values are good ones.
type Options struct {
	// Patience is for how long a connection may stand still; 0 is a minute.
	Patience time.Duration
	// Jobs is how many blobs are sent at once; 0 is 4.
	Jobs int
	// Notice, if set, is told what a person should know, for instance that the image repository asks to wait.
	Notice func(text string)
}

// Repository is one image repository. Safe for concurrent use.
type Repository struct {
	name    name.Repository
	jobs    int
	wire    *wire
	puller  *remote.Puller
	options []remote.Option

	mutex  sync.Mutex
	pusher *remote.Pusher
}

// Open prepares to talk to an image repository ("<host>/<path>", or "http://<host>/<path>" for one without TLS; loopback
// needs no http://). Nothing is asked yet. Credentials are those of the Docker and podman config files and their
// helpers. The error is a *LocationError.
func Open(location string, o Options) (*Repository, error) {
	repository, plain, err := parse(location)
	if err != nil {
		return nil, err
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Jobs == 0 {
		o.Jobs = 4
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	plainHost := ""
	if plain {
		plainHost = repository.RegistryStr()
	}
	r := &Repository{name: repository, jobs: o.Jobs, wire: newWire(o, plainHost)}
	r.options = []remote.Option{
		remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(r.wire), remote.WithJobs(o.Jobs),
		remote.WithUserAgent("package-storage"), remote.WithRetryPredicate(worthAnotherTry), remote.WithRetryStatusCodes(passing...),
		// 0.3, 0.9 and 2.7 seconds: a restart of the image repository's front passes meanwhile.
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Factor: 3, Jitter: 0.2, Steps: 4}),
	}
	if r.puller, err = remote.NewPuller(r.options...); err != nil {
		return nil, errors.Wrap(err, "set up the image repository "+location)
	}
	return r, r.renew()
}

// within ends with ctx: go-containerregistry sleeps between its tries, whatever happens.
func within[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := do()
		done <- outcome{value, err}
	}()
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case o := <-done:
		return o.value, o.err
	}
}

// Name is "<host>/<path>".
func (r *Repository) Name() string { return r.name.Name() }

// Host is the image repository's host, with its port.
func (r *Repository) Host() string { return r.name.RegistryStr() }

// Loopback says whether it is on this machine.
func (r *Repository) Loopback() bool { return loopback(hostname(r.Host())) }

// Jobs is how many blobs may be sent at once.
func (r *Repository) Jobs() int { return r.jobs }

// Traffic is all that has gone to and fro.
func (r *Repository) Traffic() Traffic { return r.wire.traffic() }

// Forget forgets which blobs have been seen there. Of the lost ones nothing is believed any more until they have been sent
// again: some image repositories say for a while that they have a blob which they have deleted. None means all.
func (r *Repository) Forget(lost ...v1.Hash) error {
	r.wire.distrust(lost)
	return r.renew()
}

// renew takes a new pusher: go-containerregistry's remembers what it has seen.
func (r *Repository) renew() error {
	pusher, err := remote.NewPusher(r.options...)
	if err != nil {
		return errors.Wrap(err, "set up the image repository "+r.Name())
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.pusher = pusher
	return nil
}

func (r *Repository) writer() *remote.Pusher {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.pusher
}

// reference is a tag or a digest ("sha256:…") in the repository.
func (r *Repository) reference(identifier string) name.Reference {
	if strings.HasPrefix(identifier, "sha256:") {
		return r.name.Digest(identifier)
	}
	return r.name.Tag(identifier)
}

// Head is the digest that a tag stands for; zero where there is no such tag. The error is an *Error.
func (r *Repository) Head(ctx context.Context, tag string) (v1.Hash, error) {
	descriptor, err := within(ctx, func() (*v1.Descriptor, error) { return r.puller.Head(ctx, r.reference(tag)) })
	switch {
	case err == nil:
		return descriptor.Digest, nil
	case absent(err):
		return v1.Hash{}, nil
	case odd(err): // a proxy has dropped the headers that an answer to HEAD consists of
		manifest, err := r.Get(ctx, tag)
		if manifest == nil || err != nil {
			return v1.Hash{}, err
		}
		return manifest.Digest, nil
	}
	return v1.Hash{}, r.failure("look up tag "+tag, err)
}

// Manifest is an image's or an index's, as it is stored.
type Manifest struct {
	Digest    v1.Hash
	MediaType types.MediaType
	Content   []byte
}

// taggable is a manifest as go-containerregistry takes it.
type taggable struct{ Manifest }

func (t taggable) RawManifest() ([]byte, error)        { return t.Content, nil }
func (t taggable) MediaType() (types.MediaType, error) { return t.Manifest.MediaType, nil }

// Get reads a manifest by tag or digest; nil where there is none. The error is an *Error.
func (r *Repository) Get(ctx context.Context, identifier string) (*Manifest, error) {
	descriptor, err := within(ctx, func() (*remote.Descriptor, error) { return r.puller.Get(ctx, r.reference(identifier)) })
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.failure("read manifest "+identifier, err)
	}
	return &Manifest{descriptor.Digest, descriptor.MediaType, descriptor.Manifest}, nil
}

// Blob reads a small blob whole. The error is an *Error.
func (r *Repository) Blob(ctx context.Context, digest v1.Hash) ([]byte, error) {
	doing := "read blob " + digest.String()
	l, err := r.puller.Layer(ctx, r.name.Digest(digest.String()))
	if err != nil {
		return nil, r.failure(doing, err)
	}
	var content []byte
	err = again(func() (err error) {
		content, err = read(l)
		return err
	})
	return content, r.failure(doing, err)
}

// again tries reading a blob a few times: go-containerregistry's retries end where an answer begins.
func again(try func() error) (err error) {
	for range 3 {
		if err = try(); err == nil || !worthAnotherTry(err) {
			break
		}
	}
	return err
}

// DiffID reads a packed layer and computes the digest of its tar. The error is an *Error.
func (r *Repository) DiffID(ctx context.Context, digest v1.Hash) (v1.Hash, error) {
	doing := "read layer " + digest.String()
	l, err := r.puller.Layer(ctx, r.name.Digest(digest.String()))
	if err != nil {
		return v1.Hash{}, r.failure(doing, err)
	}
	var diffID v1.Hash
	err = again(func() (err error) {
		diffID, err = hashTar(l)
		return err
	})
	return diffID, r.failure(doing, err)
}

func hashTar(l v1.Layer) (v1.Hash, error) {
	tar, err := l.Uncompressed()
	if err != nil {
		return v1.Hash{}, err
	}
	defer tar.Close()
	diffID, _, err := v1.SHA256(tar)
	return diffID, err
}

func read(l v1.Layer) ([]byte, error) {
	packed, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	return io.ReadAll(packed)
}

// Tags lists all tags. known is false where the image repository does not say. The error is an *Error.
func (r *Repository) Tags(ctx context.Context) (tags []string, known bool, err error) {
	tags, err = within(ctx, func() ([]string, error) { return r.puller.List(ctx, r.name) })
	if err == nil {
		return tags, true, nil
	}
	if unknownName(err) {
		return nil, true, nil // nothing has been pushed yet
	}
	if reason := reasonOf(err); absent(err) || odd(err) || reason == ReadOnly || reason == Forbidden || reason == Unauthorized {
		return nil, false, nil
	}
	return nil, false, r.failure("list the tags", err)
}

// VanishedError says that a manifest was refused since something that it refers to is not there. Lost are the blobs, as
// far as the image repository names them.
type VanishedError struct {
	Lost []v1.Hash
	Err  error
}

func (e *VanishedError) Error() string { return e.Err.Error() }

// Unwrap is an *Error.
func (e *VanishedError) Unwrap() error { return e.Err }

// Put writes a manifest under its digest or a tag. Errors: *VanishedError, *Error.
func (r *Repository) Put(ctx context.Context, identifier string, m Manifest) error {
	_, err := within(ctx, func() (none struct{}, err error) {
		return none, r.writer().Put(ctx, r.reference(identifier), taggable{m})
	})
	failed := r.failure("write manifest "+identifier, err)
	if vanished(err) {
		return &VanishedError{namedDigests(err), failed}
	}
	return failed
}
