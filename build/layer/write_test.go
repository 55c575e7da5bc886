package layer_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/layer"
)

var (
	longName = strings.Repeat("long_", 50) + ".yml"                  // for a PAX record
	longPath = strings.Repeat("folder_of_a_long_path/", 6) + "f.yml" // for the prefix field of ustar
)

// packages are a small storage with all that a layer can hold.
func packages() map[string]map[string]string {
	return map[string]map[string]string{
		"apm/1.0.0": {
			"manifest.yml": "name: apm\nversion: 1.0.0\n", "docs/README.md": "# APM\n", "bin/run*": "#!/bin/sh\n", "bin/run.txt": "#!/bin/sh\n",
			"empty": "", "also_empty": "", longName: "long", longPath: "deep", "ünï/日本.svg": "<svg/>",
			"large.bin": strings.Repeat("0123456789abcdef", 20_000),
		},
		"apm/1.1.0": {
			"manifest.yml": "name: apm\nversion: 1.1.0\n", "docs/README.md": "# APM\n", "bin/run*": "#!/bin/sh\n", "bin/run.txt": "#!/bin/sh\n",
			longName + "2": "long", longName + "3": "own",
		},
	}
}

func TestTheTarHoldsTheListing(t *testing.T) {
	s := newStorage()
	listing := list(t, s, packages())
	for _, c := range compressions {
		blob, packed := write(t, newWriter(t, c), c, s, listing)
		all := entries(t, unpack(t, c, packed))
		var got []string
		files, links := 0, 0
		for _, e := range all {
			switch e.Typeflag {
			case tar.TypeDir:
				got = append(got, e.Name)
			case tar.TypeReg:
				files++
				got = append(got, fmt.Sprintf("%o %s", e.Mode, e.Name))
			case tar.TypeLink:
				links++
				got = append(got, fmt.Sprintf("%o %s -> %s", e.Mode, e.Name, e.Linkname))
			}
		}
		wantLines(t, string(c), got, describeListing(listing))
		if blob.Files != files+links || blob.Links != links || links != 4 {
			t.Errorf("%s: %d files and %d links, the blob says %d and %d", string(c), files, links, blob.Files, blob.Links)
		}
		content := map[string]string{}
		for _, e := range all {
			content[e.Name] = e.content
			if e.Typeflag == tar.TypeLink {
				content[e.Name] = content[e.Linkname]
			}
		}
		for path, want := range packages() {
			for name, want := range want {
				if got := content["packages/"+path+"/"+strings.TrimSuffix(name, "*")]; got != want {
					t.Errorf("%s: %s/%s has %d bytes, want %d", string(c), path, name, len(got), len(want))
				}
			}
		}
	}
}

// TestHeadersAreMadeFromNothing: no owner, no time, no mode but git's.
func TestHeadersAreMadeFromNothing(t *testing.T) {
	s := newStorage()
	_, packed := write(t, newWriter(t, layer.Zstd), layer.Zstd, s, list(t, s, packages()))
	for _, e := range entries(t, unpack(t, layer.Zstd, packed)) {
		if e.Uid != 0 || e.Gid != 0 || e.Uname != "" || e.Gname != "" || e.Devmajor != 0 || e.Devminor != 0 {
			t.Errorf("%s has an owner: %+v", e.Name, e.Header)
		}
		if !e.ModTime.Equal(time.Unix(0, 0)) || !e.AccessTime.IsZero() || !e.ChangeTime.IsZero() {
			t.Errorf("%s has a time: %+v", e.Name, e.Header)
		}
		want := int64(0o644)
		if e.Typeflag == tar.TypeDir || strings.HasSuffix(e.Name, "/run") {
			want = 0o755
		}
		if e.Mode != want {
			t.Errorf("%s has the mode %o, want %o", e.Name, e.Mode, want)
		}
		if e.Name != strings.TrimPrefix(e.Name, "/") || strings.Contains(e.Name, "//") || strings.HasPrefix(e.Linkname, "/") {
			t.Errorf("the path of %s -> %s is not relative and clean", e.Name, e.Linkname)
		}
		for key := range e.PAXRecords {
			if key != "path" && key != "linkpath" {
				t.Errorf("%s has a PAX record %s", e.Name, key)
			}
		}
	}
}

// TestTarProgramReadsIt: not only Go's reader does.
func TestTarProgramReadsIt(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("no tar")
	}
	s := newStorage()
	_, packed := write(t, newWriter(t, layer.Gzip), layer.Gzip, s, list(t, s, packages()))
	dir := t.TempDir()
	cmd := exec.Command("tar", "-xf", "-", "-C", dir)
	cmd.Stdin = bytes.NewReader(unpack(t, layer.Gzip, packed))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	for path, files := range packages() {
		for name, want := range files {
			bare := strings.TrimSuffix(name, "*")
			file := filepath.Join(dir, "packages", path, bare)
			got, err := os.ReadFile(file)
			if err != nil || string(got) != want {
				t.Errorf("%s/%s: %d bytes of %d, %v", path, name, len(got), len(want), err)
				continue
			}
			if info, _ := os.Stat(file); (info.Mode()&0o100 != 0) != (bare != name) {
				t.Errorf("%s/%s: %s", path, name, info.Mode())
			}
		}
	}
	if !sameFile(t, filepath.Join(dir, "packages/apm/1.0.0/docs/README.md"), filepath.Join(dir, "packages/apm/1.1.0/docs/README.md")) {
		t.Error("equal files are two")
	}
	if sameFile(t, filepath.Join(dir, "packages/apm/1.0.0/bin/run"), filepath.Join(dir, "packages/apm/1.0.0/bin/run.txt")) {
		t.Error("files of two modes are one")
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	first, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(first, second)
}

// TestWindow: a decoder need not support more than 8 MB (RFC 8878, section 3.1.1.1.2).
func TestWindow(t *testing.T) {
	s := newStorage()
	random := make([]byte, 9<<20)
	for i, source := 0, rand.NewPCG(1, 11); i < len(random); i += 8 {
		for j, v := 0, source.Uint64(); j < 8; j++ {
			random[i+j] = byte(v >> (8 * j))
		}
	}
	listing := list(t, s, map[string]map[string]string{"apm/1.0.0": {"random": string(random)}})
	_, packed := write(t, newWriter(t, layer.Zstd), layer.Zstd, s, listing)
	var header zstd.Header
	if err := header.Decode(packed); err != nil {
		t.Fatal(err)
	}
	if header.WindowSize > 8<<20 || header.DictionaryID != 0 {
		t.Errorf("%+v", header)
	}
}

func TestEmptyListingIsATar(t *testing.T) {
	for _, c := range compressions {
		_, packed := write(t, newWriter(t, c), c, newStorage(), layer.Listing{})
		if all := entries(t, unpack(t, c, packed)); len(all) != 0 {
			t.Errorf("%s:\n%s", string(c), shown(all))
		}
	}
}
