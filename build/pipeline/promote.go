package pipeline

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// BranchMove is a branch with the commit that it was moved to; To is zero in a dry run.
type BranchMove struct {
	// Branch is what was pushed: the distribution's own, or a topic branch.
	Branch       string    `json:"branch"`
	Distribution string    `json:"distribution"`
	From         object.ID `json:"from"`
	To           object.ID `json:"to,omitempty"`
	Title        string    `json:"title"`
	Added        []string  `json:"added,omitempty"`
	Removed      []string  `json:"removed,omitempty"`
	// Base is the branch that a topic branch is to be merged into; empty for a branch that has moved itself. PullRequest is
	// the page of its pull request, Compare where a person can open one.
	Base        string `json:"base,omitempty"`
	PullRequest string `json:"pullRequest,omitempty"`
	Compare     string `json:"compare,omitempty"`
}

// ChangeResult is what came of a plan: what it says of each package, and the branches that it moved.
type ChangeResult struct {
	// Storage is where branches were pushed to.
	Storage string         `json:"storage"`
	DryRun  bool           `json:"dryRun"`
	Items   []promote.Item `json:"packages"`
	Moves   []BranchMove   `json:"moves"`
}

// RefusedPlanError says that a plan was not carried out. Nothing has changed.
type RefusedPlanError struct{ Items []promote.Item }

func (e *RefusedPlanError) Error() string {
	var lines []string
	for _, i := range e.Items {
		line := fmt.Sprintf("%s: %s", i.Label(), i.Verdict.Code)
		if i.Verdict.Why != "" {
			line += ", " + i.Verdict.Why
		}
		if i.Verdict.WayOut != "" {
			line += "\n  way out: " + i.Verdict.WayOut
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// SampleError says that the sample storage was to be changed.
type SampleError struct{}

func (e *SampleError) Error() string { return "the sample storage never changes" }

// Promote moves packages to a distribution from those downstream, as one step. The plan comes back with an error, too.
// Errors: *promote.RequestError, *distribution.UnknownError, *RefusedPlanError, *ShallowError,
// *PartlyMovedError; those of gitstore's Commit and Push.
func (s *Session) Promote(ctx context.Context, to string, packages []string) (ChangeResult, error) {
	request := promote.Request{To: to, Packages: packages, Reason: s.config.Reason}
	return s.transact(ctx, to, func(storage promote.Storage) (planned, error) {
		if err := s.needsHistory(); err != nil {
			return planned{}, err
		}
		candidates, err := storage.Select(request)
		if err != nil {
			return planned{}, err
		}
		facts, err := s.promotionFacts(ctx, storage, to, candidates)
		if err != nil {
			return planned{}, err
		}
		plan := storage.Plan(request, candidates, facts)
		return planned{plan.Items, plan.Refused(), func() []promote.Step { return storage.Steps(request.Reason, plan) }}, nil
	})
}

// FinishPromotions removes downstream what has arrived upstream: what pull requests have brought since, and what was left
// when a promotion was interrupted. With nothing left it does nothing.
func (s *Session) FinishPromotions(ctx context.Context) (ChangeResult, error) {
	return s.transact(ctx, "", func(storage promote.Storage) (planned, error) {
		if err := s.needsHistory(); err != nil {
			return planned{}, err
		}
		plans := storage.Leftovers()
		var items []promote.Item
		for _, p := range plans {
			items = append(items, p.Items...)
		}
		return planned{items, nil, func() []promote.Step { return storage.Steps("", plans...) }}, nil
	})
}

// Remove takes packages off a distribution's branch. Errors: as of Promote.
func (s *Session) Remove(ctx context.Context, from string, packages []string) (ChangeResult, error) {
	return s.transact(ctx, from, func(storage promote.Storage) (planned, error) {
		removal, err := storage.Remove(from, packages, s.config.Reason)
		return planned{removal.Items, removal.Refused(), func() []promote.Step {
			return []promote.Step{storage.RemovalStep(removal, time.Now())}
		}}, err
	})
}

// Revert undoes a promotion on both sides: what the commit brought to a distribution's branch goes, and is again where
// it came from. Errors: as of Promote; *NoCommitError.
func (s *Session) Revert(ctx context.Context, from, commit string) (ChangeResult, error) {
	return s.transact(ctx, from, func(storage promote.Storage) (planned, error) {
		if err := s.needsHistory(); err != nil {
			return planned{}, err
		}
		reverted, err := s.reverted(ctx, from, commit)
		if err != nil {
			return planned{}, err
		}
		revert, err := storage.Revert(from, reverted, s.config.Reason)
		return planned{revert.Items, revert.Refused(), func() []promote.Step { return storage.RevertSteps(revert, time.Now()) }}, err
	})
}

// promotionFacts reads the candidates, and what the target has in their place.
func (s *Session) promotionFacts(ctx context.Context, storage promote.Storage, to string, candidates []promote.Candidate) (promote.Facts, error) {
	facts := promote.Facts{Now: time.Now(), Findings: map[string][]string{}, Contents: map[string]promote.Contents{}}
	forest := object.NewForest()
	var roots []object.ID
	for _, c := range candidates {
		roots = append(roots, storage.Copies(c.Path())...)
		if newest, there := storage.Newest(to, c.Name); there {
			roots = append(roots, newest.Tree)
		}
	}
	err := s.readers.with(func(reader *gitstore.Reader) error {
		if err := forest.Load(reader, roots...); err != nil {
			return err
		}
		if err := s.fetchTrees(ctx, forest, roots); err != nil {
			return err
		}
		for _, c := range candidates {
			if c.From == "" {
				continue
			}
			found, err := check(reader, forest, c.Package)
			if err != nil {
				return errors.Wrapf(err, "read %s", c.Package)
			}
			for _, f := range found {
				below := strings.TrimPrefix(f.Path, "packages/"+c.Path()+"/")
				facts.Findings[c.Path()] = append(facts.Findings[c.Path()], below+": "+f.Problem)
			}
			for _, below := range devFolders(forest, c.Tree) {
				facts.Findings[c.Path()] = append(facts.Findings[c.Path()], below+": "+devProblem)
			}
			if facts.Contents[c.Path()], err = contents(reader, forest, storage, to, c); err != nil {
				return errors.Wrapf(err, "read %s", c.Package)
			}
		}
		return nil
	})
	facts.OnlyModes = func(a, b object.ID) bool { return a != b && maps.Equal(files(forest, a), files(forest, b)) }
	return facts, err
}

// contents weighs a package, and compares it with the newest version that the target has.
func contents(reader *gitstore.Reader, forest *object.Forest, storage promote.Storage, to string, c promote.Candidate) (promote.Contents, error) {
	own := files(forest, c.Tree)
	found := promote.Contents{Files: len(own)}
	sizes, err := reader.Sizes(blobs(forest, c.Tree))
	for _, size := range sizes {
		found.Bytes += size
	}
	newest, there := storage.Newest(to, c.Name)
	if err != nil || !there {
		return found, err
	}
	found.Against = string(newest.Version)
	other := files(forest, newest.Tree)
	for path, id := range own {
		switch before, both := other[path]; {
		case !both:
			found.More++
		case before != id:
			found.Changed++
		}
	}
	for path := range other {
		if _, both := own[path]; !both {
			found.Fewer++
		}
	}
	return found, nil
}

// blobs are the contents of a tree's files. What a submodule stands for is in another repository.
func blobs(forest *object.Forest, root object.ID) []object.ID {
	var ids []object.ID
	forest.Walk("", root, func(_ string, e object.TreeEntry) error {
		if e.Mode == object.ModeFile || e.Mode == object.ModeExecutable {
			ids = append(ids, e.ID)
		}
		return nil
	})
	return ids
}

// files are those of a tree with their contents' ids: the tree but for modes.
func files(forest *object.Forest, root object.ID) map[string]object.ID {
	all := map[string]object.ID{}
	forest.Walk("", root, func(path string, e object.TreeEntry) error {
		if e.Mode != object.ModeTree {
			all[path] = e.ID
		}
		return nil
	})
	return all
}
