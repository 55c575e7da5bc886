package main

import (
	"fmt"
	"math"
	"slices"
)

// unit is what a figure counts.
type unit string

const (
	inSeconds unit = "s"
	inBytes   unit = "bytes"
	asRatio   unit = "ratio"
)

// The verdicts on a figure. One without a target has none.
const (
	kept    = "ok"
	missed  = "MISSED"
	nothing = "–"
)

// figure is one line of the table.
type figure struct {
	Name string `json:"figure"`
	Unit unit   `json:"unit"`
	// Measured is the median of Values.
	Measured float64   `json:"measured"`
	Values   []float64 `json:"values"`
	// Target is the most that is promised; 0 where nothing is.
	Target  float64 `json:"target,omitempty"`
	Verdict string  `json:"verdict"`
	// Note says what the number alone does not.
	Note string `json:"note,omitempty"`
	// Missing says why nothing was measured.
	Missing string `json:"missing,omitempty"`
}

// newFigure judges the median of values, of which there is at least one.
func newFigure(name string, u unit, target float64, note string, values ...float64) figure {
	f := figure{Name: name, Unit: u, Measured: median(values), Values: values, Target: target, Note: note}
	f.Verdict = verdict(f.Measured, target)
	return f
}

// notMeasured is a figure that there is no value of.
func notMeasured(name string, u unit, target float64, why string) figure {
	return figure{Name: name, Unit: u, Target: target, Verdict: nothing, Missing: why, Values: []float64{}}
}

func verdict(measured, target float64) string {
	switch {
	case target == 0:
		return nothing
	case measured <= target:
		return kept
	}
	return missed
}

// median is the middle value, of an even number the mean of the middle two; NaN of none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// pairwise divides each value by its partner.
func pairwise(values, by []float64) []float64 {
	ratios := make([]float64, len(values))
	for i, v := range values {
		ratios[i] = v / by[i]
	}
	return ratios
}

// format writes a value for people: three digits or so, more would be noise.
func (u unit) format(value float64) string {
	switch u {
	case inSeconds:
		return short(value) + " s"
	case inBytes:
		return fmt.Sprintf("%.1f MB", value/1e6)
	}
	return short(value)
}

func short(value float64) string {
	switch {
	case value < 1:
		return fmt.Sprintf("%.3f", value)
	case value < 10:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.1f", value)
}

// measured is the median, with the least and the largest value where there are several.
func (f figure) measured() string {
	if f.Missing != "" {
		return "not measured"
	}
	if len(f.Values) < 2 {
		return f.Unit.format(f.Measured)
	}
	return fmt.Sprintf("%s (%s to %s)", f.Unit.format(f.Measured), f.Unit.format(slices.Min(f.Values)),
		f.Unit.format(slices.Max(f.Values)))
}

// target is written as it was promised: "≤ 0.15 s", "≤ 300 MB".
func (f figure) target() string {
	switch {
	case f.Target == 0:
		return nothing
	case f.Unit == inSeconds:
		return fmt.Sprintf("≤ %g s", f.Target)
	case f.Unit == inBytes:
		return fmt.Sprintf("≤ %g MB", f.Target/1e6)
	}
	return fmt.Sprintf("≤ %g", f.Target)
}
