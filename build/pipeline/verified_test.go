package pipeline_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

func verified(t *testing.T, config pipeline.Config, distribution string) pipeline.VerifyResult {
	t.Helper()
	var result pipeline.VerifyResult
	within(t, config, silent{}, func(ctx context.Context, session *pipeline.Session) (err error) {
		result, err = session.Verify(ctx, distribution)
		return err
	})
	return result
}

// TestVerifyByRecordedArrivals: a published image can be built again wherever its commits are, be their history there or
// not: it says itself by which arrivals it was planned.
func TestVerifyByRecordedArrivals(t *testing.T) {
	s, config, first := publishedStorage(t)
	s.git("branch", "kept", "snapshot")
	clones := map[string]string{
		"the same": s.dir, "a whole clone": s.clone(), "depth 1": s.clone("--depth", "1"), "depth 2": s.clone("--depth", "2"),
		"without files": s.clone("--filter=blob:none"), "with neither": s.clone("--depth", "1", "--filter=blob:none"),
	}
	for clone, dir := range clones {
		r := verified(t, elsewhere(t, config, dir), "snapshot")
		if !r.Verified() || r.Rebuilt != r.Published || r.Published != first.Digest || r.Equal != r.Layers {
			t.Errorf("%s: %+v", clone, r)
		}
	}
	// Whatever comes afterwards: a promotion, a package, a branch that is written anew.
	s.promote(add("plum/1.2.0", bulk("plum", 90), "plum 2"), "snapshot", "production", nil)
	s.commitOn(s.clock, "snapshot", "", add("quince/1.0.0", "alone"))
	for clone, dir := range map[string]string{"the same": s.dir, "a whole clone": s.clone()} {
		if r := verified(t, elsewhere(t, config, dir), "snapshot"); !r.Verified() || r.Rebuilt != first.Digest {
			t.Errorf("%s, later: %+v", clone, r)
		}
	}
	var missing *pipeline.MissingCommitError
	err := tried(t, elsewhere(t, config, s.clone("--depth", "1")), silent{}, func(ctx context.Context, session *pipeline.Session) error {
		_, err := session.Verify(ctx, "snapshot")
		return err
	})
	if !errors.As(err, &missing) {
		t.Errorf("without the commits: %v", err)
	}
	// The session builds what is there now again.
	within(t, elsewhere(t, config, s.dir), silent{}, func(ctx context.Context, session *pipeline.Session) error {
		if _, err := session.Verify(ctx, "snapshot"); err != nil {
			return err
		}
		result, err := session.Build(ctx, "snapshot")
		if fresh := build(t, elsewhere(t, config, s.dir), "snapshot"); result.Digest != fresh.Digest {
			t.Errorf("after a verification the build is %s, want %s", result.Digest, fresh.Digest)
		}
		return err
	})
}

// TestVerifyTamperedFacts: an index that says other arrivals than it was planned by is found out.
func TestVerifyTamperedFacts(t *testing.T) {
	const arrival = "arrival of packages (the branches' histories): was "
	for what, c := range map[string]struct {
		change func(*pipeline.PublishedFacts)
		says   string // in a whole clone; anything, if empty
		cut    string // in a shallow one; the same, if empty
	}{
		"another time": {change: func(f *pipeline.PublishedFacts) { f.Packages[5].Since += 3600 }, says: arrival},
		"another order": {change: func(f *pipeline.PublishedFacts) {
			f.Packages[3].Since, f.Packages[4].Since = f.Packages[4].Since, f.Packages[3].Since
		}, says: arrival},
		"all at once": {change: func(f *pipeline.PublishedFacts) {
			for i := range f.Packages {
				f.Packages[i].Since = 1
			}
		}, says: arrival},
		"a package left out":     {change: func(f *pipeline.PublishedFacts) { f.Packages = slices.Delete(f.Packages, 4, 5) }, cut: arrival},
		"a tree that it was not": {change: func(f *pipeline.PublishedFacts) { f.Packages[4].Tree = f.Packages[5].Tree }, cut: arrival},
		"another size": {change: func(f *pipeline.PublishedFacts) { f.Packages[4].Sizes = [4]int64{1, 1, 1, 1} },
			says: "manifests or configurations are not"},
		"none": {change: func(f *pipeline.PublishedFacts) { *f = pipeline.PublishedFacts{} },
			says: "manifests or configurations are not", cut: arrival},
	} {
		t.Run(what, func(t *testing.T) {
			s, config, _ := publishedStorage(t)
			tamper(t, config.Image+":snapshot", c.change)
			for depth, says := range map[string]string{"": c.says, "1": c.cut} {
				if says == "" {
					says = c.says
				}
				var args []string
				if depth != "" {
					args = []string{"--depth", depth}
				}
				r := verified(t, elsewhere(t, config, s.clone(args...)), "snapshot")
				if r.Verified() || !said(r.Differences, says) {
					t.Errorf("depth %q: %q, want %q", depth, r.Differences, says)
				}
			}
		})
	}
}

// tamper changes what an index says of packages, and nothing else of it.
func tamper(t *testing.T, image string, change func(*pipeline.PublishedFacts)) {
	t.Helper()
	const key = "package-storage.facts"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	reference, err := name.ParseReference(image)
	must(err)
	found, err := remote.Get(reference)
	must(err)
	var index v1.IndexManifest
	must(json.Unmarshal(found.Manifest, &index))
	packed, err := base64.StdEncoding.DecodeString(index.Annotations[key])
	must(err)
	decoder, err := zstd.NewReader(nil)
	must(err)
	defer decoder.Close()
	content, err := decoder.DecodeAll(packed, nil)
	must(err)
	var facts pipeline.PublishedFacts
	must(json.Unmarshal(content, &facts))
	if len(facts.Packages) < 6 {
		t.Fatalf("the facts are of %d packages only", len(facts.Packages))
	}
	change(&facts)
	content, err = json.Marshal(facts)
	must(err)
	encoder, err := zstd.NewWriter(nil)
	must(err)
	defer encoder.Close()
	index.Annotations[key] = base64.StdEncoding.EncodeToString(encoder.EncodeAll(content, nil))
	content, err = json.Marshal(index)
	must(err)
	must(remote.Put(reference, rawIndex(content)))
}

type rawIndex []byte

func (m rawIndex) RawManifest() ([]byte, error)        { return m, nil }
func (m rawIndex) MediaType() (types.MediaType, error) { return types.OCIImageIndex, nil }

// TestPartialCloneTakesSizesFromTheImage: a clone without files measures nothing that an image has been planned by, and of
// what is new fetches that, and what shares a layer with it.
func TestPartialCloneTakesSizesFromTheImage(t *testing.T) {
	s, config, first := publishedStorage(t)
	clone := func(args ...string) (pipeline.Config, *storage, func() int) {
		dir := s.clone(append(args, "--filter=blob:none")...)
		fetched := func() int {
			packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.promisor"))
			if err != nil {
				t.Fatal(err)
			}
			return len(packs)
		}
		before := fetched()
		return elsewhere(t, config, dir), &storage{t: t, dir: dir}, func() int { return fetched() - before }
	}
	lacks := func(c *storage, revision string) bool {
		all := c.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
		return !strings.Contains(all, s.git("rev-parse", revision))
	}
	for _, args := range [][]string{nil, {"--depth", "1"}} {
		there, _, fetches := clone(args...)
		if now := build(t, there, "snapshot"); now.Digest != first.Digest || fetches() != 0 {
			t.Errorf("%v: with nothing new %d fetches made\n%s", args, fetches(), listed(now.Report))
		}
	}
	s.commit("staging", add("quince/1.0.0", bulk("quince", 10)))
	full := build(t, config, "snapshot")
	for _, args := range [][]string{nil, {"--depth", "1"}} {
		there, c, fetches := clone(args...)
		now := build(t, there, "snapshot")
		if now.Digest != full.Digest || now.Report.Count(pipeline.FromBuild) != 1 {
			t.Errorf("%v: with a new package the layers are\n%swant\n%s", args, listed(now.Report), listed(full.Report))
		}
		if n := fetches(); n != 1 {
			t.Errorf("%v: %d fetches, want 1", args, n)
		}
		if lacks(c, "staging:packages/quince/1.0.0/docs/0.md") || !lacks(c, "production:packages/apple/1.0.0/docs/0.md") ||
			!lacks(c, "snapshot:packages/plum/1.3.0/docs/1.md") {
			t.Errorf("%v: other files were fetched", args)
		}
	}
	// A version that shares its files is measured beside the one before it, whose files are not needed for that.
	s.commit("production", add("apple/1.4.0", bulk("apple", 90), "apple 4"))
	full = build(t, config, "snapshot")
	there, c, fetches := clone()
	now := build(t, there, "snapshot")
	if now.Digest != full.Digest {
		t.Errorf("with a new version the layers are\n%swant\n%s", listed(now.Report), listed(full.Report))
	}
	if n := fetches(); n == 0 || n > 2 {
		t.Errorf("%d fetches, want one for what is new, and one for what shares its layer", n)
	}
	if !lacks(c, "production:packages/first_of_production/1.0.0/docs/0.md") {
		t.Error("files of other layers were fetched")
	}
	// Without the image everything is.
	there.Published, there.Cache, there.Dist = false, t.TempDir(), t.TempDir()
	if now := build(t, there, "snapshot"); now.Digest != full.Digest {
		t.Errorf("without the image the layers are\n%swant\n%s", listed(now.Report), listed(full.Report))
	}
}
