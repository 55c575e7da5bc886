package gitstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// LineageCommit is a commit of a lineage.
type LineageCommit struct {
	ID object.ID
	Commit
}

// Lineage are a commit and its first parents back to the first one, or to where a shallow clone was cut off: the newest
// first. Merged branches are left out, replacement objects and grafts ignored. No object is fetched. A time that can't be
// read is 1970's first second: an old commit must not spoil the new ones.
//
// Errors: *object.LostError, for what is no commit; *GitError, for a commit that is not there or a history with a gap that
// no shallow clone explains; that of ctx.
func (s *Storage) Lineage(ctx context.Context, commit object.ID) ([]LineageCommit, error) {
	// --missing=print keeps a partial clone from asking its remote.
	out, err := s.output(ctx, nil, "rev-list", "--first-parent", "--missing=print", "--encoding=UTF-8", "--no-commit-header",
		"--format=%H %T %ct", string(commit), "--")
	if err != nil {
		return nil, errors.Wrapf(err, "read the history of %s", commit.Short())
	}
	var line []LineageCommit
	for entry := range strings.Lines(string(out)) {
		one, err := parseLineageCommit(strings.Fields(entry))
		if err != nil {
			return nil, errors.Wrapf(err, "git rev-list answered %q", entry)
		}
		line = append(line, one)
	}
	if len(line) == 0 { // a tree or a blob has no history, and rev-list nothing to say
		return nil, errors.Wrap(&object.LostError{ID: commit, Kind: "tree or blob", Want: "commit"}, "read the history")
	}
	return line, nil
}

func parseLineageCommit(fields []string) (LineageCommit, error) {
	if len(fields) == 2 {
		fields = append(fields, "") // git prints no time that it can't read
	}
	if len(fields) != 3 {
		return LineageCommit{}, errors.New("that is no commit, tree and time")
	}
	id, err := object.Parse(fields[0])
	if err != nil {
		return LineageCommit{}, err
	}
	tree, err := object.Parse(fields[1])
	if err != nil {
		return LineageCommit{}, err
	}
	seconds, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		seconds = 0
	}
	return LineageCommit{id, Commit{Tree: tree, Time: time.Unix(seconds, 0).UTC()}}, nil
}
