package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// planned is a plan for the branches as they are: what it says of packages, which of them it refuses, and what it does.
type planned struct {
	items, refused []promote.Item
	steps          func() []promote.Step
}

// attempts is how often a plan is made: somebody else may move a branch meanwhile.
const attempts = 3

// transact plans on the branches as they are now and carries the plan out: all branches move, or none. Where somebody else
// has moved one meanwhile it plans again. name is the distribution that it is about, with those that include it or that it
// includes; "" for all.
func (s *Session) transact(ctx context.Context, name string, plan func(promote.Storage) (planned, error)) (ChangeResult, error) {
	if s.sample && !s.config.DryRun {
		return ChangeResult{}, &SampleError{}
	}
	for attempt := 1; ; attempt++ {
		result, err := s.attempt(ctx, name, plan)
		var moved *gitstore.MovedError
		if !errors.As(err, &moved) || attempt == attempts {
			return result, err
		}
		s.report.Warn(moved.Error() + ": planning again")
	}
}

func (s *Session) attempt(ctx context.Context, name string, plan func(promote.Storage) (planned, error)) (ChangeResult, error) {
	if !s.sample {
		if err := s.refresh(ctx); err != nil {
			return ChangeResult{}, err
		}
	}
	distributions, err := s.related(name)
	if err != nil {
		return ChangeResult{}, err
	}
	storage, err := s.stages(ctx, distributions)
	if err != nil {
		return ChangeResult{}, err
	}
	// Programs that read it want lists, if empty ones.
	result := ChangeResult{Storage: s.storage.Remote(), DryRun: s.config.DryRun, Items: []promote.Item{}, Moves: []BranchMove{}}
	p, err := plan(storage)
	result.Items = append(result.Items, p.items...)
	switch {
	case err != nil:
		return result, err
	case len(p.refused) > 0:
		return result, &RefusedPlanError{p.refused}
	}
	moves, err := s.carryOut(ctx, p.steps())
	result.Moves = append(result.Moves, moves...)
	return result, err
}

// carryOut makes the commits of steps and pushes them: straight to the branches, or to topic branches.
func (s *Session) carryOut(ctx context.Context, steps []promote.Step) ([]BranchMove, error) {
	var changes []gitstore.Change
	var moves []BranchMove
	for _, step := range steps {
		read := s.branches[step.Branch]
		change, err := s.change(step, read)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
		move := BranchMove{Distribution: step.Distribution, Branch: cmp.Or(step.Topic, step.Branch), From: read.Commit, Title: step.Title}
		if step.Topic != "" {
			move.Base = step.Branch
		}
		for _, i := range step.Add {
			move.Added = append(move.Added, i.Package.String())
		}
		for _, i := range step.Remove {
			move.Removed = append(move.Removed, i.Package.String())
		}
		moves = append(moves, move)
	}
	if s.config.DryRun || len(changes) == 0 {
		return moves, nil
	}
	commits, err := s.storage.Commit(ctx, changes)
	if err != nil {
		return nil, err
	}
	var pushed []gitstore.Move
	var gaining []bool
	for i, commit := range commits {
		from := moves[i].From
		if steps[i].Topic != "" {
			if from = s.topicHead(steps[i].Topic); from != "" {
				there, err := s.pushedBefore(ctx, from, commit, changes[i].On)
				if err != nil {
					return nil, err
				}
				if there {
					moves[i].To = from
					continue
				}
			}
		}
		pushed = append(pushed, gitstore.Move{Branch: moves[i].Branch, From: from, To: commit})
		gaining = append(gaining, len(steps[i].Add) > 0)
	}
	if slices.ContainsFunc(steps, func(one promote.Step) bool { return one.Topic == "" && len(one.Remove) > 0 }) {
		// What goes is on another branch: that must still be so when it goes.
		for _, name := range slices.Sorted(maps.Keys(s.branches)) {
			if read := s.branches[name]; !slices.ContainsFunc(pushed, func(m gitstore.Move) bool { return m.Branch == read.Name }) {
				pushed, gaining = append(pushed, gitstore.Move{Branch: read.Name, From: read.Commit, To: read.Commit}), append(gaining, true)
			}
		}
	}
	err = s.push(ctx, pushed, gaining)
	var partly *PartlyMovedError
	for i, commit := range commits {
		if moves[i].To == "" && (err == nil || errors.As(err, &partly) && slices.Contains(partly.Moved, moves[i].Branch)) {
			moves[i].To = commit
		}
	}
	if err != nil {
		return moves, err
	}
	return moves, s.openPullRequests(ctx, steps, moves)
}

// pushedBefore says whether a topic branch has all that a commit on a branch has. One that has been merged since has not, though
// the files may be the same: what it brought was undone.
func (s *Session) pushedBefore(ctx context.Context, topic, commit, on object.ID) (bool, error) {
	if same, err := s.sameTree(topic, commit); err != nil || !same {
		return false, err
	}
	relation, err := s.storage.Relation(ctx, topic, on)
	return relation == gitstore.Descendant, err
}

// sameTree says whether two commits have the same files.
func (s *Session) sameTree(a, b object.ID) (same bool, err error) {
	err = s.readers.with(func(reader *gitstore.Reader) error {
		one, err := reader.Commit(a)
		if err != nil {
			return err
		}
		other, err := reader.Commit(b)
		same = one.Tree == other.Tree
		return err
	})
	return same, err
}

// topicHead is where a topic branch is that was pushed before; zero where there is none.
func (s *Session) topicHead(name string) object.ID {
	branch, err := s.storage.Branch(name)
	if err != nil {
		return ""
	}
	return branch.Commit
}

// push moves all branches at once; where the other side can't, one after the other, those first that gain packages: what
// has arrived twice is no harm, and the next run removes it.
func (s *Session) push(ctx context.Context, moves []gitstore.Move, gaining []bool) error {
	if len(moves) == 0 {
		return nil
	}
	err := s.storage.Push(ctx, moves)
	if !errors.Is(err, gitstore.ErrNotAtomic) {
		return err
	}
	s.report.Warn(s.storage.Remote() + " can't move several branches at once: they are moved one after the other")
	var moved []string
	for _, first := range []bool{true, false} {
		for i, m := range moves {
			if gaining[i] != first || m.From == m.To {
				continue
			}
			if err := s.storage.Push(ctx, []gitstore.Move{m}); err != nil && len(moved) > 0 {
				return &PartlyMovedError{moved, err}
			} else if err != nil {
				return err
			}
			moved = append(moved, m.Branch)
		}
	}
	return nil
}

// PartlyMovedError says that branches were moved one after the other, and not all of them. Planned again, what has been
// done is not done twice.
type PartlyMovedError struct {
	Moved []string
	Err   error
}

func (e *PartlyMovedError) Error() string {
	return strings.Join(e.Moved, " and ") + " moved, and then: " + e.Err.Error()
}

func (e *PartlyMovedError) Unwrap() error { return e.Err }

// change is the commit of a step.
func (s *Session) change(step promote.Step, branch scanned) (gitstore.Change, error) {
	c := gitstore.Change{
		On: branch.Commit, Folders: map[string]object.ID{}, Files: map[string][]byte{}, Message: step.Title + "\n\n" + step.Body,
	}
	for _, i := range step.Add {
		c.Folders["packages/"+i.Path()] = i.Tree
	}
	for _, i := range step.Remove {
		c.Remove = append(c.Remove, "packages/"+i.Path())
	}
	c.Remove = append(c.Remove, step.Drop...)
	for name, content := range step.Files {
		c.Files[name] = content
	}
	if step.Empties {
		c.Files["packages/"+assemble.KeepFile] = nil
	}
	if len(step.Bury)+len(step.Lift) == 0 {
		return c, nil
	}
	content, err := s.file(branch, tombstonesFile)
	if err != nil {
		return c, err
	}
	edited, err := promote.EditTombstones(content, step.Bury, step.Lift)
	switch {
	case err != nil:
		return c, &TombstonesError{branch.Name, err}
	case edited == nil:
		c.Remove = append(c.Remove, tombstonesFile)
	default:
		c.Files[tombstonesFile] = edited
	}
	return c, nil
}

// ShallowError says that a storage lacks the history that is needed: who does not know what was removed once, or since when
// packages are there, would bring back what must not come back.
type ShallowError struct{ Location string }

func (e *ShallowError) Error() string {
	return e.Location + " is a shallow clone, and this needs its history"
}

// needsHistory is a *ShallowError where the storage has not all of it.
func (s *Session) needsHistory() error {
	if s.storage.Shallow() {
		return &ShallowError{s.storage.Location()}
	}
	return nil
}

// NoCommitError says that a branch's history lacks a commit that was named.
type NoCommitError struct{ Branch, Commit string }

func (e *NoCommitError) Error() string {
	return fmt.Sprintf("the history of branch %s has no commit %q", e.Branch, e.Commit)
}
