package serve_test

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed-604f7181/package-storage/build/preview/serve"
)

func TestNewFindsPackagesAndSaysWhatItLeftOut(t *testing.T) {
	r := mustNew(t, tree())
	if r.Len() != 4 {
		t.Errorf("%d packages, want 4", r.Len())
	}
	// Such a version was once left out of a published image without a word.
	if got, want := r.Skipped(), []string{"apm/7.17-dev1", "not-a-name"}; !slices.Equal(got, want) {
		t.Errorf("skipped %q, want %q", got, want)
	}
}

func TestNewNamesTheManifestThatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		file *fstest.MapFile
		says string
	}{
		"missing":       {nil, "file does not exist"},
		"no YAML":       {text("name: [nginx"), "did not find expected"},
		"wrong type":    {text("{name: nginx, version: 2.0.0, categories: web}"), "cannot unmarshal"},
		"empty":         {text(""), `the manifest of "" version ""`},
		"other name":    {text("{name: apache, version: 2.0.0}"), `the manifest of "apache" version "2.0.0"`},
		"other version": {text("{name: nginx, version: 2.0.1}"), `the manifest of "nginx" version "2.0.1"`},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files["nginx/2.0.0/docs/README.md"] = text("# Nginx\n")
			if test.file != nil {
				files["nginx/2.0.0/manifest.yml"] = test.file
			}
			_, err := serve.New(files)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "nginx/2.0.0/manifest.yml: ") || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q; want nginx/2.0.0/manifest.yml: …%s…", err, test.says)
			}
		})
	}
}

func TestNewFailsWithoutAFolder(t *testing.T) {
	files, err := fs.Sub(tree(), "not-there")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := serve.New(files); err == nil {
		t.Error("no error")
	}
}

func TestSearchOrdersByPrecedence(t *testing.T) {
	// The examples of semver.org section 11, in its order, then what a comparison of texts or of 64 bits gets wrong.
	sorted := []string{
		"0.9.0",
		"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
		"1.0.0", "1.0.0+build.1", "1.0.0+build.2",
		"1.9.0-0", "1.9.0-1.a", "1.9.0-99999999999999999999", "1.9.0-100000000000000000000", "1.9.0--", "1.9.0-A", "1.9.0-a",
		"1.9.0", "1.10.0",
		"2.0.0", "2.1.0", "2.1.1", "99999999999999999999.0.0", "100000000000000000000.0.0",
	}
	shuffled := slices.Clone(sorted)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	// One registry per version, merged: a folder's own order must not help.
	var registries []*serve.Registry
	for _, version := range shuffled {
		registries = append(registries, mustNew(t, fstest.MapFS{
			"apm/" + version + "/manifest.yml": text("{name: apm, version: '" + version + "'}"),
		}))
	}
	got := versions(t, serve.Merge(registries...), "/search")
	for i, version := range sorted {
		sorted[i] = "apm-" + version
	}
	if !slices.Equal(got, sorted) {
		t.Errorf("got  %q\nwant %q", got, sorted)
	}
}

func TestNewTakesStrictVersionsOnly(t *testing.T) {
	for _, version := range []string{
		"1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0-a..b", "1.0.0+", "1.0.0-ü", "1.0.0.0", "latest", "1.0.0\n",
	} {
		r := mustNew(t, fstest.MapFS{"apm/" + version + "/manifest.yml": text("{}")})
		if want := []string{"apm/" + version}; r.Len() != 0 || !slices.Equal(r.Skipped(), want) {
			t.Errorf("%q: %d packages, skipped %q", version, r.Len(), r.Skipped())
		}
	}
}

func TestMergeServesTheFirst(t *testing.T) {
	first := mustNew(t, fstest.MapFS{
		"apm/8.0.0/manifest.yml": text("{name: apm, version: 8.0.0, title: first}"),
		"apm/odd/manifest.yml":   text("{}"),
	})
	second := mustNew(t, fstest.MapFS{
		"apm/8.0.0/manifest.yml": text("{name: apm, version: 8.0.0, title: second}"),
		"apm/7.0.0/manifest.yml": text("{name: apm, version: 7.0.0, title: second}"),
	})
	merged := serve.Merge(first, second)
	var found []struct{ Version, Title string }
	askJSON(t, merged, "/search", 200, &found)
	if len(found) != 2 || found[0].Version != "7.0.0" || found[1].Title != "first" {
		t.Errorf("found %v", found)
	}
	if _, body := ask(t, merged, "GET", "/package/apm/8.0.0/manifest.yml"); !strings.Contains(body, "first") {
		t.Errorf("served %q", body)
	}
	if want := []string{"apm/odd"}; !slices.Equal(merged.Skipped(), want) {
		t.Errorf("skipped %q, want %q", merged.Skipped(), want)
	}
}
