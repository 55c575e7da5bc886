package gitstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Storage is an open package storage. Its branches are those of the moment it was opened. Safe for concurrent use.
type Storage struct {
	repository
	location string
	refs     map[string]object.ID // full ref name -> object
	shallow  bool
	replaced int
	// promisors are the remotes of a partial clone, in the order in which they are asked.
	promisors []promisor
	// remote is what Push pushes to: the URL of a mirror, "origin", or "" for the repository itself.
	remote string
}

// Branch is a branch of a storage at one moment.
type Branch struct {
	// Name is without refs/heads/ or origin/.
	Name string
	// Ref is where it was found: refs/heads/… or refs/remotes/origin/….
	Ref    string
	Commit object.ID
	// Origin is the commit of origin's branch where both are there and differ; empty otherwise.
	Origin object.ID
}

// NotStorageError says that a location is no git repository (or that git refuses to read it).
type NotStorageError struct{ Location, Why string }

func (e *NotStorageError) Error() string { return e.Location + " is no git repository: " + e.Why }

// UntrustedError says that git refuses a repository which belongs to another user (safe.directory). Dir is absolute.
type UntrustedError struct{ Location, Dir string }

func (e *UntrustedError) Error() string {
	return e.Location + " belongs to another user, and git refuses to read it"
}

// NoBranchError says that a storage lacks a branch. Known are those it has.
type NoBranchError struct {
	Location, Branch string
	Known            []string
	Shallow          bool
}

func (e *NoBranchError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("%s has no branch %s: it has no branches at all", e.Location, e.Branch)
	}
	return fmt.Sprintf("%s has no branch %s (there are: %s)", e.Location, e.Branch, strings.Join(e.Known, ", "))
}

// urlPattern tells a URL, or the user@host:path of ssh, from a path.
var urlPattern = regexp.MustCompile(`^([a-z][a-z0-9+.-]*://|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:)`)

// IsURL says whether a location must be mirrored before it can be read.
func IsURL(location string) bool { return urlPattern.MatchString(location) }

// MirrorKey names the mirror of a URL, the same for all users and tokens.
func MirrorKey(url string) string {
	sum := sha256.Sum256([]byte(withoutUser(url)))
	return hex.EncodeToString(sum[:])
}

// Open opens the storage at a path: a checkout, its .git folder or a bare repository, whole or shallow.
// Errors: *NotStorageError, *UntrustedError.
func Open(ctx context.Context, path string) (*Storage, error) { return OpenAs(ctx, path, path) }

// OpenAs opens the storage at a path that people know under another name.
func OpenAs(ctx context.Context, path, location string) (*Storage, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, errors.Wrapf(err, "open storage %s", location)
	}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = resolved
	}
	info, err := os.Stat(absolute)
	switch {
	case os.IsNotExist(err):
		return nil, &NotStorageError{location, "there is no such folder"}
	case err != nil:
		return nil, &NotStorageError{location, err.Error()}
	case !info.IsDir():
		return nil, &NotStorageError{location, "it is a file (a bundle must be cloned first: git clone --bare)"}
	}
	s := &Storage{repository: newRepository(absolute), location: location, refs: map[string]object.ID{}}
	out, err := s.output(ctx, nil, "rev-parse", "--git-path", "config", "--is-shallow-repository", "--show-cdup")
	if err != nil {
		return nil, s.explain(err)
	}
	facts := openFacts.FindStringSubmatch(string(out))
	if facts == nil {
		return nil, errors.Errorf("open storage %s: git rev-parse answered %q", location, out)
	}
	config, shallow, up := facts[1], facts[2], facts[3]
	if strings.TrimSpace(up) != "" { // git's ceiling does not hold for a path with a colon in it
		return nil, &NotStorageError{location, "git finds no repository there"}
	}
	s.shallow = shallow == "true"
	if err := s.readPromisors(ctx, config); err != nil {
		return nil, err
	}
	return s, s.readRefs(ctx)
}

// openFacts are git's answers to OpenAs: where the configuration is, whether the repository is shallow, and the way up
// to its top, which a bare one has not. A path may hold newlines.
var openFacts = regexp.MustCompile(`(?s)^(.*)\n(true|false)\n(.*)$`)

// explain turns what git says of a folder that it does not read into an error of ours.
func (s *Storage) explain(err error) error {
	var failed *GitError
	if !errors.As(err, &failed) {
		return err
	}
	switch {
	case strings.Contains(failed.Said, "dubious ownership"):
		return &UntrustedError{s.location, s.dir}
	case strings.Contains(failed.Said, "not a git repository"):
		return &NotStorageError{s.location, "git finds no repository there"}
	}
	return &NotStorageError{s.location, failed.Said}
}

// readRefs reads all branches and counts replacements in one git process.
func (s *Storage) readRefs(ctx context.Context) error {
	out, err := s.output(ctx, nil, "for-each-ref", "--format=%(objectname) %(refname)",
		"refs/heads", "refs/remotes/origin", "refs/replace")
	if err != nil {
		return errors.Wrapf(err, "read the branches of %s", s.location)
	}
	for line := range strings.Lines(string(out)) {
		id, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasPrefix(ref, "refs/replace/") {
			s.replaced++
			continue
		}
		if ref == "refs/remotes/origin/HEAD" {
			continue // another name for one of origin's branches
		}
		commit, err := object.Parse(id)
		if err != nil {
			return errors.Wrapf(err, "read the branches of %s", s.location)
		}
		s.refs[ref] = commit
	}
	return nil
}

// Location is the storage as the user gave it: a path or a URL.
func (s *Storage) Location() string { return s.location }

// Shallow says whether history was cut off.
func (s *Storage) Shallow() bool { return s.shallow }

// Replaced is the number of replacement objects (git replace), which are ignored.
func (s *Storage) Replaced() int { return s.replaced }

// HasBranch says whether Branch would find it.
func (s *Storage) HasBranch(name string) bool {
	return s.refs["refs/heads/"+name] != "" || s.refs["refs/remotes/origin/"+name] != ""
}

// Branch finds a branch: a local one, else origin's. The error is a *NoBranchError.
func (s *Storage) Branch(name string) (Branch, error) {
	local, remote := s.refs["refs/heads/"+name], s.refs["refs/remotes/origin/"+name]
	switch {
	case local != "" && remote != "" && local != remote:
		return Branch{Name: name, Ref: "refs/heads/" + name, Commit: local, Origin: remote}, nil
	case local != "":
		return Branch{Name: name, Ref: "refs/heads/" + name, Commit: local}, nil
	case remote != "":
		return Branch{Name: name, Ref: "refs/remotes/origin/" + name, Commit: remote}, nil
	}
	return Branch{}, &NoBranchError{Location: s.location, Branch: name, Known: s.branchNames(), Shallow: s.shallow}
}

// Branches are all whose names begin so, sorted by name.
func (s *Storage) Branches(prefix string) []Branch {
	var found []Branch
	seen := map[string]bool{}
	for ref := range s.refs {
		for _, where := range []string{"refs/heads/", "refs/remotes/origin/"} {
			name, is := strings.CutPrefix(ref, where)
			if !is || seen[name] || !strings.HasPrefix(name, prefix) {
				continue
			}
			if branch, err := s.Branch(name); err == nil {
				seen[name], found = true, append(found, branch)
			}
		}
	}
	slices.SortFunc(found, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func (s *Storage) branchNames() []string {
	var names []string
	for ref := range s.refs {
		name, found := strings.CutPrefix(ref, "refs/heads/")
		if !found {
			name = strings.TrimPrefix(ref, "refs/remotes/")
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
