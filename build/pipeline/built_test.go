package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pkg/errors"

	"github.com/seed-604f7181/package-storage/build/distribution"
	"github.com/seed-604f7181/package-storage/build/publish"
)

// output is an output folder with a build in it, of two platforms that share a layer.
type output struct {
	t      *testing.T
	dir    string // <dist>/snapshot
	report BuildReport
	config [2]v1.Descriptor
	layer  v1.Descriptor
}

func newOutput(t *testing.T) *output {
	t.Helper()
	o := &output{t: t, dir: filepath.Join(t.TempDir(), "snapshot")}
	o.layer = o.blob(types.OCILayerZStd, []byte("a layer"))
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for i, platform := range []string{"amd64", "arm64"} {
		o.config[i] = o.blob(types.OCIConfigJSON, []byte(`{"architecture":"`+platform+`"}`))
		index.Manifests = append(index.Manifests, o.json(types.OCIManifestSchema1, v1.Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: o.config[i], Layers: []v1.Descriptor{o.layer, o.layer},
		}))
	}
	d := draftOf(t, someInputs())
	index.Annotations = indexAnnotations(t, d)
	o.report = BuildReport{Inputs: d.inputs, InputsID: d.inputsID, Pushable: true, Index: o.json(types.OCIImageIndex, index).Digest.String()}
	o.writeReport()
	return o
}

func (o *output) blob(mediaType types.MediaType, content []byte) v1.Descriptor {
	o.t.Helper()
	digest := v1.Hash{Algorithm: "sha256", Hex: sum(content)}
	o.write(o.path(digest.String()), content)
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(content))}
}

func (o *output) json(mediaType types.MediaType, value any) v1.Descriptor {
	o.t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.blob(mediaType, content)
}

// path is where a blob is.
func (o *output) path(digest string) string {
	return filepath.Join(o.dir, "image", "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func (o *output) write(path string, content []byte) {
	o.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		o.t.Fatal(err)
	}
}

func (o *output) writeReport() {
	o.t.Helper()
	content, err := json.Marshal(o.report)
	if err != nil {
		o.t.Fatal(err)
	}
	o.write(filepath.Join(o.dir, reportName), content)
}

func (o *output) read() (*built, error) {
	s := &Session{config: Config{Dist: filepath.Dir(o.dir)}}
	return s.readBuilt(distribution.Distribution{Name: "snapshot", Tag: "latest"})
}

// TestReadBuilt: a build is read back as it was left.
func TestReadBuilt(t *testing.T) {
	o := newOutput(t)
	b, err := o.read()
	if err != nil {
		t.Fatal(err)
	}
	if b.index.Digest.String() != o.report.Index || b.index.MediaType != types.OCIImageIndex || sum(b.index.Content) != b.index.Digest.Hex {
		t.Errorf("the index is %+v", b.index)
	}
	if len(b.manifests) != 2 || b.manifests[1].parsed.Config.Digest != o.config[1].Digest || b.manifests[0].MediaType != types.OCIManifestSchema1 {
		t.Errorf("the manifests are %+v", b.manifests)
	}
	var blobs []v1.Hash
	for _, d := range b.blobs() {
		blobs = append(blobs, d.Digest)
	}
	if len(blobs) != 3 || blobs[0] != o.config[0].Digest || blobs[1] != o.layer.Digest || blobs[2] != o.config[1].Digest {
		t.Errorf("the blobs are %v, want each once", blobs)
	}
	if names := b.tagNames(); names != [3]string{string(commitOf("a")) + "-" + o.report.InputsID[:12], string(commitOf("a")), "latest"} {
		t.Errorf("the tags are %v", names)
	} else if !exactTag.MatchString(names[0]) || exactTag.MatchString(names[1]) || exactTag.MatchString(names[2]) {
		t.Errorf("of the tags %v only the first is an exact one", names)
	}
	f, err := b.open(o.layer.Digest)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Remove(o.path(o.layer.Digest.String())); err != nil {
		t.Fatal(err)
	}
	var missing *publish.MissingBlobError
	if _, err := b.open(o.layer.Digest); !errors.As(err, &missing) || missing.Digest != o.layer.Digest {
		t.Errorf("a blob that is not here: %v", err)
	}
}

// TestNothingBuilt: an empty folder is no build, nor is a docker build context.
func TestNothingBuilt(t *testing.T) {
	o := &output{t: t, dir: filepath.Join(t.TempDir(), "snapshot")}
	for range 2 {
		if b, err := o.read(); b != nil || err != nil {
			t.Errorf("%v, %v", b, err)
		}
		o.write(filepath.Join(o.dir, listingName), []byte("{}"))
	}
}

// TestDamagedBuild: what is not as a build leaves it is never pushed.
func TestDamagedBuild(t *testing.T) {
	for says, damage := range map[string]func(*output){
		"no such file": func(o *output) { os.Remove(o.path(o.report.Index)) },
		"build.json: ": func(o *output) { o.write(filepath.Join(o.dir, reportName), []byte("{")) },
		"is damaged": func(o *output) { // which JSON does not tell
			content, err := os.ReadFile(o.path(o.report.Index))
			if err != nil {
				o.t.Fatal(err)
			}
			o.write(o.path(o.report.Index), append(content, ' '))
		},
		"say different things": func(o *output) { o.report.Inputs.Commit = commitOf("e"); o.writeReport() },
		"things":               func(o *output) { o.report.InputsID = "abc"; o.writeReport() },
		"build.json":           func(o *output) { o.report.Index = ""; o.writeReport() }, // a dry run's, or by hand
		"different things": func(o *output) {
			o.report.Index = o.json(types.OCIImageIndex, v1.IndexManifest{SchemaVersion: 2}).Digest.String()
			o.writeReport()
		},
		"cannot unmarshal": func(o *output) {
			o.report.Index = o.blob(types.OCIImageIndex, []byte("[]")).Digest.String()
			o.writeReport()
		},
		"no such file or directory": func(o *output) {
			var index v1.IndexManifest
			if err := readJSON(o.path(o.report.Index), &index); err != nil {
				o.t.Fatal(err)
			}
			os.Remove(o.path(index.Manifests[1].Digest.String()))
		},
	} {
		t.Run(says, func(t *testing.T) {
			o := newOutput(t)
			o.t = t
			damage(o)
			b, err := o.read()
			var damaged *BuiltError
			if !errors.As(err, &damaged) || b != nil || damaged.Dir != o.dir || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v", b, err)
			}
		})
	}
}

// TestExactTag: only that of a commit and its inputs may be a rival's.
func TestExactTag(t *testing.T) {
	sha1, sha256, id := strings.Repeat("0a", 20), strings.Repeat("0a", 32), "0123456789ab"
	for tag, want := range map[string]bool{
		sha1 + "-" + id: true, sha256 + "-" + id: true,
		sha1: false, sha1 + "-": false, sha1 + "-" + id + "0": false, sha1 + "-" + id[1:]: false, sha1 + id: false, "x" + sha1 + "-" + id: false,
		sha1[1:] + "-" + id: false, sha256[1:] + "-" + id: false, strings.ToUpper(sha1) + "-" + id: false, "production": false, "": false,
		sha1 + "-" + id + "\n": false,
	} {
		if got := exactTag.MatchString(tag); got != want {
			t.Errorf("%q: %t", tag, got)
		}
	}
}
