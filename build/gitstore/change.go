package gitstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// Change is a commit to be: what it does to the tree of the commit before it. No checkout takes part, whatever the tree's
// size: only folders on the way to what changes are read and written.
type Change struct {
	// On is the commit that the new one follows.
	On object.ID
	// Folders are trees by the path at which they will be, Files the contents of files; what is there now is replaced,
	// missing folders on the way are made. A file keeps its mode.
	Folders map[string]object.ID
	Files   map[string][]byte
	// Remove are paths that will not be there any more; nor will folders that hold nothing then.
	Remove []string
	// Message is the commit's.
	Message string
}

// IdentityError says that git does not know who commits.
type IdentityError struct{ Said string }

func (e *IdentityError) Error() string { return "git does not know whose commit it is: " + e.Said }

// Commit writes the commits of changes into the repository, and moves no branch: nobody sees them before they are pushed.
// Commits have the user's identity, as git knows it. Of a change that changes nothing the commit is the one before.
//
// Errors: *IdentityError; *object.LostError, for a folder that can't be read; *GitError; that of ctx.
func (s *Storage) Commit(ctx context.Context, changes []Change) ([]object.ID, error) {
	reader, err := s.Reader(ctx)
	if err != nil {
		return nil, err
	}
	e := &editor{storage: s, reader: reader}
	roots, err := e.roots(ctx, changes)
	if closed := reader.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = e.write(ctx)
	}
	if err != nil {
		return nil, errors.Wrapf(err, "write commits into %s", s.location)
	}
	commits := make([]object.ID, len(changes))
	for i, c := range changes {
		if roots[i].after == roots[i].before {
			commits[i] = c.On
			continue
		}
		if commits[i], err = s.commitTree(ctx, roots[i].after, c); err != nil {
			return nil, err
		}
	}
	return commits, nil
}

func (s *Storage) commitTree(ctx context.Context, tree object.ID, c Change) (object.ID, error) {
	// A name that git makes up of the user's and the machine's is nobody's.
	out, err := s.output(ctx, []byte(c.Message), "-c", "user.useConfigOnly=true", "-c", "i18n.commitEncoding=UTF-8",
		"commit-tree", string(tree), "-p", string(c.On), "-F", "-")
	var failed *GitError
	if errors.As(err, &failed) && (strings.Contains(failed.Said, "Please tell me who you are") || strings.Contains(failed.Said, "empty ident") ||
		strings.Contains(failed.Said, "no email was given") || strings.Contains(failed.Said, "no name was given")) {
		return "", &IdentityError{reason(failed.Said)}
	}
	if err != nil {
		return "", errors.Wrapf(err, "commit to %s", s.location)
	}
	return object.Parse(strings.TrimSpace(string(out)))
}

// reason is the line in which git gives up.
func reason(said string) string {
	for line := range strings.Lines(said) {
		if why, found := strings.CutPrefix(line, "fatal: "); found {
			return strings.TrimSpace(why)
		}
	}
	return firstLine(errors.New(said))
}

// editor makes trees of changes. They are named before they are written, so that one process writes all.
type editor struct {
	storage *Storage
	reader  *Reader
	made    [][]object.TreeEntry // what is inside comes before what it is in
	ids     []object.ID
}

type rootChange struct{ before, after object.ID }

// roots are the trees of the changes' commits, before and after.
func (e *editor) roots(ctx context.Context, changes []Change) ([]rootChange, error) {
	roots := make([]rootChange, len(changes))
	for i, c := range changes {
		commit, err := e.reader.Commit(c.On)
		if err != nil {
			return nil, err
		}
		edits, err := e.edits(ctx, c)
		if err != nil {
			return nil, err
		}
		after, err := e.folder(commit.Tree, edits)
		if err != nil {
			return nil, err
		}
		if after == "" {
			after, err = e.keep(commit.Tree, nil)
		}
		if err != nil {
			return nil, err
		}
		roots[i] = rootChange{commit.Tree, after}
	}
	return roots, nil
}

// edits are what becomes of paths, the zero entry where it goes; a zero mode keeps that of what is there.
func (e *editor) edits(ctx context.Context, c Change) (map[string]object.TreeEntry, error) {
	edits := map[string]object.TreeEntry{}
	for _, path := range c.Remove {
		edits[path] = object.TreeEntry{}
	}
	for path, id := range c.Folders {
		edits[path] = object.TreeEntry{Mode: object.ModeTree, ID: id}
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		out, err := e.storage.output(ctx, c.Files[path], "hash-object", "-w", "--stdin")
		if err != nil {
			return nil, err
		}
		id, err := object.Parse(strings.TrimSpace(string(out)))
		if err != nil {
			return nil, err
		}
		edits[path] = object.TreeEntry{ID: id}
	}
	return edits, nil
}

// folder is a tree after edits, whose paths begin in it; zero where nothing is left of it. before may be zero.
func (e *editor) folder(before object.ID, edits map[string]object.TreeEntry) (object.ID, error) {
	var entries []object.TreeEntry
	if before != "" {
		read, err := e.reader.Trees([]object.ID{before})
		if err != nil {
			return "", err
		}
		entries = slices.Clone(read[0])
	}
	below := map[string]map[string]object.TreeEntry{}
	for path, edit := range edits {
		name, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[name] == nil {
				below[name] = map[string]object.TreeEntry{}
			}
			below[name][rest] = edit
			continue
		}
		entries = replaced(entries, name, edit)
	}
	for name, edits := range below {
		var inner object.ID
		if at := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name }); at >= 0 && entries[at].Mode == object.ModeTree {
			inner = entries[at].ID
		}
		after, err := e.folder(inner, edits)
		if err != nil {
			return "", err
		}
		edit := object.TreeEntry{Mode: object.ModeTree, ID: after}
		if after == "" {
			edit = object.TreeEntry{}
		}
		entries = replaced(entries, name, edit)
	}
	if len(entries) == 0 {
		return "", nil
	}
	return e.keep(before, entries)
}

// replaced are entries with another one under a name, or none.
func replaced(entries []object.TreeEntry, name string, by object.TreeEntry) []object.TreeEntry {
	at := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name })
	if by.ID == "" {
		if at < 0 {
			return entries
		}
		return slices.Delete(entries, at, at+1)
	}
	by.Name = name
	if by.Mode == 0 {
		by.Mode = object.ModeFile
		if at >= 0 && entries[at].Mode == object.ModeExecutable {
			by.Mode = object.ModeExecutable
		}
	}
	if at < 0 {
		return append(entries, by)
	}
	entries[at] = by
	return entries
}

// keep names a tree, and remembers to write it; like is an id of the repository's format.
func (e *editor) keep(like object.ID, entries []object.TreeEntry) (object.ID, error) {
	if like == "" {
		like = entries[0].ID
	}
	// Git's order: folders as if their names ended in a slash.
	key := func(e object.TreeEntry) string {
		if e.Mode == object.ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return cmp.Compare(key(a), key(b)) })
	id, err := object.HashTree(like, entries)
	if err != nil {
		return "", err
	}
	e.made, e.ids = append(e.made, entries), append(e.ids, id)
	return id, nil
}

// write writes all trees that were made.
func (e *editor) write(ctx context.Context) error {
	if len(e.made) == 0 {
		return nil
	}
	var in bytes.Buffer
	for i, entries := range e.made {
		if i > 0 {
			in.WriteByte(0)
		}
		for _, one := range entries {
			kind := "blob"
			switch one.Mode {
			case object.ModeTree:
				kind = "tree"
			case object.ModeGitlink:
				kind = "commit"
			}
			fmt.Fprintf(&in, "%06o %s %s\t%s\x00", uint32(one.Mode), kind, one.ID, one.Name)
		}
	}
	// What a partial clone lacks is where it came from; --missing keeps git from looking for it.
	out, err := e.storage.output(ctx, in.Bytes(), "mktree", "-z", "--batch", "--missing")
	if err != nil {
		return err
	}
	for i, line := range strings.Fields(string(out)) {
		if i >= len(e.ids) || line != string(e.ids[i]) {
			return errors.Errorf("git mktree made another tree than was meant: %s", line)
		}
	}
	return nil
}
