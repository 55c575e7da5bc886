package pipeline

import (
	"context"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/layer"
)

// Result is what a build came to.
type Result struct {
	Distribution string
	// Dir is the output folder; empty after a dry run.
	Dir string
	// Digest is the index's; empty after a dry run.
	Digest string
	Report BuildReport
	// Branches are those of the chain with the number of packages that each gave.
	Branches []BranchCount
	Shadowed int
	// Uncommitted packages were laid over the branch.
	Uncommitted int
}

// BranchCount is a branch and the number of its packages in the tree.
type BranchCount struct {
	Branch   string
	Packages int
}

// Build makes the image of a distribution, in <Dist>/<name>. Nothing appears there before all is done.
// Errors: *distribution.UnknownError, *gitstore.NoBranchError, *assemble.InvalidError, *assemble.LostError, *LayerSizeError,
// *RegistryVersionError, *OutputError, *image.InstructionError, *image.TooManyLayersError, those of base.Resolve.
func (s *Session) Build(ctx context.Context, name string) (Result, error) {
	watch := newWatch(s.began)
	watch.lap("open")
	defer func() { s.began = time.Now() }()
	if err := s.prepareOutput(); err != nil {
		return Result{}, err
	}
	d, err := s.draft(ctx, name)
	if err != nil {
		return Result{}, err
	}
	watch.lap("assemble")
	prefix := strings.TrimPrefix(d.packages, "/")
	layers, err := s.planLayers(ctx, d, prefix)
	if err != nil {
		return Result{}, err
	}
	watch.lap("plan")
	if s.config.DryRun {
		return s.result(d, layers, watch), nil
	}
	if err := s.buildLayers(ctx, d, layers, prefix); err != nil {
		return Result{}, err
	}
	watch.lap("layers")
	composed, err := s.compose(d, layers)
	if err != nil {
		return Result{}, err
	}
	watch.lap("compose")
	result := s.result(d, layers, watch)
	result.Digest = composed.Descriptor.Digest.String()
	result.Report.describe(d, composed)
	result.Dir, err = s.writeBuild(ctx, d, composed, &result.Report, watch)
	return result, err
}

// compose makes the images of all platforms, and their index.
func (s *Session) compose(d *draft, layers []packageLayer) (image.Index, error) {
	packages := make([]image.Layer, len(layers))
	for i, l := range layers {
		packages[i] = image.Layer{
			MediaType: s.config.Compression.MediaType(), Digest: l.blob.Digest, DiffID: l.blob.DiffID, Size: l.blob.Size,
			Annotations: map[string]string{KeyAnnotation: l.key, unpackedAnnotation: strconv.FormatInt(l.blob.Unpacked, 10)},
			CreatedBy:   "packages, layer " + l.key[:12],
		}
	}
	writer, err := layer.NewWriter(s.config.Compression)
	if err != nil {
		return image.Index{}, err
	}
	images := make([]image.Image, len(d.results))
	for i, result := range d.results {
		steps := make([]image.ComposedStep, len(result.Steps))
		for j, step := range result.Steps {
			steps[j] = image.ComposedStep{CreatedBy: step.CreatedBy, Empty: step.Empty}
			switch {
			case step.Packages != "":
				steps[j].Layers = packages
			case !step.Empty:
				small, err := s.entriesLayer(writer, step.Entries)
				if err != nil {
					return image.Index{}, errors.Wrapf(err, "write the layer of %s", step.CreatedBy)
				}
				steps[j].Layers = []image.Layer{small}
			}
		}
		images[i], err = image.Compose(d.base.Platforms[i], result.Config, d.own.time, steps, d.annotations())
		if err != nil {
			return image.Index{}, err
		}
	}
	annotations, err := d.indexAnnotations()
	if err != nil {
		return image.Index{}, err
	}
	return image.ComposeIndex(images, annotations)
}

// entriesLayer packs the few files of a step.
func (s *Session) entriesLayer(writer *layer.Writer, entries []image.Entry) (image.Layer, error) {
	packed := make([]layer.Entry, len(entries))
	for i, e := range entries {
		packed[i] = layer.Entry{Path: path.Clean(e.Path), Folder: e.Dir, Mode: e.Mode, UID: e.UID, GID: e.GID, Content: e.Content}
	}
	blob, err := s.cache.NewBlob()
	if err != nil {
		return image.Layer{}, err
	}
	defer blob.Abort()
	written, err := writer.WriteEntries(blob, packed)
	if err != nil {
		return image.Layer{}, err
	}
	known, err := s.cache.Blob(written.Digest)
	if err == nil && known == "" {
		err = blob.Commit(written.Digest)
	}
	return image.Layer{
		MediaType: s.config.Compression.MediaType(), Digest: written.Digest, DiffID: written.DiffID, Size: written.Size,
	}, err
}

func (s *Session) result(d *draft, layers []packageLayer, watch *watch) Result {
	r := Result{Distribution: d.distribution.Name, Shadowed: len(d.tree.Shadowed), Uncommitted: len(d.uncommitted)}
	for i, b := range d.tree.Branches {
		r.Branches = append(r.Branches, BranchCount{b.Name, len(d.tree.From(i))})
	}
	r.Report = newBuildReport(d, layers, watch)
	return r
}
