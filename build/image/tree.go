package image

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// tree is the image's files so far, as much as is known of them.
type tree struct {
	dirs  Directories
	files map[string]bool // what this Dockerfile copied; the base's files are not known
}

func newTree(base Directories) *tree {
	dirs := maps.Clone(base)
	if dirs == nil {
		dirs = Directories{}
	}
	return &tree{dirs: dirs, files: map[string]bool{}}
}

// isFolder says whether name, without links in it, is a folder. The root is one.
func (t *tree) isFolder(name string) bool {
	known, ok := t.dirs[name]
	return name == "" || ok && known.Link == ""
}

// layer collects the entries of one step and puts them into the tree.
type layer struct {
	tree    *tree
	made    Directory // the owner and mode of folders that have to be made
	entries map[string]Entry
	// refuseNew, if set, is why no folder can be made without being asked for.
	refuseNew error
}

func newLayer(t *tree, made Directory) *layer {
	return &layer{tree: t, made: made, entries: map[string]Entry{}}
}

// list is what was collected.
func (l *layer) list() []Entry {
	return slices.SortedFunc(maps.Values(l.entries), func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

// folder makes sure that a folder is there, and that it and its parents are in the layer: as they are, where the tree
// has them. name has no links in it.
func (l *layer) folder(name string) error {
	if name == "" || name == "." {
		return nil
	}
	if _, done := l.entries[name]; done && l.tree.isFolder(name) {
		return nil
	}
	if err := l.folder(path.Dir(name)); err != nil {
		return err
	}
	known, exists := l.tree.dirs[name]
	switch {
	case l.tree.files[name]:
		return refuse("/"+name+" is a file", "take another folder")
	case !exists && l.refuseNew != nil:
		return l.refuseNew
	case !exists:
		known = l.made
	}
	l.setFolder(name, known)
	return nil
}

// setFolder is folder for one whose owner and mode are given, also where the tree has it with others.
func (l *layer) setFolder(name string, d Directory) {
	l.tree.dirs[name] = d
	l.entries[name] = Entry{Path: name, Dir: true, Mode: d.Mode, UID: d.UID, GID: d.GID}
}

// file puts a file. Its parents must be there. A link of its name is replaced.
func (l *layer) file(name string, content []byte, mode int64, o owner) error {
	if l.tree.isFolder(name) {
		return refuse(fmt.Sprintf("/%s is a folder, and a file can't take its place", name), "name another destination")
	}
	delete(l.tree.dirs, name)
	l.tree.files[name] = true
	l.entries[name] = Entry{Path: name, Mode: mode, UID: o.uid, GID: o.gid, Content: content}
	return nil
}
