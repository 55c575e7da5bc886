package pipeline

import (
	"time"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/image"
)

// BuildReport is build.json: what went into an image, what came out, and how long it took.
type BuildReport struct {
	Inputs   Inputs `json:"inputs"`
	InputsID string `json:"inputsId"`
	// Pushable is false where uncommitted packages are in the image: no commit's tag may name it. An image of the Sample
	// storage is for loopback only.
	Pushable bool               `json:"pushable"`
	Sample   bool               `json:"sample,omitempty"`
	Index    string             `json:"index,omitempty"`
	Images   []ReportImage      `json:"images,omitempty"`
	Layers   []ReportLayer      `json:"layers"`
	Seconds  map[string]float64 `json:"seconds"`
	// Total is all of it, in seconds; of the first build in a session with the opening of storage and cache.
	Total float64 `json:"totalSeconds"`
}

// ReportImage is one platform's image. Sizes are in bytes, with the base's layers.
type ReportImage struct {
	Platform string `json:"platform"`
	Manifest string `json:"manifest"`
	Config   string `json:"config"`
	Layers   int    `json:"layers"`
	Packed   int64  `json:"packed"`
	// Base is the part of Packed that is the base's; Unpacked that of all tars.
	Base     int64 `json:"basePacked"`
	Unpacked int64 `json:"unpacked"`
}

// ReportLayer is a layer of packages, the lowest first. Sizes are in bytes.
type ReportLayer struct {
	Key string `json:"key"`
	// Branches are those that its packages are from, the most upstream first.
	Branches []string `json:"branches"`
	DiffID   string   `json:"diffId"`
	Digest   string   `json:"digest"`
	Size     int64    `json:"size"`
	Unpacked int64    `json:"unpacked"`
	Files    int      `json:"files,omitempty"` // 0 where it was published
	Packages []string `json:"packages"`
	// From is "built", "reused" (from the cache), "published" (taken on trust from the image in Repository: its bytes were
	// not seen), or "to build" in a dry run.
	From       string `json:"from"`
	Repository string `json:"repository,omitempty"`
}

// Count is the number of layers of packages that came from somewhere.
func (r BuildReport) Count(from string) int {
	n := 0
	for _, l := range r.Layers {
		if l.From == from {
			n++
		}
	}
	return n
}

// Where layers come from.
const (
	FromBuild     = "built"
	FromCache     = "reused"
	FromPublished = "published"
	FromLater     = "to build"
)

func newBuildReport(d *draft, layers []packageLayer, watch *watch) BuildReport {
	r := BuildReport{
		Inputs: d.inputs, InputsID: d.inputsID, Pushable: len(d.uncommitted) == 0, Sample: d.sample, Layers: []ReportLayer{},
	}
	from := make(map[string]int, len(d.tree.Packages))
	for _, p := range d.tree.Packages {
		from[p.Path()] = p.Branch
	}
	for _, l := range layers {
		reported := ReportLayer{Key: l.key, Branches: branchesOf(d.tree, from, l.packages()), Packages: l.packages(), From: l.from, Repository: l.repository}
		if l.blob.Size > 0 {
			reported.DiffID, reported.Digest = l.blob.DiffID.String(), l.blob.Digest.String()
			reported.Size, reported.Unpacked, reported.Files = l.blob.Size, l.blob.Unpacked, l.blob.Files
		}
		r.Layers = append(r.Layers, reported)
	}
	r.finish(watch)
	return r
}

// branchesOf names the branches that packages are from, the most upstream first.
func branchesOf(tree assemble.Tree, from map[string]int, packages []string) []string {
	there := make([]bool, len(tree.Branches))
	for _, path := range packages {
		there[from[path]] = true
	}
	var names []string
	for i, b := range tree.Branches {
		if there[i] {
			names = append(names, b.Name)
		}
	}
	return names
}

func (r *BuildReport) finish(watch *watch) {
	r.Seconds, r.Total = watch.laps, time.Since(watch.start).Seconds()
}

// describe adds what is known once the image is composed.
func (r *BuildReport) describe(d *draft, index image.Index) {
	r.Index = index.Descriptor.Digest.String()
	var packages int64
	for _, l := range r.Layers {
		packages += l.Unpacked
	}
	for i, one := range index.Images {
		reported := ReportImage{
			Platform: one.Platform.String(), Manifest: one.Manifest.Descriptor.Digest.String(),
			Config: one.Config.Descriptor.Digest.String(), Layers: len(one.Layers),
			Unpacked: d.base.Unpacked[i] + packages,
		}
		for j, l := range one.Layers {
			reported.Packed += l.Size
			if j < len(d.base.Platforms[i].Layers) {
				reported.Base += l.Size
			}
		}
		r.Images = append(r.Images, reported)
	}
}

// watch measures stages.
type watch struct {
	start, last time.Time
	laps        map[string]float64 // seconds
}

func newWatch(start time.Time) *watch {
	return &watch{start: start, last: start, laps: map[string]float64{}}
}

func (w *watch) lap(name string) {
	now := time.Now()
	w.laps[name] = now.Sub(w.last).Seconds()
	w.last = now
}
