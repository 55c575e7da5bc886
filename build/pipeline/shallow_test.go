package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// published is a busy storage whose image of snapshot has been pushed from it, and how.
func publishedStorage(t *testing.T) (*storage, pipeline.Config, pipeline.Result) {
	s := busyStorage(t)
	config := s.config()
	config.Image, config.Published = imageRepository(t), true
	return s, config, push(t, config, "snapshot")
}

// shallow is a build in a clone that lacks most commits, on a machine that knows nothing.
func shallow(t *testing.T, s *storage, config pipeline.Config, depth int) (pipeline.Result, pipeline.Config) {
	t.Helper()
	there := elsewhere(t, config, s.clone("--depth", fmt.Sprint(depth)))
	return build(t, there, "snapshot"), there
}

// TestShallowClonePlansAsPublished: a clone without history plans as the image was planned that was pushed from one with
// all of it: the image is the same.
func TestShallowClonePlansAsPublished(t *testing.T) {
	s, config, first := publishedStorage(t)
	for _, depth := range []int{1, 2, 5} {
		there, _ := shallow(t, s, config, depth)
		sameLayers(t, fmt.Sprintf("depth %d", depth), there.Report, first.Report)
		if there.Digest != first.Digest || there.Report.InputsID != first.Report.InputsID {
			t.Errorf("depth %d: the image is %s of inputs %s, want %s of %s", depth, there.Digest, there.Report.InputsID, first.Digest,
				first.Report.InputsID)
		}
		if n := there.Report.Count(pipeline.FromPublished); n != len(first.Report.Layers) {
			t.Errorf("depth %d: %d of %d layers were taken from the image repository", depth, n, len(first.Report.Layers))
		}
	}
}

// TestShallowCloneWithNews: what came since the image was published is on top, as in a clone that has all commits.
func TestShallowCloneWithNews(t *testing.T) {
	for name, c := range map[string]struct {
		commits func(*storage)
		depths  []int // that are enough
		others  []int // that are not: packages are whole, but since when they are there is another time
	}{
		"one package": {func(s *storage) { s.commit("snapshot", add("quince/1.0.0", "new")) }, []int{1, 2, 3}, nil},
		"two, one after the other": {func(s *storage) {
			s.commit("snapshot", add("quince/1.0.0", "new"))
			s.commit("snapshot", add("quince/1.1.0", "newer"))
		}, []int{2, 3}, []int{1}},
		"one upstream": {func(s *storage) { s.commit("production", add("quince/1.0.0", "new")) }, []int{1, 2, 3}, nil},
		"one on each branch": {func(s *storage) {
			for _, branch := range []string{"snapshot", "production", "staging"} {
				s.commit(branch, add("quince_of_"+branch+"/1.0.0", "new"))
			}
		}, []int{1, 2, 3}, nil},
		"a removal": {func(s *storage) { s.commit("snapshot", remove("plum/1.3.0")) }, []int{1, 2, 3}, nil},
		"other bytes": {func(s *storage) {
			s.commit("snapshot", add("plum/1.3.0", bulk("plum", 90), "overwritten"))
		}, []int{1, 2, 3}, nil},
		"a promotion": {func(s *storage) {
			s.promote(add("plum/1.3.0", bulk("plum", 90), "plum 3"), "snapshot", "staging", nil)
		}, []int{1, 2, 3}, nil},
		"a promotion, and a package": {func(s *storage) {
			s.promote(add("plum/1.2.0", bulk("plum", 90), "plum 2"), "snapshot", "staging", nil)
			s.commit("snapshot", add("quince/1.0.0", "new"))
		}, []int{1, 2, 3}, nil},
		"a new package and its promotion": {func(s *storage) {
			s.commit("snapshot", add("quince/1.0.0", "new"))
			s.promote(add("quince/1.0.0", "new"), "snapshot", "production", nil)
		}, []int{2, 3}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			s, config, _ := publishedStorage(t)
			c.commits(s)
			full := build(t, config, "snapshot")
			for _, depth := range c.depths {
				there, _ := shallow(t, s, config, depth)
				sameLayers(t, fmt.Sprintf("depth %d", depth), there.Report, full.Report)
				if there.Digest != full.Digest || there.Report.InputsID != full.Report.InputsID {
					t.Errorf("depth %d: the image is %s, want %s", depth, there.Digest, full.Digest)
				}
			}
			for _, depth := range c.others {
				there, at := shallow(t, s, config, depth)
				if there.Report.Inputs.Arrivals == full.Report.Inputs.Arrivals {
					t.Errorf("depth %d is enough", depth)
				}
				at.Published = false // so that all layers are here
				at.Cache, at.Dist = t.TempDir(), t.TempDir()
				whole(t, at, build(t, at, "snapshot").Report, listing(t, config.Dist+"/snapshot")...)
			}
		})
	}
}

// TestShallowCloneTakesItsOwnImage: since when a package has been in production says little of when it came to snapshot.
func TestShallowCloneTakesItsOwnImage(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	config.Image, config.Published = imageRepository(t), true
	s.promote(add("plum/1.0.0", bulk("plum", 90), "plum 0"), "snapshot", "staging", nil)
	s.promote(add("plum/1.0.0", bulk("plum", 90), "plum 0"), "staging", "production", nil)
	first := map[string]pipeline.Result{}
	for _, name := range []string{"production", "staging", "snapshot"} {
		first[name] = push(t, config, name)
	}
	there := elsewhere(t, config, s.clone("--depth", "1"))
	for name, want := range first {
		there.Cache = t.TempDir()
		if now := build(t, there, name); now.Digest != want.Digest {
			t.Errorf("%s: the layers are\n%swant\n%s", name, listed(now.Report), listed(want.Report))
		}
	}
}

// TestShallowCloneWithoutImage: a clone without history builds an image where there is none, or none that can be asked.
// It has all packages.
func TestShallowCloneWithoutImage(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	full := build(t, config, "snapshot")
	there := elsewhere(t, config, s.clone("--depth", "1"))
	for _, c := range []struct {
		name, image string
		published   bool
		warns       string
	}{
		{"nobody asks", "", false, "is a shallow clone"},
		{"nothing is published", imageRepository(t), true, "is a shallow clone"},
		{"nobody answers", "127.0.0.1:1/distribution", true, "published images can't be read"},
	} {
		there.Image, there.Published = c.image, c.published
		there.Cache, there.Dist = t.TempDir(), t.TempDir()
		result, l := heard(t, there, "snapshot")
		whole(t, there, result.Report, listing(t, config.Dist+"/snapshot")...)
		if !said(l.warnings, c.warns) {
			t.Errorf("%s: nobody says so: %q", c.name, l.warnings)
		}
		if result.Report.InputsID == full.Report.InputsID {
			t.Errorf("%s: the inputs are those of a clone with history", c.name)
		}
		// What came before all others is below, the most upstream lowest.
		if lowest := result.Report.Layers[0]; !slices.Equal(lowest.Branches, []string{"production"}) {
			t.Errorf("%s: the lowest layer is of %v:\n%s", c.name, lowest.Branches, listed(result.Report))
		}
		if again := build(t, there, "snapshot"); again.Digest != result.Digest {
			t.Errorf("%s: the second time it is %s, not %s", c.name, again.Digest, result.Digest)
		}
	}
}

// TestShallowCloneKeepsNoHistory: what it knows of a commit depends on where it was cut off. Made whole, it plans as others do.
func TestShallowCloneKeepsNoHistory(t *testing.T) {
	s := busyStorage(t)
	config := s.config()
	full := build(t, config, "snapshot")
	there := elsewhere(t, config, s.clone("--depth", "1"))
	build(t, there, "snapshot")
	clone := &storage{t: t, dir: there.Storage}
	clone.git("fetch", "--quiet", "--unshallow", "file://"+s.dir, "snapshot", "staging", "production")
	if now := build(t, there, "snapshot"); now.Digest != full.Digest {
		t.Errorf("after git fetch --unshallow the layers are\n%swant\n%s", listed(now.Report), listed(full.Report))
	}
}
