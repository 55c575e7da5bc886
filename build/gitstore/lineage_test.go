package gitstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// lineage is said by the names that history gives its commits.
func lineage(t *testing.T, s *gitstore.Storage, of object.ID, id map[string]object.ID) string {
	t.Helper()
	line, err := s.Lineage(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	names := map[object.ID]string{}
	for name, id := range id {
		names[id] = name
	}
	var words []string
	for _, c := range line {
		words = append(words, names[c.ID])
	}
	return strings.Join(words, " ")
}

// TestLineage goes along first parents, the newest first; what was merged is left out.
func TestLineage(t *testing.T) {
	for _, format := range formats {
		dir, id := history(t, format)
		s := open(t, dir)
		for of, want := range map[string]string{
			"1": "1", "3": "3 2 1", "5": "5 4 2 1", "merge": "merge 3 2 1", "unrelated": "unrelated",
		} {
			if got := lineage(t, s, id[of], id); got != want {
				t.Errorf("%s of %s: %s, want %s", format, of, got, want)
			}
		}
		line, err := s.Lineage(t.Context(), id["merge"])
		if err != nil {
			t.Fatal(err)
		}
		r := reader(t, s)
		for _, c := range line { // as a Reader sees each of them
			want, err := r.Commit(c.ID)
			want.Message, want.Parents = "", 0 // nobody asks a long history for them
			if err != nil || c.Commit != want {
				t.Errorf("%s: %s is %+v, want %+v; %v", format, c.ID, c.Commit, want, err)
			}
		}
		if line[0].Tree == line[1].Tree || line[0].Time != time.Unix(1667482888, 0).UTC() {
			t.Errorf("%s: %+v", format, line)
		}
	}
}

// TestLineageBesideAFileOfItsName: git asks which is meant.
func TestLineageBesideAFileOfItsName(t *testing.T) {
	dir, id := history(t, "sha1")
	write(t, filepath.Join(dir, string(id["2"])), "")
	if got := lineage(t, open(t, dir), id["2"], id); got != "2 1" {
		t.Error(got)
	}
}

// TestLineageIsNoMatterOfConfiguration, nor of what git keeps to be fast.
func TestLineageIsNoMatterOfConfiguration(t *testing.T) {
	dir, id := history(t, "sha1")
	for key, value := range map[string]string{
		"format.pretty": "fuller", "log.showSignature": "true", "log.date": "relative", "color.ui": "always", "log.decorate": "full",
		"log.showRoot": "false", "log.follow": "true", "core.abbrev": "4", "i18n.logOutputEncoding": "ISO-2022-JP", "core.quotePath": "true",
	} {
		git(t, dir, "config", key, value)
	}
	if got := lineage(t, open(t, dir), id["merge"], id); got != "merge 3 2 1" {
		t.Error(got)
	}
	git(t, dir, "commit-graph", "write", "--reachable")
	git(t, dir, "gc", "--quiet")
	if got := lineage(t, open(t, dir), id["merge"], id); got != "merge 3 2 1" {
		t.Errorf("packed, with a graph of commits: %s", got)
	}
}

// TestLineageInAShallowClone ends where history was cut off.
func TestLineageInAShallowClone(t *testing.T) {
	dir, id := history(t, "sha1")
	for depth, want := range map[int]string{1: "merge", 2: "merge 3", 3: "merge 3 2", 9: "merge 3 2 1"} {
		clone := filepath.Join(folder(t), "clone")
		git(t, "", "clone", "--quiet", "--bare", "--branch=production", fmt.Sprint("--depth=", depth), "file://"+dir, clone)
		s := open(t, clone)
		if got := lineage(t, s, id["merge"], id); got != want {
			t.Errorf("depth %d: %s, want %s", depth, got, want)
		}
		if s.Shallow() != (depth < 9) {
			t.Errorf("depth %d: shallow is %v", depth, s.Shallow())
		}
	}
}

// TestLineageIgnoresReplacements: they are of one repository only.
func TestLineageIgnoresReplacements(t *testing.T) {
	dir, id := history(t, "sha1")
	git(t, dir, "replace", "--graft", string(id["3"]))
	git(t, dir, "replace", "--graft", string(id["1"]), string(id["unrelated"]))
	git(t, dir, "replace", string(id["2"]), string(id["4"]))
	if got := lineage(t, open(t, dir), id["merge"], id); got != "merge 3 2 1" {
		t.Error(got)
	}
}

func TestLineageOfWhatIsNoCommitHere(t *testing.T) {
	dir, id := history(t, "sha1")
	s := open(t, dir)
	for name, other := range map[string]object.ID{
		"unknown": object.ID(strings.Repeat("ab", 20)), "other format": object.ID(strings.Repeat("ab", 32)), "none": "",
		"tree": resolve(t, dir, "production^{tree}"), "blob": resolve(t, dir, "production:manifest.yml"),
	} {
		line, err := s.Lineage(t.Context(), other)
		var failed *gitstore.GitError
		var lost *object.LostError
		if !errors.As(err, &failed) && !errors.As(err, &lost) || len(line) > 0 {
			t.Errorf("%s: %v, %v", name, line, err)
		}
	}
	lost := string(id["2"])
	if err := os.Remove(filepath.Join(dir, ".git", "objects", lost[:2], lost[2:])); err != nil {
		t.Fatal(err)
	}
	line, err := s.Lineage(t.Context(), id["merge"])
	var failed *gitstore.GitError
	if !errors.As(err, &failed) || len(line) > 0 || !strings.Contains(err.Error(), lost) {
		t.Errorf("a history with a gap: %v, %v", line, err)
	}
}

// TestLineageInAPartialClone: commits are all there, and nothing else is asked for.
func TestLineageInAPartialClone(t *testing.T) {
	upstream, id := history(t, "sha1")
	git(t, upstream, "config", "uploadpack.allowFilter", "true")
	for _, filter := range []string{"--filter=blob:none", "--filter=tree:0"} {
		dir, requests := partialClone(t, upstream, filter)
		before := present(t, dir)
		s := open(t, dir)
		if got := lineage(t, s, id["merge"], id); got != "merge 3 2 1" {
			t.Errorf("%s: %s", filter, got)
		}
		if n := requests(); n != 0 || !slices.Equal(present(t, dir), before) {
			t.Errorf("%s: the remote was asked %d times", filter, n)
		}
		if filter == "--filter=tree:0" && strings.Contains(strings.Join(before, "\n"), " tree ") {
			t.Error("the clone has trees, and the test says little")
		}
	}
}

// TestLineageOfACommitThatAPartialCloneLacks: an error, without a word to its remote.
func TestLineageOfACommitThatAPartialCloneLacks(t *testing.T) {
	upstream, _ := history(t, "sha1")
	git(t, upstream, "config", "uploadpack.allowFilter", "true")
	dir, requests := partialClone(t, upstream)
	git(t, upstream, "checkout", "--quiet", "production")
	for name, newer := range map[string]object.ID{"newer than the clone": commit(t, upstream, "newer", "newer"), "unknown": object.ID(strings.Repeat("ab", 20))} {
		line, err := open(t, dir).Lineage(t.Context(), newer)
		var failed *gitstore.GitError
		if !errors.As(err, &failed) || len(line) > 0 {
			t.Errorf("%s: %v, %v", name, line, err)
		}
	}
	if n := requests(); n != 0 {
		t.Errorf("the remote was asked %d times", n)
	}
}

// TestLineageOfOddTimes: a time is the committer's, in whatever zone, and not the author's.
func TestLineageOfOddTimes(t *testing.T) {
	dir := checkout(t, "production")
	tree := resolve(t, dir, "production^{tree}")
	parent := resolve(t, dir, "production")
	var want []int64
	for _, odd := range []struct {
		committer string
		seconds   int64
	}{
		{"C <c> 0 +0000", 0}, {"C <c> 1 +0000", 1}, {"C <c> 1600000000 +1400", 1600000000}, {"C <c> 1600000000 -9999", 1600000000},
		{"C <c> 5 +0000", 5}, {"C <c> 4102444800 +0000", 4102444800}, {"C <c> 253402300799 +0000", 253402300799},
		{"<> 7 +0000", 7}, {"A > B <c> 8 +0000", 8},
	} {
		content := fmt.Sprintf("tree %s\nparent %s\nauthor A <a> 99 +0000\ncommitter %s\n\nmessage\nwith 1 2 3\n", tree, parent, odd.committer)
		parent = object.ID(gitWith(t, dir, content, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"))
		want = append(want, odd.seconds)
	}
	line, err := open(t, dir).Lineage(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, c := range slices.Backward(line[:len(line)-1]) {
		got = append(got, c.Time.Unix())
	}
	if !slices.Equal(got, want) {
		t.Errorf("times are %d, want %d", got, want)
	}
}

// TestLineageOfTimesThatCantBeRead: the commit is there, with the earliest time; who builds an old branch can't mend it.
func TestLineageOfTimesThatCantBeRead(t *testing.T) {
	for _, committer := range []string{"C <c>", "C <c> yesterday +0000", "C", "C <c> -5 +0000", "C <c> 99999999999999999999 +0000", "C <c> 18446744073709551615 +0000"} {
		dir := checkout(t, "production")
		content := fmt.Sprintf("tree %s\nauthor A <a> 99 +0000\ncommitter %s\n\nmessage\n", resolve(t, dir, "production^{tree}"), committer)
		id := object.ID(gitWith(t, dir, content, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"))
		line, err := open(t, dir).Lineage(t.Context(), id)
		if err != nil || len(line) != 1 || line[0].ID != id || line[0].Time.Unix() != 0 {
			t.Errorf("%q: %v, %v", committer, line, err)
		}
	}
}

// TestLineageIgnoresGrafts: another clone of the same storage has none.
func TestLineageIgnoresGrafts(t *testing.T) {
	dir, id := history(t, "sha1")
	want, err := open(t, dir).Lineage(t.Context(), id["2"])
	if err != nil || len(want) != 2 {
		t.Fatalf("%v, %v", want, err)
	}
	grafts := filepath.Join(dir, ".git", "info", "grafts")
	if err := os.WriteFile(grafts, []byte(id["2"]+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, dir).Lineage(t.Context(), id["2"]); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestLineageEndsWithItsContext(t *testing.T) {
	dir, id := history(t, "sha1")
	s := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if line, err := s.Lineage(ctx, id["2"]); !errors.Is(err, context.Canceled) || len(line) > 0 {
		t.Errorf("%v, %v", line, err)
	}
}
