package main

import (
	"context"
	"fmt"
	"io"
)

// bench is one run: what it was told, and what it has prepared.
type bench struct {
	options
	root     string // of the module
	source   string // of the real storage
	tmp      string
	progress io.Writer

	pipeline string // the compiled magefile
	storage  string // our clone of source
	tiny     string // a storage of one small package
	primed   string // holds a cache with the base
	ids      string // the file with the ids of all blobs
	blobs    int
	model    model
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// measure does everything. An error ends it; what may fail for reasons of its own is in the report.
func (b *bench) measure(ctx context.Context) (*report, error) {
	r := &report{Runs: b.runs}
	var err error
	if r.Machine, err = describeMachine(ctx, b.root); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *report) error{
		b.measureCold, b.measureAgain, b.measureAdded, b.measureSizes, b.measureFresh,
		b.measurePush, b.measureBranches,
	} {
		if err := step(ctx, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (b *bench) prepare(ctx context.Context) error {
	b.say("preparing: the magefile, a clone of the storage, the base")
	if err := b.compile(ctx); err != nil {
		return err
	}
	if err := b.cloneStorage(ctx); err != nil {
		return err
	}
	files, err := b.listFiles(ctx)
	if err != nil {
		return err
	}
	if err := b.writeIDs(files); err != nil {
		return err
	}
	if b.model, err = chooseModel(files, b.addTo); err != nil {
		return err
	}
	return b.prime(ctx)
}

func (b *bench) measureAgain(ctx context.Context, r *report) error {
	b.say("nothing changed, %d ×", b.runs)
	var builds []built
	for range b.runs {
		result, err := b.build(ctx, b.storage, b.warm())
		if err != nil {
			return err
		}
		if n := result.count(); n > 0 {
			return fmt.Errorf("nothing changed, but %d layers were built again", n)
		}
		builds = append(builds, result)
	}
	own, process := times(builds)
	r.add(newFigure("nothing changed", inSeconds, 0.15, "", own...),
		newFigure("nothing changed, whole process", inSeconds, 0, "", process...))
	return nil
}

// measureAdded adds one version after the other: the same one a second time would be in the cache.
func (b *bench) measureAdded(ctx context.Context, r *report) error {
	b.say("one package added, %d ×", b.runs)
	repository, err := b.sharedClone(ctx)
	if err != nil {
		return err
	}
	var builds []built
	var layer builtLayer
	for i := range b.runs {
		path, err := b.addVersion(ctx, repository, b.model, i+1)
		if err != nil {
			return err
		}
		result, err := b.build(ctx, repository, b.warm())
		if err != nil {
			return err
		}
		var found bool
		if layer, found = result.layerOf(path); !found {
			return fmt.Errorf("%s was added, but no layer was built with it", path)
		}
		builds = append(builds, result)
	}
	last := builds[len(builds)-1]
	note := fmt.Sprintf("%s after %s, %.0f kB; %d of %d layers built, its own %.1f MB, %.1f MB packed", b.model.name,
		b.model.version, float64(b.model.size)/1e3, last.count(), len(last.Layers), float64(layer.Unpacked)/1e6,
		float64(layer.Size)/1e6)
	own, process := times(builds)
	r.add(newFigure("one package added", inSeconds, 0.4, note, own...),
		newFigure("one package added, whole process", inSeconds, 0, "", process...))
	return nil
}

// measureSizes compares with the archive of the same commit. One run: sizes do not vary.
func (b *bench) measureSizes(ctx context.Context, r *report) error {
	b.say("packing the archive that sizes are compared with")
	plain, err := b.archive(ctx)
	if err != nil {
		return err
	}
	image, err := b.build(ctx, b.storage, b.warm())
	if err != nil {
		return err
	}
	packed := image.Images[0].Packed - image.Images[0].Base
	var unpacked int64
	for _, l := range image.Layers {
		unpacked += l.Unpacked
	}
	note := func(ours, theirs int64, what string) string {
		return fmt.Sprintf("%s of %s, %s", inBytes.format(float64(ours)), inBytes.format(float64(theirs)), what)
	}
	r.add(newFigure("packages packed", asRatio, 0.15,
		note(packed, plain.packed, "git archive through gzip -6 (Go's compress/gzip)"), float64(packed)/float64(plain.packed)),
		newFigure("packages unpacked", asRatio, 0.3, note(unpacked, plain.tar, "git archive"), float64(unpacked)/float64(plain.tar)))
	return nil
}

// measureFresh needs the network. Without it all other figures are still worth something.
func (b *bench) measureFresh(ctx context.Context, r *report) error {
	const name, most = "fresh clone to the first image", 120
	if !b.fresh {
		r.add(notMeasured(name, inSeconds, most, "left out, as -fresh=false asks"))
		return nil
	}
	b.say("a fresh clone with empty caches")
	took, own, err := b.buildFresh(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.broken = append(r.broken, fmt.Errorf("%w\n-fresh=false leaves this out", err))
		r.add(notMeasured(name, inSeconds, most, "it failed, see below"))
		return nil
	}
	note := fmt.Sprintf("%.1f s for clone, modules and compilation, %.1f s for the pipeline, which compiles the preview registry",
		took-own, own)
	r.add(newFigure(name, inSeconds, most, note, took))
	return nil
}
