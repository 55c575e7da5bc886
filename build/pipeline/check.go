package pipeline

import (
	"context"
	"io"
	"strings"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/gitstore"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/object"
)

// fetchTrees sees to it that a partial clone has the files of trees, which are loaded: it would ask for each.
func (s *Session) fetchTrees(ctx context.Context, forest *object.Forest, roots []object.ID) error {
	if !s.storage.Partial() {
		return nil
	}
	var ids []object.ID
	for _, root := range roots {
		ids = append(ids, blobs(forest, root)...)
	}
	return s.fetch(ctx, ids)
}

// check is what a build would find wrong with a package, whose trees are loaded.
func check(reader *gitstore.Reader, forest *object.Forest, p integration.Package) ([]assemble.Finding, error) {
	findings := assemble.CheckTree(forest, "", p)
	var paths []string
	var ids []object.ID
	forest.Walk(p.Path(), p.Tree, func(path string, e object.TreeEntry) error {
		if e.Mode == object.ModeFile || e.Mode == object.ModeExecutable {
			paths, ids = append(paths, path), append(ids, e.ID)
		}
		return nil
	})
	sizes, err := reader.Sizes(ids)
	if err != nil {
		return nil, err
	}
	var wanted []string
	var blobs []object.ID
	for i, size := range sizes {
		if assemble.NeedsContent(paths[i], size) {
			wanted, blobs = append(wanted, paths[i]), append(blobs, ids[i])
		}
	}
	err = reader.Blobs(blobs, func(i int, _ int64, content io.Reader) error {
		read, err := io.ReadAll(content)
		if err == nil {
			findings = append(findings, assemble.CheckContent("", wanted[i], read)...)
		}
		return err
	})
	return findings, err
}

const devProblem = "a folder _dev is for a package's makers, and would be published"

// devFolders are the paths of such folders in a package.
func devFolders(forest *object.Forest, tree object.ID) []string {
	var found []string
	forest.Walk("", tree, func(below string, e object.TreeEntry) error {
		if e.Name == "_dev" && e.Mode == object.ModeTree {
			found = append(found, strings.Trim(below, "/"))
		}
		return nil
	})
	return found
}
