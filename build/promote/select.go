package promote

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/agext/levenshtein"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Request is what somebody wants to be promoted.
type Request struct {
	// To is a distribution of the storage.
	To string
	// Packages are "<name>-<version>", "<name>" for its newest version, or patterns of these (path.Match).
	Packages []string
	// Reason is why what is refused by default should be done; empty for none.
	Reason string
}

// RequestError is a request that means nothing.
type RequestError struct{ What, WayOut string }

func (e *RequestError) Error() string { return e.What }

// Candidate is a package that a request means. Its tree is zero where nothing has it.
type Candidate struct {
	integration.Package
	// From is the distribution that it would come from: the nearest downstream one that has it; "" where only the target
	// or its upstream has it, or nothing.
	From string
	// Asked is what it was asked for by, Near are names like that where nothing was found.
	Asked string
	Near  []string
}

// Label is the package, or what was asked for where none was found.
func (c Candidate) Label() string {
	if c.Name == "" {
		return c.Asked
	}
	return c.Package.String()
}

// Select finds the packages that a request means, in the order in which it names them. Who finds nothing is a candidate,
// too: its verdict will say so. Errors: *RequestError, for what could not be meant.
func (s Storage) Select(request Request) ([]Candidate, error) {
	if len(request.Packages) == 0 {
		return nil, &RequestError{"no package is named", "name them like apm-8.0.0,system-1.20.4"}
	}
	to := s.stage(request.To)
	below, _ := s.downstream(to.Name)
	if len(below) == 0 {
		return nil, &RequestError{fmt.Sprintf("nothing is promoted to %s: no distribution includes it", to.Name),
			"packages go from downstream to upstream: name the distribution that they are to arrive in"}
	}
	var found []Candidate
	asked, taken := map[string]bool{}, map[string]bool{}
	for _, word := range request.Packages {
		if asked[word] {
			return nil, &RequestError{fmt.Sprintf("%q is named twice", word), "name each package once"}
		}
		asked[word] = true
		one, err := s.find(to, below, word)
		if err != nil {
			return nil, err
		}
		for _, c := range one {
			if c.Name == "" || !taken[c.Path()] {
				found = append(found, c)
			}
			taken[c.Path()] = true
		}
	}
	return found, nil
}

// find is what one word means. Where distributions downstream have nothing, what is there already is found.
func (s Storage) find(to Stage, below []Stage, word string) ([]Candidate, error) {
	if _, err := path.Match(word, ""); err != nil || word == "" {
		return nil, &RequestError{fmt.Sprintf("%q is neither a package nor a pattern", word), "write it like apm-8.0.0, apm or 'apm-8.*'"}
	}
	pattern := strings.ContainsAny(word, `*?[\`)
	var found []Candidate
	seen := map[string]bool{}
	for _, from := range slices.Concat(below, []Stage{to}, s.upstream(to)) {
		known := slices.ContainsFunc(below, func(b Stage) bool { return b.Name == from.Name })
		var matched []integration.Package
		for _, p := range from.Packages {
			if matches(p, word, pattern) && !seen[p.Path()] {
				seen[p.Path()] = true
				matched = append(matched, p)
			}
		}
		if len(matched) == 0 || pattern && !known && len(found) > 0 {
			continue
		}
		slices.SortFunc(matched, compare)
		if string(matched[0].Name) == word {
			matched = matched[len(matched)-1:]
		}
		for _, p := range matched {
			c := Candidate{Package: p, Asked: word}
			if known {
				c.From = from.Name
			}
			found = append(found, c)
		}
		if !pattern {
			return found, nil
		}
	}
	if len(found) == 0 {
		return []Candidate{{Asked: word, Near: s.Near(word)}}, nil
	}
	slices.SortFunc(found, func(a, b Candidate) int { return compare(a.Package, b.Package) })
	return found, nil
}

func matches(p integration.Package, word string, pattern bool) bool {
	if pattern {
		matched, err := path.Match(word, p.String())
		return matched && err == nil
	}
	return word == p.String() || word == string(p.Name)
}

// compare orders packages by name and version (semver.org, 11).
func compare(a, b integration.Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), CompareVersions(a.Version, b.Version))
}

// CompareVersions orders versions by semver.org's precedence, and where that makes no difference by text.
func CompareVersions(a, b integration.Version) int {
	x, errX := semver.StrictNewVersion(string(a))
	y, errY := semver.StrictNewVersion(string(b))
	order := 0
	if errX == nil && errY == nil { // numbers may be too large for it
		order = x.Compare(y)
	}
	return cmp.Or(order, cmp.Compare(a, b))
}

// Named are all versions that a word names ("apm-8.0.0", or "apm" for all of its versions), each once, sorted; the tree is that
// of one of the copies.
func (s Storage) Named(word string) []integration.Package {
	found := map[string]integration.Package{}
	for _, stage := range s {
		for _, p := range stage.Packages {
			if matches(p, word, false) {
				found[p.Path()] = p
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), compare)
}

// Tree is that of a distribution's own copy of a version, by its path; zero where there is none.
func (s Storage) Tree(distribution, path string) object.ID { return s.stage(distribution).tree(path) }

// Removed says when a version ("apm-8.0.0") that nothing has was removed, and why; "" where nobody knows of it.
func (s Storage) Removed(word string) string {
	name, version, _ := strings.Cut(word, "-")
	at := name + "/" + version
	for _, stage := range slices.Backward(s) { // what was published counts most
		if stone, buried := stage.Tombstones[at]; buried {
			return fmt.Sprintf("it was removed from %s on %s: %s", stage.Name, stone.Removed.Format(time.DateOnly), stone.Reason)
		}
	}
	for _, stage := range slices.Backward(s) {
		if gone, was := stage.Gone[at]; was {
			return fmt.Sprintf("it was on branch %s until %s", stage.Branch, gone.When.UTC().Format(time.DateOnly))
		}
	}
	return ""
}

// Copies are the trees of a version, by its path, wherever it is.
func (s Storage) Copies(path string) []object.ID {
	var trees []object.ID
	for _, stage := range s {
		if tree := stage.tree(path); tree != "" {
			trees = append(trees, tree)
		}
	}
	return trees
}

// Newest is the newest version of a package that a distribution serves.
func (s Storage) Newest(distribution string, name integration.Name) (newest integration.Package, there bool) {
	stage := s.stage(distribution)
	for _, one := range append([]Stage{stage}, s.upstream(stage)...) {
		for _, p := range one.Packages {
			if p.Name == name && (!there || CompareVersions(p.Version, newest.Version) > 0) {
				newest, there = p, true
			}
		}
	}
	return newest, there
}

// Near are at most three packages whose names are most like a word that nothing was found for: versions of that very
// package first.
func (s Storage) Near(word string) []string {
	name, _, versioned := strings.Cut(word, "-")
	type guess struct {
		integration.Package
		distance int
	}
	best := map[string]guess{}
	for _, stage := range s {
		for _, p := range stage.Packages {
			distance := 0
			if string(p.Name) != name {
				distance = 2 * levenshtein.Distance(name, string(p.Name), nil)
			}
			if versioned {
				distance += levenshtein.Distance(word, p.String(), nil)
			}
			if string(p.Name) == name || distance <= len(word) {
				best[p.Path()] = guess{p, distance}
			}
		}
	}
	guesses := slices.SortedFunc(maps.Values(best), func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), compare(b.Package, a.Package))
	})
	var names []string
	for _, g := range guesses[:min(len(guesses), 3)] {
		names = append(names, g.String())
	}
	return names
}
