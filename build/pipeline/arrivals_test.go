package pipeline_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// bulk is text that makes a package some kilobytes large; equal names give equal bytes.
func bulk(name string, kilobytes int) string {
	source := rand.New(rand.NewPCG(uint64(len(name)), uint64(kilobytes)))
	var text strings.Builder
	for text.Len() < kilobytes<<10 {
		fmt.Fprintf(&text, "%s %x\n", name, source.Uint64())
	}
	return text.String()
}

// busyStorage has packages that came one after the other, in versions that share much and some that share nothing.
func busyStorage(t *testing.T) *storage {
	s := newStorage(t)
	var commits []commit
	for i := range 4 {
		commits = append(commits,
			commit{"production", add(fmt.Sprintf("apple/1.%d.0", i), bulk("apple", 90), fmt.Sprint("apple ", i))},
			commit{"staging", add(fmt.Sprintf("pear/1.%d.0", i), bulk(fmt.Sprint("pear ", i), 30))},
			commit{"snapshot", add(fmt.Sprintf("plum/1.%d.0", i), bulk("plum", 90), fmt.Sprint("plum ", i))})
	}
	s.commitAll(commits)
	return s
}

// TestPromotionMovesNoPackage: a package that was added upstream before it was removed downstream stays in its layer, at
// each step and all the way. The downstream image has the same layers of packages byte for byte.
func TestPromotionMovesNoPackage(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	before := build(t, config, "snapshot").Report
	whole(t, config, before)
	if len(before.Layers) < 3 {
		t.Fatalf("there are too few layers to see anything:\n%s", listed(before))
	}
	commit := before.Inputs.Commit
	for _, promoted := range []struct {
		change
		name string
	}{
		{add("plum/1.1.0", bulk("plum", 90), "plum 1"), "one in the middle"},
		{add("first_of_snapshot/1.0.0", "here from the start"), "one that was there from the start"},
		{add("plum/1.3.0", bulk("plum", 90), "plum 3"), "the last one"},
	} {
		for _, step := range [][2]string{{"snapshot", "staging"}, {"staging", "production"}} {
			what := promoted.name + ", " + step[0] + " to " + step[1]
			s.promote(promoted.change, step[0], step[1], func() {
				now := build(t, config, "snapshot").Report
				sameLayers(t, what+", while it is on both", now, before)
			})
			now := build(t, config, "snapshot").Report
			sameLayers(t, what, now, before)
			whole(t, config, now)
			if now.Count(pipeline.FromBuild) > 0 {
				t.Errorf("%s: %d layers were built", what, now.Count(pipeline.FromBuild))
			}
			if now.Inputs.Arrivals != before.Inputs.Arrivals {
				t.Errorf("%s: arrivals are %s, want %s", what, now.Inputs.Arrivals, before.Inputs.Arrivals)
			}
		}
	}
	now := build(t, config, "snapshot").Report
	if now.Inputs.Commit == commit || now.InputsID == before.InputsID {
		t.Error("the image does not say that it is of another commit")
	}
	if branches := now.Layers[0].Branches; !slices.Contains(branches, "production") {
		t.Errorf("the lowest layer is of %v", branches)
	}
	// Nobody who knows nothing of the images of before makes others.
	sameLayers(t, "on another machine", build(t, elsewhere(t, config, s.clone()), "snapshot").Report, before)
}

// TestPromotionIsAnArrivalUpstream: in the image of the distribution that it came to, it is new, and on top.
func TestPromotionIsAnArrivalUpstream(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	before := build(t, config, "production").Report
	s.promote(add("plum/1.0.0", bulk("plum", 90), "plum 0"), "snapshot", "staging", nil)
	s.promote(add("plum/1.0.0", bulk("plum", 90), "plum 0"), "staging", "production", nil)
	now := build(t, config, "production").Report
	onTop(t, "production", now, before, 0)
	if top := now.Layers[len(now.Layers)-1]; !slices.Equal(top.Packages, []string{"plum/1.0.0"}) {
		t.Errorf("on top is %v", top.Packages)
	}
	whole(t, config, now)
}

// TestPromotionWithABreak: what was gone downstream before it came upstream was not there in between; it is on top again.
func TestPromotionWithABreak(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	s.commit("snapshot", remove("plum/1.1.0"))
	s.commit("staging", add("plum/1.1.0", bulk("plum", 90), "plum 1"))
	now := build(t, config, "snapshot").Report
	whole(t, config, now)
	if top := now.Layers[len(now.Layers)-1]; !slices.Contains(top.Packages, "plum/1.1.0") {
		t.Errorf("on top is %v:\n%s", top.Packages, listed(now))
	}
}

// TestAddedVersionIsOnTop: all layers below are as they were.
func TestAddedVersionIsOnTop(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	before := build(t, config, "snapshot").Report
	for _, branch := range []string{"production", "staging", "snapshot"} {
		path := "quince_of_" + branch + "/1.0.0"
		s.commit(branch, add(path, bulk(path, 20)))
		now := build(t, config, "snapshot").Report
		onTop(t, "added to "+branch, now, before, 0)
		if top := now.Layers[len(now.Layers)-1]; !slices.Equal(top.Packages, []string{path}) || !slices.Equal(top.Branches, []string{branch}) {
			t.Errorf("on top is %v of %v", top.Packages, top.Branches)
		}
		if built := now.Count(pipeline.FromBuild); built != 1 {
			t.Errorf("added to %s: %d layers were built", branch, built)
		}
		whole(t, config, now)
		before = now
	}
}

// TestOverwrittenPackage: the bytes of before are in no layer, those of now on top.
func TestOverwrittenPackage(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	before := build(t, config, "snapshot").Report
	s.commit("snapshot", add("plum/1.0.0", bulk("plum", 90), "overwritten"))
	now := build(t, config, "snapshot").Report
	whole(t, config, now, listing(t, filepath.Join(config.Dist, "snapshot"))...)
	if in := layerOf(t, before, "plum/1.0.0"); in == layerOf(t, now, "plum/1.0.0") {
		t.Errorf("it is in the layer of before:\n%s", listed(now))
	}
	if got := files(t, config, now)["plum/1.0.0/docs/1.md"]; !slices.Equal(got, []string{"overwritten"}) {
		t.Errorf("the file is %q", got)
	}
	// Put back, it is another arrival: the image was without it.
	s.commit("snapshot", add("plum/1.0.0", bulk("plum", 90), "plum 0"))
	again := build(t, config, "snapshot").Report
	whole(t, config, again)
	if got := files(t, config, again)["plum/1.0.0/docs/1.md"]; !slices.Equal(got, []string{"plum 0"}) {
		t.Errorf("the file is %q", got)
	}
	if again.Inputs.Arrivals == before.Inputs.Arrivals {
		t.Error("the arrivals are those of before the overwriting")
	}
}

// TestShadowedByOtherBytes: upstream's copy wins, and since when that has been there counts.
func TestShadowedByOtherBytes(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	build(t, config, "snapshot")
	s.commit("production", add("plum/1.0.0", "released"))
	now := build(t, config, "snapshot").Report
	whole(t, config, now)
	if got := files(t, config, now)["plum/1.0.0/docs/0.md"]; !slices.Equal(got, []string{"released"}) {
		t.Errorf("there are %d copies of the file: %.20q", len(got), got)
	}
	if top := now.Layers[len(now.Layers)-1]; !slices.Equal(top.Packages, []string{"plum/1.0.0"}) {
		t.Errorf("on top is %v", top.Packages)
	}
}

// TestRemovedPackage: it is in no layer, nor is anything of it.
func TestRemovedPackage(t *testing.T) {
	for _, path := range []string{"first_of_production/1.0.0", "pear/1.2.0", "plum/1.3.0"} {
		s := busyStorage(t)
		config := s.config()
		before := build(t, config, "snapshot").Report
		branch := map[string]string{"first_of_production/1.0.0": "production", "pear/1.2.0": "staging", "plum/1.3.0": "snapshot"}[path]
		s.commit(branch, remove(path))
		now := build(t, config, "snapshot").Report
		left := listing(t, filepath.Join(config.Dist, "snapshot"))
		if slices.Contains(left, path) {
			t.Fatalf("%s is still in packages.json", path)
		}
		whole(t, config, now, left...)
		for name := range files(t, config, now) {
			if strings.HasPrefix(name, path+"/") {
				t.Errorf("%s is in the image", name)
			}
		}
		if in := layerOf(t, before, path); slices.Contains(digests(now), in) {
			t.Errorf("the layer that %s was in is still there:\n%s", path, listed(now))
		}
		// Back again it has not been there all the time.
		file := map[string]change{
			"first_of_production/1.0.0": add(path, "here from the start"), "pear/1.2.0": add(path, bulk("pear 2", 30)),
			"plum/1.3.0": add(path, bulk("plum", 90), "plum 3"),
		}[path]
		s.commit(branch, file)
		again := build(t, config, "snapshot").Report
		whole(t, config, again)
		if top := again.Layers[len(again.Layers)-1]; !slices.Contains(top.Packages, path) {
			t.Errorf("%s is back, and on top is %v", path, top.Packages)
		}
	}
}

// TestRemovalLeavesOtherLayersAlone, where nothing is to be saved by a merge.
func TestRemovalLeavesOtherLayersAlone(t *testing.T) {
	s := newStorage(t)
	for i := range 4 {
		s.commit("staging", add(fmt.Sprintf("pear/1.%d.0", i), fmt.Sprint("pear ", i)), add(fmt.Sprintf("plum/1.%d.0", i), fmt.Sprint("plum ", i)))
	}
	config := s.config()
	before := build(t, config, "snapshot").Report
	s.commit("staging", remove("pear/1.1.0"))
	s.commit("staging", remove("pear/1.2.0"), remove("plum/1.2.0"))
	now := build(t, config, "snapshot").Report
	whole(t, config, now)
	if now.Count(pipeline.FromBuild) != 1 || len(now.Layers) != len(before.Layers)-1 {
		t.Errorf("%d layers were built:\n%sfrom\n%s", now.Count(pipeline.FromBuild), listed(now), listed(before))
	}
}

// TestRewrittenBranch: a branch that was pushed by force is built like any other; what is known of its old commits is of
// no harm.
func TestRewrittenBranch(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	build(t, config, "snapshot")
	// Two commits back, and on from there.
	s.commitOn(s.clock+600, "snapshot", s.git("rev-parse", "snapshot~2"), add("quince/1.0.0", "new"))
	now := build(t, config, "snapshot").Report
	whole(t, config, now)
	if names := listing(t, filepath.Join(config.Dist, "snapshot")); slices.Contains(names, "plum/1.3.0") || !slices.Contains(names, "quince/1.0.0") {
		t.Errorf("there are %v", names)
	}
	sameLayers(t, "on another machine", build(t, elsewhere(t, config, s.clone()), "snapshot").Report, now)
	// And a history of its own, with one commit.
	s.commitOn(s.clock+1200, "snapshot", "", add("medlar/1.0.0", "alone"), add("plum/1.0.0", bulk("plum", 90), "plum 0"))
	now = build(t, config, "snapshot").Report
	whole(t, config, now)
	sameLayers(t, "on another machine", build(t, elsewhere(t, config, s.clone()), "snapshot").Report, now)
}

// TestUncommittedIsOnTop: packages of WITH lie on top of all others, and move none of them.
func TestUncommittedIsOnTop(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	before := build(t, config, "snapshot").Report
	folder := func(path string, contents ...string) string {
		dir := t.TempDir()
		for name, content := range add(path, contents...).files {
			at := filepath.Join(dir, filepath.FromSlash(path), filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	with := config
	with.Dist = t.TempDir()
	with.With = folder("quince/1.0.0", "not committed")
	now := build(t, with, "snapshot").Report
	whole(t, with, now)
	onTop(t, "a new package", now, before, 0)
	if top := now.Layers[len(now.Layers)-1]; !slices.Equal(top.Packages, []string{"quince/1.0.0"}) || now.Count(pipeline.FromBuild) != 1 {
		t.Errorf("on top is %v, %d layers were built", top.Packages, now.Count(pipeline.FromBuild))
	}
	// In the place of a package that is there already, old or new.
	for _, path := range []string{"first_of_snapshot/1.0.0", "plum/1.3.0"} {
		with.With = folder(path, "not committed")
		now = build(t, with, "snapshot").Report
		whole(t, with, now)
		if top := now.Layers[len(now.Layers)-1]; !slices.Equal(top.Packages, []string{path}) {
			t.Errorf("on top is %v, want %s", top.Packages, path)
		}
		if got := files(t, with, now)[path+"/docs/0.md"]; !slices.Equal(got, []string{"not committed"}) {
			t.Errorf("the file is %.40q", got)
		}
	}
	// Nothing of it is left.
	with.With = ""
	sameLayers(t, "without WITH again", build(t, with, "snapshot").Report, before)
}

// TestAnyHistory: whatever comes, goes and is promoted, a promotion leaves the layers of packages alone, each package is
// in one layer, and a machine that starts from nothing makes the same image.
func TestAnyHistory(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 17))
			s := newStorage(t)
			config := s.config()
			config.DryRun = true // a layer's key is of all that is in it
			chain := []string{"snapshot", "staging", "production"}
			on := map[string]map[string]change{"snapshot": {}, "staging": {}, "production": {}}
			versions := 0
			pick := func(branch string) (string, bool) {
				paths := slices.Sorted(maps.Keys(on[branch]))
				if len(paths) == 0 {
					return "", false
				}
				return paths[random.IntN(len(paths))], true
			}
			keys := func(c pipeline.Config) (keys []string, report pipeline.BuildReport) {
				report = build(t, c, "snapshot").Report
				in := map[string]bool{}
				for _, l := range report.Layers {
					keys = append(keys, l.Key)
					for _, p := range l.Packages {
						if in[p] {
							t.Fatalf("%s is in two layers", p)
						}
						in[p] = true
					}
				}
				for _, branch := range chain {
					for path := range on[branch] {
						if !in[path] {
							t.Fatalf("%s of %s is in no layer", path, branch)
						}
						delete(in, path)
					}
				}
				for _, branch := range chain {
					delete(in, "first_of_"+branch+"/1.0.0")
				}
				if len(in) > 0 {
					t.Fatalf("the layers have %v, which no branch has", in)
				}
				return keys, report
			}
			for step := range 40 {
				before, was := keys(config)
				switch do := random.IntN(10); {
				case do < 5:
					versions++
					family := fmt.Sprint("f", random.IntN(5))
					c := add(fmt.Sprintf("%s/1.%d.0", family, versions), bulk(family, 100*random.IntN(3)), fmt.Sprint(versions))
					branch := chain[min(random.IntN(4), 2)]
					s.commit(branch, c)
					on[branch][c.path] = c
				case do < 8:
					from := random.IntN(2)
					path, ok := pick(chain[from])
					if !ok {
						continue
					}
					c := on[chain[from]][path]
					s.promote(c, chain[from], chain[from+1], nil)
					delete(on[chain[from]], path)
					on[chain[from+1]][path] = c
					if now, is := keys(config); !slices.Equal(now, before) {
						t.Fatalf("step %d: the promotion of %s made\n%sof\n%s", step, path, listed(is), listed(was))
					}
				default:
					branch := chain[random.IntN(3)]
					path, ok := pick(branch)
					if !ok {
						continue
					}
					s.commit(branch, remove(path))
					delete(on[branch], path)
				}
			}
			now, is := keys(config)
			if there, other := keys(elsewhere(t, config, s.clone())); !slices.Equal(now, there) || is.InputsID != other.InputsID {
				t.Errorf("here:\n%sthere:\n%s", listed(is), listed(other))
			}
		})
	}
}

// layerOf is the digest of the layer that a package is in.
func layerOf(t *testing.T, report pipeline.BuildReport, path string) string {
	t.Helper()
	for _, l := range report.Layers {
		if slices.Contains(l.Packages, path) {
			return l.Digest
		}
	}
	t.Fatalf("%s is in no layer", path)
	return ""
}

// files are the contents of each file of packages, one for each layer that has it.
func files(t *testing.T, config pipeline.Config, report pipeline.BuildReport) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, l := range report.Layers {
		blob := filepath.Join(config.Dist, report.Inputs.Distribution, "image", "blobs", strings.ReplaceAll(l.Digest, ":", "/"))
		for name, content := range entries(t, blob) {
			found[name] = append(found[name], content)
		}
	}
	return found
}
