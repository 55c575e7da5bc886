package main

// quantity is something that is counted of each update, as people read it.
type quantity struct {
	name, unit string
	values     []float64
}

// of takes a number of each update that a plan was built for.
func (r record) of(plan string, number func(update, cost) float64) []float64 {
	var values []float64
	for _, u := range r.Updates {
		if c, there := u.Costs[plan]; there {
			values = append(values, number(u, c))
		}
	}
	return values
}

func chainOf(_ update, c cost) float64  { return float64(c.Chain) / 1e6 }
func digestOf(_ update, c cost) float64 { return float64(c.Digest) / 1e6 }
func pushedOf(_ update, c cost) float64 { return float64(c.Pushed) / 1e6 }
func ownOf(u update, _ cost) float64    { return float64(u.Own) / 1e6 }
func uniqueOf(u update, _ cost) float64 { return float64(u.Unique) / 1e6 }
func packedOf(_ update, c cost) float64 { return float64(c.Packed) / 1e6 }

// quantities are the rows of a plan's table.
func (r record) quantities(plan string) []quantity {
	return []quantity{
		{"build and push", "s", r.of(plan, func(_ update, c cost) float64 { return c.Seconds })},
		{"plan", "ms", r.of(plan, milliseconds)},
		{"pushed", "MB", r.of(plan, pushedOf)},
		{"chain", "MB", r.of(plan, chainOf)},
		{"digest", "MB", r.of(plan, digestOf)},
		{"own", "MB", r.of(plan, ownOf)},
		{"unique", "MB", r.of(plan, uniqueOf)},
		{"documents", "kB", r.of(plan, func(_ update, c cost) float64 { return float64(c.Documents) / 1e3 })},
	}
}

func milliseconds(_ update, c cost) float64 { return c.PlanSeconds * 1e3 }

// last is what the image was with a plan at the end; false where the plan did not get there.
func (r record) last(plan string) (cost, bool) {
	if len(r.Updates) == 0 {
		return cost{}, false
	}
	c, there := r.Updates[len(r.Updates)-1].Costs[plan]
	return c, there
}

// share is a part of an image, and the commit where it was.
type share struct {
	part   float64
	commit string
}

// largestShare is the largest part of the whole image that an update made a chain client download. small leaves out updates
// that touch half of the versions or more: no plan has small answers to these.
func (r record) largestShare(plan string, small bool) share {
	var most share
	for _, u := range r.Updates {
		c, there := u.Costs[plan]
		if !there || c.Packed == 0 || small && 2*u.count() >= u.Versions {
			continue
		}
		if part := float64(c.Chain) / float64(c.Packed); part > most.part {
			most = share{part, u.Commit}
		}
	}
	return most
}
