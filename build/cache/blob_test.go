package cache_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-604f7181/package-storage/build/cache"
)

func TestBlobRoundTrip(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	if there(t, c, "hello") {
		t.Error("a blob that was never put is there")
	}
	w, err := c.NewBlob()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hel")
	io.WriteString(w, "lo")
	if there(t, c, "hello") {
		t.Error("a blob is there before it is committed")
	}
	if err := w.Commit(digest("hello")); err != nil {
		t.Fatal(err)
	}
	w.Abort() // does nothing any more
	put(t, c, "other")
	put(t, c, "")
	for range 2 {
		for _, content := range []string{"hello", "other", ""} {
			if !there(t, c, content) {
				t.Errorf("%q is not there", content)
			}
		}
		closed(t, c)
		c = open(t, dir, 0)
	}
	if path, _ := c.Blob(digest("hello")); filepath.Dir(path) != filepath.Join(c.Dir(), "blobs") {
		t.Errorf("the blob is at %s", path)
	}
	closed(t, c)
}

func TestAbortedBlobLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	w, err := c.NewBlob()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hello")
	w.Abort()
	w.Abort()
	closed(t, c)
	wantFiles(t, dir)
}

func TestPutOfTheWrongContentKeepsNothing(t *testing.T) {
	broken := errors.New("broken")
	for name, content := range map[string]io.Reader{
		"other":  strings.NewReader("jello"),
		"short":  strings.NewReader("hell"),
		"empty":  strings.NewReader(""),
		"broken": io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)),
	} {
		dir := t.TempDir()
		c := open(t, dir, 0)
		err := c.Put(digest("hello"), content)
		if err == nil || !strings.Contains(err.Error(), digest("hello").Hex) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "broken" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if there(t, c, "hello") {
			t.Errorf("%s: the blob is there", name)
		}
		closed(t, c)
		wantFiles(t, dir)
	}
}

func TestPutOfABlobThatIsThereReadsNothing(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	defer closed(t, c)
	put(t, c, "hello")
	if err := c.Put(digest("hello"), iotest.ErrReader(errors.New("it was read"))); err != nil {
		t.Error(err)
	}
}

// TestDamagedBlobIsFoundAndRemoved: by whatever a disk or a person does to it.
func TestDamagedBlobIsFoundAndRemoved(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"a flipped byte": func(t *testing.T, path string) { rewrite(t, path, "hellO") },
		"cut off":        func(t *testing.T, path string) { rewrite(t, path, "hell") },
		"empty":          func(t *testing.T, path string) { rewrite(t, path, "") },
		"longer":         func(t *testing.T, path string) { rewrite(t, path, "hello!") },
		"another file in its place": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			other := filepath.Join(t.TempDir(), "other") // the old file lives on, so that its inode is not taken again
			if err := os.Link(path, other); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("hellO"), 0o444); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := open(t, dir, 0)
			defer closed(t, c)
			put(t, c, "other")
			path, err := c.Blob(put(t, c, "hello"))
			if err != nil {
				t.Fatal(err)
			}
			damage(t, path)
			if there(t, c, "hello") {
				t.Error("the damage was not found")
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Error("the damaged blob was not removed")
			}
			if !there(t, c, "other") {
				t.Error("another blob went with it")
			}
			put(t, c, "hello")
			if !there(t, c, "hello") {
				t.Error("the blob can't be put again")
			}
		})
	}
}

// TestBlobIsNotReadAgain documents what the cache trusts: a file whose inode, size and time are those of its stamp. Who
// takes the trouble to keep all three is believed, until the stamp goes.
func TestBlobIsNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	defer closed(t, c)
	d := put(t, c, "hello")
	path, err := c.Blob(d)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, "hellO")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Blob(d); err != nil || got != path {
		t.Errorf("the blob was read again: %q, %v", got, err)
	}
	if err := os.Remove(filepath.Join(dir, "stamps", d.Hex)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Blob(d); err != nil || got != "" {
		t.Errorf("without a stamp the blob was not read: %q, %v", got, err)
	}
}

// TestTouchedBlobIsReadOnce: what is whole gets a new stamp.
func TestTouchedBlobIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	defer closed(t, c)
	d := put(t, c, "hello")
	stamp := filepath.Join(dir, "stamps", d.Hex)
	before := read(t, stamp)
	rewrite(t, filepath.Join(dir, "blobs", d.Hex), "hello")
	if !there(t, c, "hello") {
		t.Fatal("a whole blob was removed")
	}
	if after := read(t, stamp); after == before {
		t.Error("the stamp is still the old one")
	}
}

func TestLinkTakesNoSpace(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	defer closed(t, c)
	d := put(t, c, "hello")
	path := filepath.Join(t.TempDir(), "out")
	if err := c.Link(d, path); err != nil {
		t.Fatal(err)
	}
	blob, err := c.Blob(d)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := os.Stat(blob)
	b, errB := os.Stat(path)
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		t.Errorf("the link is a copy (%v, %v)", errA, errB)
	}
	if b.Mode().Perm() != 0o444 {
		t.Errorf("who writes to it (%s) would damage the cache", b.Mode())
	}
	// Links do not make it be read again, and it stays when the cache's name for it goes.
	if !there(t, c, "hello") {
		t.Error("the blob is gone")
	}
}

func TestLinkOfABlobThatIsGone(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 0)
	defer closed(t, c)
	out := filepath.Join(t.TempDir(), "out")
	var gone *cache.GoneError
	if err := c.Link(digest("never"), out); !errors.As(err, &gone) || gone.Digest != digest("never") {
		t.Errorf("never there: %v", err)
	}
	d := put(t, c, "hello")
	rewrite(t, filepath.Join(dir, "blobs", d.Hex), "hellO")
	if err := c.Link(d, out); !errors.As(err, &gone) || gone.Digest != d {
		t.Errorf("damaged: %v", err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Error("something was linked")
	}
}
