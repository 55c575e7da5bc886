package promote

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// The codes of reverts, beside those of removals.
const (
	ChangedSince Code = "changed-since" // it is not what the commit left any more
	NoWayBack    Code = "no-way-back"   // no distribution downstream can take it: it would be lost
)

// Reverted is a commit of a distribution's branch that is to be undone, with the packages of the branch before and after.
type Reverted struct {
	Commit        object.ID
	Before, After []integration.Package
}

// Revert is a plan that undoes a promotion on both sides: what a commit brought goes, and is again where it came from.
type Revert struct {
	From   string
	Reason string
	Commit object.ID
	Items  []Item
	// restored are the versions that the commit had overwritten.
	restored []Item
}

// Revert judges what a commit brought to a distribution. Errors: *RequestError, for a commit that brought nothing.
func (s Storage) Revert(from string, commit Reverted, reason string) (Revert, error) {
	stage := s.stage(from)
	revert := Revert{From: from, Reason: reason, Commit: commit.Commit}
	below, _ := s.downstream(from)
	before := map[string]integration.Package{}
	for _, p := range commit.Before {
		before[p.Path()] = p
	}
	for _, p := range commit.After {
		old, overwritten := before[p.Path()]
		if overwritten && old.Tree == p.Tree {
			continue
		}
		item := Item{Candidate: Candidate{Package: p, From: from, Asked: commit.Commit.Short()}, To: from}
		item.Verdict = s.judgeRemoval(stage, &item, reason)
		if now := stage.tree(p.Path()); now != p.Tree {
			item.Verdict = Verdict{Code: ChangedSince, Why: "branch " + stage.Branch + " has other bytes now, or none",
				WayOut: "undo what came after it first"}
		}
		back, possible := s.cameFrom(below, item)
		if item.Verdict.Allowed && !possible {
			item.Verdict = Verdict{Code: NoWayBack, Why: "no distribution downstream can take it back: there is none, or each has other bytes of it",
				WayOut: "mage remove takes it off branch " + stage.Branch + " for good"}
		}
		if item.Verdict.Allowed {
			item.Remove, item.Back = []string{from}, back
		}
		if overwritten {
			revert.restored = append(revert.restored, Item{Candidate: Candidate{Package: old, From: from}, To: from, Add: true})
		}
		revert.Items = append(revert.Items, item)
	}
	if len(revert.Items) == 0 {
		return revert, &RequestError{fmt.Sprintf("commit %s brought no package to branch %s", commit.Commit.Short(), stage.Branch),
			"name the commit of a promotion, on the branch that packages were promoted to"}
	}
	return revert, nil
}

// Refused are the items that may not go. A revert with any of them is not carried out.
func (r Revert) Refused() []Item { return Plan{Items: r.Items}.Refused() }

// RevertSteps are the commits of a revert: what goes is first of all where it came from, or if nobody knows where that
// was, in the next distribution downstream.
func (s Storage) RevertSteps(r Revert, now time.Time) []Step {
	stage := s.stage(r.From)
	back := map[string][]Item{}
	for _, i := range r.Items {
		for _, name := range i.Back {
			i.To, i.Add = name, true
			back[name] = append(back[name], i)
		}
	}
	var steps []Step
	for _, one := range s {
		switch {
		case one.Name == r.From:
			gone := slices.DeleteFunc(slices.Clone(r.Items), func(i Item) bool {
				return slices.ContainsFunc(r.restored, func(old Item) bool { return old.Path() == i.Path() })
			})
			step := s.RemovalStep(Removal{From: r.From, Reason: r.Reason, Items: gone}, now)
			step.Add = r.restored
			step.Title = fmt.Sprintf("Revert the promotion of %s to %s", titled(r.Items), stage.Name)
			step.write(one.byPullRequest(), "revert", r.Items, r.Reason)
			step.Body += fmt.Sprintf("\nThis undoes %s.\n", r.Commit)
			steps = append(steps, step)
		case len(back[one.Name]) > 0:
			step := Step{Distribution: one.Name, Branch: one.Branch, Add: back[one.Name]}
			step.Title = fmt.Sprintf("Take back %s, promoted to %s", titled(step.Add), stage.Name)
			step.write(one.byPullRequest(), "promote", step.Add, r.Reason)
			steps = append(steps, step)
		}
	}
	// What comes back by a pull request goes only when it has arrived: the same revert, run again, does that.
	if slices.ContainsFunc(steps, func(one Step) bool { return one.Distribution != r.From && one.Topic != "" }) {
		steps = slices.DeleteFunc(steps, func(one Step) bool { return one.Distribution == r.From })
	}
	return steps
}

// together is how far apart removals may lie that belong to one promotion: clocks differ.
const together = time.Hour

// cameFrom are the stages that a package is to be in again: those that lost it last, but for those that include one of them;
// where nobody knows of any, the next that has room for it; none where one still has it. It is not possible where no stage can
// take it.
func (s Storage) cameFrom(below []Stage, i Item) (places []string, possible bool) {
	next, still, last := "", false, time.Time{}
	lost := map[string]time.Time{}
	for _, one := range below {
		there := one.tree(i.Path())
		still = still || there == i.Tree
		if _, buried := one.Tombstones[i.Path()]; buried || there != "" || one.Frozen || one.Add == "never" {
			continue
		}
		if next == "" {
			next = one.Name
		}
		if gone, was := one.Gone[i.Path()]; was && gone.Tree == i.Tree {
			if lost[one.Name] = gone.When; gone.When.After(last) {
				last = gone.When
			}
		}
	}
	for _, one := range below { // the nearest first
		when, was := lost[one.Name]
		included := slices.ContainsFunc(s.upstream(one), func(up Stage) bool { return slices.Contains(places, up.Name) })
		if was && !included && !when.Before(last.Add(-together)) {
			places = append(places, one.Name)
		}
	}
	if len(places) == 0 && !still && next != "" {
		places = []string{next}
	}
	return places, still || len(places) > 0
}
