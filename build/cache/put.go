package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"
)

// Put takes a blob whose digest is known, unless it is there. Content that is not what the digest says is an error,
// and nothing is kept of it.
func (c *Cache) Put(digest v1.Hash, content io.Reader) error {
	path, err := c.Blob(digest)
	if err != nil || path != "" {
		return err
	}
	w, err := c.NewBlob()
	if err != nil {
		return err
	}
	defer w.Abort()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), content); err != nil {
		return errors.Wrapf(err, "take blob %s", digest)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != digest.Hex {
		return fmt.Errorf("blob %s arrived damaged: its digest is sha256:%s", digest, got)
	}
	return w.Commit(digest)
}
