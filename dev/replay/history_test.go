package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/object"
)

// branch makes commits of times; the ids end in the times.
func branch(times ...int64) []commit {
	var all []commit
	for _, at := range times {
		all = append(all, commit{object.ID(time.Unix(at, 0).UTC().Format("150405")), time.Unix(at, 0).UTC()})
	}
	return all
}

func heads(all []step, branch int) string {
	var ids []string
	for _, s := range all {
		ids = append(ids, strings.TrimLeft(string(s.heads[branch]), "0"))
	}
	return strings.Join(ids, " ")
}

func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		upstream, own []commit
		last          int
		want          string // upstream's heads
	}{
		"in turn":                    {branch(1, 3, 5), branch(2, 4, 6), 0, "1 3 5"},
		"at the same time":           {branch(1, 2), branch(2), 0, "2"},
		"upstream begins later":      {branch(3, 5), branch(1, 4), 0, "3 3"},
		"a clock that goes back":     {branch(1, 5), branch(2, 6, 3, 7), 0, "1 5 5 5"},
		"upstream's clock goes back": {branch(1, 9, 3), branch(4), 0, "3"},
		"the last ones":              {branch(1, 3, 5), branch(2, 4, 6), 1, "3 5"},
		"more than there are":        {branch(1), branch(2, 4), 9, "1 1"},
	} {
		got := steps([][]commit{c.upstream, c.own}, c.last)
		if heads(got, 0) != c.want {
			t.Errorf("%s: upstream is at %s, want %s", name, heads(got, 0), c.want)
		}
		for i, s := range got {
			if own := c.own[len(c.own)-len(got)+i]; s.heads[1] != own.id || s.id != own.id {
				t.Errorf("%s: step %d is at %s, want %s", name, i, s.heads[1], own.id)
			}
		}
	}
}

func TestParseCommits(t *testing.T) {
	id := strings.Repeat("a1", 20)
	got, err := parseCommits(id + " 60\n" + id + " 120\n")
	if want := []commit{{object.ID(id), time.Unix(60, 0).UTC()}, {object.ID(id), time.Unix(120, 0).UTC()}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, list := range []string{"commit " + id + "\n", id + "\n", id + " x\n"} {
		if _, err := parseCommits(list); err == nil {
			t.Errorf("%q was read", list)
		}
	}
}

func TestCompare(t *testing.T) {
	before := versions{"a/1": {"t1", "production"}, "a/2": {"t2", "staging"}, "b/1": {"t3", "staging"}, "c/1": {"t4", "staging"}}
	after := versions{"a/1": {"t1", "production"}, "a/2": {"t9", "staging"}, "b/1": {"t3", "production"}, "a/0": {"t1", "staging"}}
	got := compare(before, after)
	for what, pair := range map[string][2][]string{
		"added": {got.Added, {"a/0"}}, "overwritten": {got.Overwritten, {"a/2"}}, "moved": {got.Moved, {"b/1"}},
		"removed": {got.Removed, {"c/1"}}, "fresh": {got.fresh(), {"a/0", "a/2"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s are %v, want %v", what, pair[0], pair[1])
		}
	}
	if got.count() != 4 {
		t.Errorf("%d versions changed", got.count())
	}
	// An overwriting that is promoted at the same time is one: its bytes are new.
	if got := compare(versions{"a/1": {"t1", "staging"}}, versions{"a/1": {"t2", "production"}}); len(got.Overwritten) != 1 || got.count() != 1 {
		t.Errorf("%+v", got)
	}
}
