package pipeline

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// TestChangedInputs names those that an image can't be built with again, and no others: commits are turned back to.
func TestChangedInputs(t *testing.T) {
	if got := changedInputs(someInputs(), someInputs()); len(got) > 0 {
		t.Errorf("of the same inputs %q have changed", got)
	}
	for want, change := range map[string]func(*Inputs){
		"base: was registry.example.com/registry, is other":                                        func(i *Inputs) { i.Base = "other" },
		"base digest: was sha256:" + strings.Repeat("1", 64) + ", is sha256:0":                     func(i *Inputs) { i.BaseDigest = "sha256:0" },
		"rendered Dockerfile (Dockerfile.tmpl, distributions.yml): was 2222, is 9999":              func(i *Inputs) { i.Dockerfile = "9999" },
		"package-registry.yml (distributions.yml): was 3333, is 9999":                              func(i *Inputs) { i.Config = "9999" },
		"arrival of packages (the branches' histories): was " + strings.Repeat("4", 64) + ", is 5": func(i *Inputs) { i.Arrivals = "5" },
		"platforms: was linux/amd64,linux/arm64, is linux/amd64":                                   func(i *Inputs) { i.Platforms = i.Platforms[:1] },
		"platforms: was linux/amd64,linux/arm64, is linux/amd64,linux/arm64,linux/riscv64":         func(i *Inputs) { i.Platforms = append(i.Platforms, "linux/riscv64") },
	} {
		ours := someInputs()
		change(&ours)
		if got := changedInputs(someInputs(), ours); len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	ours := someInputs()
	ours.Base, ours.Config = "other", "9999"
	if got := changedInputs(someInputs(), ours); len(got) != 2 {
		t.Errorf("of two inputs %q have changed", got)
	}
}

// TestCompressionOf: another version of a compressor is still that compressor; another form of tar is not ours.
func TestCompressionOf(t *testing.T) {
	for format, want := range map[string]layer.Compression{
		layer.Zstd.String(): layer.Zstd, layer.Gzip.String(): layer.Gzip,
		"tar/1+zstd github.com/klauspost/compress@v1.0.0 level best": layer.Zstd,
		"tar/1+gzip github.com/klauspost/compress@v9.9.9 level 9":    layer.Gzip,
	} {
		if got, ok := compressionOf(format); !ok || got != want {
			t.Errorf("%s: %s, %t, want %s", format, got, ok, want)
		}
	}
	for _, format := range []string{
		"", "zstd", "tar/1", "tar/1+lzma x", "tar/2+zstd " + strings.SplitN(layer.Zstd.String(), " ", 2)[1], "tar/1+zstandard x", " tar/1+zstd x",
	} {
		if got, ok := compressionOf(format); ok {
			t.Errorf("%q is taken for %s", format, got)
		}
	}
}

// TestVerifiable: why an image can't be built again, each with a way out where there is one.
func TestVerifiable(t *testing.T) {
	good := func() *published { return &published{inputs: someInputs(), ours: true} }
	s := &Session{planner: layer.Stack{}}
	if err := s.verifiable("snapshot", "host/a:snapshot", good()); err != nil {
		t.Errorf("%v", err)
	}
	for says, change := range map[string]func(*published) *published{
		"there is no image host/a:snapshot":                            func(*published) *published { return nil },
		"host/a:snapshot does not say what it was made of":             func(p *published) *published { p.ours = false; return p },
		"host/a:snapshot is an image of staging":                       func(p *published) *published { p.inputs.Distribution = "staging"; return p },
		"its layers were planned as buckets/1":                         func(p *published) *published { p.inputs.Plan = "buckets/1"; return p },
		"its base came from an OCI layout":                             func(p *published) *published { p.inputs.Base = base.LayoutName; return p },
		"its layers are written as tar/0+zstd x, which this pipeline ": func(p *published) *published { p.inputs.LayerFormat = "tar/0+zstd x"; return p },
	} {
		err := s.verifiable("snapshot", "host/a:snapshot", change(good()))
		if err == nil || !strings.HasPrefix(err.Error(), "the published image of snapshot can't be verified: "+says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	s.config.Base = "oci:here"
	layout := good()
	layout.inputs.Base = base.LayoutName
	if err := s.verifiable("snapshot", "host/a:snapshot", layout); err != nil {
		t.Errorf("with the layout at hand: %v", err)
	}
}

// TestTurnBack: the session builds what an image says of itself, whatever the variables are, and afterwards what they
// say again.
func TestTurnBack(t *testing.T) {
	s := &Session{
		config:   Config{Registry: "v9.9.9", With: "packages", Published: true, DryRun: true, Compression: layer.Gzip, Dist: "dist"},
		branches: map[string]scanned{"snapshot-branch": {}},
	}
	before := s.config
	forward := s.turnBack(&published{inputs: someInputs(), facts: PublishedFacts{Packages: []PublishedPackage{
		{Path: "apple/1.0.0", Tree: commitOf("d"), Since: 7}, {Path: "pear/1.0.0", Tree: commitOf("e"), Since: 8},
	}}})
	c := s.config
	if c.Registry != "v1.31.1" || c.With != "" || c.Published || c.DryRun || c.Compression != layer.Zstd || c.Base != "" || c.Dist != "dist" {
		t.Errorf("the configuration is %+v", c)
	}
	if len(c.Platforms) != 2 || c.Platforms[0].String() != "linux/amd64" || c.Platforms[1].String() != "linux/arm64" {
		t.Errorf("the platforms are %v", c.Platforms)
	}
	want := map[string]object.ID{"snapshot-branch": commitOf("a"), "staging-branch": commitOf("b"), "production-branch": commitOf("c")}
	if !maps.Equal(s.pinned, want) || len(s.branches) > 0 || !s.anew || s.baseDigest.String() != someInputs().BaseDigest {
		t.Errorf("pinned %v, read %v, anew %t, base %s", s.pinned, s.branches, s.anew, s.baseDigest)
	}
	if len(s.recorded) != 2 || s.recorded["pear/1.0.0"].Since != 8 {
		t.Errorf("it is planned by %v", s.recorded)
	}
	forward()
	if s.recorded != nil {
		t.Errorf("afterwards it is planned by %v", s.recorded)
	}
	if !reflect.DeepEqual(s.config, before) || len(s.branches) != 1 || s.pinned != nil || s.anew || s.baseDigest.Hex != "" {
		t.Errorf("afterwards: %+v, pinned %v, read %v, anew %t", s.config, s.pinned, s.branches, s.anew)
	}

	for _, c := range []struct{ user, image, want string }{
		{"", base.PreviewName, "preview"}, {"", "registry.example.com/registry", ""},
		{"oci:here", base.LayoutName, "oci:here"}, {"mirror.example.com/registry", "registry.example.com/registry", "mirror.example.com/registry"},
	} {
		s := &Session{config: Config{Base: c.user}}
		inputs := someInputs()
		inputs.Base = c.image
		s.turnBack(&published{inputs: inputs})
		if s.recorded != nil {
			t.Error("of an image without facts the arrivals are not what history says")
		}
		if s.config.Base != c.want {
			t.Errorf("an image on %s, and the user says %q: %s, want %s", c.image, c.user, s.config.Base, c.want)
		}
	}
}

// TestElsewhere: only the layers that were published are not here.
func TestElsewhere(t *testing.T) {
	digest := func(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }
	r := BuildReport{Layers: []ReportLayer{
		{Digest: digest("1"), From: FromBuild}, {Digest: digest("2"), From: FromCache}, {Digest: digest("3"), From: FromPublished},
		{From: FromLater}, {Digest: "nonsense", From: FromPublished},
	}}
	got := r.elsewhere()
	if len(got) != 1 {
		t.Errorf("%v", got)
	}
	for d := range got {
		if d.String() != digest("3") {
			t.Errorf("%s", d)
		}
	}
}

// TestCandidateOf: what a rival is judged and named by comes from its own annotations.
func TestCandidateOf(t *testing.T) {
	p := &published{Manifest: publish.Manifest{Content: []byte("{}")}, inputs: someInputs(), ours: true}
	p.index.Annotations = indexAnnotations(t, draftOf(t, someInputs()))
	c := p.candidate()
	if c.inputsID != p.index.Annotations[InputsAnnotation] || !reflect.DeepEqual(c.inputs, someInputs()) || string(c.Content) != "{}" {
		t.Errorf("%+v", c)
	}
	if want := describe(someInputs(), c.inputsID); c.String() != want {
		t.Errorf("%s, want %s", c, want)
	}
}
