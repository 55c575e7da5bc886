package serve

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"slices"
)

// entry is a file or folder of a package. The path is relative to the package; a folder's ends with a slash.
type entry struct {
	path       string
	folder     bool
	executable bool
	size       int64 // bytes
}

// list walks the package's folder. What is neither file nor folder (git holds no such thing but symlinks) is left out.
func (p *pkg) list() ([]entry, error) {
	var entries []entry
	err := fs.WalkDir(p.files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if d.IsDir() {
			entries = append(entries, entry{path: path + "/", folder: true})
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		entries = append(entries, entry{path: path, size: info.Size(), executable: info.Mode()&0o111 != 0})
		return nil
	})
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	return entries, err
}

// Sizes of the parts of a zip without extra fields and comments, APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16.
const (
	localHeaderSize   = 30
	centralHeaderSize = 46
	endSize           = 22
)

// checkZipLimits refuses what needs zip64, far beyond any package: zipSize and the local headers don't know it.
func checkZipLimits(entries []entry) error {
	total := int64(0)
	for _, e := range entries {
		total += e.size + 1024
	}
	if len(entries) >= math.MaxUint16 || total >= math.MaxUint32 {
		return errors.New("too large for a zip: it may have 65,534 files and 4 GB")
	}
	return nil
}

// zipSize is the length in bytes of what writeZip writes.
func zipSize(folder string, entries []entry) int64 {
	size := int64(endSize)
	for _, e := range append([]entry{{}}, entries...) {
		size += localHeaderSize + centralHeaderSize + 2*int64(len(folder)+len(e.path)) + e.size
	}
	return size
}

// writeZip writes the entries in their order, below folder ("<name>-<version>/"), which is the first entry.
//
// Files are stored, not compressed: the output of a compressor changes from one Go version to the next (moby#53279),
// and a zip's digest shall not. Each file is read twice, because its checksum stands before it: a stored file with
// its checksum behind it can't be read from a stream (APPNOTE.TXT 4.4.4; Java's ZipInputStream refuses it).
func writeZip(w io.Writer, folder string, files fs.FS, entries []entry) error {
	archive := zip.NewWriter(w)
	for _, e := range append([]entry{{folder: true}}, entries...) {
		header := zipHeader(folder, e)
		if e.folder {
			if _, err := archive.CreateRaw(header); err != nil {
				return err
			}
			continue
		}
		checksum := crc32.NewIEEE()
		if err := copyFile(checksum, files, e); err != nil {
			return err
		}
		header.CRC32 = checksum.Sum32()
		content, err := archive.CreateRaw(header)
		if err != nil {
			return err
		}
		if err := copyFile(content, files, e); err != nil {
			return err
		}
	}
	return archive.Close()
}

func zipHeader(folder string, e entry) *zip.FileHeader {
	const (
		versionNeeded  = 20    // folders, 4.4.3
		creatorUnix    = 3     // 4.4.2: the mode is a Unix mode
		utf8Names      = 0x800 // 4.4.4, bit 11
		firstOfJanuary = 1<<5 | 1
	)
	mode := fs.FileMode(0o644)
	switch {
	case e.folder:
		mode = fs.ModeDir | 0o755
	case e.executable:
		mode = 0o755
	}
	header := &zip.FileHeader{
		Name:          folder + e.path,
		ReaderVersion: versionNeeded,
		Flags:         utf8Names,
		Method:        zip.Store,
		//lint:ignore SA1019 Modified would write an extended time stamp as well
		ModifiedDate:       firstOfJanuary, // of 1980, where a zip's time begins
		CompressedSize64:   uint64(e.size),
		UncompressedSize64: uint64(e.size),
	}
	header.SetMode(mode)
	header.CreatorVersion = creatorUnix<<8 | versionNeeded
	return header
}

// copyFile fails if the file has not the length that it had when it was listed.
func copyFile(w io.Writer, files fs.FS, e entry) error {
	f, err := files.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(w, io.LimitReader(f, e.size+1))
	if err == nil && n != e.size {
		err = fmt.Errorf("%s: it changed while it was read", e.path)
	}
	return err
}
