package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// published is an image in an image repository, as far as it has been read.
type published struct {
	repository *publish.Repository
	publish.Manifest
	// inputs are what it says it was made of; ours is false where it says nothing: this pipeline did not make it.
	inputs Inputs
	ours   bool
	index  v1.IndexManifest
	facts  PublishedFacts
	known  map[string]layer.Blob // layers of packages by their keys, once they have been asked for
}

// readPublished reads the index that a tag or digest stands for; nil where there is none.
func readPublished(ctx context.Context, repository *publish.Repository, identifier string) (*published, error) {
	manifest, err := repository.Get(ctx, identifier)
	if err != nil || manifest == nil {
		return nil, err
	}
	p := &published{repository: repository, Manifest: *manifest}
	if !manifest.MediaType.IsIndex() {
		return p, nil // one platform's image: not ours
	}
	if err := json.Unmarshal(manifest.Content, &p.index); err != nil {
		return p, nil // whatever it is, it is not ours
	}
	p.inputs, p.ours = readInputs(p.index.Annotations)
	if p.ours {
		p.facts = readFacts(p.index.Annotations)
	}
	return p, nil
}

// manifests reads those of the image's platforms.
func (p *published) manifests(ctx context.Context) ([]v1.Manifest, error) {
	var all []v1.Manifest
	for _, d := range p.index.Manifests {
		one, err := p.manifest(ctx, d.Digest)
		if err != nil {
			return nil, err
		}
		if one != nil {
			all = append(all, *one)
		}
	}
	return all, nil
}

func (p *published) manifest(ctx context.Context, digest v1.Hash) (*v1.Manifest, error) {
	raw, err := p.repository.Get(ctx, digest.String())
	if err != nil || raw == nil {
		return nil, err
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(raw.Content))
	return parsed, errors.Wrapf(err, "read the manifest %s of %s", digest, p.repository.Name())
}

// layers are those of packages, by their keys. Their diff ids are the config's.
func (p *published) layers(ctx context.Context) (map[string]layer.Blob, error) {
	if p.known != nil {
		return p.known, nil
	}
	found := map[string]layer.Blob{}
	if !p.ours || p.facts.Checks != layerKind || len(p.index.Manifests) == 0 {
		return found, nil
	}
	manifest, err := p.manifest(ctx, p.index.Manifests[0].Digest) // all platforms share them
	if err != nil || manifest == nil {
		return found, err
	}
	raw, err := p.repository.Blob(ctx, manifest.Config.Digest)
	if err != nil {
		return found, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return found, errors.Wrapf(err, "read the configuration of %s", p.Digest)
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return found, nil // no image that could be run: nothing is taken from it
	}
	for i, d := range manifest.Layers {
		if key := d.Annotations[KeyAnnotation]; key != "" {
			found[key] = layer.Blob{
				Digest: d.Digest, DiffID: config.RootFS.DiffIDs[i], Size: d.Size, Unpacked: readSize(d.Annotations[unpackedAnnotation]),
			}
		}
	}
	p.known = found
	return found, nil
}

// repository opens the image repository of a distribution, once a session.
func (s *Session) repository(d distribution.Distribution) (*publish.Repository, error) {
	location := s.config.Image
	if location == "" {
		location = s.table.Repository(d)
	}
	if known := s.repositories[location]; known != nil {
		return known, nil
	}
	opened, err := publish.Open(location, publish.Options{Patience: s.config.Patience, Notice: s.report.Warn})
	if err == nil {
		s.repositories[location] = opened
	}
	return opened, err
}

// publishedImages hands the images that are published of a chain's distributions to use until that is done: the own one
// first, then those upstream of it. Each is read once a session.
func (s *Session) publishedImages(ctx context.Context, d *draft, use func(*published) (done bool, err error)) error {
	if !s.config.Published || s.config.With != "" { // an image with uncommitted packages is not pushed: it is to be whole
		return nil
	}
	for i := len(d.tree.Branches) - 1; i >= 0; i-- {
		image, err := s.publishedImage(ctx, d.tree.Branches[i].Distribution)
		if err != nil {
			return err
		}
		if image == nil {
			continue
		}
		if done, err := use(image); done || err != nil {
			return err
		}
	}
	return nil
}

// publishedImage is that of a distribution, read once a session; nil where there is none.
func (s *Session) publishedImage(ctx context.Context, name string) (*published, error) {
	if image, read := s.images[name]; read {
		return image, nil
	}
	image, err := s.readImage(ctx, name)
	if err == nil {
		s.images[name] = image
	}
	return image, err
}

// readImage reads what a distribution's tag stands for. An image repository that can't be asked is no reason not to
// build.
func (s *Session) readImage(ctx context.Context, name string) (*published, error) {
	d, err := s.table.Lookup(name)
	if err != nil {
		return nil, err
	}
	repository, err := s.repository(d)
	if err != nil {
		return nil, err
	}
	if s.unreadable[repository.Name()] {
		return nil, nil
	}
	stage := s.report.Stage("look at the published image of " + name)
	image, err := readPublished(ctx, repository, d.Tag)
	if refused := (*publish.Error)(nil); errors.As(err, &refused) {
		stage.Failed()
		s.unreadable[repository.Name()] = true
		s.report.Warn("published images can't be read, and all layers that the cache lacks are built: " + refused.Error())
		return nil, nil
	}
	switch {
	case err != nil:
		stage.Failed()
	case image == nil:
		stage.Done("there is none")
	default:
		stage.Done(image.Digest.String())
	}
	return image, err
}

// lookUpPublished finds layers that the cache lacks in what is published.
func (s *Session) lookUpPublished(ctx context.Context, d *draft, layers []packageLayer) error {
	missing := map[string]*packageLayer{}
	for i := range layers {
		if layers[i].from == FromLater {
			missing[layers[i].key] = &layers[i]
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.publishedImages(ctx, d, func(image *published) (bool, error) {
		known, err := image.layers(ctx)
		if refused := (*publish.Error)(nil); errors.As(err, &refused) {
			s.report.Warn("a published image can't be read: " + refused.Error())
			return false, nil
		}
		for key, blob := range known {
			if l := missing[key]; l != nil {
				l.blob, l.from, l.repository = blob, FromPublished, image.repository.Name()
				delete(missing, key)
			}
		}
		return len(missing) == 0, err
	})
}

// publishedMembers fills in what a published image says of packages that were never seen here, and returns the rest. Only
// a partial clone gains by it: others have the files at hand, and see for themselves.
func (s *Session) publishedMembers(ctx context.Context, d *draft, unknown []*member) ([]*member, error) {
	if len(unknown) == 0 || !s.storage.Partial() {
		return unknown, nil
	}
	err := s.publishedImages(ctx, d, func(image *published) (bool, error) {
		known := image.facts.byPath()
		unknown = slices.DeleteFunc(unknown, func(m *member) bool {
			if !m.take(known) {
				return false
			}
			s.trusting = true
			return true
		})
		return len(unknown) == 0, nil
	})
	return unknown, err
}

// take fills in a member by what is known of packages, if that was measured beside the same package.
func (m *member) take(known map[string]PublishedPackage) bool {
	p, there := known[m.Path()]
	if !there || p.Tree != m.Tree || p.Sizes[0] == 0 {
		return false
	}
	if before := m.before; before == nil && p.before != "" || before != nil && p.before != before.Path() ||
		before != nil && known[p.before].Tree != before.Tree {
		return false
	}
	m.facts = facts{[]layer.Part{{
		Family: string(m.Name), Path: m.Path(), Mode: object.ModeTree, ID: m.Tree,
		Size: p.Sizes[0], Delta: p.Sizes[1], Packed: p.Sizes[2], PackedDelta: p.Sizes[3],
	}}}
	return true
}

// elsewhere are layers whose bytes are not here.
func (r BuildReport) elsewhere() map[v1.Hash]bool {
	digests := map[v1.Hash]bool{}
	for _, l := range r.Layers {
		if digest, err := v1.NewHash(l.Digest); err == nil && l.From == FromPublished {
			digests[digest] = true
		}
	}
	return digests
}
