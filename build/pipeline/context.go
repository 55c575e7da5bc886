package pipeline

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// ContextResult is what WriteContext came to.
type ContextResult struct {
	Distribution string
	// Dir is the context's folder; empty after a dry run.
	Dir             string
	Packages, Files int
	// Base is what the Dockerfile's FROM names.
	Base string
	// BaseLayout is the folder below Dir with the base as an OCI layout, where no image repository has it; else empty.
	BaseLayout string
	Seconds    float64
}

const baseFolder = "base"

// contextName is the folder of a distribution's docker build context, beside that of its image.
func contextName(distribution string) string { return distribution + ".context" }

// WriteContext writes a distribution as a docker build context, in <Dist>/<name>.context: Dockerfile, config, list and
// packages, with equal files as hard links of each other. Errors: those of Build.
func (s *Session) WriteContext(ctx context.Context, name string) (ContextResult, error) {
	start := time.Now()
	if err := s.prepareOutput(); err != nil {
		return ContextResult{}, err
	}
	d, err := s.draft(ctx, name)
	if err != nil {
		return ContextResult{}, err
	}
	all, err := s.parts(ctx, d)
	if err != nil {
		return ContextResult{}, err
	}
	if err := s.loadTrees(d.where(), all); err != nil {
		return ContextResult{}, err
	}
	result := ContextResult{Distribution: name, Packages: len(d.tree.Packages), Base: d.base.Name + ":" + d.inputs.Registry}
	if s.config.DryRun {
		result.Seconds = time.Since(start).Seconds()
		return result, nil
	}
	listing, err := s.list(all)
	if err != nil {
		return ContextResult{}, err
	}
	if err := s.fetch(ctx, listing.Blobs()); err != nil {
		return ContextResult{}, err
	}
	result.Files = len(listing.Files) + len(listing.Links)
	result.Dir, err = s.deliver(ctx, contextName(name), func(dir string) error {
		if err := d.writeFiles(dir); err != nil {
			return err
		}
		if d.base.Local() {
			// No engine can pull it: it has to be at hand.
			if err := s.writeBase(filepath.Join(dir, baseFolder), d.inputs.Registry, d.base); err != nil {
				return err
			}
			result.BaseLayout = baseFolder
		}
		return s.writePackages(d, dir, listing)
	})
	result.Seconds = time.Since(start).Seconds()
	return result, err
}

// list lists parts below packages/, as one layer would hold them.
func (s *Session) list(parts []layer.Part) (layer.Listing, error) {
	if len(parts) == 0 {
		return layer.Listing{Folders: []string{image.PackagesFolder}}, nil
	}
	return layer.List(image.PackagesFolder, parts, s.forest, object.EmptyBlob(parts[0].ID))
}

// writePackages writes a listing below dir, with the modes that the image has: builders take them over, so that a
// umask must not change them.
func (s *Session) writePackages(d *draft, dir string, listing layer.Listing) error {
	stage := s.report.Stage("write packages")
	root, err := os.OpenRoot(dir) // whatever a name may be, nothing is written outside
	if err != nil {
		stage.Failed()
		return err
	}
	defer root.Close()
	if err := s.fillPackages(d, root, listing); err != nil {
		stage.Failed()
		return err
	}
	stage.Done(fmt.Sprintf("%d files", len(listing.Files)+len(listing.Links)))
	return nil
}

func (s *Session) fillPackages(d *draft, root *os.Root, listing layer.Listing) error {
	for _, folder := range listing.Folders {
		if err := root.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := root.Chmod(folder, 0o755); err != nil {
			return err
		}
	}
	where := d.where()
	var findings []assemble.Finding
	err := s.readers.with(func(r *gitstore.Reader) error {
		return r.Blobs(listing.Blobs(), func(i int, size int64, content io.Reader) error {
			f := listing.Files[i]
			found, err := writeChecked(root, f, size, content, where)
			findings = append(findings, found...)
			return err
		})
	})
	if err != nil {
		return locate(err, listing, func(path string) (branch, below string) {
			below = strings.TrimPrefix(path, image.PackagesFolder+"/")
			return where[packageOf(below)], below
		})
	}
	if len(findings) > 0 {
		return invalid(findings)
	}
	for _, link := range listing.Links {
		if err := root.Link(link.Target, link.Path); err != nil {
			return errors.Wrapf(err, "link %s", link.Path)
		}
	}
	return nil
}

// where says of each package, "<name>/<version>", what findings about it name: mostly the branch that it is from.
func (d *draft) where() map[string]string {
	where := make(map[string]string, len(d.tree.Packages))
	for _, p := range d.tree.Packages {
		where[p.Path()] = d.tree.Branches[p.Branch].Where(p.Path())
	}
	return where
}

func writeChecked(root *os.Root, f layer.File, size int64, content io.Reader, where map[string]string) ([]assemble.Finding, error) {
	mode := fs.FileMode(0o644)
	if f.Mode == object.ModeExecutable {
		mode = 0o755
	}
	read, err := io.ReadAll(content)
	if err != nil {
		return nil, errors.Wrapf(err, "read %s", f.Path)
	}
	var findings []assemble.Finding
	for _, name := range append([]string{f.Path}, f.Others...) {
		below := strings.TrimPrefix(name, image.PackagesFolder+"/")
		if assemble.NeedsContent(below, size) {
			findings = append(findings, assemble.CheckContent(where[packageOf(below)], below, read)...)
		}
	}
	if err := root.WriteFile(f.Path, read, mode); err != nil {
		return nil, err
	}
	// A umask must not change what is in the image.
	return findings, root.Chmod(f.Path, mode)
}
