package layer_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// pinned are what the fixture has always been packed to. A layer of another diff id under an old key would be taken for
// another image: count formatVersion up. The digests hold for one version of the encoder only; its version is in the
// key.
var pinned = map[layer.Compression]struct{ digest, diffID string }{
	layer.Zstd: {"sha256:ea8cd86ce4c58a3848bc6ae1d37bac07b765265bd5758e344ff1d0abb0c181d2", diffID},
	layer.Gzip: {"sha256:e78bb7bd48e5273937cd0b679478f7604383cb157ac269a47a0de5e8484da4e7", diffID},
}

const diffID = "sha256:81597294a5adb85845416806a168b65eb450a1b475bf2cb70ca82e858ea89fa1"

func TestPinnedDigests(t *testing.T) {
	s := newStorage()
	listing := list(t, s, packages())
	for _, c := range compressions {
		blob, packed := write(t, newWriter(t, c), c, s, listing)
		want := pinned[c]
		if blob.DiffID.String() != want.diffID {
			t.Errorf("%s: the diff id is %s, pinned is %s. The tar is now\n%s", string(c), blob.DiffID, want.diffID,
				shown(entries(t, unpack(t, c, packed))))
		}
		if blob.Digest.String() != want.digest {
			t.Errorf("%s: the digest is %s, pinned is %s: has the encoder changed (%s)?", string(c), blob.Digest, want.digest, c)
		}
	}
}

// TestSameFilesSameBytes: by one writer and by two, whatever it wrote before, in whatever order the parts came.
func TestSameFilesSameBytes(t *testing.T) {
	for _, c := range compressions {
		s := newStorage()
		listing := list(t, s, packages())
		one := newWriter(t, c)
		first, packed := write(t, one, c, s, listing)
		other := newStorage()
		write(t, one, c, other, list(t, other, map[string]map[string]string{"zoo/1.0.0": {"a": "something else"}}))
		for name, again := range map[string]func() (layer.Blob, []byte){
			"the same writer": func() (layer.Blob, []byte) { return write(t, one, c, s, listing) },
			"another writer":  func() (layer.Blob, []byte) { return write(t, newWriter(t, c), c, s, listing) },
			"another listing": func() (layer.Blob, []byte) { return write(t, one, c, s, list(t, s, packages())) },
			"another storage": func() (layer.Blob, []byte) { n := newStorage(); return write(t, one, c, n, list(t, n, packages())) },
		} {
			blob, repacked := again()
			if blob != first || !bytes.Equal(repacked, packed) {
				t.Errorf("%s, %s: %+v, first %+v", string(c), name, blob, first)
				wantLines(t, "the tar", []string{shown(entries(t, unpack(t, c, repacked)))}, []string{shown(entries(t, unpack(t, c, packed)))})
			}
		}
	}
}

// TestDiffIDIsTheTars: how a layer is packed does not matter to what it is.
func TestDiffIDIsTheTars(t *testing.T) {
	s := newStorage()
	listing := list(t, s, packages())
	a, _ := write(t, newWriter(t, layer.Zstd), layer.Zstd, s, listing)
	b, _ := write(t, newWriter(t, layer.Gzip), layer.Gzip, s, listing)
	if a.DiffID != b.DiffID || a.Unpacked != b.Unpacked || a.Digest == b.Digest {
		t.Errorf("zstd %+v, gzip %+v", a, b)
	}
}

func TestWriteEntries(t *testing.T) {
	given := []layer.Entry{
		{Path: "etc", Folder: true, Mode: 0o711, UID: 5, GID: 6},
		{Path: "etc/package-registry.yml", Mode: 0o640, UID: 1000, GID: 1001, Content: []byte("package_paths: []\n")},
		{Path: "etc/empty", Mode: 0o4755},
	}
	for _, c := range compressions {
		var packed bytes.Buffer
		w := newWriter(t, c)
		blob, err := w.WriteEntries(&packed, given)
		if err != nil {
			t.Fatal(err)
		}
		truthful(t, blob, c, packed.Bytes())
		if blob.Files != 2 || blob.Links != 0 {
			t.Errorf("%s: %+v", string(c), blob)
		}
		const want = `5 0711 5:6 0 1970-01-01T00:00:00 "etc/" USTAR map[]
0 0640 1000:1001 18 1970-01-01T00:00:00 "etc/package-registry.yml" 2805a3fdb920 USTAR map[]
0 4755 0:0 0 1970-01-01T00:00:00 "etc/empty" e3b0c44298fc USTAR map[]
`
		if got := shown(entries(t, unpack(t, c, packed.Bytes()))); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", string(c), got, want)
		}
		var again bytes.Buffer
		second, err := w.WriteEntries(&again, slices.Clone(given))
		if err != nil || second != blob || !bytes.Equal(again.Bytes(), packed.Bytes()) {
			t.Errorf("%s: again %+v, %v", string(c), second, err)
		}
	}
	if _, err := newWriter(t, layer.Zstd).WriteEntries(&failing{0, io.ErrClosedPipe}, given); err == nil {
		t.Error("a write that fails is no error")
	}
}
