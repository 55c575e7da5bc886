package image

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pkg/errors"
)

// Directories is what of a base's files an interpretation needs: its folders and symbolic links, by path. Paths are
// relative and clean; the root is not among them. Nil is an image without any. It keeps its form in JSON.
type Directories map[string]Directory

// Directory is a folder, or a symbolic link: then only Link is set.
type Directory struct {
	// Mode holds the permissions, and the bits 06000 and 01000 for setuid, setgid and sticky.
	Mode int64 `json:"mode,omitempty"`
	UID  int   `json:"uid,omitempty"`
	GID  int   `json:"gid,omitempty"`
	// Link is the target as it was written: it may be relative, and need not exist.
	Link string `json:"link,omitempty"`
}

const (
	// whiteout marks a deleted name, opaque a folder whose earlier content is gone (image-spec, layer.md).
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// ReadDirectories reads a base's layers, uncompressed tars, the lowest first. Each is read to its end; memory grows
// with the number of folders and links only.
func ReadDirectories(layers ...io.Reader) (Directories, error) {
	s := stack{dirs: Directories{}, since: map[string]int{}}
	for i, layer := range layers {
		s.layer = i
		if err := s.read(tar.NewReader(layer)); err != nil {
			return nil, errors.Wrapf(err, "read the base's layer %d of %d", i+1, len(layers))
		}
	}
	return s.dirs, nil
}

// stack lays layers over each other.
type stack struct {
	dirs  Directories
	layer int
	// since is the layer that brought a name last: a layer's whiteouts concern what is below it only, wherever they
	// stand in it.
	since map[string]int
}

func (s *stack) read(layer *tar.Reader) error {
	for {
		header, err := layer.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.add(header); err != nil {
			return err
		}
	}
}

func (s *stack) add(header *tar.Header) error {
	name := path.Clean("/" + header.Name)[1:]
	if header.Typeflag == tar.TypeXGlobalHeader || name == "" {
		return nil
	}
	parent, base := path.Split(name)
	parent, err := s.dirs.follow(parent)
	if err != nil {
		return err
	}
	s.implied(parent)
	switch name = path.Join(parent, base); {
	case base == opaque:
		s.remove(parent, false, s.layer)
	case strings.HasPrefix(base, whiteout):
		s.remove(path.Join(parent, base[len(whiteout):]), true, s.layer)
	default:
		s.put(name, header)
	}
	return nil
}

func (s *stack) put(name string, header *tar.Header) {
	entry := Directory{}
	switch header.Typeflag {
	case tar.TypeDir:
		entry = Directory{Mode: header.Mode & 0o7777, UID: header.Uid, GID: header.Gid}
		if known, ok := s.dirs[name]; ok && known.Link == "" {
			// A folder that is there already keeps what is in it.
			s.dirs[name], s.since[name] = entry, s.layer
			return
		}
	case tar.TypeSymlink:
		entry.Link = header.Linkname
	case tar.TypeLink:
		// A hard link to a symbolic link is one more of it; other targets are no concern.
		entry.Link = s.dirs[path.Clean("/" + header.Linkname)[1:]].Link
	}
	s.remove(name, true, s.layer+1)
	if header.Typeflag == tar.TypeDir || entry.Link != "" {
		s.dirs[name], s.since[name] = entry, s.layer
	}
}

// implied makes the folders that a layer takes for granted.
func (s *stack) implied(folder string) {
	for ; folder != "." && folder != ""; folder = path.Dir(folder) {
		if _, ok := s.dirs[folder]; ok {
			return
		}
		s.dirs[folder], s.since[folder] = Directory{Mode: 0o755}, s.layer
	}
}

// remove takes out what is below name and older than the layer before; name itself too, if it is to go.
func (s *stack) remove(name string, itself bool, before int) {
	entry, ok := s.dirs[name]
	if !ok && name != "" {
		return
	}
	if entry.Link != "" {
		if itself && s.since[name] < before {
			delete(s.dirs, name)
		}
		return
	}
	for known := range s.dirs {
		below := name == "" || strings.HasPrefix(known, name+"/")
		if (below || itself && known == name) && s.since[known] < before {
			delete(s.dirs, known)
		}
	}
}

// maxLinks ends the search of links that lead to each other (github.com/containerd/continuity, fs.RootPath).
const maxLinks = 255

// follow resolves the links in name, also when it is one itself, as in a container: they can't lead out of the root.
// What does not exist stays as it is. name may start with a slash; the result is relative and clean, "" for the root.
func (d Directories) follow(name string) (string, error) {
	resolved, links := "", 0
	for pending := strings.Split(name, "/"); len(pending) > 0; {
		part := pending[0]
		pending = pending[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			resolved = path.Clean("/" + resolved + "/..")[1:]
			continue
		}
		next := path.Join(resolved, part)
		link := d[next].Link
		if link == "" {
			resolved = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: the links lead in a circle, at /%s -> %s", name, next, link)
		}
		if strings.HasPrefix(link, "/") {
			resolved = ""
		}
		pending = append(strings.Split(link, "/"), pending...)
	}
	return resolved, nil
}
