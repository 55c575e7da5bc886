package assemble

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// Branch is a branch with all packages on it.
type Branch struct {
	// Distribution whose own packages these are.
	Distribution string
	Name         string
	Commit       object.ID
	// Root is the commit's tree.
	Root object.ID
	// Families are sorted by name.
	Families []Family
	// Ignored are files that no registry would serve; the build goes on without them.
	Ignored []Finding
	// Laid are the packages, by their path, that Overlay laid over the branch's own.
	Laid map[string]bool
	// laidFrom is what findings about them name instead of the branch.
	laidFrom string
}

// Where is what a finding about a package, given by its path, names: the branch, or what was laid over it.
func (b Branch) Where(packagePath string) string {
	if b.Laid[packagePath] {
		return b.laidFrom
	}
	return b.Name
}

// Family is all versions of one package on one branch: the folder packages/<name>.
type Family struct {
	Name integration.Name
	// Packages are sorted by version, byte by byte.
	Packages []integration.Package
}

// Packages is the number of packages on the branch.
func (b Branch) Packages() int {
	n := 0
	for _, f := range b.Families {
		n += len(f.Packages)
	}
	return n
}

// Scan lists the packages of a branch: it reads the tree packages/ and the folder of each name, nothing below.
// Distribution, Name, Commit and Root of branch must be set. Errors: *InvalidError, *LostError, those of trees.
func Scan(trees object.TreeReader, branch Branch) (Branch, error) {
	s := scanner{branch: &branch}
	top, err := s.packagesTree(trees)
	if err != nil {
		return Branch{}, err
	}
	for _, e := range top {
		s.family(e)
	}
	versions, err := trees.Trees(s.folders)
	if err != nil {
		return Branch{}, s.lostFolder(err)
	}
	for i := range branch.Families {
		for _, e := range versions[i] {
			s.version(&branch.Families[i], e)
		}
		// Git sorts folders as if their names ended in a slash.
		slices.SortFunc(branch.Families[i].Packages, func(a, b integration.Package) int { return cmp.Compare(a.Version, b.Version) })
		checkCase("packages/"+string(branch.Families[i].Name), versions[i], s.invalid)
	}
	if len(s.findings) > 0 {
		return Branch{}, &InvalidError{s.findings}
	}
	slices.SortFunc(branch.Families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	return branch, nil
}

type scanner struct {
	branch   *Branch
	folders  []object.ID // of the families
	findings []Finding
}

func (s *scanner) invalid(path, problem, wayOut string) {
	s.findings = append(s.findings, Finding{s.branch.Name, shown(path), problem, wayOut})
}

func (s *scanner) ignored(path string) {
	s.branch.Ignored = append(s.branch.Ignored, Finding{s.branch.Name, shown(path),
		"a file where only folders belong; no registry would serve it, so it is left out",
		"move it into a package, or remove it from the branch"})
}

func (s *scanner) packagesTree(trees object.TreeReader) ([]object.TreeEntry, error) {
	root, err := trees.Trees([]object.ID{s.branch.Root})
	if err != nil {
		return nil, s.lost("", err)
	}
	for _, e := range root[0] {
		if e.Name != "packages" {
			continue
		}
		if problem, wayOut := unsupportedMode(e.Mode); problem != "" {
			s.invalid("packages", problem, wayOut)
			return nil, &InvalidError{s.findings}
		}
		if e.Mode != object.ModeTree {
			break
		}
		top, err := trees.Trees([]object.ID{e.ID})
		if err != nil {
			return nil, s.lost("packages", err)
		}
		return top[0], nil
	}
	s.invalid("packages", "the branch has no folder packages/", "check that this is the branch of a package storage; "+
		"packages belong into packages/<name>/<version>/")
	return nil, &InvalidError{s.findings}
}

// lost names the folder of the branch whose object can't be read.
func (s *scanner) lost(path string, err error) error {
	if lost := (*object.LostError)(nil); errors.As(err, &lost) {
		return &LostError{Branch: s.branch.Name, Path: path, Err: lost}
	}
	return err
}

func (s *scanner) lostFolder(err error) error {
	if lost := (*object.LostError)(nil); errors.As(err, &lost) {
		for i, id := range s.folders {
			if id == lost.ID {
				return s.lost("packages/"+string(s.branch.Families[i].Name), err)
			}
		}
	}
	return err
}

func (s *scanner) family(e object.TreeEntry) {
	path := "packages/" + e.Name
	if e.Mode != object.ModeTree {
		s.stray(path, e)
		return
	}
	name, err := integration.ParseName(e.Name)
	if err != nil {
		s.invalid(path, err.Error(), "rename the folder, and the name in its manifests")
		return
	}
	s.branch.Families = append(s.branch.Families, Family{Name: name})
	s.folders = append(s.folders, e.ID)
}

func (s *scanner) version(family *Family, e object.TreeEntry) {
	path := "packages/" + string(family.Name) + "/" + e.Name
	if e.Mode != object.ModeTree {
		s.stray(path, e)
		return
	}
	version, err := integration.ParseVersion(e.Name)
	if err != nil {
		s.invalid(path, err.Error(), "a registry would leave it out silently: rename the folder, and the version in its manifest")
		return
	}
	family.Packages = append(family.Packages, integration.Package{Name: family.Name, Version: version, Tree: e.ID})
}

// KeepFile keeps the folder packages/ on a branch without packages: git has no empty folders.
const KeepFile = ".gitkeep"

// stray judges what is no folder where only folders belong: a file can be left out, but a symlink or a submodule
// stands for packages that somebody expects.
func (s *scanner) stray(path string, e object.TreeEntry) {
	if path == "packages/"+KeepFile {
		return
	}
	if problem, wayOut := unsupportedMode(e.Mode); problem != "" {
		s.invalid(path, problem, wayOut)
		return
	}
	s.ignored(path)
}

// unsupportedMode says what is wrong with an entry that is neither a file nor a folder.
func unsupportedMode(mode object.Mode) (problem, wayOut string) {
	switch mode {
	case object.ModeFile, object.ModeExecutable, object.ModeTree:
		return "", ""
	case object.ModeSymlink:
		return "a symbolic link, which a registry would follow out of the package or fail on", "commit the file itself in its place"
	case object.ModeGitlink:
		return "a submodule: its files are not in this repository", "commit the files themselves in its place"
	}
	return "an entry that is neither a file nor a folder", "remove it from the branch"
}

// manifestName is the file that makes a folder a package.
const manifestName = "manifest.yml"

// isManifest says whether a path below packages/ is "<name>/<version>/manifest.yml".
func isManifest(path string) bool {
	return strings.HasSuffix(path, "/"+manifestName) && strings.Count(path, "/") == 2
}
