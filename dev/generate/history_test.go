package generate_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/generate"
)

// TestHistoryIsLikeTheRealOne compares with what was measured (measured.go).
func TestHistoryIsLikeTheRealOne(t *testing.T) {
	t.Parallel()
	s := newStorage(t, generate.History, generate.Options{Seed: 1})
	s.checkCounts()
	commits := s.commits("production")
	first, last := s.packages(commits[0]), s.packages("production")
	files, bytes, blobs := last.total()
	var unique int64
	for _, size := range blobs {
		unique += size
	}
	sharedFiles, sharedBytes := last.sharedOnAverage()
	for _, c := range []struct {
		what                string
		is, real, tolerance float64
	}{
		{"commits", float64(len(commits)), 41, 0},
		{"families", float64(len(last.families())), 23, 0},
		{"versions in the first commit", float64(len(first)), 232, 0},
		{"versions in the last", float64(len(last)), 292, 0},
		{"files", float64(files), 29_496, 0.1},
		{"files that are executable", float64(last.executable()), 27_567, 0.1},
		{"bytes", float64(bytes), 333e6, 0.1},
		{"blobs", float64(len(blobs)), 4_492, 0.4},
		{"bytes of blobs", float64(unique), 47e6, 0.1},
		{"share of a version's files that are in the one before it", sharedFiles, 0.79, 0.04},
		{"share of a version's bytes that are in the one before it", sharedBytes, 0.84, 0.04},
	} {
		if math.Abs(c.is-c.real) > c.tolerance*c.real {
			t.Errorf("%s: %v, really %v", c.what, c.is, c.real)
		}
	}
	checkUpdates(t, s)
}

func (all tree) executable() int {
	n := 0
	for _, p := range all {
		for _, e := range p {
			if e.mode == "100755" {
				n++
			}
		}
	}
	return n
}

// sharedOnAverage is what a version shares with the one before it, of 1.
func (all tree) sharedOnAverage() (files, bytes float64) {
	pairs := 0.0
	for name, versions := range all.families() {
		for i, version := range versions[1:] {
			of, ofBytes, _ := tree{"": all[name+"/"+version]}.total()
			n, b := all.shared(name+"/"+version, name+"/"+versions[i])
			files += float64(n) / float64(of)
			bytes += float64(b) / float64(ofBytes)
			pairs++
		}
	}
	return files / pairs, bytes / pairs
}

// checkUpdates looks at each commit after the first: they add versions, and change nothing else but the Dockerfile.
func checkUpdates(t *testing.T, s storage) {
	t.Helper()
	var additions []int
	log := s.git("log", "--reverse", "--format=tformat:commit", "--name-status", "--no-renames", "production")
	for _, commit := range strings.Split(log, "commit\n")[2:] {
		added, dockerfile := map[string]bool{}, false
		for line := range strings.SplitSeq(strings.TrimSpace(commit), "\n") {
			parts := strings.Split(line, "/")
			switch {
			case line == "M\tDockerfile":
				dockerfile = true
			case strings.HasPrefix(line, "A\tpackages/"):
				added[parts[1]+"/"+parts[2]] = true
			default:
				t.Errorf("a commit with %q", line)
			}
		}
		if dockerfile == (len(added) > 0) {
			t.Errorf("a commit with a Dockerfile (%v) and %d versions", dockerfile, len(added))
		}
		additions = append(additions, len(added))
	}
	slices.Sort(additions)
	want := slices.Concat(slices.Repeat([]int{0}, 5), slices.Repeat([]int{1}, 27), []int{2, 2, 3, 3, 4, 5, 6, 8})
	if !slices.Equal(additions, want) {
		t.Errorf("commits add %v versions, really %v", additions, want)
	}
	if file := s.git("cat-file", "-p", "production:Dockerfile"); !strings.Contains(file, "\nARG PACKAGE_REGISTRY=v1.16.0\n") {
		t.Errorf("another registry version:\n%s", file)
	}
}

// TestScaleLeavesUpdatesAsTheyAre: what a storage twice as large has more of is families and commits.
func TestScaleLeavesUpdatesAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scale             float64
		families, commits int
	}{{0.09, 2, 4}, {0.18, 4, 7}} {
		s := newStorage(t, generate.History, generate.Options{Scale: c.scale, Seed: 3})
		all := s.packages("production")
		if n := len(all.families()); n != c.families || s.branches[0].Commits != c.commits {
			t.Errorf("scale %v: %d families, %d commits", c.scale, n, s.branches[0].Commits)
		}
		commits := s.commits("production")
		if added := len(all) - len(s.packages(commits[0])); added < 1 || added > 8*len(commits) {
			t.Errorf("scale %v: %d commits add %d versions", c.scale, len(commits)-1, added)
		}
	}
}

func TestAllBranches(t *testing.T) {
	t.Parallel()
	s := newStorage(t, generate.History, generate.Options{Scale: 0.1, Seed: 1, AllBranches: true})
	s.fsck()
	s.checkCounts()
	seen := map[string]string{}
	for i, want := range []struct {
		name     string
		packages int
	}{{"production", len(s.packages("production"))}, {"staging", 2}, {"snapshot", 9}} {
		b := s.branches[i]
		if b.Name != want.name || b.Packages != want.packages {
			t.Errorf("%+v, not %+v", b, want)
		}
		for key := range s.packages(b.Name) {
			if other, twice := seen[key]; twice {
				t.Errorf("%s is on %s and on %s", key, other, b.Name)
			}
			seen[key] = b.Name
		}
	}
	if head := s.git("symbolic-ref", "HEAD"); head != "refs/heads/production" {
		t.Errorf("HEAD is %s", head)
	}
}
