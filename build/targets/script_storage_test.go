package targets_test

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// makeStorage commits each folder to its branch, on top of what the branch has. A folder is called like its branch
// unless it is named.
func makeStorage(ts *testscript.TestScript, neg bool, args []string) {
	format := "sha1"
	if len(args) > 0 && args[0] == "-sha256" {
		format, args = "sha256", args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: storage [-sha256] <folder> <branch>[=<folder>]…")
	}
	storage := git{ts, ts.MkAbs(args[0])}
	if !storage.there() {
		flags := []string{"init", "--quiet", "--initial-branch=main", "--object-format=" + format}
		if strings.HasSuffix(storage.dir, ".git") {
			flags = append(flags, "--bare")
		}
		ts.Check(os.MkdirAll(storage.dir, 0o755))
		storage.run(nil, flags...)
	}
	for _, arg := range args[1:] {
		branch, folder, named := strings.Cut(arg, "=")
		if !named {
			folder = branch
		}
		storage.commitFolder(branch, ts.MkAbs(folder))
	}
}

// git runs git on a storage.
type git struct {
	ts  *testscript.TestScript
	dir string
}

// there says whether the folder is a repository already, bare or not.
func (g git) there() bool {
	_, bare := os.Stat(filepath.Join(g.dir, "HEAD"))
	_, checkout := os.Stat(filepath.Join(g.dir, ".git"))
	return bare == nil || checkout == nil
}

// run returns what git prints, and fails the script if git does.
func (g git) run(env []string, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	cmd.Env = slices.Concat(os.Environ(), env)
	for _, name := range []string{"HOME", "GIT_CONFIG_NOSYSTEM", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE",
		"GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"} {
		cmd.Env = append(cmd.Env, name+"="+g.ts.Getenv(name))
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		g.ts.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return strings.TrimSpace(string(out))
}

// gitDir is where the objects are.
func (g git) gitDir() string { return g.run(nil, "rev-parse", "--absolute-git-dir") }

func (g git) commitFolder(branch, folder string) {
	index := filepath.Join(g.ts.Getenv("WORK"), ".home", "index")
	os.Remove(index)
	env := []string{"GIT_INDEX_FILE=" + index, "GIT_WORK_TREE=" + folder, "GIT_DIR=" + g.gitDir()}
	g.run(env, "-C", folder, "add", "--all", "--force", ".")
	tree := g.run(env, "write-tree")
	g.commitTree(branch, tree)
}

func (g git) commitTree(branch, tree string) {
	args := []string{"commit-tree", "-m", "Change " + branch, tree}
	if parent := g.run(nil, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch); parent != "" {
		args = append(args, "-p", parent)
	}
	g.run(nil, "update-ref", "refs/heads/"+branch, g.run(nil, args...))
}

// addEntry adds one entry to a folder on a branch, byte by byte: git's own commands refuse some names.
func addEntry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: entry <storage> <branch>:<folder> <kind> <name>")
	}
	storage := git{ts, ts.MkAbs(args[0])}
	branch, folder, _ := strings.Cut(args[1], ":")
	name, err := strconv.Unquote(`"` + args[3] + `"`)
	ts.Check(err)
	added := storage.entry(args[2], name)
	var path []string
	if folder != "" {
		path = strings.Split(folder, "/")
	}
	// From the folder up to the root, each tree is written anew.
	for i := len(path); i >= 0; i-- {
		tree := storage.tree(branch + ":" + strings.Join(path[:i], "/"))
		tree = slices.DeleteFunc(tree, func(e treeEntry) bool { return e.name == added.name })
		tree = append(tree, added)
		added = treeEntry{mode: "40000", id: storage.writeTree(tree)}
		if i > 0 {
			added.name = path[i-1]
		}
	}
	storage.commitTree(branch, hex.EncodeToString([]byte(added.id)))
}

// treeEntry is one line of a tree object; id is raw.
type treeEntry struct{ mode, name, id string }

func (g git) entry(kind, name string) treeEntry {
	file := func(content string) string { return g.write("blob", []byte(content)) }
	if target, isLink := strings.CutPrefix(kind, "symlink="); isLink {
		return treeEntry{"120000", name, file(target)}
	}
	switch kind {
	case "file":
		return treeEntry{"100644", name, file("some content\n")}
	case "folder":
		return treeEntry{"40000", name, g.writeTree([]treeEntry{{"100644", "file.txt", file("some content\n")}})}
	case "submodule":
		return treeEntry{"160000", name, strings.Repeat("\x5a", sha1.Size)}
	}
	g.ts.Fatalf("there is no kind %q of entries", kind)
	return treeEntry{}
}

func (g git) tree(revision string) []treeEntry {
	var entries []treeEntry
	// The names that ls-tree prints with -z are raw.
	for line := range strings.SplitSeq(g.run(nil, "ls-tree", "-z", "--full-tree", revision), "\x00") {
		if line == "" {
			continue
		}
		facts, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(facts)
		id, err := hex.DecodeString(fields[2])
		g.ts.Check(err)
		entries = append(entries, treeEntry{strings.TrimPrefix(fields[0], "0"), name, string(id)})
	}
	return entries
}

func (g git) writeTree(entries []treeEntry) string {
	// Git sorts folders as if their names ended in a slash.
	order := func(e treeEntry) string {
		if e.mode == "40000" {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b treeEntry) int { return cmp.Compare(order(a), order(b)) })
	var content bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&content, "%s %s\x00%s", e.mode, e.name, e.id)
	}
	return g.write("tree", content.Bytes())
}

// write writes a loose object and returns its raw id.
func (g git) write(kind string, content []byte) string {
	whole := append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...)
	sum := sha1.Sum(whole)
	path := g.loose(hex.EncodeToString(sum[:]))
	if _, err := os.Stat(path); err == nil {
		return string(sum[:])
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(whole)
	w.Close()
	g.ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	g.ts.Check(os.WriteFile(path, packed.Bytes(), 0o444))
	return string(sum[:])
}

func (g git) loose(id string) string { return filepath.Join(g.gitDir(), "objects", id[:2], id[2:]) }

// findRevision gives a variable the id of what a revision names.
func findRevision(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: revision <variable> <storage> <revision>")
	}
	ts.Setenv(args[0], git{ts, ts.MkAbs(args[1])}.run(nil, "rev-parse", "--verify", args[2]))
}

// loseObject removes what a revision names, as a damaged disk would.
func loseObject(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lose <storage> <revision>")
	}
	storage := git{ts, ts.MkAbs(args[0])}
	ts.Check(os.Remove(storage.loose(storage.run(nil, "rev-parse", args[1]))))
}

// garbleObject makes nonsense of what a revision names.
func garbleObject(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: garble <storage> <revision>")
	}
	storage := git{ts, ts.MkAbs(args[0])}
	path := storage.loose(storage.run(nil, "rev-parse", args[1]))
	ts.Check(os.Chmod(path, 0o644))
	ts.Check(os.WriteFile(path, []byte("nonsense"), 0o444))
}

// checkLacks says whether a partial clone lacks what a revision names. Nothing is fetched by asking.
func checkLacks(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] lacks <storage> <revision>")
	}
	storage := git{ts, ts.MkAbs(args[0])}
	id := storage.run(nil, "rev-parse", args[1])
	all := storage.run(nil, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
	if strings.Contains(all, id) != neg {
		ts.Fatalf("%s lacking %s: %t", args[0], args[1], neg)
	}
}
