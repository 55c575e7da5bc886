package pipeline

import (
	"context"
	"fmt"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// chain reads the branches that a distribution is made of, the most upstream first.
func (s *Session) chain(ctx context.Context, name string) ([]scanned, error) {
	distributions, err := s.table.Chain(name)
	if err != nil {
		return nil, err
	}
	chain := make([]scanned, len(distributions))
	for i, d := range distributions {
		if chain[i], err = s.scan(ctx, d); err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// MissingCommitError says that the storage lacks a commit that a published image was made of.
type MissingCommitError struct {
	Location, Branch string
	Commit           object.ID
}

func (e *MissingCommitError) Error() string {
	return fmt.Sprintf("%s does not have commit %s of branch %s", e.Location, e.Commit, e.Branch)
}

// branch is a branch's head, or the commit that it is pinned to.
func (s *Session) branch(ctx context.Context, name string) (gitstore.Branch, error) {
	commit, pinned := s.pinned[name]
	if !pinned {
		return s.storage.Branch(name)
	}
	relation, err := s.storage.Relation(ctx, commit, commit)
	if err == nil && relation != gitstore.Same {
		err = &MissingCommitError{s.storage.Location(), name, commit}
	}
	return gitstore.Branch{Name: name, Commit: commit}, err
}

// scan reads one branch, once a session.
func (s *Session) scan(ctx context.Context, d distribution.Distribution) (scanned, error) {
	if known, there := s.branches[d.Branch]; there {
		return known, nil
	}
	branch, err := s.branch(ctx, d.Branch)
	if err != nil {
		return scanned{}, err
	}
	if branch.Origin != "" {
		s.report.Warn("branch " + branch.Name + ": the local one (" + branch.Commit.Short() + ") is built; origin's is another (" +
			branch.Origin.Short() + ")")
	}
	var read scanned
	err = s.readers.with(func(reader *gitstore.Reader) error {
		commit, err := reader.Commit(branch.Commit)
		if err != nil {
			return err
		}
		read.time = commit.Time
		read.Branch, err = assemble.Scan(reader, assemble.Branch{
			Distribution: d.Name, Name: branch.Name, Commit: branch.Commit, Root: commit.Tree,
		})
		if err != nil {
			return err
		}
		read.dockerfile, err = dockerfile(reader, commit.Tree)
		return err
	})
	var wrong *assemble.InvalidError
	var lost *assemble.LostError
	if errors.As(err, &wrong) || errors.As(err, &lost) {
		return scanned{}, err // they name the branch themselves
	}
	if err != nil {
		return scanned{}, errors.Wrapf(err, "read branch %s (%s)", branch.Name, branch.Commit.Short())
	}
	for _, f := range read.Ignored {
		s.report.Warn(f.String())
	}
	s.branches[d.Branch] = read
	return read, nil
}

// dockerfile is the branch's own Dockerfile, zero where it has none.
func dockerfile(reader *gitstore.Reader, root object.ID) (object.ID, error) {
	trees, err := reader.Trees([]object.ID{root})
	if err != nil {
		return "", err
	}
	for _, e := range trees[0] {
		if e.Name == "Dockerfile" && (e.Mode == object.ModeFile || e.Mode == object.ModeExecutable) {
			return e.ID, nil
		}
	}
	return "", nil
}
