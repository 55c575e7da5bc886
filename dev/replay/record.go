package main

import (
	"time"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// record is replay.json: all that a run found out.
type record struct {
	Distribution string   `json:"distribution"`
	Compression  string   `json:"compression"`
	Plans        []string `json:"plans"`
	// Start is the image that the updates start from. Its costs are those of a first push and a first download.
	Start   update   `json:"start"`
	Updates []update `json:"updates"`
	// Single is the size of the last image with all packages in one layer, where that plan took no part.
	Single *cost `json:"single,omitempty"`
}

// update is a commit of the distribution's branch. Sizes are in bytes.
type update struct {
	Commit string    `json:"commit"`
	Time   time.Time `json:"time"`
	// Branches are the commits that the image is made of, by branch.
	Branches map[string]string `json:"branches"`
	// Versions is how many there are.
	Versions int `json:"versions"`
	change
	// Own is the size of one layer of the versions that were added or overwritten, Unique of those of their files that no
	// version before had.
	Own    int64 `json:"own"`
	Unique int64 `json:"unique"`
	// Costs are those of each plan that has not failed so far.
	Costs map[string]cost `json:"costs"`
}

// cost is what an update came to with a plan. Sizes are in bytes, packed but for Unpacked.
type cost struct {
	// Seconds is how long opening, building and pushing took; PlanSeconds is planning's part.
	Seconds     float64 `json:"seconds"`
	PlanSeconds float64 `json:"planSeconds"`
	// Layers are all of the image, PackageLayers those of packages.
	Layers        int `json:"layers"`
	PackageLayers int `json:"packageLayers"`
	// Sizes are those of Layers, the lowest first; Packed is their sum, Base the part of it that is the base's, Unpacked the
	// sum of the tars.
	Sizes    []int64 `json:"layerSizes"`
	Packed   int64   `json:"packed"`
	Base     int64   `json:"basePacked"`
	Unpacked int64   `json:"unpacked"`
	// Pushed is what went to the image repository in all, headers with it; Chain and Digest are what clients download that
	// know layers by all that is below them, or by their digests; Documents are index, manifest and config.
	Pushed    int64 `json:"pushed"`
	Chain     int64 `json:"chain"`
	Digest    int64 `json:"digest"`
	Documents int64 `json:"documents"`

	packages layer.Blob // the sizes of all layers of packages
}
