package gitstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// NoRevisionError says that what was to be a commit is none of the storage's.
type NoRevisionError struct{ Location, Revision string }

func (e *NoRevisionError) Error() string {
	return fmt.Sprintf("%s has no commit %q", e.Location, e.Revision)
}

// Resolve finds the commit that a revision names: an id or its first digits, a branch, a tag (gitrevisions(7)).
// Errors: *NoRevisionError; that of ctx.
func (s *Storage) Resolve(ctx context.Context, revision string) (object.ID, error) {
	out, err := s.output(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	var failed *GitError
	if errors.As(err, &failed) {
		return "", &NoRevisionError{s.location, revision}
	}
	if err != nil {
		return "", err
	}
	return object.Parse(strings.TrimSpace(string(out)))
}

// Messages are those of all commits that one commit has in its history, and another one has not, one after the other.
func (s *Storage) Messages(ctx context.Context, from, to object.ID) (string, error) {
	out, err := s.output(ctx, nil, "log", "--encoding=UTF-8", "--format=%B", string(from)+".."+string(to), "--")
	return string(out), errors.Wrapf(err, "read commits of %s", s.location)
}

// MergeBase is the newest commit that two have in their histories; zero where there is none, or none is known in a shallow
// clone.
func (s *Storage) MergeBase(ctx context.Context, a, b object.ID) (object.ID, error) {
	out, err := s.output(ctx, nil, "merge-base", string(a), string(b))
	var failed *GitError
	if errors.As(err, &failed) && failed.Said == "exit status 1" { // it says nothing where there is none
		return "", nil
	}
	if err != nil {
		return "", errors.Wrapf(err, "compare commits of %s", s.location)
	}
	return object.Parse(strings.TrimSpace(string(out)))
}

// CheckedOut is the commit of a checkout; zero for a bare repository.
func (s *Storage) CheckedOut(ctx context.Context) (object.ID, error) {
	out, err := s.output(ctx, nil, "rev-parse", "--is-bare-repository")
	if err != nil || strings.TrimSpace(string(out)) == "true" {
		return "", err
	}
	head, err := s.Resolve(ctx, "HEAD")
	var none *NoRevisionError
	if errors.As(err, &none) {
		return "", nil
	}
	return head, err
}
