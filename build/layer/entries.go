package layer

import (
	"archive/tar"
	"io"
)

// Entry is a file or folder that is not from git, such as a config.
type Entry struct {
	// Path is relative; folders come before what they hold.
	Path     string
	Folder   bool
	Mode     int64
	UID, GID int
	Content  []byte
}

// WriteEntries writes a layer of a few files that are in memory.
func (w *Writer) WriteEntries(to io.Writer, entries []Entry) (Blob, error) {
	return w.write(to, func(a *archive) (files, links int, err error) {
		for _, e := range entries {
			h := tar.Header{Typeflag: tar.TypeReg, Name: e.Path, Mode: e.Mode, Uid: e.UID, Gid: e.GID, Size: int64(len(e.Content))}
			if e.Folder {
				h.Typeflag, h.Name, h.Size = tar.TypeDir, e.Path+"/", 0
			} else {
				files++
			}
			if err := a.header(h); err != nil {
				return 0, 0, err
			}
			if _, err := a.tar.Write(e.Content); err != nil {
				return 0, 0, err
			}
		}
		return files, 0, nil
	})
}
