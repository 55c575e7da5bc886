package main

import (
	"slices"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// tiered is a log-structured merge tree in the order of arrival: what came together is a run of its own on top, and eight
// runs of one size class are merged into one of the next. Each class is eight times as large as the one below; no merge
// takes more than half of the image. It does not ask what a merge saves.
type tiered struct{}

const fan = 8

// Version names the plan.
func (tiered) Version() string { return "tiered/1" }

// Plan merges runs as they arrive.
func (tiered) Plan(parts []layer.Part, most int) ([][]layer.Part, error) {
	came, err := appended{}.Plan(parts, most)
	if err != nil {
		return nil, err
	}
	var runs [][]layer.Part
	for _, run := range came {
		runs = append(runs, run)
		for from := full(runs); from >= 0; from = full(runs) {
			merged := sorted(slices.Concat(runs[from:]...))
			if 2*weight(merged) > weight(slices.Concat(runs...)) {
				break
			}
			runs = append(runs[:from:from], merged)
		}
	}
	return runs, nil
}

// full is the lowest of the topmost runs that fill a size class, -1 where none is full.
func full(runs [][]layer.Part) int {
	classes := make([]int, len(runs))
	for i, run := range runs {
		for size := weight(run); size >= fan; size /= fan {
			classes[i]++
		}
	}
	for class := range slices.Max(classes) + 1 {
		from := len(runs)
		for from > 0 && classes[from-1] <= class {
			from--
		}
		if len(runs)-from >= fan {
			return from
		}
	}
	return -1
}

// weight is about what a layer of parts comes to when packed: of a family the first whole, of the others what they add.
func weight(parts []layer.Part) int64 {
	var total int64
	seen := map[string]bool{}
	for _, p := range parts {
		if seen[p.Family] {
			total += p.PackedDelta
			continue
		}
		seen[p.Family] = true
		total += p.Packed
	}
	return total
}
