package pipeline

import (
	"context"
	"strings"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/promote"
)

// shortest is how many digits of a commit's id must be given; git takes no fewer.
const shortest = 4

// reverted is a commit of a distribution's branch, named by the first digits of its id, with what it changed.
func (s *Session) reverted(ctx context.Context, name, commit string) (promote.Reverted, error) {
	d, err := s.table.Lookup(name)
	if err != nil {
		return promote.Reverted{}, err
	}
	branch, err := s.branch(ctx, d.Branch)
	if err != nil {
		return promote.Reverted{}, err
	}
	line, err := s.storage.Lineage(ctx, branch.Commit)
	if err != nil {
		return promote.Reverted{}, err
	}
	at := -1
	for i, c := range line {
		if len(commit) >= shortest && strings.HasPrefix(string(c.ID), strings.ToLower(commit)) {
			if at >= 0 {
				return promote.Reverted{}, &promote.RequestError{What: commit + " is the beginning of several commits", WayOut: "give more digits"}
			}
			at = i
		}
	}
	if at < 0 {
		return promote.Reverted{}, &NoCommitError{d.Branch, commit}
	}
	found := promote.Reverted{Commit: line[at].ID}
	if found.After, err = s.packagesOf(d.Branch, line[at]); err == nil && at+1 < len(line) {
		found.Before, err = s.packagesOf(d.Branch, line[at+1])
	}
	return found, err
}

// packagesOf are the packages of a branch in one commit.
func (s *Session) packagesOf(branch string, commit gitstore.LineageCommit) (packages []integration.Package, err error) {
	err = s.readers.with(func(reader *gitstore.Reader) error {
		read, err := assemble.Scan(reader, assemble.Branch{Name: branch, Commit: commit.ID, Root: commit.Tree})
		for _, f := range read.Families {
			packages = append(packages, f.Packages...)
		}
		return err
	})
	return packages, err
}
