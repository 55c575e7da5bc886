package main

import (
	"math"
	"slices"
)

// median is the middle value, of an even number the mean of the middle two; NaN of none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the least value that p percent of all, or more, do not exceed (the nearest rank); NaN of none. p is above 0
// and up to 100.
func percentile(values []float64, p float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p / 100 * float64(n)))
	return slices.Sorted(slices.Values(values))[max(rank, 1)-1]
}

func total(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum
}

// mean is NaN of none.
func mean(values []float64) float64 { return total(values) / float64(len(values)) }

// running are the totals up to each value.
func running(values []float64) []float64 {
	sums := make([]float64, len(values))
	var sum float64
	for i, v := range values {
		sum += v
		sums[i] = sum
	}
	return sums
}
