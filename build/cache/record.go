package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/pkg/errors"
)

// Record reads the record of a kind ("layer") and key (a hash, in hex) into value, and says whether there is one.
// A damaged record is none.
func (c *Cache) Record(kind, key string, value any) (bool, error) {
	path := c.recordPath(kind, key)
	sealed, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, errors.Wrapf(err, "read the cache's record %s/%s", kind, key)
	}
	sum, content, _ := bytes.Cut(sealed, []byte("\n"))
	if string(sum) != checksum(content) || json.Unmarshal(content, value) != nil {
		return false, nil
	}
	now := time.Now()
	os.Chtimes(path, now, now)
	return true, nil
}

// PutRecord writes a record.
func (c *Cache) PutRecord(kind, key string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return errors.Wrapf(err, "write the cache's record %s/%s", kind, key)
	}
	path := c.recordPath(kind, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return failed(c.dir, err)
	}
	c.grown.Store(true)
	return c.place(path, append([]byte(checksum(content)+"\n"), content...))
}

// DropRecord removes a record that another one has taken the place of; that there is none is no error.
func (c *Cache) DropRecord(kind, key string) error {
	if err := os.Remove(c.recordPath(kind, key)); err != nil && !os.IsNotExist(err) {
		return failed(c.dir, err)
	}
	return nil
}

func (c *Cache) recordPath(kind, key string) string {
	return filepath.Join(c.dir, "records", kind, key)
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// place writes a small file beside its place and renames it into it.
func (c *Cache) place(path string, content []byte) error {
	f, err := os.CreateTemp(c.tmp, "file-*")
	if err != nil {
		return failed(c.dir, err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(content); err != nil {
		f.Close()
		return failed(c.dir, err)
	}
	if err := f.Close(); err != nil {
		return failed(c.dir, err)
	}
	return failed(c.dir, os.Rename(f.Name(), path))
}
