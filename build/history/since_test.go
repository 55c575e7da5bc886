package history_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/object"
)

func TestSince(t *testing.T) {
	for _, c := range []struct {
		what string
		// chain is a history for each branch, the most upstream first.
		chain []string
		// want is the answer for a/1 with the tree x; -1 where it is not there.
		want int64
	}{
		{"no branch", nil, -1},
		{"not there", []string{"50: b/1=x"}, -1},
		{"with another tree", []string{"50: a/1=y"}, -1},
		{"gone", []string{"50: | 60: a/1=x | 70:"}, -1},
		{"gone since the first commit", []string{"50: a/1=x | 60:"}, -1},
		{"gone from all branches", []string{"50: | 60: a/1=x | 80:", "50: a/1=x | 70:"}, -1},
		{"overwritten", []string{"50: | 60: a/1=x | 70: a/1=y"}, -1},

		{"in the first commit", []string{"50: a/1=x"}, 0},
		{"in that of the second branch", []string{"50: b/1=y", "40: a/1=x", "30: b/1=y"}, 1},
		{"in that of the third branch", []string{"50:", "40:", "30: a/1=x"}, 2},
		{"in those of two branches", []string{"50:", "40: a/1=x", "30: a/1=x"}, 1},
		{"added", []string{"50: | 60: a/1=x"}, 60},
		{"added to two branches", []string{"50: | 90: a/1=x", "50: | 60: a/1=x"}, 60},
		{"overwritten, and then as asked", []string{"50: a/1=y | 60: a/1=x"}, 60},
		{"overwritten twice, as before", []string{"50: a/1=x | 60: a/1=y | 70: a/1=x"}, 70},
		{"re-added", []string{"50: | 60: a/1=x | 70: | 80: a/1=x"}, 80},
		{"re-added twice", []string{"50: a/1=x | 60: | 70: a/1=x | 80: | 90: a/1=x"}, 90},
		{"beside another tree upstream", []string{"50: a/1=y", "50: | 60: a/1=x"}, 60},
		{"beside another tree downstream", []string{"50: | 60: a/1=x", "50: a/1=y"}, 60},

		// A step of more than 30 days (2,592,000 s) is a wrong clock's if a commit of before comes after it.
		{"after a commit of the future", []string{"1000: | 4000000000: b/1=y | 9000: a/1=x"}, 9001},
		{"a commit of the future", []string{"1000: | 4000000000: a/1=x | 9000: a/1=x b/1=y"}, 9000},
		{"before a commit of the future", []string{"1000: | 1500: a/1=x | 4000000000: a/1=x b/1=y | 9000: a/1=x"}, 1500},
		{"gone in the future", []string{"1000: | 5000: a/1=x", "1000: | 2000: a/1=x | 4000000000: | 9000: b/1=y"}, 2000},
		{"after a time of rest", []string{"1000: | 9000000: b/1=y | 9000100: a/1=x"}, 9000100},
		{"a commit of long ago", []string{"9000: | 9100: b/1=y | 5: a/1=x"}, 9101},
		{"a commit of long ago after a time of rest", []string{"9000: | 9000000: b/1=y | 5: a/1=x"}, 9000001},
		{"a time that no clock shows", []string{"9000: | 9223372036854775807: b/1=y | 9223372036854775807: a/1=x"}, 1<<40 + 1},

		{"promoted: added upstream, then removed", []string{"50: | 70: a/1=x", "50: | 60: a/1=x | 80:"}, 60},
		{"promoted at one time", []string{"50: | 70: a/1=x", "50: | 60: a/1=x | 70:"}, 60},
		{"promoted: removed, then added upstream", []string{"50: | 80: a/1=x", "50: | 60: a/1=x | 70:"}, 80},
		{"promoted and still there", []string{"50: | 70: a/1=x", "50: | 60: a/1=x"}, 60},
		{"promoted from the first commit", []string{"50: | 70: a/1=x", "50:", "50: a/1=x | 80:"}, 2},
		{"promoted twice", []string{"50: | 80: a/1=x", "50: | 70: a/1=x | 90:", "50: | 60: a/1=x | 75:"}, 60},
		{"promoted twice, with a break at first", []string{"50: | 80: a/1=x", "50: | 70: a/1=x | 90:", "50: | 60: a/1=x | 65:"}, 70},
		{"promoted twice, with a break at last", []string{"50: | 95: a/1=x", "50: | 70: a/1=x | 90:", "50: | 60: a/1=x | 75:"}, 95},
		{"moved downstream", []string{"50: | 60: a/1=x | 80:", "50: | 70: a/1=x"}, 60},
		{"a break on one branch, bridged by the other", []string{"50: | 60: a/1=x | 70: | 90: a/1=x", "50: | 65: a/1=x | 95:"}, 60},
		{"short stays within a long one", []string{"50: | 60: a/1=x", "50: | 70: a/1=x | 80: | 85: a/1=x | 90:"}, 60},
		{"a long stay that ends before short ones", []string{"50: | 51: a/1=x | 90:", "50: | 60: a/1=x | 70: | 80: a/1=x | 95: | 99: a/1=x"}, 99},
		{"promoted with another tree", []string{"50: | 70: a/1=x", "50: | 60: a/1=y | 80:"}, 70},
		{"promoted as another version", []string{"50: | 70: a/1=x", "50: | 60: a/2=x | 80:"}, 70},
	} {
		var logs []history.Log
		for _, branch := range c.chain {
			r := newRepository()
			logs = append(logs, follow(t, r, history.Log{}, r.commits(strings.Split(branch, " | ")...)))
		}
		since := history.NewSince(logs, false)
		for range 2 { // an answer is for ever
			got, ok := since.Of("a/1", "x")
			if ok != (c.want >= 0) || ok && got != c.want {
				t.Errorf("%s: since %d, %v; want %d", c.what, got, ok, c.want)
			}
		}
	}
}

// TestSinceGoesBackUntilABreak: on random histories of three branches, second by second.
func TestSinceGoesBackUntilABreak(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		const end = 40
		there := make([]bool, end) // at a second, on any branch
		var logs []history.Log
		from := int64(end)
		for place := range 3 {
			r := newRepository()
			var lines []string
			at := 1 // the first commit is in the first second
			for at < end {
				next := min(end, at+1+random.IntN(20))
				line := strconv.Itoa(at) + ": b/1=y"
				if random.IntN(2) == 0 {
					line += " a/1=x"
					for second := at; second < next; second++ {
						there[second] = true
					}
					if at == 1 {
						from = min(from, int64(place))
					}
				}
				lines, at = append(lines, line), next
			}
			logs = append(logs, follow(t, r, history.Log{}, r.commits(lines...)))
		}
		want := int64(-1)
		if there[end-1] {
			want = int64(end - 1)
			for want > 1 && there[want-1] {
				want--
			}
			if want == 1 {
				want = from
			}
		}
		got, ok := history.NewSince(logs, false).Of("a/1", "x")
		if ok != (want >= 0) || ok && got != want {
			var said []string
			for _, log := range logs {
				said = append(said, stays(log))
			}
			t.Fatalf("seed %d: since %d, %v; want %d\n%s", seed, got, ok, want, strings.Join(said, "\n"))
		}
	}
}

func TestSinceOfEachPackage(t *testing.T) {
	r := newRepository()
	log := follow(t, r, history.Log{}, r.commits("50: a/1=x", "60: a/1=x a/2=x b/1=y", "70: a/2=x b/1=z"))
	since := history.NewSince([]history.Log{log}, false)
	var got []int64
	for _, key := range []struct {
		path string
		tree object.ID
	}{{"a/1", "x"}, {"a/2", "x"}, {"b/1", "y"}, {"b/1", "z"}, {"b/2", "y"}, {"", ""}, {"b", "x"}} {
		at, ok := since.Of(key.path, key.tree)
		if !ok {
			at = -1
		}
		got = append(got, at)
	}
	if want := []int64{-1, 60, -1, 70, -1, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
