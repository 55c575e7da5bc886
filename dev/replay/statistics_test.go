package main

import (
	"math"
	"slices"
	"testing"
)

func TestStatistics(t *testing.T) {
	twenty := make([]float64, 20)
	for i := range twenty {
		twenty[19-i] = float64(i + 1)
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"median of an odd number", median([]float64{5, 1, 3}), 3},
		{"median of an even number", median([]float64{4, 1, 3, 2}), 2.5},
		{"95 % of 20", percentile(twenty, 95), 19},
		{"96 % of 20", percentile(twenty, 96), 20},
		{"100 % of 20", percentile(twenty, 100), 20},
		{"1 % of 20", percentile(twenty, 1), 1},
		{"95 % of one", percentile([]float64{7}, 95), 7},
		{"mean", mean([]float64{1, 2, 6}), 3},
		{"total", total([]float64{1, 2, 6}), 9},
		{"total of none", total(nil), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s is %g, want %g", c.what, c.got, c.want)
		}
	}
	for what, got := range map[string]float64{"median": median(nil), "percentile": percentile(nil, 95), "mean": mean(nil)} {
		if !math.IsNaN(got) {
			t.Errorf("%s of none is %g", what, got)
		}
	}
	if got := running([]float64{1, 0, 2.5}); !slices.Equal(got, []float64{1, 1, 3.5}) {
		t.Errorf("running totals are %v", got)
	}
	if twenty[0] != 20 {
		t.Error("the values were sorted in place")
	}
}
