package image_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/image"
)

// tarOf makes a layer. A line is "d <path> <mode> <uid>" for a folder, "f <path>", "l <path> <target>" for a symbolic
// link, "h <path> <target>" for a hard link.
func tarOf(t *testing.T, lines ...string) io.Reader {
	t.Helper()
	layer, err := writeTar(lines)
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func writeTar(lines []string) (io.Reader, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, line := range lines {
		words := strings.Fields(line)
		header := tar.Header{Name: words[1], Mode: 0o644}
		switch words[0] {
		case "d":
			header.Typeflag, header.Mode = tar.TypeDir, 0o755
			if len(words) == 4 {
				header.Mode, header.Uid, header.Gid = map[string]int64{"700": 0o700, "1777": 0o1777}[words[2]], int(words[3][0]-'0'), 9
			}
		case "f":
			header.Typeflag = tar.TypeReg
		case "l":
			header.Typeflag, header.Linkname = tar.TypeSymlink, words[2]
		case "h":
			header.Typeflag, header.Linkname = tar.TypeLink, words[2]
		}
		if err := w.WriteHeader(&header); err != nil {
			return nil, err
		}
	}
	return &layer, w.Close()
}

func TestReadDirectories(t *testing.T) {
	folder, mine := image.Directory{Mode: 0o755}, image.Directory{Mode: 0o700, UID: 7, GID: 9}
	for name, c := range map[string]struct {
		layers [][]string
		want   image.Directories
	}{
		"none": {nil, image.Directories{}},
		"names in any form": {[][]string{{"d ./", "d ./a/", "d /b/c", "f ./a/f", "d x/../d"}},
			image.Directories{"a": folder, "b": folder, "b/c": folder, "d": folder}},
		"owner and mode": {[][]string{{"d tmp 1777 0", "d home/me 700 7"}},
			image.Directories{"tmp": {Mode: 0o1777, GID: 9}, "home": folder, "home/me": mine}},
		"folders that a layer takes for granted": {[][]string{{"f a/b/c"}},
			image.Directories{"a": folder, "a/b": folder}},
		"a later layer changes the owner": {[][]string{{"d a", "d a/b"}, {"d a 700 7"}},
			image.Directories{"a": mine, "a/b": folder}},
		"links": {[][]string{{"l bin usr/bin", "d usr/bin"}},
			image.Directories{"bin": {Link: "usr/bin"}, "usr": folder, "usr/bin": folder}},
		"a hard link to a link": {[][]string{{"l a target", "h b a", "f c", "h d c"}},
			image.Directories{"a": {Link: "target"}, "b": {Link: "target"}}},
		"an entry behind a link": {[][]string{{"d lib64", "l lib lib64"}, {"d lib/new 700 7"}},
			image.Directories{"lib64": folder, "lib": {Link: "lib64"}, "lib64/new": mine}},
		"a file replaces a folder": {[][]string{{"d a/b", "d ab"}, {"f a"}},
			image.Directories{"ab": folder}},
		"a file replaces a link": {[][]string{{"l a b"}, {"f a"}},
			image.Directories{}},
		"a link replaces a folder": {[][]string{{"d a/b"}, {"l a c"}},
			image.Directories{"a": {Link: "c"}}},
		"a folder replaces a link": {[][]string{{"l a c", "d c"}, {"d a"}},
			image.Directories{"a": folder, "c": folder}},
		"a whiteout of a folder": {[][]string{{"d a/b/c", "d a/bc"}, {"f a/.wh.b"}},
			image.Directories{"a": folder, "a/bc": folder}},
		"a whiteout of a link": {[][]string{{"l a b"}, {"f .wh.a"}},
			image.Directories{}},
		"a whiteout, and made anew": {[][]string{{"d a/b"}, {"d a 700 7", "d a/c", "f .wh.a"}},
			image.Directories{"a": mine, "a/c": folder}},
		"an opaque folder": {[][]string{{"d a/b", "l a/l x"}, {"d a", "d a/c", "f a/.wh..wh..opq", "d a/d"}},
			image.Directories{"a": folder, "a/c": folder, "a/d": folder}},
		"an opaque folder, not listed": {[][]string{{"d a/b"}, {"f a/.wh..wh..opq"}},
			image.Directories{"a": folder}},
		"an opaque root": {[][]string{{"d a/b"}, {"f .wh..wh..opq", "d c"}},
			image.Directories{"c": folder}},
		"a whiteout of nothing": {[][]string{{"d a"}, {"f .wh.b"}},
			image.Directories{"a": folder}},
		"whiteouts in their own layer": {[][]string{{"d a", "f .wh.a", "l b c", "f .wh.b"}},
			image.Directories{"a": folder, "b": {Link: "c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []io.Reader
			for _, lines := range c.layers {
				layers = append(layers, tarOf(t, lines...))
			}
			got, err := image.ReadDirectories(layers...)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "directories", got, c.want)
		})
	}
}

func TestReadDirectoriesFails(t *testing.T) {
	broken := errors.New("the line broke")
	_, err := image.ReadDirectories(tarOf(t, "d a"), iotest.ErrReader(broken))
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "layer 2 of 2") {
		t.Errorf("got %v, want %v at layer 2", err, broken)
	}
	if _, err := image.ReadDirectories(tarOf(t, "l a b", "l b a", "f a/x")); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("a circle of links: %v", err)
	}
}

// TestDirectoriesAsJSON: they are kept per base, and what is read back must give the same image.
func TestDirectoriesAsJSON(t *testing.T) {
	config, dirs := someBase()
	raw, err := json.Marshal(dirs)
	if err != nil {
		t.Fatal(err)
	}
	var back image.Directories
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	same(t, "read back", back, dirs)
	d, err := image.Parse([]byte("FROM b\nCOPY packages.json /lib/x/\nCOPY packages /packages"))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := d.Apply(config, dirs, contextFiles, nil)
	got, err := d.Apply(*config.DeepCopy(), back, contextFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "result", got, want)
}

// FuzzReadDirectories: whatever a base holds, no path leaves the root, every parent is a folder, and a Dockerfile can
// be applied or is refused.
func FuzzReadDirectories(f *testing.F) {
	for _, seed := range []string{"d a", "l a ../..\nd a/b", "l a a\nf a/x", "d ../../x\nf .wh.x", "f .wh..", "f .wh.", "l a .\nd a/a/a"} {
		f.Add(seed)
	}
	d, err := image.Parse([]byte("FROM b\nWORKDIR /a/b/..//x\nCOPY packages.json a/b/\nCOPY packages /packages"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, listing string) {
		var lines []string
		for _, line := range strings.Split(listing, "\n") {
			words := strings.Fields(line)
			if len(words) == 3 || len(words) == 2 && (words[0] == "d" || words[0] == "f") {
				lines = append(lines, line)
			}
		}
		layer, err := writeTar(lines)
		if err != nil {
			return
		}
		dirs, err := image.ReadDirectories(layer)
		if err != nil {
			return
		}
		for name := range dirs {
			if strings.HasPrefix("/"+name+"/", "/../") || strings.Contains(name, "//") || name == "" {
				t.Errorf("path %q", name)
			}
			if i := strings.LastIndex(name, "/"); i >= 0 {
				if parent, ok := dirs[name[:i]]; !ok || parent.Link != "" {
					t.Errorf("%q has no folder above it: %+v", name, dirs)
				}
			}
		}
		result, err := d.Apply(v1.ConfigFile{}, dirs, contextFiles, nil)
		if err != nil {
			return
		}
		for _, step := range result.Steps {
			made := map[string]bool{".": true}
			for _, e := range step.Entries {
				if i := strings.LastIndex(e.Path, "/"); i >= 0 && !made[e.Path[:i]] {
					t.Errorf("%s comes before its parent", e.Path)
				}
				made[e.Path] = made[e.Path] || e.Dir
			}
		}
	})
}
