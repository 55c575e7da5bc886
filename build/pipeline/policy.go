package pipeline

import (
	"context"
	"fmt"
	"maps"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/policy"
)

// PolicyRange is what is judged.
type PolicyRange struct {
	// Base and Head are revisions: what Head changes that Base does not have, as one change. Without a Base, each commit of
	// the branch's history is judged. Without a Head it is what is checked out, if that comes after Base, else the branch.
	Base, Head string
	// All judges what was there before, too.
	All bool
}

// PolicyResult is what came of it.
type PolicyResult struct {
	Distribution string `json:"distribution"`
	// Base and Head are the commits between which was looked; Base is zero where a whole history was.
	Base     object.ID        `json:"base,omitempty"`
	Head     object.ID        `json:"head"`
	Commits  int              `json:"commits"`
	Findings []policy.Finding `json:"findings"`
}

// Policy judges the commits of a distribution's branch, or a pull request to it, by the rules of the table.
// Errors: *distribution.UnknownError, *gitstore.NoBranchError, *gitstore.NoRevisionError, *UnrelatedError, *ShallowError.
func (s *Session) Policy(ctx context.Context, name string, r PolicyRange) (PolicyResult, error) {
	d, err := s.table.Lookup(name)
	if err != nil {
		return PolicyResult{}, err
	}
	line, err := s.judged(ctx, d, r)
	if err != nil {
		return PolicyResult{}, err
	}
	result := PolicyResult{Distribution: name, Head: line[len(line)-1].ID, Commits: len(line) - 1, Findings: []policy.Finding{}}
	if r.Base != "" {
		result.Base = line[0].ID
	}
	judge := policy.Judge{Distribution: d, Gone: map[string]bool{}}
	if err := s.upstream(ctx, name, &judge); err != nil {
		return result, err
	}
	if r.Base != "" {
		if err := s.goneBefore(ctx, d, line[0].ID, judge.Gone); err != nil {
			return result, err
		}
	}
	err = s.readers.with(func(reader *gitstore.Reader) error {
		c := changes{session: s, reader: reader, forest: object.NewForest(), distribution: d, faults: map[string][]policy.Fault{}}
		steps, err := history.Steps(reader, line)
		if err != nil {
			return err
		}
		judge.Head = map[string]object.ID{}
		for _, step := range steps {
			maps.DeleteFunc(judge.Head, func(path string, _ object.ID) bool { return step.Went[path] != "" })
			maps.Copy(judge.Head, step.Came)
		}
		for i, step := range steps {
			if err := c.enter(step.Commit); err != nil {
				return err
			}
			if i > 0 && (r.Base != "" || c.now.merge) {
				if c.now.message, err = s.storage.Messages(ctx, steps[i-1].Commit.ID, step.Commit.ID); err != nil {
					return err
				}
			}
			if i == 0 && !r.All {
				continue // what was there before is nobody's doing
			}
			change, err := c.change(ctx, step, i == 0)
			if err != nil {
				return err
			}
			result.Findings = append(result.Findings, judge.Change(change)...)
		}
		return nil
	})
	return result, errors.Wrapf(err, "judge branch %s", d.Branch)
}

// UnrelatedError says that a range has no common commit to begin at: the branch was rewritten, or is another one.
type UnrelatedError struct {
	Base, Head object.ID
	Shallow    bool
}

func (e *UnrelatedError) Error() string {
	return fmt.Sprintf("commits %s and %s have no commit in common", e.Base.Short(), e.Head.Short())
}

// judged are the commits to look at, the oldest first; what it has is what the next ones are compared with.
func (s *Session) judged(ctx context.Context, d distribution.Distribution, r PolicyRange) ([]history.Commit, error) {
	if r.Base == "" {
		if err := s.needsHistory(); err != nil {
			return nil, err // it would judge the last commit by nothing, and find it good
		}
	}
	head, base, err := s.ends(ctx, d, r)
	if err != nil {
		return nil, err
	}
	line, err := s.storage.Lineage(ctx, head)
	if err != nil {
		return nil, errors.Wrapf(err, "read the history of branch %s", d.Branch)
	}
	commits := make([]history.Commit, len(line))
	for i, c := range line {
		commits[len(line)-1-i] = history.Commit{ID: c.ID, Tree: c.Tree, Time: c.Time.Unix()}
	}
	if r.Base == "" {
		return commits, nil
	}
	from, err := s.storage.Lineage(ctx, base)
	if err != nil {
		return nil, err
	}
	return []history.Commit{{ID: from[0].ID, Tree: from[0].Tree, Time: from[0].Time.Unix()}, commits[len(commits)-1]}, nil
}

// ends are the commits that a range goes from and to; without a Base, from is zero.
func (s *Session) ends(ctx context.Context, d distribution.Distribution, r PolicyRange) (head, base object.ID, err error) {
	if r.Base != "" {
		if base, err = s.storage.Resolve(ctx, r.Base); err != nil {
			return "", "", err
		}
	}
	switch {
	case r.Head != "":
		head, err = s.storage.Resolve(ctx, r.Head)
	case r.Base != "":
		head, err = s.headAfter(ctx, d, base)
	default:
		var branch gitstore.Branch
		branch, err = s.branch(ctx, d.Branch)
		head = branch.Commit
	}
	if err != nil || r.Base == "" {
		return head, "", err
	}
	common, err := s.storage.MergeBase(ctx, base, head)
	switch {
	case err != nil:
		return "", "", err
	case common == "":
		return "", "", &UnrelatedError{base, head, s.storage.Shallow()}
	case r.Head == "" && common != base && common != head: // the branch was rewritten: it is compared with what it was
		return head, base, nil
	}
	return head, common, nil
}

// headAfter is what is checked out, where that comes after a commit: a pull request. Else it is the branch.
func (s *Session) headAfter(ctx context.Context, d distribution.Distribution, base object.ID) (object.ID, error) {
	head, err := s.storage.CheckedOut(ctx)
	if err != nil {
		return "", err
	}
	if head != "" {
		relation, err := s.storage.Relation(ctx, head, base)
		if err != nil || relation == gitstore.Descendant {
			return head, err
		}
	}
	branch, err := s.branch(ctx, d.Branch)
	return branch.Commit, err
}

// upstream tells a judge what the branches upstream have, and what they ever had.
func (s *Session) upstream(ctx context.Context, name string, judge *policy.Judge) error {
	chain, err := s.table.Chain(name)
	if err != nil {
		return err
	}
	type copied struct {
		path string
		tree object.ID
	}
	now, ever := map[string]object.ID{}, map[copied]bool{}
	for _, d := range chain[:len(chain)-1] { // the most upstream first: its copies win
		read, err := s.scan(ctx, d)
		if err != nil {
			return err
		}
		for _, f := range read.Families {
			for _, p := range f.Packages {
				if _, there := now[p.Path()]; !there {
					now[p.Path()] = p.Tree
				}
			}
		}
		log, err := s.log(ctx, read.Branch)
		if err != nil {
			return err
		}
		for _, stay := range log.Stays {
			ever[copied{stay.Path, stay.Tree}] = true
		}
	}
	judge.Upstream = func(path string) object.ID { return now[path] }
	judge.Promoted = func(path string, tree object.ID) bool { return ever[copied{path, tree}] }
	return nil
}

// goneBefore are the versions that a branch had lost by a commit.
func (s *Session) goneBefore(ctx context.Context, d distribution.Distribution, commit object.ID, gone map[string]bool) error {
	log, err := s.log(ctx, assemble.Branch{Name: d.Branch, Commit: commit})
	if err != nil {
		return err
	}
	for _, stay := range log.Stays { // of one path in the order of time
		gone[stay.Path] = stay.To != 0
	}
	maps.DeleteFunc(gone, func(_ string, is bool) bool { return !is })
	return nil
}
