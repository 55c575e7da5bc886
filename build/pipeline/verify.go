package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// VerifyResult is how a published image compares with one that was built again from git.
type VerifyResult struct {
	Distribution, Repository string
	// Published is the digest of the index that the distribution's tag stands for, Rebuilt that of ours.
	Published, Rebuilt string
	// MadeOf says which commits.
	MadeOf string
	// Layers are counted once for each platform. Equal ones agree in their digest, SameContent ones in the diff id only
	// (another version of the compressor packed them).
	Layers, Equal, SameContent int
	// Differences name what does not agree.
	Differences []string
	// Repacked says which compressor packed the layers, if it was another one than here: then only contents can agree.
	Repacked string
	Seconds  float64
}

// Verified says that every layer agrees, and all that the image is besides.
func (r VerifyResult) Verified() bool { return len(r.Differences) == 0 }

// UnverifiableError says why a published image can't be built again here.
type UnverifiableError struct{ Distribution, Why, WayOut string }

func (e *UnverifiableError) Error() string {
	return "the published image of " + e.Distribution + " can't be verified: " + e.Why
}

// Verify builds the published image of a distribution again, from the commits that it says it was made of, and compares
// layer by layer. No layer comes from the cache or the image repository; the base may.
// Errors: those of Build, *UnverifiableError, *publish.Error.
func (s *Session) Verify(ctx context.Context, name string) (VerifyResult, error) {
	start := time.Now()
	d, err := s.table.Lookup(name)
	if err != nil {
		return VerifyResult{}, err
	}
	repository, err := s.repository(d)
	if err != nil {
		return VerifyResult{}, err
	}
	there, err := readPublished(ctx, repository, d.Tag)
	if err != nil {
		return VerifyResult{}, err
	}
	if err := s.verifiable(name, repository.Name()+":"+d.Tag, there); err != nil {
		return VerifyResult{}, err
	}
	defer s.turnBack(there)()
	rebuilt, inputs, err := s.rebuild(ctx, name)
	if err != nil {
		return VerifyResult{}, err
	}
	r := VerifyResult{
		Distribution: name, Repository: repository.Name(), Published: there.Digest.String(), Rebuilt: rebuilt.Descriptor.Digest.String(),
		MadeOf: there.candidate().String(),
	}
	for _, changed := range changedInputs(there.inputs, inputs) {
		r.differ("%s; if that was changed since, verify with the pipeline of that time", changed)
	}
	if there.inputs.LayerFormat != inputs.LayerFormat {
		r.Repacked = fmt.Sprintf("by %s; here it is %s", there.inputs.LayerFormat, inputs.LayerFormat)
	}
	err = r.compare(ctx, there, rebuilt)
	r.Seconds = time.Since(start).Seconds()
	return r, err
}

// verifiable says why an image can't be built again.
func (s *Session) verifiable(name, reference string, there *published) error {
	switch {
	case there == nil:
		return &UnverifiableError{name, "there is no image " + reference, "check IMAGE, or push one"}
	case !there.ours:
		return &UnverifiableError{name, reference + " does not say what it was made of: another tool made it", ""}
	case there.inputs.Distribution != name:
		return &UnverifiableError{name, reference + " is an image of " + there.inputs.Distribution, ""}
	case there.inputs.Plan != s.planner.Version():
		return &UnverifiableError{name, fmt.Sprintf("its layers were planned as %s, and this pipeline plans as %s", there.inputs.Plan,
			s.planner.Version()), "use the version of the pipeline that made it"}
	case there.inputs.Base == base.LayoutName && s.config.Base == "":
		return &UnverifiableError{name, "its base came from an OCI layout", "set PACKAGE_REGISTRY_IMAGE=oci:<that folder>"}
	}
	if _, ok := compressionOf(there.inputs.LayerFormat); !ok {
		return &UnverifiableError{name, "its layers are written as " + there.inputs.LayerFormat + ", which this pipeline does not know",
			"use the version of the pipeline that made it"}
	}
	return nil
}

// compressionOf finds out which compression a layer format is of, if only the compressor may be of another version.
func compressionOf(format string) (layer.Compression, bool) {
	for _, c := range []layer.Compression{layer.Zstd, layer.Gzip} {
		ours, _, _ := strings.Cut(c.String(), " ")
		theirs, _, _ := strings.Cut(format, " ")
		if ours == theirs {
			return c, true
		}
	}
	return "", false
}

// turnBack makes the session build what an image says it was made of; the function returned makes it build what is there now again.
func (s *Session) turnBack(there *published) (forward func()) {
	config, branches, inputs := s.config, s.branches, there.inputs
	if len(there.facts.Packages) > 0 { // or they were too many: then history must tell
		s.recorded = there.facts.byPath()
	}
	s.config.Registry, s.config.With, s.config.Published, s.config.DryRun = inputs.Registry, "", false, false
	if s.config.Base == "" && inputs.Base == base.PreviewName {
		s.config.Base = "preview"
	}
	if digest, err := v1.NewHash(inputs.BaseDigest); err == nil {
		s.baseDigest = digest
	}
	s.config.Platforms = nil
	for _, name := range inputs.Platforms {
		if p, err := v1.ParsePlatform(name); err == nil {
			s.config.Platforms = append(s.config.Platforms, *p)
		}
	}
	s.config.Compression, _ = compressionOf(inputs.LayerFormat)
	s.branches, s.anew = map[string]scanned{}, true
	s.pinned = map[string]object.ID{inputs.Branch: inputs.Commit}
	for _, b := range inputs.Upstreams {
		s.pinned[b.Branch] = b.Commit
	}
	return func() {
		s.config, s.branches, s.pinned, s.recorded, s.anew, s.baseDigest = config, branches, nil, nil, false, v1.Hash{}
	}
}

// rebuild builds all layers anew and composes the image; it writes no output.
func (s *Session) rebuild(ctx context.Context, name string) (image.Index, Inputs, error) {
	d, err := s.draft(ctx, name)
	if err != nil {
		return image.Index{}, Inputs{}, err
	}
	prefix := strings.TrimPrefix(d.packages, "/")
	layers, err := s.planLayers(ctx, d, prefix)
	if err != nil {
		return image.Index{}, Inputs{}, err
	}
	if err := s.buildLayers(ctx, d, layers, prefix); err != nil {
		return image.Index{}, Inputs{}, err
	}
	rebuilt, err := s.compose(d, layers)
	return rebuilt, d.inputs, err
}

// changedInputs names inputs that could not be had as they were.
func changedInputs(theirs, ours Inputs) []string {
	var changed []string
	for _, one := range []struct{ what, theirs, ours string }{
		{"base", theirs.Base, ours.Base},
		{"base digest", theirs.BaseDigest, ours.BaseDigest},
		{"rendered Dockerfile (Dockerfile.tmpl, distributions.yml)", theirs.Dockerfile, ours.Dockerfile},
		{"package-registry.yml (distributions.yml)", theirs.Config, ours.Config},
		{"arrival of packages (the branches' histories)", theirs.Arrivals, ours.Arrivals},
		{"platforms", strings.Join(theirs.Platforms, ","), strings.Join(ours.Platforms, ",")},
	} {
		if one.theirs != one.ours {
			changed = append(changed, fmt.Sprintf("%s: was %s, is %s", one.what, one.theirs, one.ours))
		}
	}
	return changed
}

// compare compares the images of all platforms, layer by layer.
func (r *VerifyResult) compare(ctx context.Context, there *published, rebuilt image.Index) error {
	if len(there.index.Manifests) != len(rebuilt.Images) {
		r.differ("the published image has %d platforms, the rebuilt one %d", len(there.index.Manifests), len(rebuilt.Images))
		return nil
	}
	for i, ours := range rebuilt.Images {
		manifest, err := there.manifest(ctx, there.index.Manifests[i].Digest)
		if err != nil {
			return err
		}
		if manifest == nil {
			r.differ("%s: its manifest %s is not in the image repository", ours.Platform, there.index.Manifests[i].Digest)
			continue
		}
		raw, err := there.repository.Blob(ctx, manifest.Config.Digest)
		if err != nil {
			return err
		}
		config, err := v1.ParseConfigFile(bytes.NewReader(raw))
		if err != nil {
			return errors.Wrapf(err, "read the configuration %s", manifest.Config.Digest)
		}
		if err := r.compareLayers(ctx, there, ours, manifest, config); err != nil {
			return err
		}
	}
	if len(r.Differences) == 0 && r.Repacked == "" && r.Published != r.Rebuilt {
		r.differ("all layers agree and all inputs are the same, but manifests or configurations are not: published %s, rebuilt %s", r.Published,
			r.Rebuilt)
	}
	return nil
}

func (r *VerifyResult) compareLayers(ctx context.Context, there *published, ours image.Image, manifest *v1.Manifest, config *v1.ConfigFile) error {
	if len(manifest.Layers) != len(ours.Layers) || len(config.RootFS.DiffIDs) != len(ours.Layers) {
		r.differ("%s: %d layers are published (%d diff ids), %d were rebuilt", ours.Platform, len(manifest.Layers),
			len(config.RootFS.DiffIDs), len(ours.Layers))
		return nil
	}
	rebuilt, err := v1.ParseConfigFile(bytes.NewReader(ours.Config.Content))
	if err != nil {
		return errors.Wrap(err, "read the rebuilt configuration")
	}
	got, want := settings(config), settings(rebuilt)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			r.differ("%s: %s of the configuration is %s, and should be %s", ours.Platform, name, cmp.Or(got[name], "missing"), want[name])
		}
		delete(got, name)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		r.differ("%s: %s of the configuration should not be there: %s", ours.Platform, name, got[name])
	}
	for i, l := range ours.Layers {
		r.Layers++
		agrees := l.DiffID == config.RootFS.DiffIDs[i]
		if agrees && l.Digest != manifest.Layers[i].Digest {
			// Packed by another compressor, or so the configuration says: only the bytes can tell.
			diffID, err := there.repository.DiffID(ctx, manifest.Layers[i].Digest)
			if err != nil {
				return err
			}
			agrees = diffID == l.DiffID
		}
		switch {
		case !agrees:
			what := l.CreatedBy
			if what == "" {
				what = "of the base or the configuration"
			}
			r.differ("%s: layer %d (%s): published %s with diff id %s, rebuilt %s with diff id %s", ours.Platform, i+1, what,
				manifest.Layers[i].Digest, config.RootFS.DiffIDs[i], l.Digest, l.DiffID)
		case l.Digest == manifest.Layers[i].Digest:
			r.Equal++
		default:
			r.SameContent++
		}
	}
	return nil
}

// settings are what an engine goes by, by their names, as JSON.
func settings(config *v1.ConfigFile) map[string]string {
	named := map[string]json.RawMessage{}
	texts := map[string]string{}
	content, err := json.Marshal(config.Config)
	if err == nil {
		err = json.Unmarshal(content, &named)
	}
	if err != nil {
		texts["JSON"] = err.Error()
	}
	for name, value := range named {
		texts[name] = string(value)
	}
	return texts
}

func (r *VerifyResult) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}
