package layer_test

import (
	"crypto/sha1"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// storage holds trees and blobs in memory. It is a TreeReader and a Source.
type storage struct {
	trees map[object.ID][]object.TreeEntry
	blobs map[object.ID]string
	large map[object.ID]int64 // sizes of blobs whose content nobody reads
}

func newStorage() *storage {
	return &storage{trees: map[object.ID][]object.TreeEntry{}, blobs: map[object.ID]string{}, large: map[object.ID]int64{}}
}

func (s *storage) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	read := make([][]object.TreeEntry, len(ids))
	for i, id := range ids {
		entries, there := s.trees[id]
		if !there {
			return nil, fmt.Errorf("no tree %s", id)
		}
		read[i] = entries
	}
	return read, nil
}

// Blobs hands contents out in small bites.
func (s *storage) Blobs(ids []object.ID, use func(i int, size int64, content io.Reader) error) error {
	for i, id := range ids {
		content, there := s.blobs[id]
		if !there {
			return fmt.Errorf("no blob %s", id)
		}
		if err := use(i, int64(len(content)), iotest.HalfReader(strings.NewReader(content))); err != nil {
			return err
		}
	}
	return nil
}

// blob is a file's id, the one that git computes.
func (s *storage) blob(content string) object.ID {
	id := hash(fmt.Sprintf("blob %d\x00%s", len(content), content))
	s.blobs[id] = content
	return id
}

// huge is content that stands for so many bytes.
func (s *storage) huge(name string, size int64) string {
	s.large[s.blob(name)] = size
	return name
}

// tree makes a tree of files, by path; a path that ends in * is executable.
func (s *storage) tree(files map[string]string) object.ID {
	below := map[string]map[string]string{}
	var entries []object.TreeEntry
	for path, content := range files {
		folder, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[folder] == nil {
				below[folder] = map[string]string{}
			}
			below[folder][rest] = content
			continue
		}
		e := object.TreeEntry{Name: path, Mode: object.ModeFile, ID: s.blob(content)}
		if name, marked := strings.CutSuffix(path, "*"); marked {
			e.Name, e.Mode = name, object.ModeExecutable
		}
		entries = append(entries, e)
	}
	for folder, files := range below {
		entries = append(entries, object.TreeEntry{Name: folder, Mode: object.ModeTree, ID: s.tree(files)})
	}
	// Git's order: folders as if their names ended in a slash.
	key := func(e object.TreeEntry) string {
		if e.Mode == object.ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(key(a), key(b)) })
	id := hash(fmt.Sprintf("tree %#v", entries))
	s.trees[id] = entries
	return id
}

func hash(content string) object.ID {
	sum := sha1.Sum([]byte(content))
	return object.FromRaw(sum[:])
}

func (s *storage) forest(t testing.TB, roots ...object.ID) *object.Forest {
	t.Helper()
	forest := object.NewForest()
	if err := forest.Load(s, roots...); err != nil {
		t.Fatal(err)
	}
	return forest
}

func (s *storage) sizes() map[object.ID]int64 {
	sizes := map[object.ID]int64{}
	for id, content := range s.blobs {
		sizes[id] = int64(len(content))
	}
	for id, size := range s.large {
		sizes[id] = size
	}
	return sizes
}

// measure meters the versions of a family, in order: they came together.
func (s *storage) measure(t testing.TB, family string, versions ...version) []layer.Part {
	t.Helper()
	var parts []layer.Part
	roots := make([]object.ID, len(versions))
	for i, v := range versions {
		roots[i] = s.tree(v.files)
	}
	meter := layer.NewMeter(s.forest(t, roots...), s.sizes())
	var before []layer.Part
	for i, v := range versions {
		before = meter.Parts(family, family+"/"+v.name, roots[i], before)
		for _, p := range before {
			p.Order = i
			parts = append(parts, p)
		}
	}
	return parts
}

type version struct {
	name  string
	files map[string]string
}

// size is what parts hold together, equal files counted once, headers not.
func (s *storage) size(parts []layer.Part) int64 {
	seen, sizes := map[object.ID]bool{}, s.sizes()
	var total int64
	var add func(mode object.Mode, id object.ID)
	add = func(mode object.Mode, id object.ID) {
		if mode == object.ModeTree {
			for _, e := range s.trees[id] {
				add(e.Mode, e.ID)
			}
			return
		}
		if !seen[id] {
			seen[id] = true
			total += sizes[id]
		}
	}
	for _, p := range parts {
		add(p.Mode, p.ID)
	}
	return total
}

func paths(parts []layer.Part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.Path)
	}
	return out
}
