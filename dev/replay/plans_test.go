package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

func TestPlans(t *testing.T) {
	parts := []layer.Part{
		{Family: "b", Path: "b/1", Since: 20}, {Family: "a", Path: "a/2", Order: 1, Since: 20}, {Family: "a", Path: "a/1", Since: 10},
		{Family: "c", Path: "c/1", Since: 5},
	}
	for _, c := range []struct {
		planner layer.Planner
		want    string
	}{{oneLayer{}, "a/1 a/2 b/1 c/1"}, {appended{}, "c/1 | a/1 | a/2 b/1"}} {
		for range 2 {
			slices.Reverse(parts) // the order must not matter
			layers, err := c.planner.Plan(parts, 9)
			var said []string
			for _, l := range layers {
				var paths []string
				for _, p := range l {
					paths = append(paths, p.Path)
				}
				said = append(said, strings.Join(paths, " "))
			}
			if got := strings.Join(said, " | "); err != nil || got != c.want {
				t.Errorf("%s: %s, %v; want %s", c.planner.Version(), got, err, c.want)
			}
		}
		if layers, err := c.planner.Plan(nil, 9); err != nil || len(layers) > 0 {
			t.Errorf("%s makes %v of nothing: %v", c.planner.Version(), layers, err)
		}
	}
}
