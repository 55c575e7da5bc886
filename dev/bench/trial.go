package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// buildKitRounds are the rounds, at most, that BuildKit takes part in: one takes it a minute or more.
const buildKitRounds = 3

// trial is the comparison of build and push with BuildKit's, through one image repository server on loopback.
type trial struct {
	b            *bench
	dir          string
	storage      string // a clone that packages are added to
	repositories *imageRepositories
	kit          *buildKit // nil: it takes no part
	checkout     *checkout
	results      pushResults
	broken       []error
}

// measurePush comes last, since it takes longest. What fails here leaves all other figures as they are.
func (b *bench) measurePush(ctx context.Context, r *report) error {
	t := &trial{b: b, dir: filepath.Join(b.tmp, "push")}
	err := t.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.broken = append(r.broken, t.broken...)
	if err != nil {
		r.broken = append(r.broken, err)
	}
	r.add(t.results.figures()...)
	return nil
}

func (t *trial) run(ctx context.Context) error {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return fmt.Errorf("make a folder for the pushes: %w", err)
	}
	if err := t.cloneStorage(ctx); err != nil {
		return err
	}
	t.b.say("preparing: an image repository")
	var err error
	if t.repositories, err = t.b.serveImages(ctx, filepath.Join(t.dir, "images")); err != nil {
		return err
	}
	defer t.repositories.stop()
	t.prepareBuildKit(ctx)
	for i := range t.b.runs {
		if err := t.round(ctx, i); err != nil {
			return err
		}
	}
	t.b.say("one package added, bare machine")
	bare, err := t.pushBare(ctx, t.b.runs+1, t.image(t.b.runs-1))
	if err != nil {
		return err
	}
	t.results.bare = &bare
	return nil
}

// image is the image repository of a round: empty when it begins.
func (t *trial) image(round int) string {
	return fmt.Sprintf("%s/round-%d/package-registry/distribution", t.repositories.address, round+1)
}

// cloneStorage makes a storage that serves clones without files, as the well known hosts do.
func (t *trial) cloneStorage(ctx context.Context) error {
	t.storage = filepath.Join(t.dir, "storage.git")
	_, err := output(command(ctx, t.dir, "git", "clone", "-q", "--bare", "--shared", "-c", "uploadpack.allowFilter=true",
		t.b.storage, t.storage))
	if err != nil {
		return fmt.Errorf("clone the storage: %w", err)
	}
	return nil
}

// prepareBuildKit leaves it out where it can't be had.
func (t *trial) prepareBuildKit(ctx context.Context) {
	if t.results.without = noBuildKit(); !t.b.buildKit {
		t.results.without = "left out, as -buildkit=false asks"
	}
	if t.results.without != "" {
		return
	}
	t.b.say("preparing: BuildKit (compiling it takes minutes the first time), a checkout, the base")
	c := &checkout{b: t.b, storage: t.storage, dir: filepath.Join(t.dir, "checkout"), dist: filepath.Join(t.dir, "assembled"),
		base: t.repositories.address + "/package-registry/preview"}
	kit, err := t.b.compileBuildKit(ctx)
	if err == nil {
		err = c.update(ctx, ".")
	}
	if err == nil {
		err = c.pushBase(ctx, t.repositories.direct)
	}
	if err != nil {
		t.withoutBuildKit(err)
		return
	}
	t.kit, t.checkout, t.results.kit = kit, c, kit.version
}

func (t *trial) withoutBuildKit(err error) {
	t.kit = nil
	t.results.without = "it failed, see below"
	t.broken = append(t.broken, fmt.Errorf("%w\n-buildkit=false leaves this out", err))
}

// startBuildKit starts a daemon with an empty cache for a round; nil where BuildKit takes no part in it.
func (t *trial) startBuildKit(ctx context.Context, round int) (theirs *buildKitDaemon, stop func()) {
	if t.kit == nil || round >= buildKitRounds {
		return nil, func() {}
	}
	dir := filepath.Join(t.b.tmp, fmt.Sprint("kit", round+1))
	theirs, err := t.kit.start(ctx, dir, t.repositories.address)
	if err != nil {
		t.withoutBuildKit(err)
		return nil, func() {}
	}
	return theirs, func() {
		theirs.stop()
		os.RemoveAll(dir) // what can't be removed now, the end of the bench removes, or says why not
	}
}

// round builds and pushes all, then one package more, then nothing more; BuildKit, whose cache is empty at first, does
// the same directly after the pipeline.
func (t *trial) round(ctx context.Context, i int) error {
	theirs, stop := t.startBuildKit(ctx, i)
	defer stop()
	with := ""
	if theirs != nil {
		with = ", and BuildKit's"
	}
	t.b.say("build and push, round %d of %d%s", i+1, t.b.runs, with)
	if err := t.pushAll(ctx, i); err != nil {
		return err
	}
	if t.kit != nil && theirs != nil {
		t.pushTheirs(ctx, theirs, i, &t.results.theirs.cold)
	}
	path, err := t.b.addVersion(ctx, t.storage, t.b.model, i+1)
	if err != nil {
		return err
	}
	if err := t.pushMore(ctx, i, path); err != nil {
		return err
	}
	if t.kit != nil && theirs != nil {
		if err := t.checkout.update(ctx, path); err != nil {
			t.withoutBuildKit(err)
			return nil
		}
		t.pushTheirs(ctx, theirs, i, &t.results.theirs.added)
	}
	return nil
}

// cache is the folder of the machine that pushes again and again.
func (t *trial) cache() string { return filepath.Join(t.dir, "warm") }

// pushAll pushes all layers to an empty image repository.
func (t *trial) pushAll(ctx context.Context, round int) error {
	if err := t.emptyCache(ctx, t.cache()); err != nil {
		return err
	}
	cold, report, err := t.push(ctx, t.storage, t.cache(), t.image(round))
	if err != nil {
		return err
	}
	if report.count() != len(report.Layers) {
		return fmt.Errorf("cold build and push: %d of %d layers were at hand", len(report.Layers)-report.count(), len(report.Layers))
	}
	t.results.ours.cold = append(t.results.ours.cold, cold)
	return nil
}

// pushMore pushes what was added, then the same again.
func (t *trial) pushMore(ctx context.Context, round int, path string) error {
	added, report, err := t.push(ctx, t.storage, t.cache(), t.image(round))
	if err != nil {
		return err
	}
	if _, found := report.layerOf(path); !found {
		return fmt.Errorf("%s was added, but no layer was built with it", path)
	}
	again, report, err := t.push(ctx, t.storage, t.cache(), t.image(round))
	if err != nil {
		return err
	}
	if n := report.count(); n > 0 {
		return fmt.Errorf("nothing changed, but %d layers were built again", n)
	}
	t.results.ours.added = append(t.results.ours.added, added)
	t.results.again = append(t.results.again, again)
	return nil
}

// pushTheirs adds one build and push of BuildKit's to loads. When it fails, BuildKit takes no further part.
func (t *trial) pushTheirs(ctx context.Context, theirs *buildKitDaemon, round int, loads *[]load) {
	image := fmt.Sprintf("%s/round-%d/buildkit/distribution", t.repositories.address, round+1)
	var took float64
	counted, err := t.measured(ctx, func() (err error) {
		took, err = theirs.build(ctx, t.checkout.dir, image)
		return err
	})
	if err != nil {
		t.withoutBuildKit(err)
		return
	}
	*loads = append(*loads, load{took, counted})
}
