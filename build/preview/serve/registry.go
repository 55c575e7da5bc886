// Package serve is a small package registry: an HTTP handler over a tree of packages, <name>/<version>/….
//
// It is there to look at an assembled tree, and to test images, without the real registry. It answers a part of the
// real one's routes in the real one's shapes, and judges nothing: whether a package is valid is not its work.
// Command package-registry (../cmd/package-registry) is the server around it; package preview (..) compiles both,
// from these sources and nothing else of the module, so nothing else of the module may be imported here.
package serve

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Version is the service version that route / answers. It is ours; the real registry's version says nothing of it.
const Version = "0.1.0-preview"

// Registry serves the packages that New found. It is immutable and safe for concurrent use.
type Registry struct {
	packages []*pkg // by name, then by precedence, oldest first
	byPath   map[string]*pkg
	skipped  []string
}

// pkg is one version of a package and where its files are.
type pkg struct {
	summary summary
	version version
	files   fs.FS
}

// path is the package's folder, "<name>/<version>".
func (p *pkg) path() string { return p.summary.Name + "/" + p.summary.Version }

// namePattern is what the real registry's routes match.
var namePattern = regexp.MustCompile(`^[a-z0-9_]+$`)

// New reads the manifest of every <name>/<strict semver>/ in root; other files are read when they are asked for.
// A manifest that is missing, can't be read, or names another package than its folder does, is an error that begins
// with the manifest's path in root. Folders that can't be a package's are left out: see Skipped.
//
// What root can reach can be served: for a folder on disk use the FS of an os.Root, which follows no symlink out of it.
func New(root fs.FS) (*Registry, error) {
	var packages []*pkg
	var skipped []string
	names, err := folders(root, ".")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !namePattern.MatchString(name) {
			skipped = append(skipped, name)
			continue
		}
		versions, err := folders(root, name)
		if err != nil {
			return nil, err
		}
		for _, text := range versions {
			version, ok := parseVersion(text)
			if !ok {
				skipped = append(skipped, name+"/"+text)
				continue
			}
			p, err := load(root, name, version)
			if err != nil {
				return nil, err
			}
			packages = append(packages, p)
		}
	}
	return index(packages, skipped), nil
}

// Merge makes one registry of several; where a name and version is in more than one, the first one's is served.
func Merge(registries ...*Registry) *Registry {
	var packages []*pkg
	var skipped []string
	seen := map[string]bool{}
	for _, r := range registries {
		for _, p := range r.packages {
			if !seen[p.path()] {
				seen[p.path()] = true
				packages = append(packages, p)
			}
		}
		skipped = append(skipped, r.skipped...)
	}
	return index(packages, skipped)
}

// Len is the number of package versions that are served.
func (r *Registry) Len() int { return len(r.packages) }

// Skipped are the folders that are not served, "<name>" or "<name>/<version>", because the name is none that a
// registry's routes match or the version is not strict semver. The real registry leaves them out as well.
func (r *Registry) Skipped() []string { return slices.Clone(r.skipped) }

func index(packages []*pkg, skipped []string) *Registry {
	slices.SortFunc(packages, func(a, b *pkg) int {
		if c := strings.Compare(a.summary.Name, b.summary.Name); c != 0 {
			return c
		}
		return a.version.compare(b.version)
	})
	byPath := make(map[string]*pkg, len(packages))
	for _, p := range packages {
		byPath[p.path()] = p
	}
	return &Registry{packages: packages, byPath: byPath, skipped: skipped}
}

// newest keeps the last version of each name.
func newest(packages []*pkg) []*pkg {
	var kept []*pkg
	for i, p := range packages {
		if i+1 == len(packages) || packages[i+1].summary.Name != p.summary.Name {
			kept = append(kept, p)
		}
	}
	return kept
}

func load(root fs.FS, name string, v version) (*pkg, error) {
	folder := name + "/" + v.text
	file := folder + "/manifest.yml"
	content, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, reason(err))
	}
	s, err := summarize(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if s.Name != name || s.Version != v.text {
		return nil, fmt.Errorf("%s: it is the manifest of %q version %q, but the folder says %q version %q",
			file, s.Name, s.Version, name, v.text)
	}
	files, err := fs.Sub(root, folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return &pkg{summary: s, version: v, files: files}, nil
}

// folders are the names of the folders in a folder, sorted; symlinks are none.
func folders(root fs.FS, in string) ([]string, error) {
	entries, err := fs.ReadDir(root, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in, reason(err))
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
