package gitstore

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/object"
)

// parseTree reads a tree object: for each entry the mode in octal, a space, the name, a NUL and the raw id
// (git-scm.com, "Git Internals - Git Objects").
func parseTree(content []byte, idSize int) ([]object.TreeEntry, error) {
	entries := make([]object.TreeEntry, 0, bytes.Count(content, []byte{0}))
	for len(content) > 0 {
		space := bytes.IndexByte(content, ' ')
		nul := bytes.IndexByte(content, 0)
		if space < 0 || nul < space || len(content) < nul+1+idSize {
			return nil, errors.New("damaged tree object")
		}
		mode, err := strconv.ParseUint(string(content[:space]), 8, 32)
		if err != nil {
			return nil, errors.Wrap(err, "damaged tree object")
		}
		entries = append(entries, object.TreeEntry{
			Name: string(content[space+1 : nul]),
			Mode: canonical(object.Mode(mode)),
			ID:   object.FromRaw(content[nul+1 : nul+1+idSize]),
		})
		content = content[nul+1+idSize:]
	}
	return entries, nil
}

// canonical is a mode as git itself would check it out: old trees have files of mode 0664.
func canonical(mode object.Mode) object.Mode {
	switch {
	case mode&0o170000 != 0o100000:
		return mode
	case mode&0o100 != 0:
		return object.ModeExecutable
	}
	return object.ModeFile
}

// parseCommit reads the headers of a commit object, up to the empty line, after which its message begins.
func parseCommit(content []byte) (Commit, error) {
	var commit Commit
	if _, message, found := strings.Cut(string(content), "\n\n"); found {
		commit.Message = message
	}
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			tree, err := object.Parse(value)
			if err != nil {
				return Commit{}, err
			}
			commit.Tree = tree
		case "parent":
			commit.Parents++
		case "committer":
			when, err := commitTime(value)
			if err != nil {
				return Commit{}, err
			}
			commit.Time = when
		case "":
			if commit.Tree == "" {
				return Commit{}, errors.New("damaged commit object: no tree")
			}
			return commit, nil
		}
	}
	return commit, nil
}

// commitTime reads the seconds of "Name <mail> 1667482888 +0000"; the zone is only how the author wrote it.
func commitTime(committer string) (time.Time, error) {
	fields := strings.Fields(committer)
	if len(fields) < 2 {
		return time.Time{}, errors.Errorf("damaged commit object: committer %q", committer)
	}
	seconds, err := strconv.ParseInt(fields[len(fields)-2], 10, 64)
	if err != nil {
		return time.Time{}, errors.Wrapf(err, "damaged commit object: committer %q", committer)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// withoutUser removes what may be a secret from a URL. It does not parse it: git accepts what net/url does not.
func withoutUser(location string) string {
	scheme, rest, isURL := strings.Cut(location, "://")
	if !isURL {
		return location
	}
	authority, path, slash := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if !slash {
		return scheme + "://" + authority
	}
	return scheme + "://" + authority + "/" + path
}
