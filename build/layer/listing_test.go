package layer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// list lists packages, "<name>/<version>" and their files, below packages/.
func list(t testing.TB, s *storage, packages map[string]map[string]string) layer.Listing {
	t.Helper()
	var parts []layer.Part
	var roots []object.ID
	for path, files := range packages {
		root := s.tree(files)
		roots = append(roots, root)
		parts = append(parts, layer.Part{Path: path, Mode: object.ModeTree, ID: root})
	}
	listing, err := layer.List("packages", parts, s.forest(t, roots...), object.EmptyBlob(s.blob("")))
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

// described is a listing, an entry a line.
func describeListing(l layer.Listing) []string {
	var out []string
	for _, folder := range l.Folders {
		out = append(out, folder+"/")
	}
	for _, f := range l.Files {
		out = append(out, fmt.Sprintf("%o %s", f.Mode&0o777, f.Path))
	}
	for _, link := range l.Links {
		out = append(out, fmt.Sprintf("%o %s -> %s", link.Mode&0o777, link.Path, link.Target))
	}
	return out
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestListIsInOrder: folders by path, then files of one kind beside each other, then links by path.
func TestListIsInOrder(t *testing.T) {
	s := newStorage()
	for range 5 { // maps are walked in another order each time
		wantLines(t, "listing", describeListing(list(t, s, map[string]map[string]string{
			"zoo/1.0.0": {"manifest.yml": "zoo", "docs/README.md": "zoo's", "img/b.svg": "logo"},
			"apm/1.1.0": {"manifest.yml": "apm1", "docs/README.md": "docs", "bin/run*": "#!"},
			"apm/1.0.0": {"manifest.yml": "apm", "docs/README.md": "docs", "img/a.svg": "logo"},
		})), []string{
			"packages/", "packages/apm/", "packages/apm/1.0.0/", "packages/apm/1.0.0/docs/", "packages/apm/1.0.0/img/",
			"packages/apm/1.1.0/", "packages/apm/1.1.0/bin/", "packages/apm/1.1.0/docs/",
			"packages/zoo/", "packages/zoo/1.0.0/", "packages/zoo/1.0.0/docs/", "packages/zoo/1.0.0/img/",
			"755 packages/apm/1.1.0/bin/run",
			"644 packages/apm/1.0.0/docs/README.md", "644 packages/zoo/1.0.0/docs/README.md",
			"644 packages/apm/1.0.0/img/a.svg",
			"644 packages/apm/1.0.0/manifest.yml", "644 packages/apm/1.1.0/manifest.yml", "644 packages/zoo/1.0.0/manifest.yml",
			"644 packages/apm/1.1.0/docs/README.md -> packages/apm/1.0.0/docs/README.md",
			"644 packages/zoo/1.0.0/img/b.svg -> packages/apm/1.0.0/img/a.svg",
		})
	}
}

func TestTheShortestNameIsTheTarget(t *testing.T) {
	s := newStorage()
	listing := list(t, s, map[string]map[string]string{
		"aaa/1.0.0": {"a/long/way/down": "x", "b": "x"},
		"bbb/1.0.0": {"a": "x"},
	})
	if len(listing.Files) != 1 || listing.Files[0].Path != "packages/aaa/1.0.0/b" {
		t.Errorf("%v", describeListing(listing))
	}
	want := []string{"packages/bbb/1.0.0/a", "packages/aaa/1.0.0/a/long/way/down"}
	slices.Sort(want)
	others := slices.Sorted(slices.Values(listing.Files[0].Others))
	wantLines(t, "others", others, want)
}

func TestOnlyEqualModesAreLinked(t *testing.T) {
	s := newStorage()
	wantLines(t, "listing", describeListing(list(t, s, map[string]map[string]string{
		"apm/1.0.0": {"a.sh*": "#!", "b.sh*": "#!", "a.txt": "#!", "b.txt": "#!"},
	}))[3:], []string{
		"755 packages/apm/1.0.0/a.sh", "644 packages/apm/1.0.0/a.txt",
		"755 packages/apm/1.0.0/b.sh -> packages/apm/1.0.0/a.sh",
		"644 packages/apm/1.0.0/b.txt -> packages/apm/1.0.0/a.txt",
	})
}

func TestEmptyFilesAreNotLinked(t *testing.T) {
	s := newStorage()
	listing := list(t, s, map[string]map[string]string{"apm/1.0.0": {"a": "", "b": "", "c*": "", "d/e": ""}})
	if len(listing.Files) != 4 || len(listing.Links) != 0 {
		t.Errorf("%v", describeListing(listing))
	}
}

// TestAtMostThousandNames: some file systems allow few links to one file.
func TestAtMostThousandNames(t *testing.T) {
	for _, c := range []struct{ names, files int }{{1000, 1}, {1001, 2}, {2000, 2}, {2500, 3}} {
		s := newStorage()
		files := map[string]string{}
		for i := range c.names {
			files[fmt.Sprintf("f%d", i)] = "the same"
		}
		listing := list(t, s, map[string]map[string]string{"apm/1.0.0": files})
		if len(listing.Files) != c.files || len(listing.Files)+len(listing.Links) != c.names {
			t.Errorf("%d names: %d files and %d links", c.names, len(listing.Files), len(listing.Links))
		}
		names := map[string]int{}
		for _, f := range listing.Files {
			names[f.Path] = 1 + len(f.Others)
		}
		for _, link := range listing.Links {
			names[link.Target]--
		}
		for target, left := range names {
			if left != 1 {
				t.Errorf("%d names: %s has %d others than its links", c.names, target, left-1)
			}
		}
		for _, f := range listing.Files {
			if len(f.Others) > 999 {
				t.Errorf("%d names: %s has %d", c.names, f.Path, len(f.Others)+1)
			}
		}
	}
}

// TestPiecesOfAPackage: a layer that holds but pieces has all folders above them.
func TestPiecesOfAPackage(t *testing.T) {
	s := newStorage()
	docs := s.tree(map[string]string{"README.md": "docs"})
	parts := []layer.Part{
		{Path: "apm/1.0.0/data_stream/a/deep.bin", Mode: object.ModeExecutable, ID: s.blob("deep")},
		{Path: "apm/1.0.0/docs", Mode: object.ModeTree, ID: docs},
		{Path: "apm/1.0.0/empty", Mode: object.ModeFile, ID: s.blob("")},
	}
	listing, err := layer.List("srv/packages", parts, s.forest(t, docs), object.EmptyBlob(docs))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "listing", describeListing(listing), []string{
		"srv/", "srv/packages/", "srv/packages/apm/", "srv/packages/apm/1.0.0/", "srv/packages/apm/1.0.0/data_stream/",
		"srv/packages/apm/1.0.0/data_stream/a/", "srv/packages/apm/1.0.0/docs/",
		"644 srv/packages/apm/1.0.0/empty",
		"755 srv/packages/apm/1.0.0/data_stream/a/deep.bin",
		"644 srv/packages/apm/1.0.0/docs/README.md",
	})
}

func TestBlobsAreInTheOrderOfFiles(t *testing.T) {
	s := newStorage()
	listing := list(t, s, map[string]map[string]string{"apm/1.0.0": {"a": "1", "b": "2", "c": "1", "d": ""}})
	if blobs := listing.Blobs(); !slices.Equal(blobs, []object.ID{s.blob("1"), s.blob("2"), s.blob("")}) {
		t.Errorf("%v", blobs)
	}
}

func TestListNeedsLoadedTrees(t *testing.T) {
	parts := []layer.Part{{Path: "apm/1.0.0", Mode: object.ModeTree, ID: hash("lost")}}
	if _, err := layer.List("packages", parts, object.NewForest(), ""); err == nil || !strings.Contains(err.Error(), "packages/apm/1.0.0") {
		t.Errorf("the error is %v", err)
	}
}
