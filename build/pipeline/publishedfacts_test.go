package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/build/integration"
	"github.com/seed-604f7181/package-storage/build/layer"
	"github.com/seed-604f7181/package-storage/build/object"
)

// family makes versions of a package, each with the sizes that a meter may have found, and a day later than the last.
func family(name string, sizes ...[4]int64) []*member {
	var members []*member
	for i, n := range sizes {
		m := &member{}
		m.Package = integration.Package{
			Name: integration.Name(name), Version: integration.Version(fmt.Sprintf("1.%d.0", i)), Tree: commitOf(string(rune('a' + i))),
		}
		m.since = int64(1700000000 + i*86400)
		m.facts.Parts = []layer.Part{{
			Family: name, Path: m.Path(), Mode: object.ModeTree, ID: m.Tree, Size: n[0], Delta: n[1], Packed: n[2], PackedDelta: n[3],
		}}
		if i > 0 {
			m.before = members[i-1]
		}
		members = append(members, m)
	}
	return members
}

// unmeasured are the same members before anything is known of them.
func unmeasured(members []*member) []*member {
	fresh := make([]*member, len(members))
	for i, m := range members {
		fresh[i] = &member{arrival: m.arrival}
		if i > 0 {
			fresh[i].before = fresh[i-1]
		}
	}
	return fresh
}

func written(t *testing.T, members []*member) string {
	t.Helper()
	document, err := writeFacts(members)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func readBack(document string) PublishedFacts {
	return readFacts(map[string]string{factsDocument: document})
}

// packed is a document as an index has it.
func packed(t *testing.T, content []byte) string {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	return base64.StdEncoding.EncodeToString(encoder.EncodeAll(content, nil))
}

// document is one that this pipeline could have written, as JSON, changed.
func document(t *testing.T, change func(*PublishedFacts)) []byte {
	t.Helper()
	d := PublishedFacts{Checks: layerKind, Measured: factsVersion, Packages: []PublishedPackage{
		{Path: "apple/1.0.0", Tree: commitOf("a"), Since: 1, Sizes: [4]int64{100, 100, 10, 10}},
		{Path: "pear/1.0.0", Tree: commitOf("b"), Since: 0, Sizes: [4]int64{}},
	}}
	change(&d)
	content, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestFactsRoundTrip: what a partial clone does not read comes out as if it had been measured, and what a shallow one
// can't know as if it had the history.
func TestFactsRoundTrip(t *testing.T) {
	apple := family("apple", [4]int64{1000, 1000, 300, 300}, [4]int64{1100, 100, 310, 20}, [4]int64{80 << 20, 0, 7, 0})
	pear := family("pear", [4]int64{128, 128, 24, 24})
	members := slices.Concat(apple, pear)
	annotations := indexAnnotations(t, draftOf(t, someInputs(), members...))
	read := readFacts(annotations)
	known := read.byPath()
	if len(read.Packages) != len(members) || len(known) != len(members) {
		t.Fatalf("there are %d packages, want %d", len(read.Packages), len(members))
	}
	for _, one := range [][]*member{apple, pear} {
		for i, m := range unmeasured(one) {
			if !m.take(known) {
				t.Errorf("nothing is known of %s", m.Path())
			} else if !reflect.DeepEqual(m.facts, one[i].facts) {
				t.Errorf("%s: %+v, want %+v", m.Path(), m.facts, one[i].facts)
			}
			if got := known[m.Path()]; got.Since != m.since || got.Tree != m.Tree {
				t.Errorf("%s came at %d as %s, want %d as %s", m.Path(), got.Since, got.Tree, m.since, m.Tree)
			}
		}
	}
	for range 3 {
		if again := indexAnnotations(t, draftOf(t, someInputs(), members...)); again[factsDocument] != annotations[factsDocument] {
			t.Errorf("the document differs from time to time:\n%s\n%s", annotations[factsDocument], again[factsDocument])
		}
	}
}

// TestFactsDocumentIsPinned: the digest of an index follows from these bytes. Where another version of the compressor
// writes others, LayerFormat names that version.
func TestFactsDocumentIsPinned(t *testing.T) {
	const want = "KLUv/UAAAADFAwDyRhccYG1aACOM2Kywi0m+MKtLkhUMD2iSE6IOQRAQAQ960AnsUDEcFA4ItAcpdne45I3tDJivbT13bF9yCQa2UUrP1ZElX6tQ" +
		"JqnaCHlincfSZWwjwFmINueLSbtIRwIKAGAIUAYYAFcONNYG6XYoUJrHuWegdGY="
	if got := written(t, family("apple", [4]int64{1000, 1000, 300, 300}, [4]int64{1100, 100, 310, 20})); got != want {
		t.Errorf("the document is %s", got)
	}
}

// TestTakenBesideTheSamePackageOnly: how much a package shares depends on the one before it.
func TestTakenBesideTheSamePackageOnly(t *testing.T) {
	n := [4]int64{1000, 500, 300, 150}
	known := readBack(written(t, slices.Concat(family("apple", n, n, n), family("pear", n)))).byPath()
	for name, c := range map[string]struct {
		change func([]*member) *member
		want   bool
	}{
		"as it was":              {func(m []*member) *member { return m[2] }, true},
		"the first":              {func(m []*member) *member { return m[0] }, true},
		"before it another":      {func(m []*member) *member { m[2].before = m[0]; return m[2] }, false},
		"before it none":         {func(m []*member) *member { m[1].before = nil; return m[1] }, false},
		"before the first one":   {func(m []*member) *member { m[0].before = m[1]; return m[0] }, false},
		"other bytes":            {func(m []*member) *member { m[1].Tree = commitOf("f"); return m[1] }, false},
		"before it other bytes":  {func(m []*member) *member { m[0].Tree = commitOf("f"); return m[1] }, false},
		"another version":        {func(m []*member) *member { m[1].Version = "9.9.9"; return m[1] }, false},
		"of before it a version": {func(m []*member) *member { m[0].Version = "9.9.9"; return m[1] }, false},
	} {
		m := c.change(unmeasured(family("apple", n, n, n)))
		if got := m.take(known); got != c.want || got != (len(m.facts.Parts) == 1) {
			t.Errorf("%s: %t, %+v", name, got, m.facts)
		}
	}
}

// TestFactsKeys: what the record of a package or of a family is found by holds all that they were measured by.
func TestFactsKeys(t *testing.T) {
	n := [4]int64{}
	keys := map[string]string{}
	for name, change := range map[string]func([]*member) []*member{
		"the family":             func(m []*member) []*member { return m },
		"one version less":       func(m []*member) []*member { return m[:2] },
		"other bytes":            func(m []*member) []*member { m[2].Tree = commitOf("f"); return m },
		"other bytes before":     func(m []*member) []*member { m[1].Tree = commitOf("f"); return m },
		"another version":        func(m []*member) []*member { m[2].Version = "2.0.0"; return m },
		"another name":           func(m []*member) []*member { return family("pear", n, n, n) },
		"another order":          func(m []*member) []*member { m[0], m[1] = m[1], m[0]; m[2].before = m[1]; return m },
		"the first in its place": func(m []*member) []*member { m[2].before = nil; return m[2:] },
	} {
		members := change(family("apple", n, n, n))
		last := members[len(members)-1]
		for kind, key := range map[string]string{"family": familyKey(members), "package": last.key()} {
			if same := keys[kind+key]; same != "" {
				t.Errorf("%s and %s have one %s key", name, same, kind)
			}
			keys[kind+key] = name
		}
	}
}

// TestFamiliesAreInTheOrderOfArrival: a version that was published late, of an older line, comes last; what came together
// is in the order of versions, not of text.
func TestFamiliesAreInTheOrderOfArrival(t *testing.T) {
	d := &draft{}
	for _, one := range []struct {
		name, version string
		since         int64
	}{
		{"pear", "2.0.0", 5}, {"apple", "1.10.0", 5}, {"apple", "2.0.0-rc.1", 5}, {"apple", "1.1.5", 9}, {"apple", "2.0.0", 5}, {"apple", "1.9.0", 5},
		{"pear", "10.0.0", 2}, {"apple", "9.0.0", 1}, {"pear-tree", "1.0.0", 0}, {"apple", "99999999999999999999.0.0", 5},
	} {
		a := arrival{since: one.since}
		a.Name, a.Version = integration.Name(one.name), integration.Version(one.version)
		d.arrivals = append(d.arrivals, a)
	}
	var got []string
	for _, family := range d.families() {
		for _, a := range family {
			got = append(got, a.Path())
		}
		got = append(got, "")
	}
	want := []string{
		"apple/9.0.0", "apple/1.9.0", "apple/1.10.0", "apple/2.0.0-rc.1", "apple/2.0.0", "apple/99999999999999999999.0.0", "apple/1.1.5", "",
		"pear/10.0.0", "pear/2.0.0", "", "pear-tree/1.0.0", "",
	}
	if !slices.Equal(got, want) {
		t.Errorf("they are\n%q, want\n%q", got, want)
	}
}

// TestFactsOfPiecesHaveNoSizes: of a package that is too large for one layer the sizes tell too little. Since when it has
// been there, they do not concern.
func TestFactsOfPiecesHaveNoSizes(t *testing.T) {
	n := [4]int64{1000, 1000, 300, 300}
	for _, pieces := range [][]layer.Part{
		nil,
		{{Path: "melon/1.0.0/img", Size: 5, Delta: 5}},
		{{Path: "melon/1.0.0", Size: 5, Delta: 5}, {Path: "melon/1.0.0/img", Size: 5, Delta: 5}},
	} {
		melon := family("melon", n, n)
		melon[0].facts.Parts = pieces
		known := readBack(written(t, melon)).byPath()
		if got := known["melon/1.0.0"]; got.Sizes != [4]int64{} || got.Since != melon[0].since || got.Tree != melon[0].Tree {
			t.Errorf("%v: %+v", pieces, got)
		}
		fresh := unmeasured(melon)
		if fresh[0].take(known) {
			t.Errorf("%v: %+v are taken for its parts", pieces, fresh[0].facts)
		}
		if !fresh[1].take(known) {
			t.Errorf("%v: nothing is known of the next version", pieces)
		}
	}
}

// TestFactsByOtherRules: what was judged or measured by other rules has no sizes. Since when it has been there, they do not
// concern.
func TestFactsByOtherRules(t *testing.T) {
	good := readBack(packed(t, document(t, func(*PublishedFacts) {})))
	if !slices.ContainsFunc(good.Packages, func(p PublishedPackage) bool { return p.Sizes != [4]int64{} }) {
		t.Fatal("nothing has sizes")
	}
	for name, change := range map[string]func(*PublishedFacts){
		"other rules":    func(d *PublishedFacts) { d.Checks = "layer-0" },
		"no rules":       func(d *PublishedFacts) { d.Checks = "" },
		"an older meter": func(d *PublishedFacts) { d.Measured-- },
		"a newer meter":  func(d *PublishedFacts) { d.Measured++ },
	} {
		got := readBack(packed(t, document(t, change)))
		if len(got.Packages) != len(good.Packages) || len(got.Packages) == 0 {
			t.Fatalf("%s: %+v", name, got)
		}
		for i, p := range got.Packages {
			want := good.Packages[i]
			want.Sizes = [4]int64{}
			if p != want {
				t.Errorf("%s: %+v, want %+v", name, p, want)
			}
		}
	}
}

// TestFactsThatUnpackToMuch: a short document of a great many packages that can't be is given up at the first of them.
func TestFactsThatUnpackToMuch(t *testing.T) {
	content := []byte(`{"checks":"` + layerKind + `","packages":[{}` + strings.Repeat(",{}", 2_000_000) + "]}")
	annotation := packed(t, content)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got := readBack(annotation); len(got.Packages) != 0 {
		t.Fatalf("%d packages", len(got.Packages))
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 10*uint64(len(content)) {
		t.Errorf("%d bytes took %d MB", len(annotation), grown>>20)
	}
}

// TestFactsOfAnotherPipeline: what can't be read is as good as nothing.
func TestFactsOfAnotherPipeline(t *testing.T) {
	good := packed(t, document(t, func(*PublishedFacts) {}))
	if got := readBack(good); len(got.Packages) != 2 {
		t.Fatalf("%+v", got)
	}
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	damaged := slices.Clone(raw)
	damaged[0] ^= 1
	for name, changed := range map[string]string{
		"nothing":             "",
		"no base64":           "{" + good,
		"base64 cut off":      good[:len(good)-3],
		"base64 of nothing":   encode(nil),
		"no zstd":             encode([]byte("nonsense")),
		"zstd that starts so": encode(damaged),
		"half of the zstd":    encode(raw[:len(raw)/2]),
		"zstd of nothing":     packed(t, nil),
		"plain JSON":          string(document(t, func(*PublishedFacts) {})),
		"JSON, not packed":    encode(document(t, func(*PublishedFacts) {})),
		"half of the JSON":    packed(t, document(t, func(*PublishedFacts) {})[:40]),
		"two documents":       packed(t, slices.Concat(document(t, func(*PublishedFacts) {}), document(t, func(*PublishedFacts) {}))),
		"other JSON":          packed(t, []byte(`[]`)),
		"more than memory":    packed(t, make([]byte, 70<<20)),
		"what was before it":  fmt.Sprintf(`{"checks":%q,"families":{"0123456789abcdef":[[1,1,1]]}}`, layerKind),
	} {
		if got := readBack(changed); !reflect.DeepEqual(got, PublishedFacts{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := readFacts(nil); !reflect.DeepEqual(got, PublishedFacts{}) {
		t.Errorf("no annotations at all: %+v", got)
	}
}

// TestFactsThatCanNotBe: a plan that was made of them would be another on each machine.
func TestFactsThatCanNotBe(t *testing.T) {
	for _, sizes := range [][4]int64{
		{-1, 0, 0, 0}, {1, -1, 0, 0}, {1, 0, -1, 0}, {1, 0, 0, -1}, {1, 2, 0, 0}, {1, 0, 2, 0}, {1, 0, 0, 1}, {1, 1, 0, 1},
		{layer.MaxPart + 1, 0, 0, 0},
	} {
		if got := readBack(packed(t, document(t, func(d *PublishedFacts) { d.Packages[1].Sizes = sizes }))); len(got.Packages) > 0 {
			t.Errorf("%v: %+v", sizes, got)
		}
	}
	for name, change := range map[string]func(*PublishedFacts){
		"before 1970":              func(d *PublishedFacts) { d.Packages[0].Since = -1 },
		"no tree":                  func(d *PublishedFacts) { d.Packages[0].Tree = "" },
		"a tree that is an option": func(d *PublishedFacts) { d.Packages[0].Tree = "--output=/tmp/stolen" },
		"a short tree":             func(d *PublishedFacts) { d.Packages[0].Tree = commitOf("a")[:12] },
	} {
		if got := readBack(packed(t, document(t, change))); len(got.Packages) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	most := [4]int64{layer.MaxPart, layer.MaxPart, layer.MaxPart, layer.MaxPart}
	if got := readBack(packed(t, document(t, func(d *PublishedFacts) { d.Packages[0].Sizes = most }))); len(got.Packages) != 2 {
		t.Errorf("%v: %+v", most, got)
	}
}

// TestTooManyFactsAreLeftOut: an image repository would refuse the index. The image is built all the same.
func TestTooManyFactsAreLeftOut(t *testing.T) {
	many := func(n int) []*member {
		members := make([]*member, n)
		for i := range members {
			m := &member{arrival: arrival{Placed: assemble.Placed{Package: integration.Package{
				Name: integration.Name(fmt.Sprintf("p%d", i)), Version: "1.0.0", Tree: object.ID(sum(fmt.Append(nil, i))[:40]),
			}}, since: 1700000000}}
			members[i] = m
		}
		return members
	}
	some := indexAnnotations(t, draftOf(t, someInputs(), many(5000)...))
	if n := len(some[factsDocument]); n == 0 || n > mostFacts {
		t.Errorf("those of 5000 packages take %d bytes", n)
	}
	if n := len(readFacts(some).Packages); n != 5000 {
		t.Errorf("%d packages come out again", n)
	}
	all := indexAnnotations(t, draftOf(t, someInputs(), many(50000)...))
	if document, there := all[factsDocument]; there {
		t.Errorf("those of 50000 packages are there: %d bytes", len(document))
	}
	if inputs, ok := readInputs(all); !ok || inputs.Commit != commitOf("a") {
		t.Errorf("without them the inputs are %+v, %t", inputs, ok)
	}
}
