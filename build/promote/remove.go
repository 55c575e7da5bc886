package promote

import (
	"fmt"
	"time"
)

// The codes of removals, beside those of promotions.
const (
	WantsReason Code = "wants-reason"   // it may go, for a reason
	Kept        Code = "kept-by-policy" // nothing that was published goes from there
)

// Refused are the items that may not go. A removal with any of them is not carried out.
func (r Removal) Refused() []Item { return Plan{Items: r.Items}.Refused() }

// Removal is a plan by which packages go from a distribution's branch, and nothing comes.
type Removal struct {
	From   string
	Reason string
	Items  []Item
}

// Remove judges which packages may go from a distribution; words are as in Request.Packages, but for patterns and bare
// names: what goes must be named. Errors: *RequestError.
func (s Storage) Remove(from string, words []string, reason string) (Removal, error) {
	stage := s.stage(from)
	removal := Removal{From: from, Reason: reason}
	if len(words) == 0 {
		return removal, &RequestError{"no package is named", "name them like apm-8.0.0,system-1.20.4"}
	}
	seen := map[string]bool{}
	for _, word := range words {
		if seen[word] {
			return Removal{}, &RequestError{fmt.Sprintf("%q is named twice", word), "name each package once"}
		}
		seen[word] = true
		item := Item{Candidate: Candidate{Asked: word}, To: from}
		for _, p := range stage.Packages {
			if p.String() == word {
				item.Package, item.From = p, from
			}
		}
		item.Verdict = s.judgeRemoval(stage, &item, reason)
		if item.Verdict.Allowed {
			item.Remove = []string{from}
		}
		removal.Items = append(removal.Items, item)
	}
	return removal, nil
}

func (s Storage) judgeRemoval(stage Stage, item *Item, reason string) Verdict {
	switch {
	case item.Name == "":
		item.Near = Storage{stage}.Near(item.Asked)
		return Verdict{Code: NotFound, Why: fmt.Sprintf("branch %s does not have it", stage.Branch), WayOut: wayOutOf(item.Near)}
	case stage.Frozen || stage.Add == "never":
		return Verdict{Code: Frozen, Why: stage.Name + " never changes"}
	case stage.Distribution.Remove == "no":
		return Verdict{Code: Kept, Why: "nothing is removed from " + stage.Name}
	case stage.Distribution.Remove != "yes" && reason == "":
		return Verdict{Code: WantsReason, Why: "a version goes from " + stage.Name + " for a reason only", WayOut: `say it: REASON="…"`}
	}
	verdict := Verdict{Code: OK, Allowed: true}
	for _, up := range s.upstream(stage) {
		if up.tree(item.Path()) != "" {
			verdict.Why = stage.Name + " still serves " + up.Name + "'s copy"
		}
	}
	return verdict
}

// RemovalStep is what a removal does: one commit, which leaves tombstones where there is a reason.
func (s Storage) RemovalStep(r Removal, now time.Time) Step {
	stage := s.stage(r.From)
	step := Step{Distribution: stage.Name, Branch: stage.Branch, Remove: r.Items, Empties: len(r.Items) > 0 && len(r.Items) == len(stage.Packages)}
	if r.Reason != "" {
		for _, i := range r.Items {
			step.Bury = append(step.Bury, Tombstone{Package: i.Package.String(), Tree: i.Tree, Removed: now.UTC().Truncate(24 * time.Hour), Reason: r.Reason})
		}
	}
	if len(r.Items) > 0 {
		step.Title = fmt.Sprintf("Remove %s from %s", titled(r.Items), stage.Name)
		step.write(stage.byPullRequest(), "remove", r.Items, r.Reason)
	}
	return step
}
