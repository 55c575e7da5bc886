package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// plans are those that can be replayed, by their names; nil is the pipeline's own.
var plans = map[string]func() layer.Planner{
	"stack":    func() layer.Planner { return nil }, // the pipeline's own
	"buckets":  func() layer.Planner { return buckets{} },
	"tiered":   func() layer.Planner { return tiered{} },
	"appended": func() layer.Planner { return appended{} },
	single:     func() layer.Planner { return oneLayer{} },
}

// single is the name of the plan that the sizes of others are compared with.
const single = "one layer"

// plan is a plan that takes part.
type plan struct {
	name    string
	planner layer.Planner
}

// choosePlans reads names of plans, "a,b,c".
func choosePlans(list string) ([]plan, error) {
	var chosen []plan
	for word := range strings.SplitSeq(list, ",") {
		name := strings.TrimSpace(word)
		make, known := plans[name]
		if !known {
			return nil, fmt.Errorf("there is no plan %q (there are: %s)", name, strings.Join(slices.Sorted(maps.Keys(plans)), ", "))
		}
		if slices.ContainsFunc(chosen, func(p plan) bool { return p.name == name }) {
			return nil, fmt.Errorf("plan %q is there twice", name)
		}
		chosen = append(chosen, plan{name, make()})
	}
	return chosen, nil
}

// oneLayer puts all packages into one layer: the smallest image there can be, and the dearest updates. It knows no limit:
// what packs to more than layer.MaxPacked can't be built with it.
type oneLayer struct{}

// Version names the plan.
func (oneLayer) Version() string { return "one/1" }

// Plan makes one layer of parts, and none of none.
func (oneLayer) Plan(parts []layer.Part, _ int) ([][]layer.Part, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	return [][]layer.Part{sorted(parts)}, nil
}

// appended gives what came together a layer of its own on top, for ever: updates can't be cheaper, but the image grows and
// its layers become too many. It knows no limit: the pipeline refuses an image of more layers than there may be.
type appended struct{}

// Version names the plan.
func (appended) Version() string { return "appended/1" }

// Plan makes one layer of all parts with the same Since, the oldest lowest.
func (appended) Plan(parts []layer.Part, _ int) ([][]layer.Part, error) {
	came := map[int64][]layer.Part{}
	for _, p := range sorted(parts) {
		came[p.Since] = append(came[p.Since], p)
	}
	var layers [][]layer.Part
	for _, since := range slices.Sorted(maps.Keys(came)) {
		layers = append(layers, came[since])
	}
	return layers, nil
}

// sorted are the parts in one order, whatever order they came in.
func sorted(parts []layer.Part) []layer.Part {
	return slices.SortedFunc(slices.Values(parts), func(a, b layer.Part) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Path, b.Path))
	})
}
