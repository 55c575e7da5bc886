package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
)

// OverlayError says why a folder of uncommitted packages can't be laid over a branch, and what to do.
type OverlayError struct{ Folder, Why, WayOut string }

func (e *OverlayError) Error() string { return "WITH=" + e.Folder + ": " + e.Why }

const wanted = "give a package's folder, or one that holds <name>/<version>/manifest.yml"

// overlay lays the packages of a folder over a branch. They become git objects in a temporary repository that sees the
// storage's as well; from there on they are read, judged and packed like any others.
func (s *Session) overlay(ctx context.Context, branch assemble.Branch) (assemble.Branch, []integration.Package, error) {
	const name = "uncommitted"
	folder, err := overlayFolder(name, s.config.With)
	if err != nil {
		return branch, nil, err
	}
	dir, err := s.cache.Temporary()
	if err != nil {
		return branch, nil, err
	}
	over, err := s.storage.Over(ctx, dir, []gitstore.Folder{folder})
	if err != nil {
		return branch, nil, errors.Wrapf(err, "read WITH=%s", s.config.With)
	}
	// All readers from now on see both; those of before know nothing of the new objects.
	if err := s.readers.use(over); err != nil {
		return branch, nil, err
	}
	laid, err := over.Branch(name)
	if err != nil {
		return branch, nil, err
	}
	var scanned assemble.Branch
	err = s.readers.with(func(r *gitstore.Reader) error {
		commit, err := r.Commit(laid.Commit)
		if err != nil {
			return err
		}
		scanned, err = assemble.Scan(r, assemble.Branch{Name: "WITH", Root: commit.Tree})
		return err
	})
	var wrong *assemble.InvalidError
	if err != nil && !errors.As(err, &wrong) {
		return branch, nil, errors.Wrapf(err, "read WITH=%s", s.config.With)
	}
	if err != nil {
		return branch, nil, err
	}
	for _, f := range scanned.Ignored {
		s.report.Warn(f.String())
	}
	merged, packages := assemble.Overlay(branch, scanned)
	if len(packages) == 0 {
		return branch, nil, &OverlayError{s.config.With, "there is no package in it", wanted}
	}
	return merged, packages, nil
}

// overlayFolder finds the packages of a folder: it is a package itself, or holds the versions of one, or
// <name>/<version>/, or a folder packages/ that does.
func overlayFolder(branch, root string) (gitstore.Folder, error) {
	info, err := os.Stat(root)
	switch {
	case err != nil:
		return gitstore.Folder{}, &OverlayError{root, "there is no such folder", wanted}
	case !info.IsDir():
		return gitstore.Folder{}, &OverlayError{root, "it is a file", wanted}
	}
	content, err := os.ReadFile(filepath.Join(root, "manifest.yml"))
	if err == nil {
		prefix, err := packagePath(content)
		if err != nil {
			return gitstore.Folder{}, &OverlayError{filepath.Join(root, "manifest.yml"), err.Error(), "mend the manifest"}
		}
		return gitstore.ReadFolder(branch, root, "packages/"+prefix)
	}
	name, err := nameOfVersions(root)
	if err != nil {
		return gitstore.Folder{}, err
	}
	if name != "" {
		return gitstore.ReadFolder(branch, root, "packages/"+name)
	}
	if info, err := os.Stat(filepath.Join(root, "packages")); err == nil && info.IsDir() {
		root = filepath.Join(root, "packages")
	}
	folder, err := gitstore.ReadFolder(branch, root, "packages")
	if err == nil && len(folder.Order) == 0 {
		return folder, &OverlayError{root, "it is empty", wanted}
	}
	return folder, err
}

// nameOfVersions is the package's name, where a folder holds its versions; else "".
func nameOfVersions(root string) (string, error) {
	manifests, err := filepath.Glob(filepath.Join(root, "*", "manifest.yml"))
	if err != nil || len(manifests) == 0 {
		return "", err
	}
	content, err := os.ReadFile(manifests[0])
	if err != nil {
		return "", &OverlayError{manifests[0], err.Error(), "make it readable"}
	}
	says, err := packagePath(content)
	if err != nil {
		return "", &OverlayError{manifests[0], err.Error(), "mend the manifest"}
	}
	return filepath.Dir(says), nil
}

// packagePath is where a package belongs, as its own manifest says.
func packagePath(manifest []byte) (string, error) {
	says, err := assemble.ReadManifest(manifest)
	if err != nil {
		return "", errors.Wrap(err, "unreadable")
	}
	name, err := integration.ParseName(says.Name)
	if err != nil {
		return "", err
	}
	version, err := integration.ParseVersion(says.Version)
	if err != nil {
		return "", err
	}
	return integration.Package{Name: name, Version: version}.Path(), nil
}

// visible refuses an overlay that the image would not show, since an upstream branch has the version and wins.
func (s *Session) visible(d *draft) error {
	for _, shadowed := range d.tree.Shadowed {
		if shadowed.Branch != len(d.tree.Branches)-1 || !slices.Contains(d.uncommitted, shadowed.Package) {
			continue
		}
		if by := d.tree.Branches[shadowed.By].Name; shadowed.Differs() {
			return &OverlayError{s.config.With, fmt.Sprintf("%s is on branch %s as well, whose copy wins: the image would not "+
				"have yours", shadowed.Package, by), "give yours another version, or build " + by + " with it"}
		}
	}
	return nil
}
