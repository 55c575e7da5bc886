package serve_test

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// pinned is the digest of the fixture's zip. When it changes, every zip that was ever served changes.
const pinned = "8c14f39e058e84bc4e39b760c4b0259c953500a0fa4ca02a4834189f8a71b552"

const zipRoute = "/epr/nginx/nginx-1.2.0.zip"

// listing is one line per entry: what differs is seen at once.
func listing(t *testing.T, content string) []string {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r) // checks the checksum
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%v %s %d %s", f.Mode(), f.Modified.Format(time.DateOnly), len(content), f.Name))
	}
	return lines
}

func TestZip(t *testing.T) {
	resp, body := ask(t, mustNew(t, tree()), http.MethodGet, zipRoute)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%s, Content-Type %q", resp.Status, resp.Header.Get("Content-Type"))
	}
	want := []string{
		"drwxr-xr-x 1980-01-01 0 nginx-1.2.0/",
		"drwxr-xr-x 1980-01-01 0 nginx-1.2.0/bin/",
		"-rwxr-xr-x 1980-01-01 10 nginx-1.2.0/bin/run.sh",
		"-rw-r--r-- 1980-01-01 4 nginx-1.2.0/docs-of-old.txt",
		"drwxr-xr-x 1980-01-01 0 nginx-1.2.0/docs/",
		"-rw-r--r-- 1980-01-01 8 nginx-1.2.0/docs/README.md",
		"drwxr-xr-x 1980-01-01 0 nginx-1.2.0/img/",
		"-rw-r--r-- 1980-01-01 6 nginx-1.2.0/img/logo.svg",
		"-rw-r--r-- 1980-01-01 308 nginx-1.2.0/manifest.yml",
	}
	if got := listing(t, body); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if sum := sha256.Sum256([]byte(body)); hex.EncodeToString(sum[:]) != pinned {
		t.Errorf("digest %x, want %s", sum, pinned)
	}
}

// The tree on disk has other times, other modes (a umask), and other owners on each machine.
func TestZipOfFilesOnDiskIsTheSame(t *testing.T) {
	r := onDisk(t)
	_, first := ask(t, r, http.MethodGet, zipRoute)
	_, second := ask(t, r, http.MethodGet, zipRoute)
	_, inMemory := ask(t, mustNew(t, tree()), http.MethodGet, zipRoute)
	if first != second || first != inMemory {
		t.Errorf("on disk\n%s\nagain\n%s\nin memory\n%s", strings.Join(listing(t, first), "\n"),
			strings.Join(listing(t, second), "\n"), strings.Join(listing(t, inMemory), "\n"))
	}
}

func TestZipHead(t *testing.T) {
	r := mustNew(t, tree())
	_, body := ask(t, r, http.MethodGet, zipRoute)
	resp, none := ask(t, r, http.MethodHead, zipRoute)
	if resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(body)) || none != "" {
		t.Errorf("HEAD: %s, length %d, want %d", resp.Status, resp.ContentLength, len(body))
	}
}

// A zip that could not be finished must not look like a whole one.
func TestZipOfAFileThatCannotBeReadIsBrokenOff(t *testing.T) {
	files := tree()
	server := httptest.NewServer(mustNew(t, shrinking{files}))
	defer server.Close()
	resp, err := http.Get(server.URL + zipRoute)
	if err == nil {
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("the client saw no error")
	}
}

// shrinking opens an empty file instead of docs/README.md.
type shrinking struct{ fs.FS }

func (s shrinking) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "docs/README.md") {
		return fstest.MapFS{"empty": {}}.Open("empty")
	}
	return s.FS.Open(name)
}

func TestSymlinksLeadNowhereOutside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	version := filepath.Join(folder, "apm", "8.0.0")
	if err := os.MkdirAll(version, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(version, "manifest.yml"), []byte("{name: apm, version: 8.0.0}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		filepath.Join(version, "file"):         outside,
		filepath.Join(version, "folder"):       filepath.Dir(outside),
		filepath.Join(version, "self"):         "self",
		filepath.Join(folder, "apm", "9.0.0"):  version,
		filepath.Join(folder, "linked_folder"): filepath.Dir(outside),
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Skip(err)
		}
	}
	r := openRoot(t, folder)
	if r.Len() != 1 {
		t.Errorf("%d packages, want 1", r.Len())
	}
	for _, path := range []string{"/package/apm/8.0.0/file", "/package/apm/8.0.0/folder/secret", "/package/apm/8.0.0/self"} {
		if resp, body := ask(t, r, http.MethodGet, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, %q", path, resp.Status, body)
		}
	}
	var details struct{ Assets []string }
	askJSON(t, r, "/package/apm/8.0.0/", http.StatusOK, &details)
	if want := []string{"/package/apm/8.0.0/manifest.yml"}; !slices.Equal(details.Assets, want) {
		t.Errorf("assets %q, want %q", details.Assets, want)
	}
	_, body := ask(t, r, http.MethodGet, "/epr/apm/apm-8.0.0.zip")
	if got := listing(t, body); len(got) != 2 {
		t.Errorf("zip has %q", got)
	}
}
