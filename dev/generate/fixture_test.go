package generate_test

import (
	"bytes"
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/generate"
)

// storage is a storage that was made for a test.
type storage struct {
	t        *testing.T
	dir      string
	branches []generate.Branch
}

// entry is a file on a branch.
type entry struct {
	id, mode string
	size     int64
}

// tree is a branch's packages: name/version → path → file.
type tree map[string]map[string]entry

func newStorage(t *testing.T, shape generate.Shape, o generate.Options) storage {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "storage.git")
	branches, err := shape(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return storage{t, o.Dir, branches}
}

func (s storage) git(args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "git", append([]string{"--git-dir=" + s.dir}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// fsck fails the test unless git finds nothing to say.
func (s storage) fsck() {
	s.t.Helper()
	if said := s.git("fsck", "--full", "--strict", "--no-dangling", "--no-progress"); said != "" {
		s.t.Errorf("git fsck: %s", said)
	}
}

func (s storage) packages(revision string) tree {
	s.t.Helper()
	all := tree{}
	for line := range strings.SplitSeq(s.git("ls-tree", "-r", "-l", "--full-tree", revision, "packages/"), "\n") {
		about, path, _ := strings.Cut(line, "\t")
		words, parts := strings.Fields(about), strings.SplitN(path, "/", 4)
		if len(words) != 4 || len(parts) != 4 {
			s.t.Fatalf("not a file of a package: %q", line)
		}
		size, err := strconv.ParseInt(words[3], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		key := parts[1] + "/" + parts[2]
		if all[key] == nil {
			all[key] = map[string]entry{}
		}
		all[key][parts[3]] = entry{words[2], words[0], size}
	}
	return all
}

// commits are a branch's, the oldest first.
func (s storage) commits(branch string) []string {
	s.t.Helper()
	return strings.Fields(s.git("rev-list", "--first-parent", "--reverse", branch))
}

// contents reads the files with these ids.
func (s storage) contents(ids []string) map[string][]byte {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", "--git-dir="+s.dir, "cat-file", "--batch", "--buffer")
	cmd.Stdin = strings.NewReader(strings.Join(ids, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string][]byte{}
	for range ids {
		head, rest, _ := bytes.Cut(out, []byte("\n"))
		words := strings.Fields(string(head))
		if len(words) != 3 {
			s.t.Fatalf("git cat-file: %q", head)
		}
		size, _ := strconv.Atoi(words[2])
		found[words[0]], out = rest[:size], rest[size+1:]
	}
	return found
}

// total is the number of files and their bytes, equal ones counted each time; blobs has each of them once.
func (all tree) total() (files int, bytes int64, blobs map[string]int64) {
	blobs = map[string]int64{}
	for _, p := range all {
		for _, e := range p {
			files++
			bytes += e.size
			blobs[e.id] = e.size
		}
	}
	return files, bytes, blobs
}

// families are the versions of each name, in their order.
func (all tree) families() map[string][]string {
	families := map[string][]string{}
	for key := range all {
		name, version, _ := strings.Cut(key, "/")
		families[name] = append(families[name], version)
	}
	for _, versions := range families {
		slices.SortFunc(versions, func(a, b string) int {
			x, y := strings.Split(a, "."), strings.Split(b, ".")
			return slices.CompareFunc(x, y, func(a, b string) int {
				return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
			})
		})
	}
	return families
}

// shared are the files of a version that are in the other one too, as the same blobs, and their bytes.
func (all tree) shared(version, other string) (files int, bytes int64) {
	known := map[string]bool{}
	for _, e := range all[other] {
		known[e.id] = true
	}
	for _, e := range all[version] {
		if known[e.id] {
			files++
			bytes += e.size
		}
	}
	return files, bytes
}

// checkCounts compares what is said of a branch with what git says.
func (s storage) checkCounts() {
	s.t.Helper()
	for _, b := range s.branches {
		all := s.packages(b.Name)
		files, bytes, _ := all.total()
		want := generate.Branch{Name: b.Name, Head: s.git("rev-parse", b.Name), Commits: len(s.commits(b.Name)),
			Packages: len(all), Files: files, Bytes: bytes}
		if b != want {
			s.t.Errorf("said %+v\nis   %+v", b, want)
		}
	}
}
