package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// Whereabouts are all places of one version.
type Whereabouts struct {
	Name    integration.Name    `json:"name"`
	Version integration.Version `json:"version"`
	Places  []Place             `json:"places"`
	// Next is where it can be promoted to, the nearest first, with the verdict.
	Next []NextPlace `json:"next,omitempty"`
}

// Place is a distribution that has or serves a version.
type Place struct {
	Distribution string `json:"distribution"`
	// Branch has the copy that is served. Own says whether it is the distribution's own.
	Branch string `json:"branch"`
	Own    bool   `json:"own"`
	// Tree is the copy's. Since is when it came to the distribution (a promotion within it is no break); zero where it was there
	// in the first commit that is known.
	Tree  object.ID `json:"tree"`
	Since time.Time `json:"since,omitzero"`
	// Shadowed is the tree of a copy of its own that it does not serve; zero for none.
	Shadowed object.ID `json:"shadowed,omitempty"`
	// Published says what the published image has of it: "yes", "other bytes", "no"; empty where it was not asked.
	Published string `json:"published,omitempty"`
}

// NextPlace is a distribution that a version can be promoted to.
type NextPlace struct {
	Distribution string          `json:"distribution"`
	Verdict      promote.Verdict `json:"verdict"`
}

// Where finds a package ("apm", all of its versions) or a version ("apm-8.0.0"). Errors: *promote.RequestError, with the names
// that are most like it where there is none.
func (s *Session) Where(ctx context.Context, word string) ([]Whereabouts, error) {
	if strings.TrimSpace(word) == "" {
		return nil, &promote.RequestError{What: "no package is named", WayOut: "name it like apm or apm-8.0.0"}
	}
	var there []distribution.Distribution
	for _, d := range s.table.Distributions {
		if s.storage.HasBranch(d.Branch) {
			there = append(there, d)
		}
	}
	storage, err := s.stages(ctx, there)
	if err != nil {
		return nil, err
	}
	var found []Whereabouts
	for _, p := range storage.Named(word) {
		one := Whereabouts{Name: p.Name, Version: p.Version}
		for _, d := range there {
			place, ok, err := s.place(ctx, storage, d, p.Path())
			if err != nil {
				return nil, err
			}
			if ok {
				one.Places = append(one.Places, place)
			}
		}
		if one.Next, err = s.next(ctx, storage, p); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		wayOut := "mage status lists what there is"
		if near := storage.Near(word); len(near) > 0 {
			wayOut = "there is " + strings.Join(near, ", ")
		}
		if removed := storage.Removed(word); removed != "" {
			return nil, &promote.RequestError{What: "no branch has " + word + " any more: " + removed, WayOut: wayOut}
		}
		return nil, &promote.RequestError{What: "no branch has " + word, WayOut: wayOut}
	}
	return found, nil
}

// place is what a distribution has of a version; ok is false where that is nothing.
func (s *Session) place(ctx context.Context, storage promote.Storage, d distribution.Distribution, path string) (place Place, ok bool, err error) {
	chain, err := s.table.Chain(d.Name)
	if err != nil {
		return place, false, err
	}
	for _, from := range chain { // the most upstream copy is served
		tree := storage.Tree(from.Name, path)
		switch {
		case tree == "":
		case place.Tree == "":
			place = Place{Distribution: d.Name, Branch: from.Branch, Own: from.Name == d.Name, Tree: tree}
		case from.Name == d.Name:
			place.Shadowed = tree
		}
	}
	if place.Tree != "" {
		if place.Since, err = s.servedSince(ctx, chain, path, place.Tree); err != nil {
			return place, false, err
		}
	}
	if place.Tree == "" || !s.config.Published {
		return place, place.Tree != "", nil
	}
	image, err := s.publishedImage(ctx, d.Name)
	if err != nil || image == nil || !image.ours {
		return place, true, err
	}
	switch known, has := image.facts.byPath()[path]; {
	case !has:
		place.Published = "no"
	case known.Tree != place.Tree:
		place.Published = "other bytes"
	default:
		place.Published = "yes"
	}
	return place, true, nil
}

// servedSince is since when a distribution, given as its chain, has had a package; zero where that is not known.
func (s *Session) servedSince(ctx context.Context, chain []distribution.Distribution, path string, tree object.ID) (time.Time, error) {
	logs := make([]history.Log, len(chain))
	for i, d := range chain {
		read, err := s.scan(ctx, d)
		if err != nil {
			return time.Time{}, err
		}
		if logs[i], err = s.log(ctx, read.Branch); err != nil {
			return time.Time{}, err
		}
	}
	since, known := history.NewSince(logs, false).Of(path, tree)
	if !known || since < int64(len(chain)) { // a place in the chain is no time
		return time.Time{}, nil
	}
	return time.Unix(since, 0).UTC(), nil
}

// next are the distributions that a version can be promoted to from where it is most upstream.
func (s *Session) next(ctx context.Context, storage promote.Storage, p integration.Package) ([]NextPlace, error) {
	var next []NextPlace
	for _, d := range slices.Backward(s.table.UpstreamFirst()) {
		if d.Frozen || !s.storage.HasBranch(d.Branch) {
			continue
		}
		request := promote.Request{To: d.Name, Packages: []string{p.String()}, Reason: s.config.Reason}
		candidates, err := storage.Select(request)
		if err != nil {
			continue // nothing is promoted to the last one downstream
		}
		if len(candidates) != 1 || candidates[0].From == "" {
			continue
		}
		facts, err := s.promotionFacts(ctx, storage, d.Name, candidates)
		if err != nil {
			return nil, err
		}
		if plan := storage.Plan(request, candidates, facts); plan.Items[0].Verdict.Code != promote.AlreadyThere {
			next = append(next, NextPlace{d.Name, plan.Items[0].Verdict})
		}
	}
	return next, nil
}
