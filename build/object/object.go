// Package object holds the words that git and the pipeline share: ids of objects, modes, trees and what is below them.
//
// It knows nothing of repositories; package gitstore reads the objects that the ids name.
package object

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// ID is the id of a git object in lower-case hex: 40 digits where the repository's object format is SHA-1, 64 where
// it is SHA-256. The zero value is no object. Ids are compared with ==.
type ID string

// Parse reads an id as git prints it.
func Parse(s string) (ID, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("object id %q: %d digits, want 40 or 64", s, len(s))
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("object id %q: not lower-case hex", s)
		}
	}
	return ID(s), nil
}

// FromRaw makes an id of the 20 or 32 bytes in which tree objects hold it.
func FromRaw(raw []byte) ID { return ID(hex.EncodeToString(raw)) }

// Short is the id's first 12 digits, for people.
func (id ID) Short() string {
	if len(id) < 12 {
		return string(id)
	}
	return string(id[:12])
}

// Mode is what git keeps of a tree entry's type and permissions.
type Mode uint32

// The modes that git writes (Documentation/git-fast-import: filemodify).
const (
	ModeTree       Mode = 0o040000
	ModeFile       Mode = 0o100644
	ModeExecutable Mode = 0o100755
	ModeSymlink    Mode = 0o120000
	ModeGitlink    Mode = 0o160000
)

// TreeEntry is one name in a tree object. Name is raw bytes: git demands neither UTF-8 nor a name that a file system
// could hold.
type TreeEntry struct {
	Name string
	Mode Mode
	ID   ID
}

// LostError says that an object can't be read: it is not in the repository (a damaged one, or a partial clone without
// its remote), its content is not what its id says, or it is of another kind than its place demands.
type LostError struct {
	ID ID
	// Kind is what the object is and Want what it should be; both empty where it is missing.
	Kind, Want string
	Damaged    bool
}

func (e *LostError) Error() string {
	switch {
	case e.Damaged:
		return "object " + string(e.ID) + " is damaged: its content is not what its id says"
	case e.Kind == "":
		return "object " + string(e.ID) + " is missing from the repository"
	}
	return fmt.Sprintf("object %s is a %s, not a %s", e.ID, e.Kind, e.Want)
}

// Hash starts the hash that an object's id is of: of its kind, size in bytes and content (git-scm.com, "Git Internals -
// Git Objects"). like has the object format.
func Hash(like ID, kind string, size int64) hash.Hash {
	h := sha1.New()
	if len(like) == 64 {
		h = sha256.New()
	}
	fmt.Fprintf(h, "%s %d\x00", kind, size)
	return h
}

// HashTree is the id of the tree of entries, which are in git's order. like has the object format.
func HashTree(like ID, entries []TreeEntry) (ID, error) {
	var content bytes.Buffer
	for _, e := range entries {
		raw, err := hex.DecodeString(string(e.ID))
		if err != nil {
			return "", fmt.Errorf("tree entry %q: %w", e.Name, err)
		}
		fmt.Fprintf(&content, "%o %s\x00", uint32(e.Mode), e.Name)
		content.Write(raw)
	}
	h := Hash(like, "tree", int64(content.Len()))
	h.Write(content.Bytes())
	return FromRaw(h.Sum(nil)), nil
}

// EmptyBlob is the id of the blob without content, in the object format of like.
func EmptyBlob(like ID) ID {
	if len(like) == 64 {
		return "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
	}
	return "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
}
