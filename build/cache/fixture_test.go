package cache_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/cache"
)

// holding is the folder of the cache that a second process opens, see hold.
const holding = "CACHE_TEST_HOLDING"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holding); dir != "" {
		holdOpen(dir)
	}
	os.Exit(m.Run())
}

// holdOpen is the second process: it has a cache open, with a blob half written, until its input ends or it is killed.
func holdOpen(dir string) {
	c, err := cache.Open(context.Background(), dir, 0)
	if err == nil {
		var w *cache.BlobWriter
		if w, err = c.NewBlob(); err == nil {
			_, err = w.Write([]byte("half a blob"))
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	if err := c.Close(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// hold opens the cache in another process, which ends by end, or is killed by kill.
func hold(t *testing.T, dir string) (end, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holding+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	end = func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
	}
	return end, func() { cmd.Process.Kill(); cmd.Wait() }
}

// open opens a cache; it is closed with the test where it was not before.
func open(t testing.TB, dir string, limit int64) *cache.Cache {
	t.Helper()
	c, err := cache.Open(t.Context(), dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func closed(t testing.TB, c *cache.Cache) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func digest(content string) v1.Hash {
	sum := sha256.Sum256([]byte(content))
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

func put(t testing.TB, c *cache.Cache, content string) v1.Hash {
	t.Helper()
	d := digest(content)
	if err := c.Put(d, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return d
}

// there says whether a cache has a blob, whole.
func there(t testing.TB, c *cache.Cache, content string) bool {
	t.Helper()
	path, err := c.Blob(digest(content))
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		return false
	}
	if got := read(t, path); got != content {
		t.Errorf("the blob is %q, want %q", got, content)
	}
	return true
}

func read(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// rewrite changes a file in its place, at another time.
func rewrite(t testing.TB, path, content string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	// The clock of a file system is coarse: two writes can have one time.
	aged(t, path, -time.Hour)
}

// aged moves a file's time.
func aged(t testing.TB, path string, by time.Duration) {
	t.Helper()
	when := time.Now().Add(by)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

// files are those below a folder, sorted; without the cache's own tag, lock and empty folders.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if relative != "CACHEDIR.TAG" && relative != "lock" {
			out = append(out, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// of gives so many bytes that differ by name.
func of(name string, size int) string {
	return name + string(bytes.Repeat([]byte{'.'}, size-len(name)))
}
