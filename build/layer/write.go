package layer

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Source gives contents: each blob once, in the order of ids, with its size in bytes.
type Source interface {
	Blobs(ids []object.ID, use func(i int, size int64, content io.Reader) error) error
}

// Check judges files on their way into the layer; an error ends the writing. Wants says of a file whether Content is
// to see it; both get the path in the image.
type Check struct {
	Wants   func(path string, size int64) bool
	Content func(path string, content []byte) error
}

// Blob is a layer that was written.
type Blob struct {
	// Digest is of the packed bytes, DiffID of the tar.
	Digest v1.Hash `json:"digest"`
	DiffID v1.Hash `json:"diffId"`
	// Size is that of the packed bytes, Unpacked that of the tar, in bytes.
	Size     int64 `json:"size"`
	Unpacked int64 `json:"unpacked"`
	// Files is the number of files, links among them.
	Files int `json:"files"`
	Links int `json:"links"`
}

// Writer writes one layer after the other. It is for one goroutine.
type Writer struct {
	encoder encoder
	buffer  []byte
}

// NewWriter sets up an encoder.
func NewWriter(c Compression) (*Writer, error) {
	e, err := c.encoder()
	if err != nil {
		return nil, err
	}
	return &Writer{encoder: e, buffer: make([]byte, 128<<10)}, nil
}

// Write writes a layer to w. Headers are made from nothing: owner 0, time 0, git's modes; so that the bytes depend on
// the listing and the contents alone. Errors are those of source, check and w.
func (w *Writer) Write(to io.Writer, listing Listing, source Source, check Check) (Blob, error) {
	return w.write(to, func(a *archive) (files, links int, err error) {
		a.check, a.buffer = check, w.buffer
		return len(listing.Files) + len(listing.Links), len(listing.Links), a.write(listing, source)
	})
}

// write hashes, packs and counts what fill puts into the tar.
func (w *Writer) write(to io.Writer, fill func(*archive) (files, links int, err error)) (Blob, error) {
	packed := newMeasured(to)
	w.encoder.Reset(packed)
	unpacked := newMeasured(w.encoder)
	a := &archive{tar: newTarWriter(unpacked)}
	files, links, err := fill(a)
	if err != nil {
		return Blob{}, err
	}
	for _, end := range []func() error{a.tar.close, w.encoder.Close} {
		if err := end(); err != nil {
			return Blob{}, errors.Wrap(err, "finish the layer")
		}
	}
	return Blob{
		Digest: packed.sum(), DiffID: unpacked.sum(), Size: packed.size, Unpacked: unpacked.size,
		Files: files, Links: links,
	}, nil
}

// archive writes the tar.
type archive struct {
	tar    *tarWriter
	check  Check
	buffer []byte
}

func (a *archive) write(listing Listing, source Source) error {
	for _, folder := range listing.Folders {
		if err := a.header(tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	err := source.Blobs(listing.Blobs(), func(i int, size int64, content io.Reader) error {
		return a.file(listing.Files[i], size, content)
	})
	if err != nil {
		return err
	}
	for _, link := range listing.Links {
		header := tar.Header{Typeflag: tar.TypeLink, Name: link.Path, Linkname: link.Target, Mode: permissions(link.Mode)}
		if err := a.header(header); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) header(h tar.Header) error {
	if err := a.tar.header(h); err != nil {
		return errors.Wrapf(err, "write %s", h.Name)
	}
	return nil
}

func (a *archive) file(f File, size int64, content io.Reader) error {
	content, err := a.checked(f, size, content)
	if err != nil {
		return err
	}
	if err := a.header(tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Mode: permissions(f.Mode), Size: size}); err != nil {
		return err
	}
	_, err = io.CopyBuffer(a.tar, content, a.buffer)
	return errors.Wrapf(err, "write %s", f.Path)
}

// checked shows the content to the check under each of the file's names: two packages may share one manifest.
func (a *archive) checked(f File, size int64, content io.Reader) (io.Reader, error) {
	if a.check.Wants == nil {
		return content, nil
	}
	var read []byte
	look := func(path string) error {
		if !a.check.Wants(path, size) {
			return nil
		}
		if read == nil {
			var err error
			if read, err = io.ReadAll(content); err != nil {
				return errors.Wrapf(err, "read %s", path)
			}
		}
		return a.check.Content(path, read)
	}
	if err := look(f.Path); err != nil {
		return nil, err
	}
	for _, path := range f.Others {
		if err := look(path); err != nil {
			return nil, err
		}
	}
	if read == nil {
		return content, nil
	}
	return bytes.NewReader(read), nil
}

// permissions are a file's in the image: git knows but two.
func permissions(mode object.Mode) int64 {
	if mode == object.ModeExecutable {
		return 0o755
	}
	return 0o644
}

// measured counts and hashes what passes.
type measured struct {
	to   io.Writer
	hash hash.Hash
	size int64
}

func newMeasured(to io.Writer) *measured { return &measured{to: to, hash: sha256.New()} }

func (m *measured) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.hash.Write(p[:n])
	m.size += int64(n)
	return n, err
}

func (m *measured) sum() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(m.hash.Sum(nil))}
}
