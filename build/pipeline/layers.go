package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// mostLayers is how many layers of packages an image may have: with those of the base and the config it stays below 100
// (Docker stops at 125, practice is 64 to 100).
const mostLayers = 64

// packageLayer is a layer of packages.
type packageLayer struct {
	key   string
	parts []layer.Part
	blob  layer.Blob
	// from is where the layer comes from, FromLater until that is known; repository the image repository that has it, if
	// that is where.
	from, repository string
}

// packages names what is in the layer, "<name>/<version>" each.
func (l packageLayer) packages() []string {
	var names []string
	for _, p := range l.parts {
		names = append(names, packageOf(p.Path))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// planLayers decides which layers the tree's packages make, the lowest first. Which branch a package is from does not
// matter: a promotion moves none. It looks up which of them the cache has, or the published image, and reads nothing
// else of the storage.
func (s *Session) planLayers(ctx context.Context, d *draft, prefix string) ([]packageLayer, error) {
	parts, err := s.parts(ctx, d)
	if err != nil {
		return nil, err
	}
	planned, err := s.planner.Plan(parts, mostLayers)
	if err != nil {
		return nil, errors.Wrapf(err, "plan the layers of %s", d.distribution.Name)
	}
	layers := make([]packageLayer, len(planned))
	for i, parts := range planned {
		layers[i] = packageLayer{key: s.config.Compression.Key(prefix, parts), parts: parts, from: FromLater}
		if err := s.lookUp(&layers[i]); err != nil {
			return nil, err
		}
	}
	return layers, s.lookUpPublished(ctx, d, layers)
}

// layerKind is the kind of a layer's record. Its number counts the changes of what assemble.CheckContent demands: a layer
// whose files were judged less strictly is built again. Its key and bytes stay.
const layerKind = "layer-1"

// lookUp takes a layer from the cache, if it is there and whole.
func (s *Session) lookUp(l *packageLayer) error {
	if s.anew {
		return nil
	}
	var blob layer.Blob
	known, err := s.cache.Record(layerKind, l.key, &blob)
	if err != nil || !known {
		return err
	}
	path, err := s.cache.Blob(blob.Digest)
	if err != nil {
		return err
	}
	if path == "" {
		s.report.Detail("layer " + l.key[:12] + " was damaged or removed in the cache; it is built again")
		return nil
	}
	l.blob, l.from = blob, FromCache
	return nil
}

// LayerSizeError says that a layer came out larger than image repositories take.
type LayerSizeError struct {
	Distribution string
	Packages     []string
	Size         int64
}

func (e *LayerSizeError) Error() string {
	return fmt.Sprintf("%s: a layer of %d packages (%s) is %d MB packed; the most that is allowed is %d MB", e.Distribution,
		len(e.Packages), strings.Join(e.Packages[:min(3, len(e.Packages))], ", "), e.Size>>20, layer.MaxPacked>>20)
}

// buildLayers writes the layers that the cache lacks, in parallel. Errors: *assemble.InvalidError with all that is
// wrong in any of them, *assemble.LostError, *LayerSizeError.
func (s *Session) buildLayers(ctx context.Context, d *draft, layers []packageLayer, prefix string) error {
	var missing []*packageLayer
	var total int64
	for i := range layers {
		if layers[i].from == FromLater {
			missing = append(missing, &layers[i])
			total += weight(layers[i].parts)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	stage := s.report.Stage("build layers")
	stage.Total(total)
	if err := s.buildMissing(ctx, d, missing, prefix, stage); err != nil {
		stage.Failed()
		return err
	}
	stage.Done(tally(layers))
	return nil
}

// tally is "1 built, 2 reused, 9 published".
func tally(layers []packageLayer) string {
	count := map[string]int{}
	for _, l := range layers {
		count[l.from]++
	}
	text := fmt.Sprintf("%d built, %d reused", count[FromBuild], count[FromCache])
	if n := count[FromPublished]; n > 0 {
		text += fmt.Sprintf(", %d published", n)
	}
	return text
}

// weight is about what must be read for the parts, in bytes.
func weight(parts []layer.Part) int64 {
	var total int64
	for _, p := range parts {
		total += p.Delta
	}
	return total
}

func (s *Session) buildMissing(ctx context.Context, d *draft, missing []*packageLayer, prefix string, stage Stage) error {
	where := d.where()
	for _, l := range missing {
		if err := s.loadTrees(where, l.parts); err != nil {
			return err
		}
	}
	if err := s.judgeTrees(where, missing); err != nil {
		return err
	}
	if err := s.fetchFiles(ctx, missing, prefix); err != nil {
		return err
	}
	// The largest first, so that no core is left with it at the end.
	slices.SortStableFunc(missing, func(a, b *packageLayer) int { return cmp.Compare(weight(b.parts), weight(a.parts)) })
	works := works{session: s, distribution: d.distribution.Name, where: where, prefix: prefix, stage: stage}
	queue := make(chan *packageLayer)
	group, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), len(missing)) {
		group.Go(func() error { return works.work(ctx, queue) })
	}
	group.Go(func() error {
		defer close(queue)
		for _, l := range missing {
			select {
			case queue <- l:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return works.invalid()
}

// judgeTrees judges trees about to be built of which only a published image says that they are sound.
func (s *Session) judgeTrees(where map[string]string, missing []*packageLayer) error {
	if !s.trusting {
		return nil
	}
	var findings []assemble.Finding
	for _, l := range missing {
		for _, p := range l.parts {
			if name, version, isPackage := strings.Cut(p.Path, "/"); isPackage && p.Mode == object.ModeTree {
				one := integration.Package{Name: integration.Name(name), Version: integration.Version(version), Tree: p.ID}
				findings = append(findings, assemble.CheckTree(s.forest, where[p.Path], one)...)
			}
		}
	}
	if len(findings) > 0 {
		return invalid(findings)
	}
	return nil
}

// loadTrees brings the trees of parts into the session's forest, as far as they are not there; where is draft.where.
func (s *Session) loadTrees(where map[string]string, parts []layer.Part) error {
	var roots []object.ID
	for _, p := range parts {
		if p.Mode == object.ModeTree {
			roots = append(roots, p.ID)
		}
	}
	err := s.readers.with(func(r *gitstore.Reader) error { return s.forest.Load(r, roots...) })
	var lost *object.LostError
	if errors.As(err, &lost) {
		for _, p := range parts {
			if path, found := s.forest.Find("packages/"+p.Path, p.ID, lost.ID); found {
				return &assemble.LostError{Branch: where[packageOf(p.Path)], Path: path, Err: lost}
			}
		}
	}
	return err
}

// works is what the workers share.
type works struct {
	session      *Session
	distribution string
	where        map[string]string // draft.where
	prefix       string
	stage        Stage

	mutex    sync.Mutex
	findings []assemble.Finding
}

// work builds layers from the queue, with one git process and one encoder for all of them.
func (w *works) work(ctx context.Context, queue <-chan *packageLayer) error {
	return w.session.readers.with(func(reader *gitstore.Reader) error {
		writer, err := layer.NewWriter(w.session.config.Compression)
		if err != nil {
			return err
		}
		for l := range queue {
			if err := w.build(l, reader, writer); err != nil {
				return err
			}
		}
		return nil
	})
}

// build writes one layer into the cache. What is found wrong in its files is kept for the end, so that a person sees
// all of it at once; the layer is not.
func (w *works) build(l *packageLayer, reader *gitstore.Reader, writer *layer.Writer) error {
	listing, err := layer.List(w.prefix, l.parts, w.session.forest, object.EmptyBlob(l.parts[0].ID))
	if err != nil {
		return err
	}
	blob, err := w.session.cache.NewBlob()
	if err != nil {
		return err
	}
	defer blob.Abort()
	var findings []assemble.Finding
	check := layer.Check{
		Wants: func(path string, size int64) bool { return assemble.NeedsContent(w.below(path), size) },
		Content: func(path string, content []byte) error {
			findings = append(findings, assemble.CheckContent(w.where[packageOf(w.below(path))], w.below(path), content)...)
			return nil
		},
	}
	l.blob, err = writer.Write(blob, listing, progressing{reader, w.stage}, check)
	if err != nil {
		return w.locate(err, listing)
	}
	if len(findings) > 0 {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.findings = append(w.findings, findings...)
		return nil
	}
	if l.blob.Size > layer.MaxPacked {
		return &LayerSizeError{Distribution: w.distribution, Packages: l.packages(), Size: l.blob.Size}
	}
	if err := blob.Commit(l.blob.Digest); err != nil {
		return err
	}
	l.from = FromBuild
	return w.session.cache.PutRecord(layerKind, l.key, l.blob)
}

// below is a path of the image as it is below packages/.
func (w *works) below(path string) string { return strings.TrimPrefix(path, w.prefix+"/") }

func (w *works) invalid() error {
	if len(w.findings) == 0 {
		return nil
	}
	return invalid(w.findings)
}

// locate names the file whose content git lacks.
func (w *works) locate(err error, listing layer.Listing) error {
	return locate(err, listing, func(path string) (where, below string) {
		below = w.below(path)
		return w.where[packageOf(below)], below
	})
}

// locate names the file of a listing whose content git lacks; where says of its path which branch it is from, and what
// it is below packages/.
func locate(err error, listing layer.Listing, where func(path string) (branch, below string)) error {
	var lost *object.LostError
	if !errors.As(err, &lost) {
		return err
	}
	for _, f := range listing.Files {
		if f.Blob == lost.ID {
			branch, below := where(f.Path)
			return &assemble.LostError{Branch: branch, Path: "packages/" + below, Err: lost}
		}
	}
	return err
}

// progressing tells a stage of what is read.
type progressing struct {
	source layer.Source
	stage  Stage
}

func (p progressing) Blobs(ids []object.ID, use func(i int, size int64, content io.Reader) error) error {
	return p.source.Blobs(ids, func(i int, size int64, content io.Reader) error {
		err := use(i, size, content)
		p.stage.Add(size)
		return err
	})
}

// packageOf is "<name>/<version>" of a path below packages/.
func packageOf(path string) string {
	name, rest, _ := strings.Cut(path, "/")
	version, _, _ := strings.Cut(rest, "/")
	return name + "/" + version
}
