package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestTarIsTheStandardLibrarys: the same bytes as archive/tar's, for names of all lengths around the limits of a
// plain header, with and without slashes where it could be split.
func TestTarIsTheStandardLibrarys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		length := []int{1, 20, 98, 99, 100, 101, 102, 154, 155, 156, 157, 255, 256, 257, 300}[random.IntN(15)]
		letters := "abcdefghij/.-_"
		if random.IntN(20) == 0 {
			letters = "ab/ø"
		}
		if random.IntN(3) == 0 {
			letters = "abc" // nowhere to split
		}
		var b strings.Builder
		runes := []rune(letters)
		for b.Len() < length {
			b.WriteRune(runes[random.IntN(len(runes))])
		}
		return b.String()
	}
	for range 20000 {
		h := tar.Header{Typeflag: tar.TypeReg, Name: name(), Mode: 0o644, Uid: random.IntN(2) * 1000, Gid: random.IntN(2) * 70000}
		var content []byte
		switch random.IntN(4) {
		case 0:
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
			h.Name += "/"
		case 1:
			h.Typeflag, h.Linkname = tar.TypeLink, name()
		default:
			content = make([]byte, random.IntN(1200))
			h.Size = int64(len(content))
		}
		want, wantErr := standard(h, content)
		got, err := ours(h, content)
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%c %q -> %q: differs from archive/tar (%v, %v)\n%q\n%q", h.Typeflag, h.Name, h.Linkname, err, wantErr, got, want)
		}
	}
}

func standard(h tar.Header, content []byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	h.ModTime = time.Unix(0, 0)
	if err := w.WriteHeader(&h); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func ours(h tar.Header, content []byte) ([]byte, error) {
	var out bytes.Buffer
	w := newTarWriter(&out)
	if err := w.header(h); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err := w.close()
	return out.Bytes(), err
}

func TestTarOfWrongSizes(t *testing.T) {
	w := newTarWriter(io.Discard)
	h := tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 2}
	if err := w.header(h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("abc")); err == nil {
		t.Error("more was taken than the header says")
	}
	if _, err := w.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := w.header(h); err == nil {
		t.Error("the next entry was taken before the file was whole")
	}
	if err := w.close(); err == nil {
		t.Error("the tar was ended before the file was whole")
	}
}

func BenchmarkTarHeader(b *testing.B) {
	h := tar.Header{Typeflag: tar.TypeLink, Mode: 0o644,
		Name:     "packages/package-storage/brook_dns/1.1.0/data_stream/query/fields/base-fields.yml",
		Linkname: "packages/package-storage/brook_dns/1.0.0/data_stream/query/fields/base-fields.yml"}
	w := newTarWriter(io.Discard)
	for b.Loop() {
		if err := w.header(h); err != nil {
			b.Fatal(err)
		}
	}
}
