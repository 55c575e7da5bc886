package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// built is what the pipeline and the operating system say of one build.
type built struct {
	buildReport
	usage
}

// buildReport is what is of interest here in build.json. Sizes are in bytes.
type buildReport struct {
	Images []struct {
		Packed int64 `json:"packed"`
		Base   int64 `json:"basePacked"`
	} `json:"images"`
	Layers []builtLayer `json:"layers"`
	// Seconds are those of each stage, Total of all.
	Seconds map[string]float64 `json:"seconds"`
	Total   float64            `json:"totalSeconds"`
}

type builtLayer struct {
	Size     int64    `json:"size"`
	Unpacked int64    `json:"unpacked"`
	Packages []string `json:"packages"`
	From     string   `json:"from"`
}

func (l builtLayer) fresh() bool { return l.From == "built" }

// count is the number of layers of packages that were built, not taken from the cache.
func (r buildReport) count() int {
	n := 0
	for _, l := range r.Layers {
		if l.fresh() {
			n++
		}
	}
	return n
}

// layerOf is the layer that was built with a package ("<name>/<version>") in it.
func (r buildReport) layerOf(pack string) (builtLayer, bool) {
	i := slices.IndexFunc(r.Layers, func(l builtLayer) bool { return l.fresh() && slices.Contains(l.Packages, pack) })
	if i < 0 {
		return builtLayer{}, false
	}
	return r.Layers[i], true
}

// compile makes the magefile a program, as mage does before it runs a target.
func (b *bench) compile(ctx context.Context) error {
	b.pipeline = filepath.Join(b.tmp, "pipeline")
	if _, err := timed(command(ctx, b.root, "go", "tool", "mage", "-compile", b.pipeline)); err != nil {
		return fmt.Errorf("compile the magefile: %w", err)
	}
	return nil
}

// build builds production of a storage; cache and output are in dir.
func (b *bench) build(ctx context.Context, storage, dir string) (built, error) {
	cmd := command(ctx, b.root, b.pipeline, "build:"+branch)
	cmd.Env = environment("STORAGE="+storage, "PACKAGE_REGISTRY_IMAGE=preview", "DIST="+filepath.Join(dir, "dist"),
		"PACKAGE_STORAGE_CACHE="+cacheIn(dir), "CI=1")
	used, err := timed(cmd)
	if err != nil {
		return built{}, fmt.Errorf("build %s: %w", branch, err)
	}
	r, err := readReport(filepath.Join(dir, "dist", branch))
	return built{r, used}, err
}

// readReport reads what a build says of itself, from its output folder.
func readReport(dir string) (buildReport, error) {
	var r buildReport
	content, err := os.ReadFile(filepath.Join(dir, "build.json"))
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err == nil && (r.Total == 0 || len(r.Images) == 0 || len(r.Layers) == 0) {
		err = fmt.Errorf("totalSeconds, images or layers are missing in %.200s", content)
	}
	if err != nil {
		return r, fmt.Errorf("read build.json: %w", err)
	}
	return r, nil
}

func cacheIn(dir string) string { return filepath.Join(dir, "cache") }

// prime makes a cache that holds the base and nothing else of interest: by building a storage of one small package.
func (b *bench) prime(ctx context.Context) error {
	if err := b.makeTiny(ctx); err != nil {
		return err
	}
	b.primed = filepath.Join(b.tmp, "primed")
	if err := os.Mkdir(b.primed, 0o755); err != nil {
		return fmt.Errorf("prime the cache: %w", err)
	}
	if _, err := b.build(ctx, b.tiny, b.primed); err != nil {
		return fmt.Errorf("prime the cache with the base: %w", err)
	}
	return nil
}

// emptyCache makes dir anew, with a copy of the primed cache. The small storage is built once more there, since the
// pipeline trusts a blob by its inode: a copied base would be read and hashed in the build that is measured.
func (b *bench) emptyCache(ctx context.Context, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("empty the cache: %w", err)
	}
	if err := os.CopyFS(cacheIn(dir), os.DirFS(cacheIn(b.primed))); err != nil {
		return fmt.Errorf("copy the cache: %w", err)
	}
	if _, err := b.build(ctx, b.tiny, dir); err != nil {
		return fmt.Errorf("try the copied cache: %w", err)
	}
	return nil
}
