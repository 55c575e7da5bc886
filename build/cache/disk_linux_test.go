package cache_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// otherDisk is an empty file system of so many bytes.
func otherDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := filepath.Join(otherDisk(t, "1m"), "cache")
	c := open(t, dir, 0)
	defer closed(t, c)
	large := bytes.Repeat([]byte("x"), 2<<20)
	d, _, err := v1.SHA256(bytes.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put(d, bytes.NewReader(large)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a blob that does not fit: %v", err)
	}
	if path, err := c.Blob(d); err != nil || path != "" {
		t.Errorf("half of a blob is there: %q, %v", path, err)
	}
	// All of the space is free again.
	content := strings.Repeat("y", 900<<10)
	put(t, c, content)
	if !there(t, c, content) {
		t.Error("what fits is not there")
	}
	// No record is half there, either.
	if err := c.PutRecord("layer", "key", strings.Repeat("z", 200<<10)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a record that does not fit: %v", err)
	}
	var value string
	if known, err := c.Record("layer", "key", &value); known || err != nil {
		t.Errorf("half of a record is there: %v, %v", known, err)
	}
}

// TestLinkToAnotherDiskIsACopy: dist/ may be on one of its own.
func TestLinkToAnotherDiskIsACopy(t *testing.T) {
	out := filepath.Join(otherDisk(t, "1m"), "out")
	c := open(t, t.TempDir(), 0)
	defer closed(t, c)
	if err := c.Link(put(t, c, "hello"), out); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out); got != "hello" {
		t.Errorf("the copy is %q", got)
	}
}
