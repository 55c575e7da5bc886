package pipeline

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// commitOf is an id that is easily told from others.
func commitOf(letter string) object.ID { return object.ID(strings.Repeat(letter, 40)) }

// at is a time, the later the higher n is.
func at(n int64) time.Time { return time.Unix(1700000000+n, 0).UTC() }

// someInputs are those of snapshot, on two distributions.
func someInputs() Inputs {
	return Inputs{
		Distribution: "snapshot", Branch: "snapshot-branch", Commit: commitOf("a"), Time: at(3),
		Upstreams: []InputBranch{
			{"production", "production-branch", commitOf("c"), at(1)}, {"staging", "staging-branch", commitOf("b"), at(2)},
		},
		Registry: "v1.31.1", Base: "registry.example.com/registry", BaseDigest: "sha256:" + strings.Repeat("1", 64),
		Dockerfile: "2222", Config: "3333", LayerFormat: layer.Zstd.String(), Plan: layer.Stack{}.Version(),
		Arrivals:  strings.Repeat("4", 64),
		Platforms: []string{"linux/amd64", "linux/arm64"},
	}
}

// draftOf is as much of a draft as annotations are made of.
func draftOf(t *testing.T, inputs Inputs, members ...*member) *draft {
	t.Helper()
	id, err := inputs.ID()
	if err != nil {
		t.Fatal(err)
	}
	return &draft{inputs: inputs, inputsID: id, members: members, own: scanned{time: time.Unix(1700000000, 0)}}
}

func indexAnnotations(t *testing.T, d *draft) map[string]string {
	t.Helper()
	annotations, err := d.indexAnnotations()
	if err != nil {
		t.Fatal(err)
	}
	return annotations
}

// TestInputsRoundTrip: an image says of itself what it was made of.
func TestInputsRoundTrip(t *testing.T) {
	alone := someInputs()
	alone.Upstreams, alone.Platforms = []InputBranch{}, []string{"linux/amd64"}
	uncommitted := someInputs()
	uncommitted.Uncommitted = []InputPackage{{"apple-1.0.0", commitOf("d")}}
	for name, inputs := range map[string]Inputs{"three branches": someInputs(), "one branch": alone, "uncommitted": uncommitted} {
		annotations := indexAnnotations(t, draftOf(t, inputs))
		got, ok := readInputs(annotations)
		if !ok || !reflect.DeepEqual(got, inputs) {
			t.Errorf("%s: %t, %+v, want %+v", name, ok, got, inputs)
		}
		if id, err := got.ID(); err != nil || id != annotations[InputsAnnotation] {
			t.Errorf("%s: the inputs id is %s, %v, want %s", name, id, err, annotations[InputsAnnotation])
		}
		if got := annotations["org.opencontainers.image.revision"]; got != string(inputs.Commit) {
			t.Errorf("%s: the revision is %s", name, got)
		}
		if got := annotations["org.opencontainers.image.created"]; got != "2023-11-14T22:13:20Z" {
			t.Errorf("%s: it was created %s", name, got)
		}
	}
}

// TestInputsOfALaterPipeline: fields that are not known yet are no reason to distrust a document.
func TestInputsOfALaterPipeline(t *testing.T) {
	content, err := json.Marshal(someInputs())
	if err != nil {
		t.Fatal(err)
	}
	document := strings.TrimSuffix(string(content), "}") + `,"signedBy":"somebody"}`
	got, ok := readInputs(map[string]string{inputsDocument: document, InputsAnnotation: sum([]byte(document))})
	if !ok || !reflect.DeepEqual(got, someInputs()) {
		t.Errorf("%t, %+v", ok, got)
	}
}

// TestTamperedInputs: whoever changes a document without its id is not believed, for the tag would move by it.
func TestTamperedInputs(t *testing.T) {
	whole := indexAnnotations(t, draftOf(t, someInputs()))
	for name, change := range map[string]func(map[string]string){
		"another commit": func(a map[string]string) {
			a[inputsDocument] = strings.Replace(a[inputsDocument], string(commitOf("a")), string(commitOf("e")), 1)
		},
		"a space":         func(a map[string]string) { a[inputsDocument] += " " },
		"another id":      func(a map[string]string) { a[InputsAnnotation] = strings.Repeat("0", 64) },
		"no id":           func(a map[string]string) { delete(a, InputsAnnotation) },
		"a short id":      func(a map[string]string) { a[InputsAnnotation] = a[InputsAnnotation][:12] },
		"no document":     func(a map[string]string) { delete(a, inputsDocument) },
		"half a document": func(a map[string]string) { a[inputsDocument] = a[inputsDocument][:100] },
		"no JSON at all": func(a map[string]string) {
			a[inputsDocument] = "made by hand"
			a[InputsAnnotation] = sum([]byte("made by hand"))
		},
		"JSON of something else": func(a map[string]string) {
			a[inputsDocument] = `["snapshot"]`
			a[InputsAnnotation] = sum([]byte(`["snapshot"]`))
		},
		"a commit that is an option to git": func(a map[string]string) {
			inputs := someInputs()
			inputs.Upstreams[0].Commit = "--output=/tmp/stolen"
			content, err := json.Marshal(inputs)
			if err != nil {
				t.Fatal(err)
			}
			a[inputsDocument], a[InputsAnnotation] = string(content), sum(content)
		},
		"nothing": func(a map[string]string) { clear(a) },
	} {
		annotations := map[string]string{}
		for key, value := range whole {
			annotations[key] = value
		}
		change(annotations)
		if got, ok := readInputs(annotations); ok {
			t.Errorf("%s: believed, as %+v", name, got)
		}
	}
	if _, ok := readInputs(nil); ok {
		t.Error("no annotations at all are believed")
	}
}

func TestReadSize(t *testing.T) {
	for annotation, want := range map[string]int64{"0": 0, "123456789012": 123456789012, "": 0, "many": 0, "1e3": 0} {
		if got := readSize(annotation); got != want {
			t.Errorf("%q is %d, want %d", annotation, got, want)
		}
	}
}
