package cache

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/pkg/errors"
)

// DefaultLimit is the size in bytes that a cache is cut back to: some eighty images of a large storage, without what
// they share.
const DefaultLimit = 10 << 30

// Cache is an open cache. Close it. Safe for concurrent use.
type Cache struct {
	dir   string
	limit int64
	lock  *flock.Flock // shared while open
	tmp   string
	mine  *flock.Flock // exclusive on tmp: a lock that can be taken belongs to nobody alive
	grown atomic.Bool
}

const (
	tag       = "CACHEDIR.TAG"
	signature = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by the package-storage pipeline; `mage clean` empties it.\n"
)

var folders = []string{"blobs", "stamps", "records", "storages", "tmp"}

// ForeignError says that a folder holds something else than a cache.
type ForeignError struct{ Dir string }

func (e *ForeignError) Error() string { return e.Dir + " is no cache of this pipeline, and not empty" }

// WriteError says that the cache can't be written: the disk is full, or it is no place for a cache.
type WriteError struct {
	Dir string
	Err error
}

func (e *WriteError) Error() string {
	// The file is one that nobody knows; what counts is the folder, and why.
	var reason syscall.Errno
	if errors.As(e.Err, &reason) {
		return "write into the cache " + e.Dir + ": " + reason.Error()
	}
	return "write into the cache " + e.Dir + ": " + e.Err.Error()
}

// Unwrap is the operating system's error.
func (e *WriteError) Unwrap() error { return e.Err }

func failed(dir string, err error) error {
	if err == nil {
		return nil
	}
	return &WriteError{dir, err}
}

// Open opens the cache in dir and makes it where it is not there. limit is in bytes; 0 is DefaultLimit.
// It waits while another process removes something. Errors: *ForeignError, *WriteError.
func Open(ctx context.Context, dir string, limit int64) (*Cache, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, errors.Wrap(err, "open the cache")
	}
	if err := prepare(absolute); err != nil {
		return nil, err
	}
	c := &Cache{dir: absolute, limit: limit, lock: flock.New(filepath.Join(absolute, "lock"))}
	if _, err := c.lock.TryRLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, errors.Wrap(err, "open the cache")
	}
	// A clean may have come between prepare and the lock.
	if err := prepare(absolute); err != nil {
		c.lock.Close()
		return nil, err
	}
	if err := c.makeTemporary(); err != nil {
		c.lock.Close()
		return nil, err
	}
	return c, nil
}

// prepare makes the folders, but not inside of a folder that is somebody else's: clean would empty it.
func prepare(dir string) error {
	if tagged(dir) {
		return makeFolders(dir)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return &ForeignError{dir}
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return &ForeignError{dir}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failed(dir, err)
	}
	// The tag comes first: from then on the folder is a cache, however far its making gets.
	if err := os.WriteFile(filepath.Join(dir, tag), []byte(signature), 0o644); err != nil {
		os.Remove(filepath.Join(dir, tag))
		return failed(dir, err)
	}
	return makeFolders(dir)
}

// tagged says whether a folder is a cache of ours: other programs tag theirs as well.
func tagged(dir string) bool {
	content, err := os.ReadFile(filepath.Join(dir, tag))
	return err == nil && string(content) == signature
}

func makeFolders(dir string) error {
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return failed(dir, err)
		}
	}
	return nil
}

// makeTemporary makes this process's own folder, and removes those of processes that are no more.
func (c *Cache) makeTemporary() error {
	parent := filepath.Join(c.dir, "tmp")
	// One at a time: who removes a dead process's lock must not meet one who is about to make his own.
	turn := flock.New(filepath.Join(c.dir, tag))
	if err := turn.Lock(); err != nil {
		return errors.Wrap(err, "open the cache")
	}
	defer turn.Close()
	if err := sweep(parent); err != nil {
		return err
	}
	file, err := os.CreateTemp(parent, "*.lock")
	if err != nil {
		return failed(c.dir, err)
	}
	file.Close()
	c.mine = flock.New(file.Name())
	if _, err := c.mine.TryLock(); err != nil {
		return errors.Wrap(err, "open the cache")
	}
	c.tmp = file.Name()[:len(file.Name())-len(".lock")]
	return failed(c.dir, os.MkdirAll(c.tmp, 0o755))
}

// sweep removes what processes that are no more left below parent: folders whose lock can be taken, and folders without
// one, which a compiler that outlived its process made again.
func sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return errors.Wrap(err, "sweep the cache")
	}
	for _, e := range entries {
		name := filepath.Join(parent, strings.TrimSuffix(e.Name(), ".lock"))
		left := flock.New(name+".lock", flock.SetFlag(os.O_RDWR))
		free, err := left.TryLock()
		if os.IsNotExist(err) || err == nil && free {
			os.RemoveAll(name)
			os.Remove(name + ".lock")
		}
		left.Close()
	}
	return nil
}

// Dir is the cache's folder, absolute.
func (c *Cache) Dir() string { return c.dir }

// Temporary makes an empty folder that goes with this process.
func (c *Cache) Temporary() (string, error) {
	dir, err := os.MkdirTemp(c.tmp, "")
	return dir, failed(c.dir, err)
}

// Lock takes a lock of a name for this process alone; the function gives it back.
func (c *Cache) Lock(ctx context.Context, name string) (func(), error) {
	l := flock.New(filepath.Join(c.dir, "storages", name+".lock"))
	if _, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return nil, errors.Wrapf(err, "wait for the lock of %s", name)
	}
	return func() { l.Close() }, nil
}

// Storage is the folder for a mirror, there or not. It counts as used now.
func (c *Cache) Storage(key string) string {
	dir := filepath.Join(c.dir, "storages", key+".git")
	now := time.Now()
	os.Chtimes(dir, now, now) // fails where there is none yet
	c.grown.Store(true)
	return dir
}

// Close gives up the cache's locks. If something was added, it first cuts the cache back to its limit, unless other
// processes use it: then one of those will.
func (c *Cache) Close() error {
	os.RemoveAll(c.tmp)
	c.mine.Close()
	os.Remove(c.tmp + ".lock")
	if err := c.lock.Close(); err != nil || !c.grown.Load() {
		return errors.Wrap(err, "close the cache")
	}
	alone := flock.New(c.lock.Path())
	defer alone.Close()
	if free, err := alone.TryLock(); err != nil || !free {
		return errors.Wrap(err, "close the cache")
	}
	return c.shrink()
}

// BusyError says that a cache can't be emptied since a process uses it.
type BusyError struct{ Dir string }

func (e *BusyError) Error() string { return "another process is using " + e.Dir }

// Clean empties the cache in dir; a folder that is not there, or empty, is clean. Errors: *BusyError, *ForeignError.
func Clean(dir string) error {
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
		return nil
	}
	if !tagged(dir) {
		return &ForeignError{dir}
	}
	alone := flock.New(filepath.Join(dir, "lock"))
	defer alone.Close()
	free, err := alone.TryLock()
	if err != nil {
		return errors.Wrap(err, "empty the cache")
	}
	if !free {
		return &BusyError{dir}
	}
	for _, folder := range folders {
		if err := remove(dir, filepath.Join(dir, folder)); err != nil {
			return errors.Wrap(err, "empty the cache")
		}
	}
	return nil
}

// remove takes a file or folder out of the cache in one step: a half mirror would be taken for a whole one. What a
// kill leaves of it is removed with the next.
func remove(cache, path string) error {
	gone := filepath.Join(cache, "gone")
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(path, gone); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.RemoveAll(gone)
}
