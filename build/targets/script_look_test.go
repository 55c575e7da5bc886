package targets_test

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"
	"github.com/rogpeppe/go-internal/testscript"
)

// showImage prints what is in the linux/amd64 image of a layout with one index.
func showImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: image files|manifest|config|sound <layout>")
	}
	folder := ts.MkAbs(args[1])
	if args[0] == "sound" {
		ts.Check(verifyBlobs(folder))
		return
	}
	one, err := amd64Image(folder)
	ts.Check(err)
	switch args[0] {
	case "files":
		ts.Check(listFiles(ts.Stdout(), folder, one))
	case "manifest":
		content, err := one.RawManifest()
		ts.Check(err)
		ts.Stdout().Write(append(content, '\n'))
	case "config":
		content, err := one.RawConfigFile()
		ts.Check(err)
		ts.Stdout().Write(append(content, '\n'))
	default:
		ts.Fatalf("image %s: there are files, manifest, config and sound", args[0])
	}
}

func amd64Image(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	top, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(top.Manifests) != 1 {
		return nil, errors.Errorf("%s holds %d images", folder, len(top.Manifests))
	}
	nested, err := index.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := nested.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range manifest.Manifests {
		if d.Platform.Architecture == "amd64" {
			return nested.Image(d.Digest)
		}
	}
	return nil, errors.Errorf("%s holds no image for linux/amd64", folder)
}

// listFiles prints a line for each entry: layer, mode, name, and what a link points to.
func listFiles(to io.Writer, folder string, one v1.Image) error {
	manifest, err := one.Manifest()
	if err != nil {
		return err
	}
	for i, l := range manifest.Layers {
		entries, err := openLayer(filepath.Join(folder, "blobs", "sha256", l.Digest.Hex))
		if err != nil {
			return err
		}
		for {
			h, err := entries.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(to, "%d %s %s", i, h.FileInfo().Mode(), h.Name)
			if h.Linkname != "" {
				fmt.Fprintf(to, " -> %s", h.Linkname)
			}
			fmt.Fprintln(to)
		}
	}
	return nil
}

func openLayer(path string) (*tar.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	packed := bufio.NewReader(f) // closed by the end of the test
	magic, err := packed.Peek(2)
	if err != nil {
		return nil, err
	}
	if magic[0] == 0x1f {
		plain, err := gzip.NewReader(packed)
		return tar.NewReader(plain), err
	}
	plain, err := zstd.NewReader(packed)
	return tar.NewReader(plain), err
}

// verifyBlobs says which blob of a layout is not what its name says.
func verifyBlobs(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "blobs", "sha256", "*"))
	if err != nil || len(names) == 0 {
		return errors.Errorf("%s has no blobs", folder)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != filepath.Base(name) {
			return errors.Errorf("%s is damaged", name)
		}
	}
	return nil
}

// damageBlob flips a byte in the middle of a layer.
func damageBlob(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: damage <layout> <media type> <folder>")
	}
	one, err := amd64Image(ts.MkAbs(args[0]))
	ts.Check(err)
	manifest, err := one.Manifest()
	ts.Check(err)
	for _, l := range slices.Backward(manifest.Layers) {
		if string(l.MediaType) != args[1] {
			continue
		}
		path := filepath.Join(ts.MkAbs(args[2]), l.Digest.Hex)
		content, err := os.ReadFile(path)
		ts.Check(err)
		content[len(content)/2] ^= 1
		ts.Check(os.Chmod(path, 0o644))
		ts.Check(os.WriteFile(path, content, 0o644))
		return
	}
	ts.Fatalf("%s has no layer of media type %s", args[0], args[1])
}

func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode <octal> <file>…")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Lstat(ts.MkAbs(name))
		ts.Check(err)
		if got := info.Mode().Perm(); got != os.FileMode(want) {
			ts.Fatalf("%s has mode %04o, not %04o", name, got, want)
		}
	}
}

func checkLinked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] linked <file> <file>")
	}
	one, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	other, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if os.SameFile(one, other) == neg {
		ts.Fatalf("%s and %s being one file: %t", args[0], args[1], neg)
	}
}

// fillFile writes as many megabytes as asked for, always the same.
func fillFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fill <file> <megabytes>m")
	}
	megabytes, err := strconv.Atoi(strings.TrimSuffix(args[1], "m"))
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	content := make([]byte, megabytes<<20)
	rand.NewChaCha8([32]byte{}).Read(content)
	ts.Check(os.WriteFile(path, content, 0o644))
}
