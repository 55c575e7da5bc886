package main

import (
	"cmp"
	"fmt"
)

// pushResults are what the comparison came to. Theirs may be fewer than ours: those of the first rounds.
type pushResults struct {
	ours, theirs side
	again        []load       // ours, nothing changed
	bare         *bareMachine // nil: not measured
	kit          string       // BuildKit's version
	without      string       // why theirs are missing
}

// side has a load for each round.
type side struct{ cold, added []load }

const notReached = "it failed, see below"

// figures are the block of the report that follows the build's.
func (p pushResults) figures() []figure {
	return []figure{
		some("push: cold", inSeconds, 0, "build and push of "+platform+": no layers in the cache, the base at hand, an empty "+
			"image repository; the whole process", notReached, seconds(p.ours.cold)),
		p.against("push: cold / BuildKit", 0.04, "whole processes, round by round", seconds(p.ours.cold), seconds(p.theirs.cold)),
		p.against("push: cold, bytes up / BuildKit", 0.125, "bodies of requests", uploads(p.ours.cold), uploads(p.theirs.cold)),
		some("push: one package added", inSeconds, 0.6, "the whole process", notReached, seconds(p.ours.added)),
		p.against("push: one package added / BuildKit", 0.005, "", seconds(p.ours.added), seconds(p.theirs.added)),
		p.against("push: one package added, bytes up / BuildKit", 0, "", uploads(p.ours.added), uploads(p.theirs.added)),
		p.nothingChanged(),
		p.bareFigure(),
		some("push: cold, bytes up", inBytes, 0, "", notReached, uploads(p.ours.cold)),
		some("push: one package added, bytes up", inBytes, 0, "", notReached, uploads(p.ours.added)),
		some("BuildKit: cold", inSeconds, 0, "build and push with BuildKit "+p.kit+" of "+platform+", without attestations: an empty cache, "+
			"a checkout without hard links, which is not counted", p.without, seconds(p.theirs.cold)),
		some("BuildKit: cold, bytes up", inBytes, 0, "", p.without, uploads(p.theirs.cold)),
		some("BuildKit: one package added", inSeconds, 0, "its cache warm", p.without, seconds(p.theirs.added)),
		some("BuildKit: one package added, bytes up", inBytes, 0, "", p.without, uploads(p.theirs.added)),
	}
}

// some is a figure that there may be no value of.
func some(name string, u unit, target float64, note, why string, values []float64) figure {
	if len(values) == 0 {
		return notMeasured(name, u, target, cmp.Or(why, notReached))
	}
	return newFigure(name, u, target, note, values...)
}

// against divides the rounds that both have.
func (p pushResults) against(name string, target float64, note string, ours, theirs []float64) figure {
	both := min(len(ours), len(theirs))
	why := p.without
	if len(ours) == 0 {
		why = notReached
	}
	return some(name, asRatio, target, note, why, pairwise(ours[:both], theirs[:both]))
}

// nothingChanged is missed also where blobs were asked for: tags and manifests tell all.
func (p pushResults) nothingChanged() figure {
	f := some("push: nothing changed", inSeconds, 0.3, "", notReached, seconds(p.again))
	if f.Missing != "" {
		return f
	}
	blobs := 0
	for _, one := range p.again {
		blobs = max(blobs, one.onBlobs())
	}
	f.Note = fmt.Sprintf("the whole process; %s; %d requests on blobs, of which there are to be none", p.again[len(p.again)-1], blobs)
	if blobs > 0 {
		f.Verdict = missed
	}
	return f
}

func (p pushResults) bareFigure() figure {
	const name, most = "push: bare machine, bytes moved / allowed", 1
	if p.bare == nil {
		return notMeasured(name, asRatio, most, notReached)
	}
	m := p.bare
	note := fmt.Sprintf("one package added, a cache with nothing but the base, a clone without files: %s from git after the clone, "+
		"%s up, %s down; %d of %d layers built, %s: 4 × that + 1 MB is allowed; %s", inBytes.format(float64(m.git)),
		inBytes.format(float64(m.up)), inBytes.format(float64(m.down)), m.built, m.layers, inBytes.format(float64(m.changed)), m.traffic)
	return newFigure(name, asRatio, most, note, float64(m.moved())/float64(m.allowed()))
}

func seconds(loads []load) []float64 {
	values := make([]float64, len(loads))
	for i, one := range loads {
		values[i] = one.seconds
	}
	return values
}

func uploads(loads []load) []float64 {
	values := make([]float64, len(loads))
	for i, one := range loads {
		values[i] = float64(one.up)
	}
	return values
}
