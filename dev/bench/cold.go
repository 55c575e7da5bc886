package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// warm is the folder of the last cold build: its cache has all layers of production.
func (b *bench) warm() string { return filepath.Join(b.tmp, "cold") }

// measureCold measures floor and cold build in pairs, in turn the one and the other first: what the machine does
// meanwhile then meets both.
func (b *bench) measureCold(ctx context.Context, r *report) error {
	hasFloor := r.Machine.Zstd != ""
	if hasFloor {
		if _, err := b.floor(ctx); err != nil { // not counted: it brings the storage into memory
			return err
		}
	}
	var floors []float64
	var colds []built
	for i := range b.runs {
		b.say("cold build %d of %d, and its floor", i+1, b.runs)
		floor := func() error {
			took, err := b.floor(ctx)
			floors = append(floors, took)
			return err
		}
		cold := func() error {
			result, err := b.cold(ctx)
			colds = append(colds, result)
			return err
		}
		steps := []func() error{floor, cold}
		switch {
		case !hasFloor:
			steps = steps[1:]
		case i%2 == 1:
			steps[0], steps[1] = cold, floor
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
	}
	b.reportCold(r, floors, colds)
	return nil
}

func (b *bench) cold(ctx context.Context) (built, error) {
	if err := b.emptyCache(ctx, b.warm()); err != nil {
		return built{}, err
	}
	result, err := b.build(ctx, b.storage, b.warm())
	if err == nil && result.count() != len(result.Layers) {
		err = fmt.Errorf("cold build: %d of %d layers were in the cache", len(result.Layers)-result.count(), len(result.Layers))
	}
	return result, err
}

func (b *bench) reportCold(r *report, floors []float64, colds []built) {
	var stages []map[string]float64
	var peaks []float64
	for _, c := range colds {
		stages = append(stages, c.Seconds)
		if c.peak > 0 {
			peaks = append(peaks, float64(c.peak))
		}
	}
	own, process := times(colds)
	r.Stages = stageMedians(stages)
	if len(floors) > 0 {
		r.add(newFigure("floor", inSeconds, 0,
			fmt.Sprintf("git cat-file --batch --buffer of %d blobs | zstd -3 -T2", b.blobs), floors...),
			newFigure("cold build / floor", asRatio, 1.5, "pair by pair, in the pipeline's own time", pairwise(own, floors)...))
	} else {
		why := "zstd is not installed, or not on the PATH"
		r.add(notMeasured("floor", inSeconds, 0, why), notMeasured("cold build / floor", asRatio, 1.5, why))
	}
	r.add(newFigure("cold build", inSeconds, 0, "no layers in the cache, the base at hand", own...),
		newFigure("cold build, whole process", inSeconds, 0, "", process...))
	const memory, most = "cold build, peak memory", 300e6
	if len(peaks) == 0 {
		r.add(notMeasured(memory, inBytes, most, "this operating system does not tell"))
		return
	}
	r.add(newFigure(memory, inBytes, most, "the largest single process, git's among them", peaks...))
}

// times are the builds' own and the processes', in seconds.
func times(builds []built) (own, process []float64) {
	for _, one := range builds {
		own, process = append(own, one.Total), append(process, one.wall)
	}
	return own, process
}
