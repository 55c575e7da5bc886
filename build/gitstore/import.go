package gitstore

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Folder is a folder on disk that becomes a branch of one commit.
type Folder struct {
	Branch string
	// Files are where each file of the branch lies on disk, by its path on the branch.
	Files map[string]string
	// Order is the paths in the order in which they are read.
	Order []string
}

// ReadFolder lists what is below root, for a branch on which it lies below prefix ("" for its root). Symbolic links
// are kept as such, .git folders left out.
func ReadFolder(branch, root, prefix string) (Folder, error) {
	folder := Folder{Branch: branch, Files: map[string]string{}}
	resolved, err := filepath.EvalSymlinks(root) // the walk does not follow links, which is right below root only
	if err != nil {
		return Folder{}, errors.Wrapf(err, "read %s", root)
	}
	root = resolved
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == ".git" && path != root {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		onBranch := filepath.ToSlash(filepath.Join(prefix, relative))
		folder.Files[onBranch] = path
		folder.Order = append(folder.Order, onBranch)
		return nil
	})
	return folder, errors.Wrapf(err, "read %s", root)
}

// Fingerprint is a hash, in hex, of all that Import would make of the folders.
func Fingerprint(folders []Folder) (string, error) {
	h := sha256.New()
	if err := writeStream(h, folders); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Import makes a bare repository in dir, a folder that is not there yet, with a branch for each folder, and opens it.
// Commits carry a fixed author and time: the same files give the same commits.
func Import(ctx context.Context, dir, location string, folders []Folder) (*Storage, error) {
	if err := importInto(ctx, dir, "sha1", folders); err != nil {
		return nil, err
	}
	return OpenAs(ctx, dir, location)
}

// Over is s with folders as its only branches: they are imported into a bare repository in dir, beside whose objects
// those of s are read as before. s itself is not changed, and uncommitted packages and committed ones come from one place.
func (s *Storage) Over(ctx context.Context, dir string, folders []Folder) (*Storage, error) {
	format, err := s.output(ctx, nil, "rev-parse", "--show-object-format")
	if err != nil {
		return nil, errors.Wrapf(err, "read %s", s.location)
	}
	if err := importInto(ctx, dir, strings.TrimSpace(string(format)), folders); err != nil {
		return nil, err
	}
	imported, err := OpenAs(ctx, dir, s.location)
	if err != nil {
		return nil, err
	}
	over := *s
	over.refs = imported.refs
	over.env = append(slices.Clip(over.env), "GIT_ALTERNATE_OBJECT_DIRECTORIES="+filepath.Join(imported.dir, "objects"))
	return &over, nil
}

func importInto(ctx context.Context, dir, format string, folders []Folder) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errors.Wrap(err, "import folders")
	}
	r := newRepository(dir)
	if _, err := r.output(ctx, nil, "init", "--quiet", "--bare", "--object-format="+format); err != nil {
		return errors.Wrap(err, "import folders")
	}
	cmd := r.command(ctx, "fast-import", "--quiet", "--date-format=raw")
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return errors.Wrap(err, "import folders")
	}
	if err := cmd.Start(); err != nil {
		return errors.Wrap(err, "import folders")
	}
	written := writeStream(in, folders)
	in.Close()
	err = cmd.Wait()
	if written != nil && !errors.Is(written, syscall.EPIPE) {
		return errors.Wrap(written, "import folders") // git only says that its input ended too early
	}
	if err != nil {
		return errors.Wrap(&GitError{Command: "fast-import", Dir: dir, Said: strings.TrimSpace(said.String())}, "import folders")
	}
	return errors.Wrap(written, "import folders")
}

// importTime is the time of imported commits: fixed, or the same files would give another image each day.
const importTime = 1700000000

// writeStream writes the stream of git-fast-import(1).
func writeStream(to io.Writer, folders []Folder) error {
	w := bufio.NewWriter(to)
	for _, folder := range folders {
		message := "Import " + folder.Branch
		fmt.Fprintf(w, "commit refs/heads/%s\ncommitter package-storage <package-storage@localhost> %d +0000\ndata %d\n%s\n",
			folder.Branch, importTime, len(message), message)
		for _, path := range folder.Order {
			if err := writeFile(w, path, folder.Files[path]); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func writeFile(w io.Writer, path, source string) error {
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	mode, content := object.ModeFile, []byte(nil)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(source)
		if err != nil {
			return err
		}
		mode, content = object.ModeSymlink, []byte(target)
	case !info.Mode().IsRegular():
		return errors.Errorf("%s is neither a file nor a folder", source)
	default:
		if content, err = os.ReadFile(source); err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			mode = object.ModeExecutable
		}
	}
	fmt.Fprintf(w, "M %06o inline %s\ndata %d\n", uint32(mode), quotePath(path), len(content))
	if _, err := w.Write(content); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

// quotePath quotes a path as git-fast-import(1) reads it back, byte by byte.
func quotePath(path string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(path) {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			fmt.Fprintf(&b, "\\%03o", c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
