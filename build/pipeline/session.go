package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/cache"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// Session is one run over one storage: what is read once serves all distributions that are built in it.
// Close it. It is for one goroutine.
type Session struct {
	config  Config
	table   distribution.Table
	report  Reporter
	cache   *cache.Cache
	storage *gitstore.Storage
	sample  bool
	fresh   bool // the storage has been mirrored, and not refreshed yet
	planner layer.Planner

	readers    readers
	forest     *object.Forest
	began      time.Time // of what the next build takes
	branches   map[string]scanned
	bases      map[string]base.Base
	pinned     map[string]object.ID        // commits of branches that are not their heads
	baseDigest v1.Hash                     // of a base that its tag may not stand for any more; zero: what it stands for
	anew       bool                        // layers are built though the cache has them
	recorded   map[string]PublishedPackage // what a published image was planned by, while it is built again
	trusting   bool                        // facts were taken from a published image: trees have not been judged here

	repositories map[string]*publish.Repository // by location
	images       map[string]*published          // by distribution; nil where there is none
	unreadable   map[string]bool                // repositories that could not be asked
}

// scanned is a branch that has been read.
type scanned struct {
	assemble.Branch
	time       time.Time
	dockerfile object.ID // zero where the branch has none
}

// Open reads the table and opens cache and storage. Errors: those of gitstore.Open and cache.Open.
func Open(ctx context.Context, config Config, report Reporter) (*Session, error) {
	began := time.Now()
	table, err := LoadTable(config)
	if err != nil {
		return nil, err
	}
	kept, err := cache.Open(ctx, config.Cache, config.CacheLimit)
	if err != nil {
		return nil, err
	}
	s := &Session{
		config: config, table: table, report: report, cache: kept, planner: config.Planner, began: began, forest: object.NewForest(),
		branches: map[string]scanned{}, bases: map[string]base.Base{},
		repositories: map[string]*publish.Repository{}, images: map[string]*published{}, unreadable: map[string]bool{},
	}
	if s.planner == nil {
		s.planner = layer.Stack{}
	}
	if err := s.openStorage(ctx); err != nil {
		return nil, errors.WithStack(firstError(err, s.Close()))
	}
	s.readers = readers{session: ctx, storage: s.storage}
	if s.storage.Shallow() {
		report.Warn(s.storage.Location() + " is a shallow clone: enough for a build, but what needs history will fail " +
			"(git fetch --unshallow brings it)")
	}
	if s.storage.Treeless() {
		report.Warn(s.storage.Location() + " is a treeless clone: each folder of its history is a request of its own (git clone " +
			"--filter=blob:none makes one that is nearly as small, and takes far fewer)")
	}
	if n := s.storage.Replaced(); n > 0 {
		report.Warn(fmt.Sprintf("%s has %d replaced objects (git replace); they are ignored: the originals are built",
			s.storage.Location(), n))
	}
	return s, nil
}

// Close ends all git processes and gives up the cache.
func (s *Session) Close() error {
	return firstError(s.readers.close(), s.cache.Close())
}

// Storage is the storage's location; Sample says whether it is the sample.
func (s *Session) Storage() (location string, sample bool) { return s.storage.Location(), s.sample }

// Table is the table of distributions.
func (s *Session) Table() distribution.Table { return s.table }

func (s *Session) openStorage(ctx context.Context) (err error) {
	location := s.config.Storage
	switch {
	case location == "":
		return s.openDefault(ctx)
	case gitstore.IsURL(location):
		s.storage, err = s.mirror(ctx, location)
		s.fresh = err == nil
		return err
	}
	s.storage, err = gitstore.Open(ctx, location)
	return err
}

// mirror keeps a storage that has a URL in the cache.
func (s *Session) mirror(ctx context.Context, url string) (*gitstore.Storage, error) {
	key := gitstore.MirrorKey(url)
	unlock, err := s.cache.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	stage := s.report.Stage("fetch the storage")
	storage, err := gitstore.Mirror(ctx, url, s.cache.Storage(key))
	if err != nil {
		stage.Failed()
		return nil, err
	}
	stage.Done(storage.Location())
	return storage, nil
}

// openDefault takes the repository that the project itself is, where it is a storage; else the sample.
func (s *Session) openDefault(ctx context.Context) error {
	own, err := gitstore.Open(ctx, s.config.Root)
	var none *gitstore.NotStorageError
	if errors.As(err, &none) {
		return s.openSample(ctx)
	}
	if err != nil {
		return err
	}
	for _, d := range s.table.Distributions {
		if own.HasBranch(d.Branch) {
			s.storage = own
			return nil
		}
	}
	return s.openSample(ctx)
}

// NoStorageError says that no storage was given and there is no default.
type NoStorageError struct{}

func (e *NoStorageError) Error() string {
	return "STORAGE is not set, this folder's repository has no branch of a distribution, and there is no sample storage in " +
		sampleFolder
}

// openSample makes a repository of the sample's folders. Its key is the hash of the files, so that it is made once.
func (s *Session) openSample(ctx context.Context) error {
	s.sample = true
	var folders []gitstore.Folder
	for _, d := range s.table.Distributions {
		root := filepath.Join(s.config.file(sampleFolder), d.Branch)
		if _, err := os.Stat(root); err != nil {
			continue
		}
		folder, err := gitstore.ReadFolder(d.Branch, root, "")
		if err != nil {
			return errors.Wrap(err, "read the sample storage")
		}
		folders = append(folders, folder)
	}
	if len(folders) == 0 {
		return &NoStorageError{}
	}
	key, err := gitstore.Fingerprint(folders)
	if err != nil {
		return errors.Wrap(err, "read the sample storage")
	}
	unlock, err := s.cache.Lock(ctx, "sample-"+key)
	if err != nil {
		return err
	}
	defer unlock()
	dir := s.cache.Storage("sample-" + key)
	const location = "the sample storage"
	if _, err := os.Stat(dir); err == nil {
		s.storage, err = gitstore.OpenAs(ctx, dir, location)
		return err
	}
	made, err := s.cache.Temporary()
	if err != nil {
		return err
	}
	if _, err := gitstore.Import(ctx, made, location, folders); err != nil {
		return err
	}
	if err := os.Rename(made, dir); err != nil {
		return errors.Wrap(err, "keep the sample storage")
	}
	s.storage, err = gitstore.OpenAs(ctx, dir, location)
	return err
}

// readers are git processes that are kept for the whole session, and end with its context: they outlive the calls
// that borrow them.
type readers struct {
	session context.Context
	storage *gitstore.Storage
	mutex   sync.Mutex
	idle    []*gitstore.Reader
}

// with lends a reader to use; one that failed is not used again.
func (r *readers) with(use func(*gitstore.Reader) error) error {
	reader, err := r.take()
	if err != nil {
		return err
	}
	if err := use(reader); err != nil {
		reader.Close()
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.idle = append(r.idle, reader)
	return nil
}

func (r *readers) take() (*gitstore.Reader, error) {
	r.mutex.Lock()
	if n := len(r.idle); n > 0 {
		reader := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mutex.Unlock()
		return reader, nil
	}
	r.mutex.Unlock()
	return r.storage.Reader(r.session)
}

// use makes readers read another storage from now on.
func (r *readers) use(storage *gitstore.Storage) error {
	r.storage = storage
	return r.close()
}

func (r *readers) close() error {
	var first error
	for _, reader := range r.idle {
		first = firstError(first, reader.Close())
	}
	r.idle = nil
	return first
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// branchPath is where on a branch something is, as errors name it.
func branchPath(branch, path string) string { return branch + ":" + strings.TrimPrefix(path, "/") }
