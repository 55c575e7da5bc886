package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// prefix is where the images have packages (Dockerfile.tmpl). It is a few bytes of a layer.
const prefix = "packages/package-storage"

// content is what makes two files one in a layer.
type content struct {
	blob object.ID
	mode object.Mode
}

// historian follows the versions through the history, and packs what is new in each update. It reads git by itself, so
// that what it says does not depend on any plan.
type historian struct {
	storage *storage
	reader  *gitstore.Reader
	forest  *object.Forest
	writer  *layer.Writer

	versions versions
	files    map[content]int // of the versions, and how many there are of each
}

// newHistorian starts a git process. Close it.
func newHistorian(ctx context.Context, s *storage, c layer.Compression) (*historian, error) {
	writer, err := layer.NewWriter(c)
	if err != nil {
		return nil, err
	}
	opened, err := gitstore.Open(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	reader, err := opened.Reader(ctx)
	if err != nil {
		return nil, err
	}
	return &historian{storage: s, reader: reader, forest: object.NewForest(), writer: writer, files: map[content]int{}}, nil
}

func (h *historian) close() error { return h.reader.Close() }

// lookAt goes on to a step: what changed, and the bounds of what that costs. Of the first step, which is the start, all
// versions are added; it is not packed.
func (h *historian) lookAt(to step) (news, error) {
	after, err := h.scan(to)
	if err != nil {
		return news{}, fmt.Errorf("list the versions: %w", err)
	}
	n := news{change: compare(h.versions, after), versions: len(after)}
	if err := h.forest.Load(h.reader, after.trees(n.fresh())...); err != nil {
		return news{}, fmt.Errorf("read the new versions: %w", err)
	}
	if h.versions != nil {
		if n.own, err = h.pack(wholes(after, n.fresh())); err != nil {
			return news{}, fmt.Errorf("pack the new versions: %w", err)
		}
		files, err := h.newFiles(after, n.fresh())
		if err != nil {
			return news{}, err
		}
		if n.unique, err = h.pack(files); err != nil {
			return news{}, fmt.Errorf("pack the new files: %w", err)
		}
	}
	return n, h.take(n.change, after)
}

// news are what an update brings. own and unique are in bytes.
type news struct {
	change
	versions    int
	own, unique int64
}

// scan assembles the tree of a step.
func (h *historian) scan(at step) (versions, error) {
	branches := make([]assemble.Branch, len(at.heads))
	for i, head := range at.heads {
		commit, err := h.reader.Commit(head)
		if err != nil {
			return nil, err
		}
		d := h.storage.chain[i]
		branch := assemble.Branch{Distribution: d.Name, Name: d.Branch, Commit: head, Root: commit.Tree}
		if branches[i], err = assemble.Scan(h.reader, branch); err != nil {
			return nil, err
		}
	}
	return versionsOf(assemble.Assemble(branches)), nil
}

func (v versions) trees(paths []string) []object.ID {
	ids := make([]object.ID, len(paths))
	for i, path := range paths {
		ids[i] = v[path].tree
	}
	return ids
}

func wholes(all versions, paths []string) []layer.Part {
	parts := make([]layer.Part, len(paths))
	for i, path := range paths {
		parts[i] = layer.Part{Path: path, Mode: object.ModeTree, ID: all[path].tree}
	}
	return parts
}

// newFiles are those that no version had so far, as parts of their own.
func (h *historian) newFiles(all versions, paths []string) ([]layer.Part, error) {
	var parts []layer.Part
	for _, path := range paths {
		err := h.forest.Walk(path, all[path].tree, func(at string, e object.TreeEntry) error {
			if e.Mode != object.ModeTree && h.files[content{e.ID, e.Mode}] == 0 {
				parts = append(parts, layer.Part{Path: at, Mode: e.Mode, ID: e.ID})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// pack is the size of one layer of parts.
func (h *historian) pack(parts []layer.Part) (int64, error) {
	if len(parts) == 0 {
		return 0, nil
	}
	listing, err := layer.List(prefix, parts, h.forest, object.EmptyBlob(parts[0].ID))
	if err != nil {
		return 0, err
	}
	blob, err := h.writer.Write(io.Discard, listing, h.reader, layer.Check{})
	return blob.Size, err
}

// single is one layer of all present versions.
func (h *historian) single() (layer.Blob, error) {
	parts := wholes(h.versions, slices.Sorted(maps.Keys(h.versions)))
	listing, err := layer.List(prefix, parts, h.forest, object.EmptyBlob(parts[0].ID))
	if err != nil {
		return layer.Blob{}, err
	}
	return h.writer.Write(io.Discard, listing, h.reader, layer.Check{})
}

// take makes the versions after a change the present ones.
func (h *historian) take(c change, after versions) error {
	count := func(from versions, paths []string, add int) error {
		for _, path := range paths {
			err := h.forest.Walk(path, from[path].tree, func(_ string, e object.TreeEntry) error {
				h.files[content{e.ID, e.Mode}] += add
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	for _, gone := range [][]string{c.Overwritten, c.Removed} {
		if err := count(h.versions, gone, -1); err != nil {
			return err
		}
	}
	err := count(after, c.fresh(), 1)
	h.versions = after
	return err
}
