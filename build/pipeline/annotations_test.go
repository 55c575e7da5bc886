package pipeline

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-604f7181/package-storage/build/integration"
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
		Dockerfile: "2222", Config: "3333", LayerFormat: layer.Zstd.String(), Plan: layer.Buckets{}.Version(),
		Platforms: []string{"linux/amd64", "linux/arm64"},
	}
}

// draftOf is as much of a draft as annotations are made of.
func draftOf(t *testing.T, inputs Inputs, families map[string]facts) *draft {
	t.Helper()
	id, err := inputs.ID()
	if err != nil {
		t.Fatal(err)
	}
	return &draft{inputs: inputs, inputsID: id, facts: families, own: scanned{time: time.Unix(1700000000, 0)}}
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
		annotations := indexAnnotations(t, draftOf(t, inputs, nil))
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
	whole := indexAnnotations(t, draftOf(t, someInputs(), nil))
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

// family makes versions of a package, each with the sizes that a meter may have found.
func family(name string, sizes ...[3]int64) ([]integration.Package, facts) {
	var packages []integration.Package
	var f facts
	for i, s := range sizes {
		p := integration.Package{
			Name: integration.Name(name), Version: integration.Version("1." + strings.Repeat("0", i+1)), Tree: commitOf(string(rune('a' + i))),
		}
		packages = append(packages, p)
		f.Parts = append(f.Parts, layer.Part{
			Family: name, Order: i, Path: p.Path(), Mode: object.ModeTree, ID: p.Tree, Size: s[0], Fresh: s[1], Delta: s[2],
		})
	}
	return packages, f
}

// TestFactsRoundTrip: what a partial clone does not read comes out as if it had been measured.
func TestFactsRoundTrip(t *testing.T) {
	apple, ofApple := family("apple", [3]int64{1000, 1000, 1000}, [3]int64{1100, 100, 200}, [3]int64{80 << 20, 0, 7})
	pear, ofPear := family("pear", [3]int64{128, 128, 128})
	d := draftOf(t, someInputs(), map[string]facts{factsKey(apple): ofApple, factsKey(pear): ofPear})
	annotations := indexAnnotations(t, d)
	document := readFacts(annotations)
	for _, f := range []struct {
		packages []integration.Package
		want     facts
	}{{apple, ofApple}, {pear, ofPear}} {
		sizes := document.Families[factsKey(f.packages)[:shortKey]]
		if len(sizes) != len(f.packages) {
			t.Fatalf("%s: sizes of %d packages, want %d", f.packages[0].Name, len(sizes), len(f.packages))
		}
		if got := factsOf(f.packages, sizes); !reflect.DeepEqual(got, f.want) {
			t.Errorf("%s: %+v, want %+v", f.packages[0].Name, got, f.want)
		}
	}
	if len(document.Families) != 2 {
		t.Errorf("there are %d families", len(document.Families))
	}
	if again := indexAnnotations(t, d); again[factsDocument] != annotations[factsDocument] {
		t.Errorf("the document differs from time to time:\n%s\n%s", annotations[factsDocument], again[factsDocument])
	}
}

// TestFactsKeyIsThatOfTheTrees: other versions, other bytes or another name are another family.
func TestFactsKeyIsThatOfTheTrees(t *testing.T) {
	whole, _ := family("apple", [3]int64{}, [3]int64{})
	keys := map[string]string{factsKey(whole): "the family"}
	shorter := whole[:1]
	other, _ := family("pear", [3]int64{}, [3]int64{})
	changed, _ := family("apple", [3]int64{}, [3]int64{})
	changed[1].Tree = commitOf("f")
	renumbered, _ := family("apple", [3]int64{}, [3]int64{})
	renumbered[1].Version = "2.0.0"
	for name, f := range map[string][]integration.Package{"one version less": shorter, "another name": other, "other bytes": changed, "another version": renumbered} {
		if same := keys[factsKey(f)]; same != "" {
			t.Errorf("%s has the key of %s", name, same)
		}
		keys[factsKey(f)] = name
	}
}

// TestFactsOfPiecesAreLeftOut: of a family with a package that is too large for one layer the sizes tell too little, and
// it is left out as a whole.
func TestFactsOfPiecesAreLeftOut(t *testing.T) {
	apple, ofApple := family("apple", [3]int64{1, 1, 1})
	for _, path := range []string{"melon/1.00/img", "melon/1.00/data_stream/logs", "melon"} {
		for at := range 2 {
			melon, ofMelon := family("melon", [3]int64{2, 2, 2}, [3]int64{3, 3, 3})
			ofMelon.Parts[at].Path = path
			document, err := writeFacts(map[string]facts{factsKey(apple): ofApple, factsKey(melon): ofMelon})
			if err != nil {
				t.Fatal(err)
			}
			got := readFacts(map[string]string{factsDocument: document})
			if _, there := got.Families[factsKey(melon)[:shortKey]]; there {
				t.Errorf("%s at %d: the family is there", path, at)
			}
			if _, there := got.Families[factsKey(apple)[:shortKey]]; !there {
				t.Errorf("%s at %d: the other family is not there", path, at)
			}
		}
	}
}

// TestFactsOfAnotherPipeline: what was judged by other rules, or can't be read, is as good as nothing.
func TestFactsOfAnotherPipeline(t *testing.T) {
	apple, ofApple := family("apple", [3]int64{1, 1, 1})
	document, err := writeFacts(map[string]facts{factsKey(apple): ofApple})
	if err != nil {
		t.Fatal(err)
	}
	if got := readFacts(map[string]string{factsDocument: document}); len(got.Families) != 1 || got.Checks != layerKind {
		t.Fatalf("%+v", got)
	}
	for name, changed := range map[string]string{
		"other rules":    strings.Replace(document, layerKind, "layer-0", 1),
		"no rules":       strings.Replace(document, "checks", "checked", 1),
		"half of it":     document[:len(document)/2],
		"other JSON":     `[]`,
		"other families": strings.Replace(document, "[[", "[", 1),
		"nothing":        "",
	} {
		if got := readFacts(map[string]string{factsDocument: changed}); got.Checks != "" || len(got.Families) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestFactsThatCanNotBe: a plan that was made of them would be another on each machine.
func TestFactsThatCanNotBe(t *testing.T) {
	apple, ofApple := family("apple", [3]int64{1, 1, 1})
	for _, sizes := range [][3]int64{{-1, 0, 0}, {1, -1, 0}, {1, 0, -1}, {1, 2, 0}, {1, 0, 2}, {layer.MaxPart + 1, 0, 0}} {
		pear, ofPear := family("pear", [3]int64{1, 1, 1}, sizes)
		document, err := writeFacts(map[string]facts{factsKey(apple): ofApple, factsKey(pear): ofPear})
		if err != nil {
			t.Fatal(err)
		}
		got := readFacts(map[string]string{factsDocument: document})
		if _, there := got.Families[factsKey(pear)[:shortKey]]; there || len(got.Families) != 1 {
			t.Errorf("%v: %v", sizes, got.Families)
		}
	}
}

func TestReadSize(t *testing.T) {
	for annotation, want := range map[string]int64{"0": 0, "123456789012": 123456789012, "": 0, "many": 0, "1e3": 0} {
		if got := readSize(annotation); got != want {
			t.Errorf("%q is %d, want %d", annotation, got, want)
		}
	}
}
