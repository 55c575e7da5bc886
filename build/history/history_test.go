package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/object"
)

// repository holds trees in memory. It is an object.TreeReader that knows what it was asked for.
type repository struct {
	trees map[object.ID][]object.TreeEntry
	reads map[object.ID]int
	asked int
}

func newRepository() *repository {
	return &repository{trees: map[object.ID][]object.TreeEntry{}, reads: map[object.ID]int{}}
}

func (r *repository) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	r.asked++
	out := make([][]object.TreeEntry, len(ids))
	for i, id := range ids {
		entries, there := r.trees[id]
		if !there {
			return nil, &object.LostError{ID: id}
		}
		r.reads[id]++
		out[i] = entries
	}
	return out, nil
}

// tree makes a tree of what lies at paths: "a/b" is what its word says, a file of that content. A word that starts with
// "@" is the id of a tree.
func (r *repository) tree(at map[string]string) object.ID {
	below := map[string]map[string]string{}
	var entries []object.TreeEntry
	for path, what := range at {
		folder, rest, nested := strings.Cut(path, "/")
		switch id, isTree := strings.CutPrefix(what, "@"); {
		case nested:
			if below[folder] == nil {
				below[folder] = map[string]string{}
			}
			below[folder][rest] = what
		case isTree:
			entries = append(entries, object.TreeEntry{Name: path, Mode: object.ModeTree, ID: object.ID(id)})
		default:
			entries = append(entries, object.TreeEntry{Name: path, Mode: object.ModeFile, ID: object.ID("blob " + what)})
		}
	}
	for folder, what := range below {
		entries = append(entries, object.TreeEntry{Name: folder, Mode: object.ModeTree, ID: r.tree(what)})
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	id := object.ID(fmt.Sprint("tree ", entries))
	r.trees[id] = entries
	return id
}

// commits are made of a line each: "<time>: <path>=<tree> …", paths below packages/; "-" is a commit without packages/. What
// has no "=" is a file.
func (r *repository) commits(lines ...string) []history.Commit {
	var out []history.Commit
	for i, line := range lines {
		var c history.Commit
		at, packages, _ := strings.Cut(line, ":")
		if _, err := fmt.Sscan(at, &c.Time); err != nil {
			panic(err)
		}
		files := map[string]string{"README.md": line}
		for word := range strings.FieldsSeq(packages) {
			path, tree, isPackage := strings.Cut(word, "=")
			switch {
			case word == "-":
			case isPackage:
				files["packages/"+path] = "@" + tree
			default:
				files["packages/"+path] = "file"
			}
		}
		c.ID, c.Tree = object.ID(fmt.Sprint("commit ", i, " ", line)), r.tree(files)
		out = append(out, c)
	}
	return out
}

func follow(t *testing.T, r *repository, log history.Log, commits []history.Commit) history.Log {
	t.Helper()
	after, err := history.Follow(r, log, commits)
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// stays are said as "<path>=<tree> <from>-<to>".
func stays(log history.Log) string {
	var lines []string
	for _, s := range log.Stays {
		to := "now"
		if s.To != 0 {
			to = fmt.Sprint(s.To)
		}
		lines = append(lines, fmt.Sprintf("%s=%s %d-%s", s.Path, s.Tree, s.From, to))
	}
	return strings.Join(lines, ", ")
}

func TestFollow(t *testing.T) {
	for _, c := range []struct{ what, commits, want string }{
		{"no commit", "", ""},
		{"the first commit", "50: a/1=x a/2=y b/1=z", "a/1=x 0-now, a/2=y 0-now, b/1=z 0-now"},
		{"nothing, then something", "50: | 60: a/1=x", "a/1=x 60-now"},
		{"added", "50: a/1=x | 60: a/1=x a/2=y | 70: a/1=x a/2=y b/1=z", "a/1=x 0-now, a/2=y 60-now, b/1=z 70-now"},
		{"removed", "50: a/1=x a/2=y | 60: a/1=x", "a/1=x 0-now, a/2=y 0-60"},
		{"overwritten", "50: a/1=x | 60: a/1=y", "a/1=x 0-60, a/1=y 60-now"},
		{"overwritten, and back", "50: a/1=x | 60: a/1=y | 70: a/1=x", "a/1=x 0-60, a/1=y 60-70, a/1=x 70-now"},
		{"re-added", "50: a/1=x a/2=y | 60: a/2=y | 70: a/1=x a/2=y", "a/1=x 0-60, a/1=x 70-now, a/2=y 0-now"},
		{"re-added with its family", "50: a/1=x | 60: | 70: a/1=x", "a/1=x 0-60, a/1=x 70-now"},
		{"came and went", "50: a/1=x | 60: a/1=x b/1=z | 70: a/1=x", "a/1=x 0-now, b/1=z 60-70"},
		{"a version renamed", "50: a/1=x | 60: a/2=x", "a/1=x 0-60, a/2=x 60-now"},
		{"two versions change places", "50: a/1=x a/2=y | 60: a/1=y a/2=x", "a/1=x 0-60, a/1=y 60-now, a/2=y 0-60, a/2=x 60-now"},
		{"a family renamed", "50: a/1=x a/2=y | 60: b/1=x b/2=y", "a/1=x 0-60, a/2=y 0-60, b/1=x 60-now, b/2=y 60-now"},
		{"two families of one tree", "50: a/1=x b/1=x | 60: b/1=x", "a/1=x 0-60, b/1=x 0-now"},
		{"a family that comes to be as another was", "50: a/1=x b/1=y | 60: a/1=y b/1=y", "a/1=x 0-60, a/1=y 60-now, b/1=y 0-now"},
		{"a file, then a folder", "50: a | 60: a/1=x | 70: a", "a/1=x 60-70"},
		{"a file among versions", "50: a/1 a/2=y | 60: a/1=x a/2=y | 70: a/1 a/2=y", "a/1=x 60-70, a/2=y 0-now"},
		{"without packages/ now and then", "50: - | 60: a/1=x | 70: - | 80: a/1=x", "a/1=x 60-70, a/1=x 80-now"},
		{"a family without versions", "50: a/1=x | 60: a/.gitkeep | 70: a/1=x", "a/1=x 0-60, a/1=x 70-now"},
		{"nothing changes", "50: a/1=x | 60: a/1=x | 70: a/1=x", "a/1=x 0-now"},
		{"names that others begin with", "50: a/1=x | 60: a/1=x a/1.0=y aa/1=z", "a/1=x 0-now, a/1.0=y 60-now, aa/1=z 60-now"},

		{"a clock that goes back", "50: a/1=x | 40: a/1=x b/1=y | 45: a/1=x b/1=y c/1=z", "a/1=x 0-now, b/1=y 51-now, c/1=z 52-now"},
		{"a clock that stands still", "50: a/1=x | 50: b/1=y | 50: c/1=z", "a/1=x 0-51, b/1=y 51-52, c/1=z 52-now"},
		{"a clock that was far ahead", "50: a/1=x | 9000: b/1=y | 60: c/1=z | 9050: d/1=z", "a/1=x 0-9000, b/1=y 9000-9001, c/1=z 9001-9050, d/1=z 9050-now"},
		{"before 1970", "-70: a/1=x | -60: a/2=y | -50:", "a/1=x 0-2, a/2=y 2-3"},
		{"in 1970", "0: a/1=x | 0: a/2=y", "a/1=x 0-2, a/2=y 2-now"},
	} {
		r := newRepository()
		var commits []history.Commit
		if c.commits != "" {
			commits = r.commits(strings.Split(c.commits, " | ")...)
		}
		log := follow(t, r, history.Log{}, commits)
		if got := stays(log); got != c.want {
			t.Errorf("%s: %s\nmakes %s\nwant  %s", c.what, c.commits, got, c.want)
		}
		if n := len(commits); n > 0 && log.Commit != commits[n-1].ID {
			t.Errorf("%s: the log is of %s", c.what, log.Commit)
		}
	}
}

func TestLog(t *testing.T) {
	r := newRepository()
	if log := follow(t, r, history.Log{}, nil); !reflect.DeepEqual(log, history.Log{}) {
		t.Errorf("of no commit: %+v", log)
	}
	commits := r.commits("50: a/1=x", "40: a/1=x b/1=y c", "70: b/1=y b/2=z")
	for n, want := range []struct {
		time     int64
		families string
	}{{50, "a"}, {51, "a b"}, {70, "b"}} {
		log := follow(t, r, history.Log{}, commits[:n+1])
		if log.Began != 50 || log.Time != want.time || log.Commit != commits[n].ID {
			t.Errorf("after %d commits: %+v", n+1, log)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(log.Families)), " "); got != want.families {
			t.Errorf("after %d commits there are %s", n+1, got)
		}
	}
}

// randomCommits change a few versions of a few families each; some change nothing.
func randomCommits(r *repository, random *rand.Rand) []history.Commit {
	packages := map[string]string{}
	time := int64(random.IntN(100))
	var lines []string
	for range 1 + random.IntN(30) {
		for range random.IntN(4) {
			path := fmt.Sprintf("f%d/%d", random.IntN(4), random.IntN(4))
			switch random.IntN(4) {
			case 0:
				delete(packages, path)
			case 1:
				packages[path] = "" // a file
			default:
				packages[path] = fmt.Sprintf("=t%d", random.IntN(3))
			}
		}
		time += random.Int64N(20) - 5
		line := fmt.Sprint(time, ":")
		for path, tree := range packages {
			line += " " + path + tree
		}
		if random.IntN(10) == 0 {
			line = fmt.Sprint(time, ": -")
			clear(packages)
		}
		lines = append(lines, line)
	}
	return r.commits(lines...)
}

// TestFollowGoesOn: in one go or step by step, also through a file, the log is the same; the one before stays what it was.
func TestFollowGoesOn(t *testing.T) {
	for seed := range uint64(300) {
		r, random := newRepository(), rand.New(rand.NewPCG(seed, 1))
		commits := randomCommits(r, random)
		want := follow(t, r, history.Log{}, commits)
		var log history.Log
		for rest := commits; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			before, _ := json.Marshal(log)
			next := follow(t, r, log, rest[:n])
			if after, _ := json.Marshal(log); string(after) != string(before) {
				t.Fatalf("seed %d: the log was changed:\n%s\nnow\n%s", seed, before, after)
			}
			if again := follow(t, r, log, rest[:n]); !reflect.DeepEqual(again, next) {
				t.Fatalf("seed %d: from one log to two:\n%+v\n%+v", seed, next, again)
			}
			log, rest = next, rest[n:]
			if random.IntN(2) == 0 {
				text, err := json.Marshal(log)
				if err != nil {
					t.Fatal(err)
				}
				log = history.Log{}
				if err := json.Unmarshal(text, &log); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, _ := json.Marshal(log)
		one, _ := json.Marshal(want)
		if string(got) != string(one) || stays(log) != stays(want) || !maps.Equal(log.Families, want.Families) || log.Began != want.Began || log.Time != want.Time {
			t.Fatalf("seed %d, step by step:\n%s\nin one go:\n%s", seed, got, one)
		}
		if nothing := follow(t, r, log, nil); stays(nothing) != stays(log) || nothing.Commit != log.Commit || nothing.Time != log.Time {
			t.Fatalf("seed %d: without commits, the log is another: %+v", seed, nothing)
		}
	}
}

// TestStaysAreWhatWasThere: at each commit, the packages that its tree has are those whose stay goes on.
func TestStaysAreWhatWasThere(t *testing.T) {
	for seed := range uint64(200) {
		r, random := newRepository(), rand.New(rand.NewPCG(seed, 2))
		commits := randomCommits(r, random)
		log := follow(t, r, history.Log{}, commits)
		if !slices.IsSortedFunc(log.Stays, func(a, b history.Stay) int { return strings.Compare(a.Path, b.Path) }) {
			t.Fatalf("seed %d: stays are not sorted: %s", seed, stays(log))
		}
		for i, s := range log.Stays {
			if s.To != 0 && s.To <= s.From {
				t.Fatalf("seed %d: it ends before it begins: %+v", seed, s)
			}
			if i > 0 && log.Stays[i-1].Path == s.Path && (log.Stays[i-1].To == 0 || log.Stays[i-1].To > s.From) {
				t.Fatalf("seed %d: %+v is there before %+v ends", seed, s, log.Stays[i-1])
			}
		}
		var time int64
		for i, c := range commits {
			time = max(time+1, c.Time)
			var want, got []string
			for _, top := range r.trees[c.Tree] {
				for _, name := range r.trees[top.ID] {
					for _, version := range r.trees[name.ID] {
						if version.Mode == object.ModeTree {
							want = append(want, name.Name+"/"+version.Name+"="+string(version.ID))
						}
					}
				}
			}
			for _, s := range log.Stays {
				if from := s.From; (from <= time || from == 0) && (s.To == 0 || s.To > time) {
					got = append(got, s.Path+"="+string(s.Tree))
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, commit %d: there are %q, want %q\n%s", seed, i, got, want, stays(log))
			}
		}
	}
}

// TestEachTreeIsReadOnce, in three requests, whatever the number of commits; packages are not looked into.
func TestEachTreeIsReadOnce(t *testing.T) {
	r := newRepository()
	lines := []string{"10: a/1=x b/1=y c/1=z"}
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("%d: a/1=x b/1=y b/%d=z c/1=z", 20+i, i%5))
	}
	log := follow(t, r, history.Log{}, r.commits(lines...))
	if r.asked != 3 {
		t.Errorf("there were %d requests", r.asked)
	}
	for id, n := range r.reads {
		if n > 1 {
			t.Errorf("%s was read %d times", id, n)
		}
	}
	// Going on, a family that did not change since is no concern.
	r.reads = map[object.ID]int{}
	follow(t, r, log, r.commits("90: a/1=x b/1=y c/1=z", "91: a/1=x b/1=y c/1=zz"))
	if id := r.tree(map[string]string{"1": "@x"}); r.reads[id] > 1 {
		t.Errorf("a was read %d times", r.reads[id])
	}
}

func TestFollowWhereTreesAreLost(t *testing.T) {
	r := newRepository()
	commits := r.commits("10: a/1=x", "20: a/1=x a/2=y", "30: a/1=x b/1=y")
	before := follow(t, r, history.Log{}, commits[:1])
	packages := r.trees[commits[1].Tree]
	for what, lost := range map[string]object.ID{
		"a root": commits[1].Tree, "packages/": packages[1].ID, "a family": r.trees[packages[1].ID][0].ID, "a family of the log": before.Families["a"],
	} {
		damaged := newRepository()
		maps.Copy(damaged.trees, r.trees)
		delete(damaged.trees, lost)
		log, err := history.Follow(damaged, before, commits[1:])
		var missing *object.LostError
		if !errors.As(err, &missing) || missing.ID != lost || log.Commit != "" {
			t.Errorf("%s: %+v, %v", what, log, err)
		}
	}
}
