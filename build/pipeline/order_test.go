package pipeline

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/object"
)

// relations are how a commit of the published image may stand to ours, each with what an image of that branch alone is.
var relations = map[gitstore.Relation]order{
	gitstore.Same: same, gitstore.Ancestor: older, gitstore.Descendant: newer, gitstore.Diverged: apart, gitstore.Unknown: unknown,
}

func combined(relations ...gitstore.Relation) order {
	var so standing
	for _, r := range relations {
		so.add(r)
	}
	return so.order()
}

// TestCombine: two branches, in both orders.
func TestCombine(t *testing.T) {
	const s, o, n, d, u = gitstore.Same, gitstore.Ancestor, gitstore.Descendant, gitstore.Diverged, gitstore.Unknown
	for _, c := range []struct {
		one, other gitstore.Relation
		want       order
	}{
		{s, s, same}, {s, o, older}, {s, n, newer}, {s, d, apart}, {s, u, unknown},
		{o, o, older}, {o, n, apart}, {o, d, apart}, {o, u, unknown},
		{n, n, newer}, {n, d, apart}, {n, u, unknown},
		{d, d, apart}, {d, u, apart},
		{u, u, unknown},
	} {
		for _, pair := range [][2]gitstore.Relation{{c.one, c.other}, {c.other, c.one}} {
			if got := combined(pair[0], pair[1]); got != c.want {
				t.Errorf("%s and %s: %d, want %d", pair[0], pair[1], got, c.want)
			}
		}
	}
	for relation, want := range relations {
		if got := combined(relation); got != want {
			t.Errorf("%s alone: %d, want %d", relation, got, want)
		}
	}
}

// TestCombineMovesForwardOnly: whatever else a third branch is, an image is older only where no branch says otherwise.
func TestCombineMovesForwardOnly(t *testing.T) {
	for a := range relations {
		for b := range relations {
			for c := range relations {
				got := combined(a, b, c)
				forward := true
				for _, r := range []gitstore.Relation{a, b, c} {
					forward = forward && (r == gitstore.Same || r == gitstore.Ancestor)
				}
				if (got == older || got == same) != forward {
					t.Errorf("%s, %s and %s: %d", a, b, c, got)
				}
			}
		}
	}
}

// TestCompare asks a storage: production is one, two, three; side comes from one.
func TestCompare(t *testing.T) {
	storage, commits := fourCommits(t)
	s := &Session{storage: storage}
	inputs := func(own, upstream string) Inputs {
		return Inputs{Distribution: "staging", Commit: commits[own], Upstreams: []InputBranch{{Distribution: "production", Commit: commits[upstream]}}}
	}
	ours := inputs("two", "two")
	for _, c := range []struct {
		own, upstream string
		want          order
	}{
		{"two", "two", same}, {"one", "two", older}, {"two", "one", older}, {"one", "one", older}, {"three", "two", newer}, {"two", "three", newer},
		{"three", "three", newer}, {"one", "three", apart}, {"three", "one", apart}, {"side", "two", apart}, {"two", "side", apart}, {"side", "one", apart},
		{"nowhere", "two", unknown}, {"two", "nowhere", unknown}, {"one", "nowhere", unknown}, {"three", "nowhere", unknown}, {"side", "nowhere", apart},
	} {
		if got, err := s.compare(t.Context(), inputs(c.own, c.upstream), ours); err != nil || got != c.want {
			t.Errorf("%s on %s: %d, %v, want %d", c.own, c.upstream, got, err, c.want)
		}
	}

	// Another distribution's image, and one of before the table had the upstream.
	other := inputs("one", "one")
	other.Distribution = "snapshot"
	if got, err := s.compare(t.Context(), other, ours); err != nil || got != apart {
		t.Errorf("another distribution: %d, %v", got, err)
	}
	alone := inputs("one", "three")
	alone.Upstreams = nil
	if got, err := s.compare(t.Context(), alone, ours); err != nil || got != older {
		t.Errorf("without upstream: %d, %v", got, err)
	}
	// The name of a branch may change.
	renamed := inputs("one", "two")
	renamed.Branch, renamed.Upstreams[0].Branch = "staging-2", "production-2"
	if got, err := s.compare(t.Context(), renamed, ours); err != nil || got != older {
		t.Errorf("renamed branches: %d, %v", got, err)
	}
}

// TestCompareTimes: where history can't tell, the later commits are the newer ones.
func TestCompareTimes(t *testing.T) {
	inputs := func(own, upstream int64) Inputs {
		return Inputs{Distribution: "staging", Time: at(own), Upstreams: []InputBranch{{Distribution: "production", Time: at(upstream)}}}
	}
	ours := inputs(2, 2)
	for _, c := range []struct {
		own, upstream int64
		want          order
	}{
		{2, 2, same}, {1, 2, older}, {2, 1, older}, {1, 1, older}, {3, 2, newer}, {2, 3, newer}, {3, 3, newer}, {1, 3, apart}, {3, 1, apart},
	} {
		if got := compareTimes(inputs(c.own, c.upstream), ours); got != c.want {
			t.Errorf("%d on %d: %d, want %d", c.own, c.upstream, got, c.want)
		}
	}
	alone := inputs(1, 3)
	alone.Upstreams = nil
	if got := compareTimes(alone, ours); got != older {
		t.Errorf("without upstream: %d", got)
	}
	elsewhere := inputs(2, 2)
	elsewhere.Time = elsewhere.Time.In(time.FixedZone("there", 7200))
	if got := compareTimes(elsewhere, ours); got != same {
		t.Errorf("the same times in another zone: %d", got)
	}
}

// fourCommits is a storage of them.
func fourCommits(t *testing.T) (*gitstore.Storage, map[string]object.ID) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@localhost", "GIT_AUTHOR_DATE=1700000000 +0000",
			"GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@localhost", "GIT_COMMITTER_DATE=1700000000 +0000")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--bare", ".")
	tree := git("mktree", "--missing")
	commits := map[string]object.ID{"nowhere": commitOf("e")}
	for _, c := range [][2]string{{"one", ""}, {"two", "one"}, {"three", "two"}, {"side", "one"}} {
		args := []string{"commit-tree", "-m", c[0], tree}
		if c[1] != "" {
			args = append(args, "-p", string(commits[c[1]]))
		}
		commits[c[0]] = object.ID(git(args...))
		git("update-ref", "refs/heads/"+c[0], string(commits[c[0]]))
	}
	storage, err := gitstore.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return storage, commits
}

func TestDescribe(t *testing.T) {
	id := strings.Repeat("4", 64)
	want := "snapshot aaaaaaaaaaaa on staging bbbbbbbbbbbb, production cccccccccccc; registry v1.31.1; inputs 444444444444"
	if got := describe(someInputs(), id); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	alone := Inputs{Distribution: "production", Commit: commitOf("c"), Registry: "v1.31.1"}
	if got, want := describe(alone, "4444"), "production cccccccccccc; registry v1.31.1; inputs 4444"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := describe(Inputs{}, ""), " ; registry ; inputs "; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestBackwardsErrorNamesBoth, and says what the one is to the other.
func TestBackwardsErrorNamesBoth(t *testing.T) {
	for _, c := range []struct {
		e    BackwardsError
		says string
	}{
		{BackwardsError{order: newer}, "is newer"},
		{BackwardsError{order: unknown, Unknown: true}, "STORAGE lacks"},
		{BackwardsError{order: apart}, "neither comes from the other"},
		{BackwardsError{order: same}, "neither comes from the other"}, // another image of the same commits came in between
		{BackwardsError{Foreign: true}, "another tool made it"},
	} {
		c.e.Tag, c.e.Published, c.e.Ours = "production", "production 111", "production 222"
		text := c.e.Error()
		for _, part := range []string{"tag production stays where it is", "the published image (production 111) ", c.says, "ours is production 222"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q lacks %q", text, part)
			}
		}
	}
}
