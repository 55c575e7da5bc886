package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/otiai10/copy"
	"github.com/pkg/errors"
)

func (c *Cache) blobPath(digest v1.Hash) string  { return filepath.Join(c.dir, "blobs", digest.Hex) }
func (c *Cache) stampPath(digest v1.Hash) string { return filepath.Join(c.dir, "stamps", digest.Hex) }

// Blob is the path of a blob that is there and whole, else "". A blob whose file has not been touched since it was
// verified is not read again for a week; one that fails is removed. Using a blob makes it young.
func (c *Cache) Blob(digest v1.Hash) (string, error) {
	path := c.blobPath(digest)
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", errors.Wrapf(err, "look for blob %s", digest)
	}
	if c.stamped(digest, info) {
		now := time.Now()
		os.Chtimes(c.stampPath(digest), now, now)
		return path, nil
	}
	whole, err := verify(path, digest)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil // another process found it damaged as well
	case err != nil:
		return "", err
	case !whole:
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return "", errors.Wrapf(err, "remove damaged blob %s", digest)
		}
		return "", nil
	}
	return path, c.writeStamp(digest, info)
}

// trusted is for how long a blob is not read again that nobody has written to: a disk may lose bits by itself.
const trusted = 7 * 24 * time.Hour

// stamped says whether a blob was verified not long ago, and its file is the same since.
func (c *Cache) stamped(digest v1.Hash, info os.FileInfo) bool {
	stamp, err := os.ReadFile(c.stampPath(digest))
	if err != nil {
		return false
	}
	file, verified, _ := strings.Cut(string(stamp), "\n")
	seconds, err := strconv.ParseInt(verified, 10, 64)
	return err == nil && file == stampOf(info) && time.Since(time.Unix(seconds, 0)) < trusted
}

// stampOf changes with every ordinary write to a file, and when it is put in another's place; links do not count.
func stampOf(info os.FileInfo) string {
	return fmt.Sprintf("%d %d %d", inode(info), info.Size(), info.ModTime().UnixNano())
}

func (c *Cache) writeStamp(digest v1.Hash, info os.FileInfo) error {
	return c.place(c.stampPath(digest), fmt.Appendf(nil, "%s\n%d", stampOf(info), time.Now().Unix()))
}

func verify(path string, digest v1.Hash) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, errors.Wrapf(err, "verify blob %s", digest)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, errors.Wrapf(err, "verify blob %s", digest)
	}
	return hex.EncodeToString(h.Sum(nil)) == digest.Hex, nil
}

// BlobWriter takes a blob whose digest is not known yet.
type BlobWriter struct {
	cache *Cache
	file  *os.File
}

// NewBlob starts a blob. Call Commit or Abort.
func (c *Cache) NewBlob() (*BlobWriter, error) {
	f, err := os.CreateTemp(c.tmp, "blob-*")
	if err != nil {
		return nil, failed(c.dir, err)
	}
	return &BlobWriter{cache: c, file: f}, nil
}

// Write implements io.Writer.
func (w *BlobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, failed(w.cache.dir, err)
}

// Abort forgets what was written. After a Commit it does nothing.
func (w *BlobWriter) Abort() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
		w.file = nil
	}
}

// Commit puts the blob into its place. The caller has computed the digest from what it wrote. What a crash of the
// machine may lose of it is found when the blob is used: no sync.
func (w *BlobWriter) Commit(digest v1.Hash) error {
	defer w.Abort()
	if err := w.file.Chmod(0o444); err != nil {
		return failed(w.cache.dir, err)
	}
	if err := w.file.Close(); err != nil {
		return failed(w.cache.dir, err)
	}
	// The stamp is taken before the rename: afterwards the name may already be another process's file.
	info, err := os.Stat(w.file.Name())
	if err != nil {
		return failed(w.cache.dir, err)
	}
	if err := os.Rename(w.file.Name(), w.cache.blobPath(digest)); err != nil {
		return failed(w.cache.dir, err)
	}
	w.file = nil
	w.cache.grown.Store(true)
	return w.cache.writeStamp(digest, info)
}

// GoneError says that a blob which a build counts on is not in the cache any more: its record outlived it, or it was
// damaged.
type GoneError struct{ Digest v1.Hash }

func (e *GoneError) Error() string { return "blob " + e.Digest.String() + " is gone from the cache" }

// Link puts a blob at path: a hard link, or a copy where the file systems differ. Errors: *GoneError.
func (c *Cache) Link(digest v1.Hash, path string) error {
	blob, err := c.Blob(digest)
	if err != nil {
		return err
	}
	if blob == "" {
		return &GoneError{digest}
	}
	if err := os.Link(blob, path); err == nil {
		return nil
	}
	return errors.Wrapf(copy.Copy(blob, path), "copy blob %s out of the cache", digest)
}
