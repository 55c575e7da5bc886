package gitstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Relation is how a commit stands to another one in history.
type Relation int

const (
	// Unknown is no answer: one of the two is no commit of this repository, or a shallow clone's history ends before
	// the two meet.
	Unknown Relation = iota
	// Same is one commit.
	Same
	// Ancestor comes before the other commit, which has it in its history.
	Ancestor
	// Descendant comes after the other commit, and has it in its history.
	Descendant
	// Diverged have neither in the history of the other.
	Diverged
)

func (r Relation) String() string {
	switch r {
	case Same:
		return "same"
	case Ancestor:
		return "ancestor"
	case Descendant:
		return "descendant"
	case Diverged:
		return "diverged"
	}
	return "unknown"
}

// Relation says what commit a is to commit b: Ancestor where a is an ancestor of b. One git process reads the history
// back to where the two meet. A commit is the Same as itself only where it is in the repository. Replacement objects are
// ignored. Nothing is fetched: a commit that a partial clone lacks is Unknown at once, without a word to its remote.
//
// In a shallow clone, Ancestor and Descendant are as true as elsewhere, but Diverged is never the answer: what was cut
// off may join the two, and they are Unknown.
//
// Errors: *GitError and *object.LostError, for a history with a gap that no shallow clone explains; that of ctx.
func (s *Storage) Relation(ctx context.Context, a, b object.ID) (Relation, error) {
	if a == "" || b == "" { // HEAD, to git
		return Unknown, nil
	}
	if a == b {
		return s.itself(ctx, a)
	}
	out, err := s.commits(ctx, "--count", "--left-right", string(a)+"..."+string(b))
	if err != nil {
		return Unknown, err
	}
	var onlyA, onlyB int
	for line := range strings.Lines(string(out)) {
		if lost, found := strings.CutPrefix(strings.TrimSpace(line), "?"); found { // git 2.44 and later; before, it fails
			return Unknown, errors.Wrapf(&object.LostError{ID: object.ID(lost)}, "compare commits of %s", s.location)
		}
		if _, err := fmt.Sscanf(line, "%d\t%d", &onlyA, &onlyB); err != nil {
			return Unknown, errors.Wrapf(err, "git rev-list answered %q", line)
		}
	}
	switch {
	case onlyA == 0 && onlyB == 0: // two commits differ by themselves at least
		return Unknown, nil
	case onlyA == 0:
		return Ancestor, nil
	case onlyB == 0:
		return Descendant, nil
	case s.shallow:
		return Unknown, nil
	}
	return Diverged, nil
}

// itself is Same for a commit of this repository, for which the range of Relation would be empty.
func (s *Storage) itself(ctx context.Context, id object.ID) (Relation, error) {
	out, err := s.commits(ctx, "--no-walk", string(id))
	if err != nil || strings.TrimSpace(string(out)) != string(id) {
		return Unknown, err
	}
	return Same, nil
}

// commits asks rev-list, which with --missing fetches nothing, and with --ignore-missing takes a range of what it does
// not know for an empty one.
func (s *Storage) commits(ctx context.Context, args ...string) ([]byte, error) {
	return s.output(ctx, nil, slices.Concat([]string{"rev-list", "--missing=print", "--ignore-missing"}, args, []string{"--"})...)
}
