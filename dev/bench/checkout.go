package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// checkout is what a user of Docker has before the build: a folder with a Dockerfile and the packages as a clone has
// them, each file for itself. The pipeline's own context has equal files as hard links, which would spare BuildKit work.
type checkout struct {
	b       *bench
	storage string
	dir     string // the docker build context
	dist    string // where the pipeline assembles
	base    string // the image repository with the base
}

func (c *checkout) assembled() string { return filepath.Join(c.dist, branch+".context") }

// update brings a folder of packages ("." is all) from the storage, and the Dockerfile of its last commit.
func (c *checkout) update(ctx context.Context, folder string) error {
	cmd := command(ctx, c.b.root, c.b.pipeline, "assemble", branch)
	cmd.Env = environment("STORAGE="+c.storage, "PACKAGE_REGISTRY_IMAGE=preview", "DIST="+c.dist,
		"PACKAGE_STORAGE_CACHE="+cacheIn(c.b.warm()), "CI=1")
	if _, err := timed(cmd); err != nil {
		return fmt.Errorf("assemble %s: %w", branch, err)
	}
	if err := c.copy(folder); err != nil {
		return fmt.Errorf("copy the packages of %s: %w", branch, err)
	}
	return nil
}

func (c *checkout) copy(folder string) error {
	const packages, config, dockerfile = "packages", "package-registry.yml", "Dockerfile"
	err := os.CopyFS(filepath.Join(c.dir, packages, folder), os.DirFS(filepath.Join(c.assembled(), packages, folder)))
	if err != nil {
		return err
	}
	settings, err := os.ReadFile(filepath.Join(c.assembled(), config))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(c.assembled(), dockerfile))
	if err != nil {
		return err
	}
	changed, _, err := rebase(string(text), c.base)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(c.dir, config), settings, 0o644),
		os.WriteFile(filepath.Join(c.dir, dockerfile), []byte(changed), 0o644))
}

var (
	fromLine    = regexp.MustCompile(`(?m)^FROM (\S+):\$\{PACKAGE_REGISTRY\}$`)
	versionArgs = regexp.MustCompile(`(?m)^ARG PACKAGE_REGISTRY=(\S+)$`)
)

// rebase puts a rendered Dockerfile on another image repository, and says which tag of it is meant.
func rebase(dockerfile, repository string) (changed, tag string, err error) {
	from, version := fromLine.FindStringSubmatch(dockerfile), versionArgs.FindStringSubmatch(dockerfile)
	if from == nil || version == nil {
		return "", "", errors.New("the Dockerfile has no FROM <base>:${PACKAGE_REGISTRY}, or no ARG PACKAGE_REGISTRY=<version>")
	}
	return strings.ReplaceAll(dockerfile, from[1]+":$", repository+":$"), version[1], nil
}

// pushBase pushes the base of what was assembled to where the Dockerfile has it from; address is the same server's,
// past the meter.
func (c *checkout) pushBase(ctx context.Context, address string) error {
	if err := c.tryPushBase(ctx, address); err != nil {
		return fmt.Errorf("push the base: %w", err)
	}
	return nil
}

func (c *checkout) tryPushBase(ctx context.Context, address string) error {
	dockerfile, err := os.ReadFile(filepath.Join(c.assembled(), "Dockerfile"))
	if err != nil {
		return err
	}
	_, tag, err := rebase(string(dockerfile), c.base)
	if err != nil {
		return err
	}
	_, path, _ := strings.Cut(c.base, "/")
	target, err := name.NewTag(address + "/" + path + ":" + tag)
	if err != nil {
		return err
	}
	found, err := layout.ImageIndexFromPath(filepath.Join(c.assembled(), "base"))
	if err != nil {
		return err
	}
	all, err := found.IndexManifest()
	if err != nil {
		return err
	}
	if len(all.Manifests) != 1 {
		return fmt.Errorf("its layout has %d images, not one", len(all.Manifests))
	}
	switch one := all.Manifests[0]; {
	case one.MediaType.IsIndex():
		index, err := found.ImageIndex(one.Digest)
		if err != nil {
			return err
		}
		return remote.WriteIndex(target, index, remote.WithContext(ctx))
	default:
		image, err := found.Image(one.Digest)
		if err != nil {
			return err
		}
		return remote.Write(target, image, remote.WithContext(ctx))
	}
}
