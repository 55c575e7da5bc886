package assemble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/object"
)

func scan(t *testing.T, files map[string]string) (assemble.Branch, error) {
	t.Helper()
	r := newRepository()
	return assemble.Scan(r, assemble.Branch{Distribution: "staging", Name: "staging-branch", Commit: "c", Root: r.tree(files)})
}

// findings are those of an *InvalidError.
func findings(t *testing.T, err error) []assemble.Finding {
	t.Helper()
	var invalid *assemble.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%v is no InvalidError", err)
	}
	return invalid.Findings
}

func TestScan(t *testing.T) {
	r := newRepository()
	root := r.tree(map[string]string{
		"README.md":                             "a branch may hold more than packages",
		"Dockerfile":                            "FROM scratch",
		"packages/nginx/1.10.0/manifest.yml":    "1.10",
		"packages/nginx/1.2.0/manifest.yml":     "1.2",
		"packages/nginx/1.2.0/img/logo.svg":     "<svg/>",
		"packages/nginx/1.2.0-rc1/manifest.yml": "rc1",
		"packages/apm/8.0.0/manifest.yml":       "8",
		"packages/apm_/8.0.0/manifest.yml":      "8",
	})
	given := assemble.Branch{Distribution: "staging", Name: "staging-branch", Commit: "c", Root: root}
	got, err := assemble.Scan(r, given)
	if err != nil {
		t.Fatal(err)
	}
	if got.Distribution != given.Distribution || got.Name != given.Name || got.Commit != given.Commit || got.Root != given.Root {
		t.Errorf("the branch became %+v", got)
	}
	if got.Packages() != 5 {
		t.Errorf("%d packages", got.Packages())
	}
	var paths []string
	for _, f := range got.Families {
		for _, p := range f.Packages {
			if p.Name != f.Name {
				t.Errorf("%s is in the family %s", p, f.Name)
			}
			paths = append(paths, p.Path())
		}
	}
	// Versions in the order of bytes, not of git, which puts the folder "1.2.0-rc1/" before "1.2.0/".
	same(t, "packages", paths, []string{"apm/8.0.0", "apm_/8.0.0", "nginx/1.10.0", "nginx/1.2.0", "nginx/1.2.0-rc1"})
	want := r.tree(map[string]string{"manifest.yml": "1.2", "img/logo.svg": "<svg/>"})
	if tree := got.Families[2].Packages[1].Tree; tree != want {
		t.Errorf("the tree of nginx 1.2.0 is %s, want %s", tree, want)
	}
	if len(got.Ignored) != 0 {
		t.Errorf("ignored: %v", got.Ignored)
	}
}

// TestScanReadsNoPackage: what is below <name>/<version> need not even be there, and each level is one request.
func TestScanReadsNoPackage(t *testing.T) {
	r := newRepository()
	version := func(content string) object.ID { return r.tree(map[string]string{content: ""}) }
	var families []object.TreeEntry
	for _, name := range []string{"a", "b", "c"} {
		family := r.put([]object.TreeEntry{{Name: "1.0.0", Mode: object.ModeTree, ID: version(name)}})
		delete(r.trees, version(name))
		families = append(families, object.TreeEntry{Name: name, Mode: object.ModeTree, ID: family})
	}
	root := r.put([]object.TreeEntry{{Name: "packages", Mode: object.ModeTree, ID: r.put(families)}})
	got, err := assemble.Scan(r, assemble.Branch{Root: root})
	if err != nil || got.Packages() != 3 {
		t.Errorf("%d packages, %v", got.Packages(), err)
	}
	if r.requests != 3 {
		t.Errorf("%d requests, want one for the root, one for packages/, one for all names", r.requests)
	}
}

// shuffled hands out entries in any order.
type shuffled struct {
	*repository
	random *rand.Rand
}

func (s shuffled) Trees(ids []object.ID) ([][]object.TreeEntry, error) {
	read, err := s.repository.Trees(ids)
	for i := range read {
		read[i] = slices.Clone(read[i])
		s.random.Shuffle(len(read[i]), func(a, b int) { read[i][a], read[i][b] = read[i][b], read[i][a] })
	}
	return read, err
}

func TestOrderOfEntriesDoesNotMatter(t *testing.T) {
	r, files := newRepository(), map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("packages/p%d/1.%d.0/manifest.yml", i%5, i)] = fmt.Sprint(i)
	}
	root := r.tree(files)
	want, err := assemble.Scan(r, assemble.Branch{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(10) {
		got, err := assemble.Scan(shuffled{r, rand.New(rand.NewPCG(seed, 1))}, assemble.Branch{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("seed %d", seed), got.Families, want.Families)
	}
}

func TestEmptyPackagesIsNoError(t *testing.T) {
	r := newRepository()
	root := r.put([]object.TreeEntry{{Name: "packages", Mode: object.ModeTree, ID: r.put(nil)}})
	if got, err := assemble.Scan(r, assemble.Branch{Root: root}); err != nil || got.Packages() != 0 {
		t.Errorf("%d packages, %v", got.Packages(), err)
	}
}

func TestScanNamesWhatIsWrong(t *testing.T) {
	const good = "packages/apm/1.0.0/manifest.yml"
	for name, c := range map[string]struct {
		bad           string
		path, problem string
	}{
		"a name in capitals":        {"packages/Apm/1.0.0/manifest.yml", "packages/Apm", "no package name"},
		"a name with a dash":        {"packages/aws-logs/1.0.0/manifest.yml", "packages/aws-logs", "no package name"},
		"a name for no terminal":    {"packages/\x1b[2J/1.0.0/manifest.yml", `packages/\x1b[2J`, "no package name"},
		"a version of two numbers":  {"packages/nginx/7.17-dev1/manifest.yml", "packages/nginx/7.17-dev1", "no strict semantic version"},
		"a version with a v":        {"packages/apm/v1.0.0/manifest.yml", "packages/apm/v1.0.0", "no strict semantic version"},
		"a symlink for a name":      {"packages/alias@", "packages/alias", "symbolic link"},
		"a symlink for a version":   {"packages/apm/2.0.0@", "packages/apm/2.0.0", "symbolic link"},
		"a submodule for a name":    {"packages/module#", "packages/module", "submodule"},
		"a submodule for a version": {"packages/apm/2.0.0#", "packages/apm/2.0.0", "submodule"},
	} {
		_, err := scan(t, map[string]string{good: "", c.bad: ""})
		found := findings(t, err)
		if len(found) != 1 {
			t.Errorf("%s: %v", name, found)
			continue
		}
		f := found[0]
		if f.Branch != "staging-branch" || f.Path != c.path || !strings.Contains(f.Problem, c.problem) || f.WayOut == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestVersionsThatDifferInCase: a checkout of both is impossible where case does not count, as it is of two files.
func TestVersionsThatDifferInCase(t *testing.T) {
	_, err := scan(t, map[string]string{"packages/apm/1.0.0-RC1/manifest.yml": "", "packages/apm/1.0.0-rc1/manifest.yml": ""})
	if err == nil {
		t.Fatal("apm/1.0.0-RC1 and apm/1.0.0-rc1 are both accepted")
	}
	if found := findings(t, err); len(found) != 1 || !strings.Contains(found[0].Problem, "case") {
		t.Errorf("%v", found)
	}
}

func TestScanFindsAllAtOnce(t *testing.T) {
	_, err := scan(t, map[string]string{
		"packages/Apm/1.0.0/manifest.yml": "", "packages/nginx/1.0/manifest.yml": "", "packages/nginx/2.0/manifest.yml": "",
		"packages/link@": "", "packages/zoo/1.0.0/manifest.yml": "", "packages/zoo/x#": "",
	})
	var paths []string
	for _, f := range findings(t, err) {
		paths = append(paths, f.Path)
	}
	same(t, "paths", paths, []string{"packages/Apm", "packages/link", "packages/nginx/1.0", "packages/nginx/2.0", "packages/zoo/x"})
}

func TestFilesBesidePackagesAreLeftOut(t *testing.T) {
	got, err := scan(t, map[string]string{
		"packages/README.md": "", "packages/run.sh*": "", "packages/apm/NOTES": "", "packages/apm/1.0.0/manifest.yml": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range got.Ignored {
		if f.Branch != "staging-branch" || f.Problem == "" || f.WayOut == "" {
			t.Errorf("%+v", f)
		}
		paths = append(paths, f.Path)
	}
	same(t, "ignored", paths, []string{"packages/README.md", "packages/run.sh", "packages/apm/NOTES"})
	if got.Packages() != 1 {
		t.Errorf("%d packages", got.Packages())
	}
}

func TestBranchWithoutPackages(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none":         {"README.md": ""},
		"a file":       {"packages": ""},
		"a symlink":    {"packages@": ""},
		"other folder": {"Packages/apm/1.0.0/manifest.yml": ""},
	} {
		_, err := scan(t, files)
		if found := findings(t, err); len(found) != 1 || found[0].Path != "packages" || found[0].WayOut == "" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestScanNamesTheFolderThatIsLost: an id says nothing to a person.
func TestScanNamesTheFolderThatIsLost(t *testing.T) {
	r := newRepository()
	other := r.tree(map[string]string{"2.0.0/manifest.yml": ""})
	family := r.tree(map[string]string{"1.0.0/manifest.yml": ""})
	packages := r.put([]object.TreeEntry{{Name: "aaa", Mode: object.ModeTree, ID: other}, {Name: "apm", Mode: object.ModeTree, ID: family}})
	root := r.put([]object.TreeEntry{{Name: "packages", Mode: object.ModeTree, ID: packages}})
	for id, path := range map[object.ID]string{root: "", packages: "packages", family: "packages/apm"} {
		entries := r.trees[id]
		delete(r.trees, id)
		_, err := assemble.Scan(r, assemble.Branch{Name: "staging", Root: root})
		var lost *assemble.LostError
		var object *object.LostError
		if !errors.As(err, &lost) || lost.Branch != "staging" || lost.Path != path || !errors.As(err, &object) || object.ID != id {
			t.Errorf("%q: %v", path, err)
		} else if !strings.Contains(err.Error(), "staging") || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", path, err)
		}
		r.trees[id] = entries
	}
}

// TestScanPassesErrorsOn: a tree that git lacks is no finding.
func TestScanPassesErrorsOn(t *testing.T) {
	for _, lost := range []int{0, 1, 2} {
		r := newRepository()
		family := r.tree(map[string]string{"1.0.0/manifest.yml": ""})
		packages := r.put([]object.TreeEntry{{Name: "apm", Mode: object.ModeTree, ID: family}})
		root := r.put([]object.TreeEntry{{Name: "packages", Mode: object.ModeTree, ID: packages}})
		delete(r.trees, []object.ID{root, packages, family}[lost])
		_, err := assemble.Scan(r, assemble.Branch{Root: root})
		var invalid *assemble.InvalidError
		if err == nil || errors.As(err, &invalid) {
			t.Errorf("level %d: %v", lost, err)
		}
	}
}
