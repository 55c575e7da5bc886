package pipeline

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/history"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/policy"
)

// changes reads what commits did beside packages' coming and going.
type changes struct {
	session      *Session
	reader       *gitstore.Reader
	forest       *object.Forest
	distribution distribution.Distribution
	faults       map[string][]policy.Fault // by path and tree
	// before and now are the branch's files in the last commit and in this one.
	before, now branchFiles
	loose       map[object.ID][]string // files in a family's folder, by its tree
}

// branchFiles are what lies on a branch outside of packages.
type branchFiles struct {
	root    map[string]object.TreeEntry // but packages
	stray   map[string]bool             // by path
	buried  map[string]bool             // by "<name>/<version>"
	message string
	merge   bool
}

// enter reads a commit.
func (c *changes) enter(commit history.Commit) error {
	c.before = c.now
	c.now = branchFiles{root: map[string]object.TreeEntry{}, stray: map[string]bool{}}
	read, err := c.reader.Commit(commit.ID)
	if err != nil {
		return err
	}
	c.now.message, c.now.merge = read.Message, read.Parents > 1
	root, err := c.reader.Trees([]object.ID{commit.Tree})
	if err != nil {
		return err
	}
	for _, e := range root[0] {
		if e.Name == "packages" && e.Mode == object.ModeTree {
			if err := c.strays(e.ID); err != nil {
				return err
			}
			continue
		}
		c.now.root[e.Name] = e
	}
	return c.stones()
}

// strays are what is no folder in packages/ and packages/<name>/.
func (c *changes) strays(packages object.ID) error {
	top, err := c.reader.Trees([]object.ID{packages})
	if err != nil {
		return err
	}
	var names []string
	var ids []object.ID
	for _, e := range top[0] {
		if e.Mode == object.ModeTree {
			names, ids = append(names, e.Name), append(ids, e.ID)
		} else if e.Name != assemble.KeepFile {
			c.now.stray["packages/"+e.Name] = true
		}
	}
	if c.loose == nil {
		c.loose = map[object.ID][]string{}
	}
	var unknown []object.ID
	for _, id := range ids {
		if _, known := c.loose[id]; !known {
			c.loose[id], unknown = nil, append(unknown, id)
		}
	}
	families, err := c.reader.Trees(unknown)
	if err != nil {
		return err
	}
	for i, family := range families {
		for _, e := range family {
			if e.Mode != object.ModeTree {
				c.loose[unknown[i]] = append(c.loose[unknown[i]], e.Name)
			}
		}
	}
	for i, id := range ids {
		for _, name := range c.loose[id] {
			c.now.stray["packages/"+names[i]+"/"+name] = true
		}
	}
	return nil
}

// stones reads the tombstones, where they are others than before.
func (c *changes) stones() error {
	entry := c.now.root[tombstonesFile]
	if entry.ID == c.before.root[tombstonesFile].ID {
		c.now.buried = c.before.buried
		return nil
	}
	c.now.buried = map[string]bool{}
	if entry.ID == "" {
		return nil
	}
	content, err := c.reader.Blob(entry.ID)
	if err != nil {
		return err
	}
	stones, err := readTombstones(c.distribution.Branch, content)
	for _, t := range stones {
		c.now.buried[pathOf(t.Package)] = true
	}
	return err
}

// pathOf is "<name>/<version>" of "<name>-<version>".
func pathOf(text string) string {
	name, version, _ := strings.Cut(text, "-")
	return path.Join(name, version)
}

// change is what a step did; of the first commit that is looked at, all is new.
func (c *changes) change(ctx context.Context, step history.Step, first bool) (policy.Change, error) {
	change := policy.Change{
		Commit: step.Commit.ID, Message: c.now.message, Came: step.Came, Went: step.Went, Buried: c.now.buried, Were: c.before.buried,
		Faults: map[string][]policy.Fault{},
	}
	for stray := range c.now.stray {
		if !c.before.stray[stray] {
			change.Stray = append(change.Stray, stray)
		}
	}
	for name, e := range c.now.root {
		if c.before.root[name] != e {
			change.Others = append(change.Others, name)
		}
	}
	for name := range c.before.root {
		if _, there := c.now.root[name]; !there {
			change.Others = append(change.Others, name)
		}
	}
	slices.Sort(change.Stray)
	slices.Sort(change.Others)
	if slices.Contains(change.Others, dockerfileName) && !first {
		var err error
		if change.RegistryProblem, err = c.registryProblem(); err != nil {
			return change, err
		}
	}
	return change, c.judgePackages(ctx, step.Came, change.Faults)
}

// registryProblem says why the Dockerfile's registry version is not allowed; "" where it is, or is what it was.
func (c *changes) registryProblem() (string, error) {
	now, err := c.registryIn(c.now.root[dockerfileName].ID)
	if err != nil || now == "" {
		return "", err
	}
	before, err := c.registryIn(c.before.root[dockerfileName].ID)
	if err != nil || now == before {
		return "", err
	}
	return wrongRegistry(c.distribution, now), nil
}

func (c *changes) registryIn(dockerfile object.ID) (string, error) {
	if dockerfile == "" {
		return "", nil
	}
	content, err := c.reader.Blob(dockerfile)
	if err != nil {
		return "", err
	}
	values, err := image.Defaults(content, registryArg)
	if err != nil || len(values) != 1 {
		return "", nil // what no builder can read is no version
	}
	return values[0], nil
}

// judgePackages finds what is wrong with packages, each tree once.
func (c *changes) judgePackages(ctx context.Context, came map[string]object.ID, faults map[string][]policy.Fault) error {
	var roots []object.ID
	for path, tree := range came {
		if _, known := c.faults[path+" "+string(tree)]; !known {
			roots = append(roots, tree)
		}
	}
	if err := c.forest.Load(c.reader, roots...); err != nil {
		return err
	}
	if err := c.session.fetchTrees(ctx, c.forest, roots); err != nil {
		return err
	}
	for path, tree := range came {
		key := path + " " + string(tree)
		if _, known := c.faults[key]; !known {
			found, err := c.judgePackage(path, tree)
			if err != nil {
				return err
			}
			c.faults[key] = found
		}
		if len(c.faults[key]) > 0 {
			faults[path] = c.faults[key]
		}
	}
	return nil
}

func (c *changes) judgePackage(at string, tree object.ID) ([]policy.Fault, error) {
	name, version, _ := strings.Cut(at, "/")
	p := integration.Package{Tree: tree}
	var found []policy.Fault
	var err error
	if p.Name, err = integration.ParseName(name); err == nil {
		p.Version, err = integration.ParseVersion(version)
	}
	if err != nil {
		return []policy.Fault{{Code: policy.Invalid, Problem: err.Error(), WayOut: "rename the folder; a registry leaves it out"}}, nil
	}
	findings, err := check(c.reader, c.forest, p)
	for _, f := range findings {
		below := strings.Trim(strings.TrimPrefix(f.Path, "packages/"+at), "/")
		found = append(found, policy.Fault{Code: policy.Invalid, Path: below, Problem: f.Problem, WayOut: f.WayOut})
	}
	for _, below := range devFolders(c.forest, tree) {
		found = append(found, policy.Fault{Code: policy.DevFolder, Path: below, Problem: devProblem, WayOut: "remove it from the package"})
	}
	return found, err
}
