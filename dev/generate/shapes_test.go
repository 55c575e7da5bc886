package generate_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/generate"
)

// with makes a shape of one whose size is given.
func with[N int | int64](shape func(context.Context, generate.Options, N) ([]generate.Branch, error), n N) generate.Shape {
	return func(ctx context.Context, o generate.Options) ([]generate.Branch, error) { return shape(ctx, o, n) }
}

func withTwo(shape func(context.Context, generate.Options, int, int) ([]generate.Branch, error), n, m int) generate.Shape {
	return func(ctx context.Context, o generate.Options) ([]generate.Branch, error) { return shape(ctx, o, n, m) }
}

func TestHugeIsOnePackageOfExactlySoManyBytes(t *testing.T) {
	t.Parallel()
	const size = 3_000_001
	s := newStorage(t, with(generate.Huge, int64(size)), generate.Options{Seed: 1})
	all := s.packages("production")
	files, bytes, blobs := all.total()
	if len(all) != 1 || bytes != size || files < 24 || len(blobs) != files {
		t.Errorf("%d packages, %d files, %d blobs, %d bytes", len(all), files, len(blobs), bytes)
	}
	folders := map[string]bool{}
	for _, p := range all {
		for path, e := range p {
			folders[path[:strings.LastIndexByte(path, '/')+1]] = true
			if e.size > size/24+1 {
				t.Errorf("%s has %d bytes", path, e.size)
			}
		}
	}
	if len(folders) < 5 {
		t.Errorf("few folders: %v", folders)
	}
}

func TestHugeIsNotLessThanAPackageTakes(t *testing.T) {
	if _, err := generate.Huge(t.Context(), generate.Options{Dir: t.TempDir()}, 100); err == nil || !strings.Contains(err.Error(), "100 bytes") {
		t.Errorf("%v", err)
	}
}

func TestTinyPackages(t *testing.T) {
	t.Parallel()
	s := newStorage(t, with(generate.Tiny, 300), generate.Options{Seed: 1})
	all := s.packages("production")
	if len(all) != 300 || len(all.families()) != 300 {
		t.Errorf("%d packages of %d families", len(all), len(all.families()))
	}
	for key, p := range all {
		files, bytes, _ := tree{key: p}.total()
		if files != 3 || bytes < 700 || bytes > 1500 {
			t.Errorf("%s: %d files, %d bytes", key, files, bytes)
		}
	}
}

func TestVersionsOfOneFamily(t *testing.T) {
	t.Parallel()
	s := newStorage(t, withTwo(generate.Versions, 65, 10), generate.Options{Seed: 1})
	all := s.packages("production")
	families := all.families()
	if len(families) != 1 || len(all) != 65 || s.branches[0].Commits != 7 {
		t.Errorf("%d families, %d versions, %d commits", len(families), len(all), s.branches[0].Commits)
	}
	for name, versions := range families {
		for i, version := range versions[1:] {
			key := name + "/" + version
			files := len(all[key])
			if n, _ := all.shared(key, name+"/"+versions[i]); files < 30 || files-n < 3 || files-n > 5 {
				t.Errorf("%s: %d of %d files are as in the version before", key, n, files)
			}
		}
	}
	for i, commit := range s.commits("production") {
		if n := len(s.packages(commit)); n != min(65, 10*(i+1)) {
			t.Errorf("%d versions after %d commits", n, i+1)
		}
	}
}

// TestVersionsDifferInAFewLines: what is compressed together then costs little, as with the real storage.
func TestVersionsDifferInAFewLines(t *testing.T) {
	t.Parallel()
	s := newStorage(t, withTwo(generate.Versions, 12, 12), generate.Options{Seed: 4})
	for name, versions := range s.packages("production").families() {
		folder := "production:packages/" + name + "/"
		for i, version := range versions[2:] { // from the first to the second all modes differ
			for line := range strings.SplitSeq(s.git("diff", "--numstat", folder+versions[i+1], folder+version), "\n") {
				words := strings.Fields(line)
				if n, err := strconv.Atoi(words[0]); err != nil || n < 1 || n > 30 {
					t.Errorf("%s differs from the version before in %s lines (%v)", version, line, err)
				}
			}
		}
	}
}

func TestSameFiles(t *testing.T) {
	t.Parallel()
	s := newStorage(t, withTwo(generate.Same, 25, 40), generate.Options{Seed: 1})
	all := s.packages("production")
	if len(all) != 25 || len(all.families()) != 3 {
		t.Errorf("%d packages of %d families", len(all), len(all.families()))
	}
	names, folders := map[string]int{}, map[string]bool{}
	for _, p := range all {
		for path, e := range p {
			if strings.HasPrefix(path, "img/") {
				names[e.id]++
				folders[path] = true
			}
		}
	}
	if len(names) != 1 || len(folders) != 25*40 {
		t.Errorf("names of each blob: %v, in all %d", names, len(folders))
	}
}

func TestUniqueFiles(t *testing.T) {
	t.Parallel()
	s := newStorage(t, withTwo(generate.Unique, 25, 40), generate.Options{Seed: 1})
	all := s.packages("production")
	files, _, blobs := all.total()
	if len(all) != 25 || files != 25*43 || len(blobs) != files {
		t.Errorf("%d packages, %d files, %d blobs", len(all), files, len(blobs))
	}
	for _, p := range all {
		for path, e := range p {
			if strings.HasPrefix(path, "docs/part") && (e.size < 900 || e.size > 17_000) {
				t.Errorf("%s has %d bytes", path, e.size)
			}
		}
	}
}
