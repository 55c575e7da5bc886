package assemble_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// repository holds trees in memory, and counts requests.
type repository struct {
	trees    map[object.ID][]object.TreeEntry
	requests int
}

func newRepository() *repository {
	return &repository{trees: map[object.ID][]object.TreeEntry{}}
}

func (r *repository) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	r.requests++
	read := make([][]object.TreeEntry, len(ids))
	for i, id := range ids {
		entries, there := r.trees[id]
		if !there {
			return nil, &object.LostError{ID: id}
		}
		read[i] = entries
	}
	return read, nil
}

// marks at the end of a path in files: anything else is a file.
const (
	executable = "*"
	symlink    = "@"
	submodule  = "#"
)

// tree makes a tree of files, by path; the id follows from paths, modes and contents, as git's does.
func (r *repository) tree(files map[string]string) object.ID {
	below := map[string]map[string]string{}
	var entries []object.TreeEntry
	for path, content := range files {
		folder, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[folder] == nil {
				below[folder] = map[string]string{}
			}
			below[folder][rest] = content
			continue
		}
		e := object.TreeEntry{Name: path, Mode: object.ModeFile, ID: hash("blob", content)}
		for mark, mode := range map[string]object.Mode{
			executable: object.ModeExecutable, symlink: object.ModeSymlink, submodule: object.ModeGitlink,
		} {
			if name, marked := strings.CutSuffix(path, mark); marked {
				e.Name, e.Mode = name, mode
			}
		}
		entries = append(entries, e)
	}
	for folder, files := range below {
		entries = append(entries, object.TreeEntry{Name: folder, Mode: object.ModeTree, ID: r.tree(files)})
	}
	return r.put(entries)
}

// put stores a tree in git's order: folders as if their names ended in a slash.
func (r *repository) put(entries []object.TreeEntry) object.ID {
	key := func(e object.TreeEntry) string {
		if e.Mode == object.ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(key(a), key(b)) })
	id := hash("tree", fmt.Sprintf("%#v", entries))
	r.trees[id] = entries
	return id
}

func hash(kind, content string) object.ID {
	sum := sha1.Sum([]byte(kind + "\x00" + content))
	return object.ID(hex.EncodeToString(sum[:]))
}

// branch is one on which the packages "name/version=content" are.
func branch(name string, packages ...string) assemble.Branch {
	b := assemble.Branch{Distribution: name, Name: name, Commit: hash("commit", name)}
	families := map[string]int{}
	for _, p := range packages {
		path, content, _ := strings.Cut(p, "=")
		family, version, _ := strings.Cut(path, "/")
		i, known := families[family]
		if !known {
			i = len(b.Families)
			families[family] = i
			b.Families = append(b.Families, assemble.Family{Name: integration.Name(family)})
		}
		b.Families[i].Packages = append(b.Families[i].Packages, integration.Package{
			Name: integration.Name(family), Version: integration.Version(version), Tree: hash("tree", content),
		})
	}
	return b
}

// indented is JSON that can be compared and read.
func indented(t *testing.T, value any) string {
	t.Helper()
	out, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := indented(t, got), indented(t, want); g != w {
		t.Errorf("%s:\n%s\nwant:\n%s", what, g, w)
	}
}
