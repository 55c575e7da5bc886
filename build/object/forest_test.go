package object_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/object"
)

// woods holds trees in memory, and what was asked of it: one slice of ids a request.
type woods struct {
	trees    map[object.ID][]object.TreeEntry
	requests [][]object.ID
}

func newWoods() *woods { return &woods{trees: map[object.ID][]object.TreeEntry{}} }

func (w *woods) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	if len(ids) > 0 {
		w.requests = append(w.requests, slices.Clone(ids))
	}
	read := make([][]object.TreeEntry, len(ids))
	for i, id := range ids {
		entries, there := w.trees[id]
		if !there {
			return nil, fmt.Errorf("no tree %s", id.Short())
		}
		read[i] = entries
	}
	return read, nil
}

// tree puts a tree there; its id follows from the entries.
func (w *woods) tree(entries ...object.TreeEntry) object.ID {
	sum := sha1.Sum([]byte(fmt.Sprint(entries)))
	id := object.FromRaw(sum[:])
	w.trees[id] = entries
	return id
}

func file(name string) object.TreeEntry {
	sum := sha1.Sum([]byte(name))
	return object.TreeEntry{Name: name, Mode: object.ModeFile, ID: object.FromRaw(sum[:])}
}

func folder(name string, id object.ID) object.TreeEntry {
	return object.TreeEntry{Name: name, Mode: object.ModeTree, ID: id}
}

// versions are two packages that share the folder docs, which is three levels deep.
func versions(w *woods) (first, second object.ID) {
	deep := w.tree(file("deep.md"))
	img := w.tree(file("logo.svg"))
	docs := w.tree(file("README.md"), folder("a", deep), folder("b", deep))
	first = w.tree(folder("docs", docs), file("manifest.yml"))
	second = w.tree(folder("docs", docs), folder("img", img), file("manifest.yml"))
	return first, second
}

func TestLoadReadsEachTreeOnceAndOneRequestALevel(t *testing.T) {
	w := newWoods()
	first, second := versions(w)
	forest := object.NewForest()
	if err := forest.Load(w, first, second, first); err != nil {
		t.Fatal(err)
	}
	if len(w.requests) != 3 {
		t.Errorf("%d requests for trees of 3 levels: %v", len(w.requests), w.requests)
	}
	asked := slices.Concat(w.requests...)
	slices.Sort(asked)
	if once := slices.Compact(slices.Clone(asked)); len(once) != len(asked) {
		t.Errorf("a tree was read twice: %v", asked)
	}
	if len(asked) != len(w.trees) {
		t.Errorf("%d of %d trees were read", len(asked), len(w.trees))
	}
	for id, want := range w.trees {
		if !slices.Equal(forest.Entries(id), want) {
			t.Errorf("%s: %v, want %v", id.Short(), forest.Entries(id), want)
		}
	}
}

func TestLoadAsksOnlyForWhatIsNew(t *testing.T) {
	w := newWoods()
	first, second := versions(w)
	forest := object.NewForest()
	if err := forest.Load(w, first); err != nil {
		t.Fatal(err)
	}
	w.requests = nil
	if err := forest.Load(w, second, first); err != nil {
		t.Fatal(err)
	}
	if len(w.requests) != 2 || len(w.requests[0]) != 1 || len(w.requests[1]) != 1 {
		t.Errorf("want a request for the second version and one for its folder img, got %v", w.requests)
	}
	w.requests = nil
	if err := forest.Load(w, first, second); err != nil || len(w.requests) != 0 {
		t.Errorf("all is known, yet it asked for %v (%v)", w.requests, err)
	}
}

func TestAbsorb(t *testing.T) {
	w := newWoods()
	first, second := versions(w)
	for _, empty := range []bool{false, true} {
		forest, other := object.NewForest(), object.NewForest()
		if !empty {
			if err := forest.Load(w, first); err != nil {
				t.Fatal(err)
			}
		}
		if err := other.Load(w, second); err != nil {
			t.Fatal(err)
		}
		forest.Absorb(other)
		forest.Absorb(object.NewForest())
		w.requests = nil
		if err := forest.Load(w, second); err != nil || len(w.requests) != 0 {
			t.Errorf("what was taken over was asked for again: %v, %v", w.requests, err)
		}
		if known := forest.Entries(first) != nil; known == empty {
			t.Errorf("the forest's own trees are there: %v", known)
		}
	}
}

func TestLoadFollowsNeitherSymlinksNorSubmodules(t *testing.T) {
	w := newWoods()
	root := w.tree(
		object.TreeEntry{Name: "link", Mode: object.ModeSymlink, ID: file("x").ID},
		object.TreeEntry{Name: "module", Mode: object.ModeGitlink, ID: file("y").ID},
		object.TreeEntry{Name: "run", Mode: object.ModeExecutable, ID: file("z").ID})
	if err := object.NewForest().Load(w, root); err != nil {
		t.Error(err)
	}
}

func TestWhatWasLoadedBeforeAnErrorStays(t *testing.T) {
	w := newWoods()
	lost := w.tree(file("lost"))
	delete(w.trees, lost)
	root := w.tree(folder("lost", lost), file("manifest.yml"))
	forest := object.NewForest()
	if err := forest.Load(w, root); err == nil || !strings.Contains(err.Error(), lost.Short()) {
		t.Fatalf("Load: %v", err)
	}
	if len(forest.Entries(root)) != 2 {
		t.Error("the root is not there any more")
	}
	if path, found := forest.Find("pkg", root, lost); !found || path != "pkg/lost" {
		t.Errorf("the lost tree is at %q, %v", path, found)
	}
	err := forest.Walk("pkg", root, func(string, object.TreeEntry) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "pkg/lost") {
		t.Errorf("a walk over a tree that was not loaded: %v", err)
	}
	if forest.Entries(lost) != nil {
		t.Error("a tree that could not be read has entries")
	}
}

func TestWalk(t *testing.T) {
	w := newWoods()
	_, second := versions(w)
	forest := object.NewForest()
	if err := forest.Load(w, second); err != nil {
		t.Fatal(err)
	}
	want := []string{"docs", "docs/README.md", "docs/a", "docs/a/deep.md", "docs/b", "docs/b/deep.md", "img", "img/logo.svg",
		"manifest.yml"}
	for _, prefix := range []string{"", "pkg", "pkg/1.0.0"} {
		var got []string
		err := forest.Walk(prefix, second, func(path string, e object.TreeEntry) error {
			if !strings.HasSuffix(path, e.Name) {
				t.Errorf("%s came with the entry of %s", path, e.Name)
			}
			if prefix != "" {
				path = strings.TrimPrefix(path, prefix+"/")
			}
			got = append(got, path)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("prefix %q: %v, %v\nwant %v", prefix, got, err, want)
		}
	}
}

func TestAnErrorEndsTheWalk(t *testing.T) {
	w := newWoods()
	_, second := versions(w)
	forest := object.NewForest()
	if err := forest.Load(w, second); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	var seen []string
	err := forest.Walk("", second, func(path string, _ object.TreeEntry) error {
		seen = append(seen, path)
		if path == "docs/a/deep.md" {
			return enough
		}
		return nil
	})
	if err != enough || len(seen) != 4 {
		t.Errorf("%v after %v", err, seen)
	}
}

func TestFind(t *testing.T) {
	w := newWoods()
	_, second := versions(w)
	forest := object.NewForest()
	if err := forest.Load(w, second); err != nil {
		t.Fatal(err)
	}
	for wanted, want := range map[object.ID]string{
		second:                  "pkg",
		file("manifest.yml").ID: "pkg/manifest.yml",
		file("logo.svg").ID:     "pkg/img/logo.svg",
		file("deep.md").ID:      "pkg/docs/a/deep.md", // the first of two
	} {
		if path, found := forest.Find("pkg", second, wanted); !found || path != want {
			t.Errorf("found %q, %v, want %q", path, found, want)
		}
	}
	if path, found := forest.Find("pkg", second, file("elsewhere").ID); found {
		t.Errorf("a file that is not there was found at %q", path)
	}
}
