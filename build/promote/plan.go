package promote

import (
	"encoding/json"
	"slices"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Plan is what a promotion does.
type Plan struct {
	To    string
	Items []Item
}

// Item is one package of a plan.
type Item struct {
	Candidate
	// To is where it goes, or is already.
	To string
	// Verdict is the first of all that is to be said; Notes are the others.
	Verdict Verdict
	Notes   []Verdict
	// Contents are what it weighs; zero where nobody looked.
	Contents Contents
	// Add says whether the target gains it.
	Add bool
	// Remove are the distributions that lose it once it has arrived; Stays those downstream whose copy is other bytes: it
	// is kept, and shadowed.
	Remove, Stays []string
	// Back are the distributions that have it again when a promotion is reverted.
	Back []string
}

// MarshalJSON implements json.Marshaler.
func (i Item) MarshalJSON() ([]byte, error) {
	type verdict struct {
		Verdict
		Notes []Verdict `json:"notes,omitempty"`
	}
	var contents *Contents
	if i.Contents != (Contents{}) {
		contents = &i.Contents
	}
	return json.Marshal(struct {
		Asked   string              `json:"asked,omitempty"`
		Name    integration.Name    `json:"name,omitempty"`
		Version integration.Version `json:"version,omitempty"`
		Tree    object.ID           `json:"tree,omitempty"`
		From    string              `json:"from,omitempty"`
		To      string              `json:"to"`
		Verdict verdict             `json:"verdict"`
		Content *Contents           `json:"contents,omitempty"`
		Add     bool                `json:"add"`
		Remove  []string            `json:"removeFrom,omitempty"`
		Stays   []string            `json:"stays,omitempty"`
		Back    []string            `json:"backTo,omitempty"`
	}{i.Asked, i.Name, i.Version, i.Tree, i.From, i.To, verdict{i.Verdict, i.Notes}, contents, i.Add, i.Remove, i.Stays, i.Back})
}

// Plan judges candidates and says what becomes of them.
func (s Storage) Plan(request Request, candidates []Candidate, facts Facts) Plan {
	to := s.stage(request.To)
	plan := Plan{To: to.Name}
	below, _ := s.downstream(to.Name)
	for _, c := range candidates {
		said := s.judge(to, c, request.Reason, facts)
		item := Item{Candidate: c, To: to.Name, Verdict: said[0], Notes: said[1:], Contents: facts.Contents[c.Path()]}
		if item.Verdict.Allowed {
			item.Add = item.Verdict.Code != AlreadyThere
			item.Remove, item.Stays = leftovers(below, c.Package)
			if topic := s.leaving(append([]Stage{to}, s.upstream(to)...), c.Package); !item.Add && topic != "" {
				item.Remove = nil
				item.Verdict.Why += "; " + topic + " is to take it away, so that it stays downstream"
			}
		}
		plan.Items = append(plan.Items, item)
	}
	return plan
}

// Leftovers are the plans that remove what has been promoted already: packages downstream of which the very bytes are
// upstream. Nothing that is served changes by that.
func (s Storage) Leftovers() []Plan {
	var plans []Plan
	for _, to := range s {
		below, _ := s.downstream(to.Name)
		plan := Plan{To: to.Name}
		for _, p := range to.Packages {
			if s.shadowed(to, p) || to.Leaving[p.Path()] != "" {
				continue // what is upstream of it decides; what is about to go there must stay somewhere
			}
			item := Item{Candidate: Candidate{Package: p}, To: to.Name, Verdict: Verdict{Code: AlreadyThere, Allowed: true}}
			item.Remove, item.Stays = leftovers(below, p)
			if len(item.Remove) > 0 {
				item.From = item.Remove[0]
				plan.Items = append(plan.Items, item)
			}
		}
		if len(plan.Items) > 0 {
			plans = append(plans, plan)
		}
	}
	return plans
}

// leaving is the topic branch that is to take the copy away which is served; "" for none.
func (s Storage) leaving(up []Stage, p integration.Package) string {
	for _, one := range up {
		if one.tree(p.Path()) != "" {
			return one.Leaving[p.Path()]
		}
	}
	return ""
}

// shadowed says whether something upstream of a stage has a version, too.
func (s Storage) shadowed(at Stage, p integration.Package) bool {
	return slices.ContainsFunc(s.upstream(at), func(up Stage) bool { return up.tree(p.Path()) != "" })
}

// leftovers are the stages that have a package which is upstream of them: the same bytes, or others.
func leftovers(below []Stage, p integration.Package) (same, differs []string) {
	for _, one := range below {
		switch tree := one.tree(p.Path()); {
		case tree == "" || one.Frozen || one.Add == "never":
		case tree == p.Tree:
			same = append(same, one.Name)
		default:
			differs = append(differs, one.Name)
		}
	}
	return same, differs
}

// Refused are the items that can't be promoted. A plan with any of them is not carried out.
func (p Plan) Refused() []Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return i.Verdict.Allowed })
}

// Added are the packages that the target gains.
func (p Plan) Added() []Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return !i.Add })
}

// RemovedFrom are the packages that a distribution loses.
func (p Plan) RemovedFrom(name string) []Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return !slices.Contains(i.Remove, name) })
}
