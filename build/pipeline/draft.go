package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/preview"
)

// draft is a distribution before its packages are touched: what an image and a docker build context have in common.
type draft struct {
	distribution distribution.Distribution
	own          scanned
	times        map[string]time.Time // of the branches' commits
	tree         assemble.Tree
	uncommitted  []integration.Package
	base         base.Base
	inputs       Inputs
	inputsID     string
	sample       bool
	arrivals     []arrival // of the tree's packages, in its order
	members      []*member // of all families, once they are known
	// The files of the context, rendered.
	dockerfile, config, listing []byte
	// packages is where the image has them, absolute.
	packages string
	results  []*image.Result // one for each of the base's platforms
}

// The names of files in the context and the output folder (DESIGN: interfaces).
const (
	dockerfileName = "Dockerfile"
	configName     = "package-registry.yml"
	listingName    = "packages.json"
	reportName     = "build.json"
)

// draft reads the branches of a distribution, lays them over each other, and renders and interprets its Dockerfile.
func (s *Session) draft(ctx context.Context, name string) (*draft, error) {
	d := &draft{sample: s.sample, times: map[string]time.Time{}}
	var err error
	if d.distribution, err = s.table.Lookup(name); err != nil {
		return nil, err
	}
	stage := s.report.Stage("assemble " + name)
	if err := s.assemble(ctx, d); err != nil {
		stage.Failed()
		return nil, err
	}
	stage.Done(fmt.Sprintf("%d packages, %d shadowed", len(d.tree.Packages), len(d.tree.Shadowed)))
	s.warnShadowed(d.tree)
	version, err := s.registryVersion(ctx, d.distribution, d.own)
	if err != nil {
		return nil, err
	}
	if d.base, err = s.resolveBase(ctx, version); err != nil {
		return nil, err
	}
	if err := s.arrive(ctx, d); err != nil {
		return nil, err
	}
	if err := s.render(d, version); err != nil {
		return nil, err
	}
	d.inputsID, err = d.inputs.ID()
	return d, errors.Wrap(err, "compute the inputs id")
}

func (s *Session) assemble(ctx context.Context, d *draft) error {
	chain, err := s.chain(ctx, d.distribution.Name)
	if err != nil {
		return err
	}
	d.own = chain[len(chain)-1]
	branches := make([]assemble.Branch, len(chain))
	for i, b := range chain {
		branches[i] = b.Branch
		d.times[b.Name] = b.time
	}
	if s.config.With != "" {
		own := &branches[len(branches)-1]
		if *own, d.uncommitted, err = s.overlay(ctx, *own); err != nil {
			return err
		}
	}
	d.tree = assemble.Assemble(branches)
	if findings := d.tree.Check(); len(findings) > 0 {
		return invalid(findings)
	}
	if len(d.tree.Packages) == 0 {
		return invalid([]assemble.Finding{{Branch: d.own.Name, Path: "packages", Problem: "no branch of the distribution has a package, and " +
			"a registry does not start without one", WayOut: "add a package, or check that this is the right branch"}})
	}
	if len(d.uncommitted) > 0 {
		return s.visible(d)
	}
	return nil
}

func (s *Session) warnShadowed(tree assemble.Tree) {
	for _, shadowed := range tree.Shadowed {
		here, by := tree.Branches[shadowed.Branch].Name, tree.Branches[shadowed.By].Name
		path := branchPath(here, "packages/"+shadowed.Path())
		if shadowed.Differs() {
			s.report.Warn(fmt.Sprintf("%s is shadowed by %s's copy, and differs from it: the image has %s's (tree %s, not %s)",
				path, by, by, shadowed.ByTree.Short(), shadowed.Tree.Short()))
			continue
		}
		s.report.Detail(path + " is shadowed by " + by + "'s copy, the same bytes")
	}
}

// baseResolver finds bases; repository is where.
func (s *Session) baseResolver() (repository string, resolver base.Resolver) {
	repository = s.config.Base
	switch {
	case repository == "" && s.sample:
		repository = "preview"
	case repository == "":
		repository = s.table.Base
	}
	return repository, base.Resolver{
		Store: s.cache, Warn: s.report.Warn, PreviewKey: preview.Key,
		Preview: func(ctx context.Context) (v1.ImageIndex, error) {
			work, err := s.cache.Temporary()
			if err != nil {
				return nil, err
			}
			return preview.Index(ctx, preview.Options{Platforms: base.Default, Dir: s.config.Root, Temporary: work})
		},
	}
}

// resolveBase brings in the base, once a session for each registry version.
func (s *Session) resolveBase(ctx context.Context, version string) (base.Base, error) {
	if known, there := s.bases[version+"@"+s.baseDigest.String()]; there {
		return known, nil
	}
	repository, resolver := s.baseResolver()
	stage := s.report.Stage("bring in the base")
	found, err := resolver.Resolve(ctx, base.Request{
		Repository: repository, Version: version, Digest: s.baseDigest, Platforms: s.config.Platforms,
	})
	if err != nil {
		stage.Failed()
		return base.Base{}, err
	}
	var platforms []string
	for _, p := range found.Platforms {
		platforms = append(platforms, p.Platform.String())
	}
	stage.Done(fmt.Sprintf("%s %s, %s", found.Name, version, strings.Join(platforms, " ")))
	if repository == "preview" && !s.sample {
		s.report.Warn("the base is the embedded preview, whatever its registry version says: good to look at a distribution, not for production")
	}
	if names := found.Platforms[0].Config.Config.Labels["BRANCH_NAME"]; names != "" {
		return base.Base{}, &base.ReadError{Name: found.Name, Err: errors.Errorf("it is itself the image of a distribution (branch %s): its packages "+
			"would be served with this one's", names)}
	}
	s.bases[version+"@"+s.baseDigest.String()] = found
	return found, nil
}

// render makes the context's files and interprets the Dockerfile for each platform.
func (s *Session) render(d *draft, version string) error {
	own := d.tree.Branches[len(d.tree.Branches)-1]
	inputBranches, labels := upstreams(d.tree, d.times)
	d.inputs = Inputs{
		Distribution: d.distribution.Name, Branch: own.Name, Commit: own.Commit, Time: d.own.time, Upstreams: inputBranches,
		Registry: version, Base: d.base.Name, BaseDigest: d.base.Digest.String(),
		LayerFormat: s.config.Compression.String(), Plan: s.planner.Version(), Arrivals: d.inputs.Arrivals,
	}
	for _, p := range d.base.Platforms {
		d.inputs.Platforms = append(d.inputs.Platforms, p.Platform.String())
	}
	var uncommitted []string
	for _, p := range d.uncommitted {
		uncommitted = append(uncommitted, p.String())
		d.inputs.Uncommitted = append(d.inputs.Uncommitted, InputPackage{p.String(), p.Tree})
	}
	template, err := s.template()
	if err != nil {
		return err
	}
	d.dockerfile, err = image.Render(template, image.TemplateData{
		Distribution: d.distribution.Name, Branch: own.Name, Title: "Package storage: " + d.distribution.Name,
		Base: d.base.Name, BaseDigest: d.base.Digest.String(), PackageRegistry: version, Commit: own.Commit,
		Created: d.own.time, Source: s.source(), Upstreams: labels, Uncommitted: uncommitted,
	})
	if err != nil {
		return &ProjectError{templateFile, errors.Cause(err)}
	}
	if d.listing, err = json.MarshalIndent(d.tree.Listing(d.distribution.Name), "", "  "); err != nil {
		return errors.Wrap(err, "write "+listingName)
	}
	d.listing = append(d.listing, '\n')
	d.inputs.Dockerfile = sum(d.dockerfile)
	return s.interpret(d)
}

// source is where the storage is for everybody; the sample is nowhere.
func (s *Session) source() string {
	if s.sample {
		return ""
	}
	return s.table.Source
}

// interpret applies the Dockerfile to each platform of the base. It does so twice: only then is it known where the
// packages go, which the config must say.
func (s *Session) interpret(d *draft) error {
	parsed, err := image.Parse(d.dockerfile)
	if err != nil {
		return errors.Wrap(err, "interpret "+templateFile)
	}
	from, err := parsed.From(nil)
	if err != nil {
		return errors.Wrap(err, "interpret "+templateFile)
	}
	if want := d.base.Name + ":" + d.inputs.Registry; from != want {
		return &ProjectError{templateFile, errors.Errorf("FROM names %s, but the base is %s: write FROM {{bare .Base}}:${PACKAGE_REGISTRY}, "+
			"and set PACKAGE_REGISTRY_IMAGE for another base", from, want)}
	}
	apply := func(i int) (*image.Result, error) {
		files := image.ContextFiles{
			dockerfileName: {Content: d.dockerfile, Mode: 0o644},
			configName:     {Content: d.config, Mode: 0o644},
			listingName:    {Content: d.listing, Mode: 0o644},
		}
		result, err := parsed.Apply(d.base.Platforms[i].Config, d.base.Directories[i], files, nil)
		return result, errors.Wrap(err, "interpret "+templateFile)
	}
	first, err := apply(0)
	if err != nil {
		return err
	}
	d.packages = destination(first)
	if d.config, err = registryConfig(d.packages, d.distribution.Cache); err != nil {
		return errors.Wrap(err, "write "+configName)
	}
	d.inputs.Config = sum(d.config)
	for i := range d.base.Platforms {
		result, err := apply(i)
		if err != nil {
			return err
		}
		if to := destination(result); to != d.packages {
			return errors.Errorf("interpret %s: packages go to %s on %s and to %s on %s, since the base's WORKDIR differs: name an "+
				"absolute folder in the COPY", templateFile, d.packages, d.base.Platforms[0].Platform, to, d.base.Platforms[i].Platform)
		}
		d.results = append(d.results, result)
	}
	return nil
}

// destination is where packages go, absolute.
func destination(result *image.Result) string {
	for _, step := range result.Steps {
		if step.Packages != "" {
			return step.Packages
		}
	}
	return ""
}
