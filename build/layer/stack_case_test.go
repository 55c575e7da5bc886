package layer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/layer"
)

// arrived are the parts of a history: "a/1:20 b/1:4.5 | a/2:4-3" are two commits; a/2 is of 4 MB, 3 of which it shares with
// a/1. No compression makes them smaller. A third word of a path is a piece's.
func arrived(t testing.TB, history string) []layer.Part {
	t.Helper()
	number := func(text string) int64 {
		mb, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return int64(mb * (1 << 20))
	}
	var parts []layer.Part
	for since, commit := range strings.Split(history, " | ") {
		for order, word := range strings.Fields(commit) {
			path, measures, _ := strings.Cut(word, ":")
			whole, shared, _ := strings.Cut(measures, "-")
			p := layer.Part{Path: path, ID: hash(path), Since: int64(since), Order: order, Size: number(whole)}
			words := strings.SplitN(path, "/", 3)
			p.Family = strings.Join(append(words[:1:1], words[2:]...), "/")
			p.Packed, p.Delta, p.PackedDelta = p.Size, p.Size, p.Size
			if shared != "" {
				p.Delta, p.PackedDelta = p.Size-number(shared), p.Packed-number(shared)
			}
			parts = append(parts, p)
		}
	}
	return parts
}

// TestStack goes through the rules one by one. Expected layers were worked out by hand.
func TestStack(t *testing.T) {
	for _, c := range []struct{ rule, history, want string }{
		{"little is one layer", "a/1:0.5 b/1:0.5 c/1:0.5", "a/1 b/1 c/1"},
		{"what comes lies on top", "a/1:1 | b/1:1 | c/1:1", "a/1 | b/1 | c/1"},
		{"by arrival, not by name", "c/1:1 | b/1:1 | a/1:1", "c/1 | b/1 | a/1"},

		// The lowest layer of what comes together is a quarter of it (here 10 of 40), and so on to 2 MB. A family is taken
		// as long as half of it fits.
		{"quarters", "a/1:5 b/1:5 c/1:5 d/1:5 e/1:5 f/1:5 g/1:5 h/1:5", "a/1 b/1 | c/1 d/1 | e/1 | f/1 | g/1 | h/1"},
		{"no smaller than 2 MB", "a/1:1 b/1:1 c/1:1 d/1:1 e/1:1", "a/1 b/1 | c/1 d/1 | e/1"},
		{"nor than a 32nd of the image", "y/1:80 z/1:80 | a/1:3 b/1:3", "y/1 | z/1 | a/1 b/1"},
		{"half of a family fits", "a/1:1 b/1:2 c/1:1", "a/1 b/1 | c/1"},
		{"more than half does not", "a/1:1 b/1:2.1 c/1:0.9", "a/1 | b/1 | c/1"},

		// Waste is arrivals times the newest version over the family: a 3*3/3.4, b 1, c 2*3/4.
		{"what will make waste lies higher", "a/1:3 a/2:3-2.8 a/3:3-2.8 b/1:3 c/1:3 c/2:3-2", "b/1 | c/1 c/2 | a/1 a/2 a/3"},
		{"small new versions of a large family make little", "a/1:9 a/2:1 b/1:3", "a/1 a/2 | b/1"}, // a 2*1/10, b 1

		// a/2 and a/1 together are 4+4-s; it costs what they are without the 4 that come anyway.
		{"a merge that is worth it", "z/1:20 | a/1:4 | a/2:4-3", "z/1 | a/1 a/2"},
		{"a merge that is not", "z/1:20 | a/1:4 | a/2:4-1", "z/1 | a/1 | a/2"}, // it saves 1 for 3
		{"half of what it costs is enough", "z/1:20 | a/1:3 | a/2:3-1", "z/1 | a/1 a/2"},
		{"less is not", "z/1:20 | a/1:3 | a/2:3-0.99", "z/1 | a/1 | a/2"},
		{"what has nothing in common stays", "z/1:20 | a/1:4 | b/1:4", "z/1 | a/1 | b/1"},
		{"layers between go along", "z/1:20 | a/1:4 | b/1:1 | a/2:4-3", "z/1 | b/1 | a/1 a/2"},     // it saves 3 for 2
		{"unless they are too large", "z/1:20 | a/1:4 | b/1:6 | a/2:4-3", "z/1 | a/1 | b/1 | a/2"}, // 3 for 7
		{"what nothing came to is not merged", "z/1:90 | a/1:3 | a/2:3-0.9 | b/1:0.1", "z/1 | a/1 | a/2 | b/1"},

		// 12+12-11 = 13 is merged; the image is 13+z then.
		{"half of the image", "z/1:13 | a/1:12 | a/2:12-11", "z/1 | a/1 a/2"},
		{"more than half of the image", "z/1:12.9 | a/1:12 | a/2:12-11", "z/1 | a/1 | a/2"},
		{"never the lowest layer", "a/1:3 | a/2:3-3", "a/1 | a/2"},

		// b alone gains 3.9 for 0.1, with a it is 3.9+2 for 2.1.
		{"the best merge", "z/1:30 | a/1:4 | b/1:4 | a/2:4-2 b/2:4-3.9", "z/1 | a/1 | b/1 b/2 | a/2"},
		// y makes the image more than 1.35 times as large as one layer would be: 26 to 14.8, and 60.1 to 44.2.
		{"in a fat image half is enough, too", "y/1:11 | y/2:11-10.5 | b/1:2 | b/2:2-0.67", "y/1 | y/2 | b/1 b/2"},
		{"and less is not", "y/1:11 | y/2:11-10.5 | b/1:2 | b/2:2-0.66", "y/1 | y/2 | b/1 | b/2"},
		{
			"in a fat image the largest merge", "y/1:30 | y/2:30-29 | a/1:4 | b/1:4 | a/2:4-2 b/2:4-3.9",
			"y/1 | y/2 | a/1 a/2 | b/1 b/2",
		},

		// More than MaxPart of 90 MB.
		{"a family that is too large", "a/1:40 a/2:40 a/3:40", "a/1 a/2 | a/3"},
		{"it is cut only where it must be", "a/1:60 a/2:60-55 a/3:60-55 a/4:60-55", "a/1 a/2 a/3 a/4"},
		{"a run's first part counts whole", "a/1:60 a/2:60-29 a/3:60-30 a/4:60-1", "a/1 | a/2 a/3 | a/4"},
		{"a part that is too large alone", "a/1:10 a/2:200 a/3:10", "a/1 | a/2 | a/3"},
		{"families that are too large together", "a/1:50 b/1:50 c/1:300", "a/1 | b/1 | c/1"},
		{
			"pieces of packages", "z/1:300 | huge/1/a:40 huge/1/b:60 | huge/2/a:40-39.5 huge/2/b:60-1",
			"z/1 | huge/1/b | huge/2/b | huge/1/a huge/2/a",
		},
		{ // no two of a have room in a layer: a merge would save nothing, and each commit would move all of them up
			"what can't be put together is left alone", "z/1:400 | a/1:60 | a/2:60-29 | a/3:60-29 | a/4:60-29 | b/1:1 | c/1:1",
			"z/1 | a/1 | a/2 | a/3 | a/4 | b/1 | c/1",
		},
	} {
		if got := said(plan(t, arrived(t, c.history), many)...); got != c.want {
			t.Errorf("%s: %s makes\n%s, want\n%s", c.rule, c.history, got, c.want)
		}
	}
}

// TestTooManyLayers: those are merged that cost least for each layer that is spared, within half of the image.
func TestTooManyLayers(t *testing.T) {
	for _, c := range []struct {
		rule, history string
		most          int
		want          string
	}{
		{"as many as allowed", "a/1:1 | b/1:0.5 | c/1:0.3", 3, "a/1 | b/1 | c/1"},
		{"the two on top", "a/1:1 | b/1:0.5 | c/1:0.3 | d/1:0.1", 3, "a/1 | b/1 | c/1 d/1"},
		{"three, if each costs less then", "a/1:3 | b/1:0.4 | c/1:0.3 | d/1:0.2", 3, "a/1 | b/1 c/1 d/1"},  // 0.5 for 1, 0.9 for 2
		{"two, if the third is large", "a/1:3 | b/1:0.6 | c/1:0.3 | d/1:0.2", 3, "a/1 | b/1 | c/1 d/1"},    // 0.5 for 1, 1.1 for 2
		{"what would be cut again spares less", "a/1:9 | b/1:3 | c/1:1 | d/1:1", 3, "a/1 | b/1 | c/1 d/1"}, // 2 for 1, 5 for none
		{"not the lowest half", "a/1:0.4 | b/1:0.3 | c/1:0.2 | d/1:0.1", 3, "a/1 | b/1 | c/1 d/1"},
		{"unless there is no other way", "a/1:0.1 | b/1:0.9", 1, "a/1 b/1"},
		{"not less than a layer has room for", "a/1:9 | b/1:1 | c/1:0.7 | d/1:0.1", 3, "a/1 | b/1 | c/1 d/1"},
	} {
		if got := said(plan(t, arrived(t, c.history), c.most)...); got != c.want {
			t.Errorf("%s: %s, at most %d:\n%s, want\n%s", c.rule, c.history, c.most, got, c.want)
		}
	}
}

// TestLimitIsForWhatIsNotPacked: what packs well is put together as long as it would fit if it did not.
func TestLimitIsForWhatIsNotPacked(t *testing.T) {
	parts := arrived(t, "a/1:40 b/1:48 c/1:2.1 d/1:80")
	for i := range parts {
		parts[i].Packed, parts[i].PackedDelta = 1000, 1000
	}
	if got, want := said(plan(t, parts, many)...), "a/1 b/1 | c/1 d/1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
