package main

import "time"

// figure is a plot over time.
type figure struct {
	file, title, unit string
	// floor, where it is not 0, makes the scale logarithmic; what is less is drawn there.
	floor  float64
	curves []curve
}

// curve has a value for each time, in the figure's unit.
type curve struct {
	name   string
	times  []time.Time
	values []float64
	// bound is what no plan falls below; dots are for values that have nothing to do with those beside them.
	bound, dots bool
}

// leastShown is where the logarithmic scale begins, in MB.
const leastShown = 1e-3

// figures are those of a run: what updates cost, the same added up, and the image's size.
func (r record) figures() []figure {
	costs := figure{file: "per-update.svg", title: r.Distribution + ": what an update makes a chain client (Docker) download",
		unit: "MB packed", floor: leastShown}
	sums := figure{file: "cumulative.svg", title: r.Distribution + ": what a chain client (Docker) downloads, added up", unit: "MB packed"}
	sizes := figure{file: "size.svg", title: r.Distribution + ": size of the image", unit: "MB packed"}
	for _, bound := range []struct {
		name  string
		value func(update) int64
	}{{"unique", func(u update) int64 { return u.Unique }}, {"own", func(u update) int64 { return u.Own }}} {
		values := make([]float64, len(r.Updates))
		for i, u := range r.Updates {
			values[i] = float64(bound.value(u)) / 1e6
		}
		times := r.times(func(update) bool { return true })
		costs.add(curve{name: bound.name, times: times, values: values, bound: true, dots: true})
		sums.add(r.sum(curve{name: bound.name, times: times, values: values, bound: true}))
	}
	for _, name := range r.Plans {
		times := r.times(func(u update) bool {
			_, there := u.Costs[name]
			return there
		})
		costs.add(curve{name: name, times: times, values: r.of(name, chainOf), dots: true})
		sums.add(r.sum(curve{name: name, times: times, values: r.of(name, chainOf)}))
		sizes.add(r.since(curve{name: name, times: times, values: r.of(name, packedOf)}, packedOf(r.Start, r.Start.Costs[name])))
	}
	return []figure{costs, sums, sizes}
}

// sum adds values up, from 0 at the start.
func (r record) sum(c curve) curve {
	c.values = running(c.values)
	return r.since(c, 0)
}

// since lets a curve begin with the start.
func (r record) since(c curve, value float64) curve {
	if len(c.values) > 0 {
		c.times, c.values = append([]time.Time{r.Start.Time}, c.times...), append([]float64{value}, c.values...)
	}
	return c
}

// add leaves out a plan that failed before its first update.
func (f *figure) add(c curve) {
	if len(c.values) > 0 {
		f.curves = append(f.curves, c)
	}
}

func (r record) times(which func(update) bool) []time.Time {
	var times []time.Time
	for _, u := range r.Updates {
		if which(u) {
			times = append(times, u.Time)
		}
	}
	return times
}
