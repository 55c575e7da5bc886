package layer

import (
	"cmp"
	"path"
	"slices"

	"github.com/seed-604f7181/package-storage/build/object"
)

// maxLinks is how many names one file may have: Amazon EFS stops at 177, ext4 at 65,000; most layers need a few
// dozen.
const maxLinks = 1000

// Listing is what a layer holds, in the order of its tar: folders, then files, then links to them.
type Listing struct {
	Folders []string
	Files   []File
	Links   []Link
}

// File is a file with content of its own.
type File struct {
	Path string
	Mode object.Mode
	Blob object.ID
	// Others are the paths of links to it.
	Others []string
}

// Link is a further name of a file of the same layer. Mode is the file's: some engines apply a link's header to the
// file.
type Link struct {
	Path, Target string
	Mode         object.Mode
}

// List lists the parts below prefix (a folder of the image, relative). Their trees must be loaded. empty is the id of
// the empty blob in the storage's object format: empty files are never linked, there is nothing to share.
func List(prefix string, parts []Part, forest *object.Forest, empty object.ID) (Listing, error) {
	l := lister{folders: map[string]bool{}, names: map[content][]string{}, empty: empty}
	for _, p := range parts {
		full := prefix + "/" + p.Path
		l.parents(full)
		if p.Mode != object.ModeTree {
			l.add(full, object.TreeEntry{Mode: p.Mode, ID: p.ID})
			continue
		}
		l.folders[full] = true
		err := forest.Walk(full, p.ID, func(at string, e object.TreeEntry) error {
			l.add(at, e)
			return nil
		})
		if err != nil {
			return Listing{}, err
		}
	}
	return l.listing(), nil
}

// content is what two files must have in common to be one: the last header's mode wins for all names of a file.
type content struct {
	blob object.ID
	mode object.Mode
}

type lister struct {
	folders map[string]bool
	names   map[content][]string
	alone   []File
	empty   object.ID
}

func (l *lister) parents(of string) {
	for dir := path.Dir(of); dir != "." && !l.folders[dir]; dir = path.Dir(dir) {
		l.folders[dir] = true
	}
}

func (l *lister) add(at string, e object.TreeEntry) {
	switch {
	case e.Mode == object.ModeTree:
		l.folders[at] = true
	case e.ID == l.empty:
		l.alone = append(l.alone, File{Path: at, Mode: e.Mode, Blob: e.ID})
	default:
		c := content{e.ID, e.Mode}
		l.names[c] = append(l.names[c], at)
	}
}

func (l *lister) listing() Listing {
	out := Listing{Files: l.alone}
	for folder := range l.folders {
		out.Folders = append(out.Folders, folder)
	}
	slices.Sort(out.Folders)
	for c, names := range l.names {
		// The shortest name is the target: one of over 100 bytes costs a PAX record in each link to it.
		slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		for linked := range slices.Chunk(names, maxLinks) {
			out.Files = append(out.Files, File{Path: linked[0], Mode: c.mode, Blob: c.blob, Others: linked[1:]})
			for _, name := range linked[1:] {
				out.Links = append(out.Links, Link{Path: name, Target: linked[0], Mode: c.mode})
			}
		}
	}
	// Files of one kind beside each other pack better than in the order of folders.
	slices.SortFunc(out.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(path.Ext(a.Path), path.Ext(b.Path)), cmp.Compare(path.Base(a.Path), path.Base(b.Path)),
			cmp.Compare(a.Path, b.Path))
	})
	slices.SortFunc(out.Links, func(a, b Link) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// Blobs are the contents that Write asks for, in its order.
func (l Listing) Blobs() []object.ID {
	ids := make([]object.ID, len(l.Files))
	for i, f := range l.Files {
		ids[i] = f.Blob
	}
	return ids
}
