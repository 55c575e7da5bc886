package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pkg/errors"
)

// oldest is how long a record is kept that nobody asks for. Records are small, and without their blobs worthless.
const oldest = 60 * 24 * time.Hour

// item is what can go on its own: a blob or a mirror.
type item struct {
	paths []string
	size  int64
	used  time.Time
}

// shrink removes what was not used for longest until the rest is within the limit. The caller has the cache alone.
func (c *Cache) shrink() error {
	blobs, err := c.blobItems()
	if err != nil {
		return err
	}
	mirrors, err := c.mirrorItems()
	if err != nil {
		return err
	}
	items := append(blobs, mirrors...)
	var total int64
	for _, i := range items {
		total += i.size
	}
	slices.SortFunc(items, func(a, b item) int { return a.used.Compare(b.used) })
	for _, i := range items {
		if total <= c.limit {
			break
		}
		for _, path := range i.paths {
			if err := remove(c.dir, path); err != nil {
				return errors.Wrap(err, "cut back the cache")
			}
		}
		total -= i.size
	}
	return c.forget(time.Now().Add(-oldest))
}

func (c *Cache) blobItems() ([]item, error) {
	entries, err := os.ReadDir(filepath.Join(c.dir, "blobs"))
	if err != nil {
		return nil, errors.Wrap(err, "cut back the cache")
	}
	items := make([]item, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, errors.Wrap(err, "cut back the cache")
		}
		stamp := filepath.Join(c.dir, "stamps", e.Name())
		i := item{paths: []string{filepath.Join(c.dir, "blobs", e.Name()), stamp}, size: info.Size()}
		if s, err := os.Stat(stamp); err == nil {
			i.used = s.ModTime()
		}
		items = append(items, i)
	}
	return items, nil
}

func (c *Cache) mirrorItems() ([]item, error) {
	mirrors, err := filepath.Glob(filepath.Join(c.dir, "storages", "*.git"))
	if err != nil {
		return nil, errors.Wrap(err, "cut back the cache")
	}
	var items []item
	for _, dir := range mirrors {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, errors.Wrap(err, "cut back the cache")
		}
		i := item{paths: []string{dir}, used: info.ModTime()}
		err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				i.size += info.Size()
			}
			return err
		})
		if err != nil {
			return nil, errors.Wrap(err, "cut back the cache")
		}
		items = append(items, i)
	}
	return items, nil
}

// forget removes records that were not used since a time.
func (c *Cache) forget(since time.Time) error {
	err := filepath.WalkDir(filepath.Join(c.dir, "records"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil || info.ModTime().After(since) {
			return err
		}
		return os.Remove(path)
	})
	return errors.Wrap(err, "cut back the cache")
}
