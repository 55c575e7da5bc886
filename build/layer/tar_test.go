package layer_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/layer"
)

var compressions = []layer.Compression{layer.Zstd, layer.Gzip}

func newWriter(t testing.TB, c layer.Compression) *layer.Writer {
	t.Helper()
	w, err := layer.NewWriter(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write writes a listing of a storage, and checks what the blob says of itself.
func write(t testing.TB, w *layer.Writer, c layer.Compression, s *storage, listing layer.Listing) (layer.Blob, []byte) {
	t.Helper()
	var packed bytes.Buffer
	blob, err := w.Write(&packed, listing, s, layer.Check{})
	if err != nil {
		t.Fatal(err)
	}
	truthful(t, blob, c, packed.Bytes())
	return blob, packed.Bytes()
}

// truthful compares digest, diff id and sizes with the bytes.
func truthful(t testing.TB, blob layer.Blob, c layer.Compression, packed []byte) {
	t.Helper()
	unpacked := unpack(t, c, packed)
	if got, want := blob.Digest.String(), digest(packed); got != want {
		t.Errorf("the digest is %s, of the bytes %s", got, want)
	}
	if got, want := blob.DiffID.String(), digest(unpacked); got != want {
		t.Errorf("the diff id is %s, of the tar %s", got, want)
	}
	if blob.Size != int64(len(packed)) || blob.Unpacked != int64(len(unpacked)) {
		t.Errorf("the sizes are %d and %d, of the bytes %d and %d", blob.Size, blob.Unpacked, len(packed), len(unpacked))
	}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func unpack(t testing.TB, c layer.Compression, packed []byte) []byte {
	t.Helper()
	var from io.Reader
	if c == layer.Gzip {
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		from = r
	} else {
		r, err := zstd.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		from = r
	}
	unpacked, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return unpacked
}

// entry is a header of a tar and what follows it.
type entry struct {
	tar.Header
	content string
}

func entries(t testing.TB, archive []byte) []entry {
	t.Helper()
	var out []entry
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{*h, string(content)})
	}
}

// shown is a tar for people: all of each header, and a digest of each content.
func shown(all []entry) string {
	var b strings.Builder
	for _, e := range all {
		when := e.ModTime.UTC().Format("2006-01-02T15:04:05.999")
		fmt.Fprintf(&b, "%c %04o %d:%d %d %s %q", e.Typeflag, e.Mode, e.Uid, e.Gid, e.Size, when, e.Name)
		if e.Linkname != "" {
			fmt.Fprintf(&b, " -> %q", e.Linkname)
		}
		if e.Typeflag == tar.TypeReg {
			b.WriteString(" " + digest([]byte(e.content))[7:19])
		}
		fmt.Fprintf(&b, " %v %v\n", e.Format, e.PAXRecords)
	}
	return b.String()
}
