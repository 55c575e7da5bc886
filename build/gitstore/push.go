package gitstore

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Move is what a push does to one branch.
type Move struct {
	Branch string
	// From is the commit that it must be at when the push arrives, zero where it must not be there; To is the one that it
	// will be at, zero where it will be gone.
	From, To object.ID
}

// MovedError says that a branch was not where it should have been: somebody else has moved it meanwhile.
type MovedError struct{ Branches []string }

func (e *MovedError) Error() string {
	return "somebody else has moved " + strings.Join(e.Branches, " and ") + " meanwhile"
}

// RefusedError says that where branches were pushed to does not want them moved, for another reason than MovedError's.
type RefusedError struct {
	Location string
	// Branches are those refused, Why the reason for the first of them, as git gives it; Said is what the other side
	// printed, and may be empty.
	Branches []string
	Why      string
	Said     string
}

func (e *RefusedError) Error() string {
	message := fmt.Sprintf("%s refused to move %s (%s)", e.Location, strings.Join(e.Branches, " and "), e.Why)
	if e.Said != "" {
		message += ":\n  " + strings.ReplaceAll(e.Said, "\n", "\n  ")
	}
	return message
}

// PushError says that branches could not be pushed at all.
type PushError struct {
	Location string
	Err      error
}

func (e *PushError) Error() string { return "push to " + e.Location + ": " + firstLine(e.Err) }

// Unwrap is git's own error.
func (e *PushError) Unwrap() error { return e.Err }

// ErrNotAtomic says that where branches are pushed to can't move several at once (git push --atomic).
var ErrNotAtomic = errors.New("the other side can't move several branches at once")

// Remote is where Push pushes to, as people know it.
func (s *Storage) Remote() string {
	switch s.remote {
	case "":
		return s.location
	case "origin":
		return "origin of " + s.location
	}
	return withoutUser(s.remote)
}

// RemoteURL is the address that Push pushes to, as git has it, with what it may have of credentials; "" where that is the
// repository itself.
func (s *Storage) RemoteURL(ctx context.Context) (string, error) {
	if s.remote != "origin" {
		return s.remote, nil
	}
	out, err := s.output(ctx, nil, "remote", "get-url", "--push", "origin")
	return strings.TrimSpace(string(out)), errors.Wrapf(err, "find origin of %s", s.location)
}

// Push moves branches where the storage has them from: a URL, origin of a clone that follows it (Follow), or else the
// repository itself. All move, or none.
//
// Errors: *MovedError, *RefusedError, *PushError, ErrNotAtomic (nothing has moved then: push them one by one); that of ctx.
func (s *Storage) Push(ctx context.Context, moves []Move) error {
	args := []string{"push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"}
	if len(moves) > 1 {
		args = append(args, "--atomic")
	}
	var specs []string
	for _, m := range moves {
		args = append(args, "--force-with-lease=refs/heads/"+m.Branch+":"+string(m.From))
		specs = append(specs, string(m.To)+":refs/heads/"+m.Branch)
	}
	remote := s.remote
	if remote == "" {
		remote = "."
	}
	cmd := s.command(ctx, slices.Concat(args, []string{remote}, specs)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return ErrNoGit
	}
	return s.pushFailure(stdout.String(), strings.TrimSpace(stderr.String()), err)
}

// pushFailure reads what git push --porcelain says: a line "<flag>\t<from>:<to>\t<summary> (<reason>)" for each ref.
func (s *Storage) pushFailure(out, said string, err error) error {
	if strings.Contains(said, "does not support --atomic") {
		return ErrNotAtomic
	}
	var moved, refused []string
	var why string
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 || fields[0] != "!" {
			continue
		}
		_, ref, _ := strings.Cut(fields[1], ":")
		branch := strings.TrimPrefix(ref, "refs/heads/")
		_, reason, _ := strings.Cut(strings.TrimSuffix(fields[2], ")"), "(")
		switch {
		case reason == "atomic push failed" || reason == "atomic push failure": // on account of another one, found out here or there
		case movedMeanwhile(reason):
			moved = append(moved, branch)
		default:
			if refused = append(refused, branch); why == "" || why == "atomic transaction failed" {
				why = reason
			}
		}
	}
	if len(refused) > 0 { // one was moved while they were being received
		for _, locked := range unlocked.FindAllStringSubmatch(said, -1) {
			moved = append(moved, locked[1])
		}
	}
	switch {
	case len(moved) > 0:
		return &MovedError{moved}
	case len(refused) > 0:
		failed := &RefusedError{Location: s.Remote(), Branches: refused, Why: why, Said: theirs(said)}
		if failed.CheckedOut() {
			failed.Said = "" // git's advice is to whoever runs the other side
		}
		return failed
	}
	if said == "" {
		said = err.Error()
	}
	return &PushError{s.Remote(), &GitError{Command: "push", Dir: s.dir, Said: said}}
}

// unlocked is how the other side says that a branch is not where it was when the push began.
var unlocked = regexp.MustCompile(`cannot lock ref 'refs/heads/([^']+)': (?:is at|reference already exists|unable to resolve)`)

// movedMeanwhile says whether a ref was refused since it was elsewhere: found out here, by the lease, or only there, while
// the ref was being locked.
func movedMeanwhile(reason string) bool {
	for _, known := range []string{"stale info", "fetch first", "non-fast-forward", "reference already exists", "incorrect old value provided"} {
		if strings.HasPrefix(reason, known) {
			return true
		}
	}
	return false
}

// theirs is what the other side printed, but for what git says of its hooks.
func theirs(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		if text, found := strings.CutPrefix(line, "remote: "); found && !strings.HasPrefix(text, "error: hook declined") {
			lines = append(lines, strings.TrimRight(text, " \t\r\n"))
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// Follow is a storage whose branches are those that Push moves, as they are now. Of a clone that follows its origin's
// branches these are fetched, and the local ones, which nobody else sees, left out; every other storage is read again.
//
// Errors: *FetchError; those of Open.
func (s *Storage) Follow(ctx context.Context) (*Storage, error) {
	if s.remote != "" && s.remote != "origin" {
		return nil, errors.Errorf("%s is a mirror: it is followed by mirroring it again", s.location)
	}
	origin := s.remote == "origin"
	for ref := range s.refs {
		origin = origin || strings.HasPrefix(ref, "refs/remotes/origin/")
	}
	if origin {
		_, err := s.output(ctx, nil, "-c", "gc.autoDetach=false", "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head",
			"--recurse-submodules=no", "origin", "+refs/heads/*:refs/remotes/origin/*")
		if err != nil {
			return nil, &FetchError{Location: "origin of " + s.location, Err: err}
		}
	}
	now, err := OpenAs(ctx, s.dir, s.location)
	if err != nil || !origin {
		return now, err
	}
	now.remote = "origin"
	theirs := map[string]object.ID{}
	for ref, id := range now.refs {
		if name, found := strings.CutPrefix(ref, "refs/remotes/origin/"); found {
			theirs["refs/heads/"+name] = id
		}
	}
	now.refs = theirs
	return now, nil
}

// CheckedOut says whether a branch was refused since it is checked out where it was pushed to.
func (e *RefusedError) CheckedOut() bool { return strings.Contains(e.Why, "checked out") }
