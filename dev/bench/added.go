package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// model is the package whose newest version is copied to a new one.
type model struct {
	name, version string
	size          int64 // bytes
}

// middling is the size in bytes that the default model comes closest to: packages of 100 to 500 kB are the ordinary.
const middling = 300_000

// chooseModel takes the newest version of a package: of the one that is named, else of the one nearest to middling.
func chooseModel(files []file, name string) (model, error) {
	newest := newestVersions(files)
	if name != "" {
		newest = slices.DeleteFunc(newest, func(m model) bool { return m.name != name })
	}
	if len(newest) == 0 {
		return model{}, fmt.Errorf("choose a package: %s has no package %q", branch, name)
	}
	distance := func(m model) int64 { return max(m.size-middling, middling-m.size) }
	return slices.MinFunc(newest, func(a, b model) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), strings.Compare(a.name, b.name))
	}), nil
}

// newestVersions has one model for each package's name.
func newestVersions(files []file) []model {
	sizes := map[[2]string]int64{}
	for _, f := range files {
		if words := strings.SplitN(f.path, "/", 4); len(words) == 4 {
			sizes[[2]string{words[1], words[2]}] += f.size
		}
	}
	newest := map[string]model{}
	for key, size := range sizes {
		m := model{name: key[0], version: key[1], size: size}
		if known, there := newest[m.name]; !there || compareVersions(m.version, known.version) > 0 {
			newest[m.name] = m
		}
	}
	models := make([]model, 0, len(newest))
	for _, m := range newest {
		models = append(models, m)
	}
	return models
}

// numbers are major, minor and patch; a version without them is older than all others.
func numbers(version string) [3]int {
	var n [3]int
	release, _, _ := strings.Cut(version, "+")
	release, _, _ = strings.Cut(release, "-")
	words := strings.Split(release, ".")
	for i := range min(len(n), len(words)) {
		n[i], _ = strconv.Atoi(words[i])
	}
	return n
}

// compareVersions goes by the numbers. Which of 1.0.0-rc1 and 1.0.0 is taken does not matter here, only that it is
// always the same one.
func compareVersions(a, b string) int {
	x, y := numbers(a), numbers(b)
	return cmp.Or(slices.Compare(x[:], y[:]), strings.Compare(b, a))
}

// next is the n-th version after the model's, which is the branch's newest.
func (m model) next(n int) string {
	v := numbers(m.version)
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]+n)
}

var versionLine = regexp.MustCompile(`(?m)^version:.*$`)

// addVersion commits the n-th new version of the model to repository: the same files, but for the manifest.
func (b *bench) addVersion(ctx context.Context, repository string, m model, n int) (path string, err error) {
	from := "packages/" + m.name + "/" + m.version
	path = m.name + "/" + m.next(n)
	tree, err := line(ctx, repository, "rev-parse", branch+":"+from)
	if err != nil {
		return "", fmt.Errorf("add %s: %w", path, err)
	}
	parent, err := line(ctx, repository, "rev-parse", branch)
	if err != nil {
		return "", fmt.Errorf("add %s: %w", path, err)
	}
	manifest, err := output(command(ctx, repository, "git", "show", branch+":"+from+"/manifest.yml"))
	if err != nil {
		return "", fmt.Errorf("add %s: %w", path, err)
	}
	c := newCommit("Add "+path, parent)
	c.folder("packages/"+path, tree)
	c.file("packages/"+path+"/manifest.yml", versionLine.ReplaceAllLiteralString(string(manifest), "version: "+m.next(n)))
	if err := c.make(ctx, repository); err != nil {
		return "", fmt.Errorf("add %s: %w", path, err)
	}
	return path, nil
}

// sharedClone is a second storage with a branch of its own and the objects of the first.
func (b *bench) sharedClone(ctx context.Context) (string, error) {
	repository := filepath.Join(b.tmp, "added.git")
	if _, err := output(command(ctx, b.tmp, "git", "clone", "-q", "--bare", "--shared", b.storage, repository)); err != nil {
		return "", fmt.Errorf("clone the storage: %w", err)
	}
	return repository, nil
}
