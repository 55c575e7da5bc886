package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// findStorage is where the storage lies, a bundle or a repository: as asked, else as REAL_STORAGE says.
func findStorage(asked, root string) (string, error) {
	source := asked
	if source == "" {
		source = os.Getenv("REAL_STORAGE")
	}
	if source == "" {
		source = filepath.Join("..", "shared", "real-storage.bundle")
	}
	source = below(root, source)
	if _, err := os.Stat(source); err != nil {
		return "", fmt.Errorf("there is no storage to replay: %w\n"+
			"-storage or REAL_STORAGE says which: a bundle (git bundle create), or a repository", err)
	}
	return source, nil
}

// storage is a repository of our own, whose branches are moved through the history of another.
type storage struct {
	dir string
	// chain are the distributions whose branches make the image, the most upstream first.
	chain []distribution.Distribution
	// heads are where their branches are in the end.
	heads []object.ID
}

// cloneStorage makes the storage's repository in tmp. The original is never written to.
func cloneStorage(ctx context.Context, source, tmp string, chain []distribution.Distribution) (*storage, error) {
	s := &storage{dir: filepath.Join(tmp, "storage.git"), chain: chain}
	if err := s.clone(ctx, source, tmp); err != nil {
		return nil, fmt.Errorf("clone %s: %w", source, err)
	}
	return s, nil
}

func (s *storage) clone(ctx context.Context, source, tmp string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() { // git shares no objects with a bundle
		whole := filepath.Join(tmp, "source.git")
		if _, err := git(ctx, tmp, "", "clone", "-q", "--bare", source, whole); err != nil {
			return err
		}
		source = whole
	}
	if _, err := git(ctx, tmp, "", "clone", "-q", "--bare", "--shared", source, s.dir); err != nil {
		return err
	}
	original, err := gitstore.Open(ctx, source) // a branch may be there as origin's only, which is not cloned
	if err != nil {
		return err
	}
	for _, d := range s.chain {
		branch, err := original.Branch(d.Branch)
		if err != nil {
			return err
		}
		s.heads = append(s.heads, branch.Commit)
	}
	return nil
}

// histories are those of the chain's branches.
func (s *storage) histories(ctx context.Context) ([][]commit, error) {
	all := make([][]commit, len(s.heads))
	for i, head := range s.heads {
		list, err := git(ctx, s.dir, "", "rev-list", "--first-parent", "--reverse", "--no-commit-header", "--format=%H %ct", string(head))
		if err == nil {
			all[i], err = parseCommits(list)
		}
		if err == nil && len(all[i]) == 0 {
			err = errors.New("it has no commits")
		}
		if err != nil {
			return nil, fmt.Errorf("read the history of branch %s: %w", s.chain[i].Branch, err)
		}
	}
	return all, nil
}

// move puts all branches where they were.
func (s *storage) move(ctx context.Context, to step) error {
	var commands strings.Builder
	for i, head := range to.heads {
		fmt.Fprintf(&commands, "update refs/heads/%s %s\n", s.chain[i].Branch, head)
	}
	if _, err := git(ctx, s.dir, commands.String(), "update-ref", "--stdin"); err != nil {
		return fmt.Errorf("move the branches: %w", err)
	}
	return nil
}
