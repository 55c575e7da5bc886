package distribution_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/distribution"
)

// table is a valid one of four distributions: snapshot on staging on production, and a frozen one beside them.
func table() distribution.Table {
	d := func(name, upstream string, frozen bool) distribution.Distribution {
		return distribution.Distribution{
			Name: name, Branch: "branch-of-" + name, Upstream: upstream, Frozen: frozen,
			Add: "commit", Overwrite: "no", Remove: "no", Registry: distribution.Registry{Policy: "stable"}, Tag: name,
		}
	}
	return distribution.Table{
		Image: "localhost/distribution", Base: "localhost/registry",
		Distributions: []distribution.Distribution{
			d("snapshot", "staging", false), d("experimental", "", true), d("staging", "production", false), d("production", "", false),
		},
	}
}

func names(distributions []distribution.Distribution) string {
	var out []string
	for _, d := range distributions {
		out = append(out, d.Name)
	}
	return strings.Join(out, " ")
}

func TestLookup(t *testing.T) {
	d, err := table().Lookup("staging")
	if err != nil || d.Branch != "branch-of-staging" {
		t.Errorf("%+v, %v", d, err)
	}
	for _, name := range []string{"", "Staging", "branch-of-staging", "nightly"} {
		_, err := table().Lookup(name)
		var unknown *distribution.UnknownError
		if !errors.As(err, &unknown) {
			t.Fatalf("Lookup(%q): %v is no UnknownError", name, err)
		}
		if unknown.Name != name || !slices.Equal(unknown.Known, []string{"snapshot", "experimental", "staging", "production"}) {
			t.Errorf("Lookup(%q): %+v", name, unknown)
		}
		if !strings.Contains(err.Error(), "snapshot, experimental, staging, production") {
			t.Errorf("the message does not say which there are: %v", err)
		}
	}
}

func TestChainIsUpstreamFirst(t *testing.T) {
	for name, want := range map[string]string{
		"snapshot":     "production staging snapshot",
		"staging":      "production staging",
		"production":   "production",
		"experimental": "experimental",
	} {
		if chain, err := table().Chain(name); err != nil || names(chain) != want {
			t.Errorf("%s: %s, %v, want %s", name, names(chain), err, want)
		}
	}
	var unknown *distribution.UnknownError
	if _, err := table().Chain("nightly"); !errors.As(err, &unknown) {
		t.Errorf("of an unknown name: %v", err)
	}
	broken := table()
	broken.Distributions[0].Upstream = "nightly"
	if _, err := broken.Chain("snapshot"); !errors.As(err, &unknown) || unknown.Name != "nightly" {
		t.Errorf("with an unknown upstream: %v", err)
	}
}

func TestLiveIsUpstreamFirstWithoutTheFrozen(t *testing.T) {
	if got := strings.Join(table().Live(), " "); got != "production staging snapshot" {
		t.Errorf("live are %s", got)
	}
	// Beside each other, the order of the file.
	beside := table()
	beside.Distributions[1].Frozen = false
	if got := strings.Join(beside.Live(), " "); got != "experimental production staging snapshot" {
		t.Errorf("live are %s", got)
	}
	frozen := table()
	frozen.Distributions[3].Frozen = true
	if got := strings.Join(frozen.Live(), " "); got != "staging snapshot" {
		t.Errorf("on a frozen upstream, live are %s", got)
	}
}

// ds are a table's, in its order: snapshot, experimental, staging, production.
type ds = []distribution.Distribution

func TestValidate(t *testing.T) {
	if err := table().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(d ds)
		want  []string // in the message
	}{
		"no name":                {func(d ds) { d[0].Name = "" }, []string{`""`, "name"}},
		"a name in capitals":     {func(d ds) { d[0].Name = "Snapshot" }, []string{`"Snapshot"`}},
		"a name that leads away": {func(d ds) { d[0].Name = "../etc" }, []string{`"../etc"`}},
		"twice":                  {func(d ds) { d[1].Name = "snapshot" }, []string{`"snapshot"`, "twice"}},
		"no branch":              {func(d ds) { d[2].Branch = "" }, []string{`"staging"`, "branch"}},
		"no tag":                 {func(d ds) { d[2].Tag = "" }, []string{`"staging"`, "tag"}},
		"a bad tag":              {func(d ds) { d[2].Tag = "a b" }, []string{`"staging"`, "tag", `"a b"`}},
		"one branch for two":     {func(d ds) { d[2].Branch = d[0].Branch }, []string{`"snapshot"`, `"staging"`, d0Branch}},
		"one tag for two":        {func(d ds) { d[2].Tag = d[0].Tag }, []string{`"snapshot"`, `"staging"`, "tag"}},
		"a missing upstream":     {func(d ds) { d[2].Upstream = "nightly" }, []string{`"staging"`, "upstream", `"nightly"`}},
		"its own upstream":       {func(d ds) { d[3].Upstream = "production" }, []string{"circle"}},
		"a circle of three":      {func(d ds) { d[3].Upstream = "snapshot" }, []string{"circle"}},
		"on top of a circle": {func(d ds) {
			d[2].Upstream, d[3].Upstream = "production", "staging"
		}, []string{"circle"}},
		"add":                   {func(d ds) { d[3].Add = "push" }, []string{`"production"`, "add", `"push"`, "pull-request"}},
		"overwrite":             {func(d ds) { d[3].Overwrite = "tombstone" }, []string{`"production"`, "overwrite", `"tombstone"`}},
		"yes without quotes":    {func(d ds) { d[3].Overwrite = "true" }, []string{"overwrite", `"true"`}},
		"remove":                {func(d ds) { d[3].Remove = "" }, []string{`"production"`, "remove"}},
		"the registry's policy": {func(d ds) { d[3].Registry.Policy = "latest" }, []string{`"production"`, "registry.policy", `"latest"`}},
	} {
		spoiled := table()
		c.spoil(spoiled.Distributions)
		err := spoiled.Validate()
		if err == nil {
			t.Errorf("%s: is valid", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not mention %s", name, err, want)
			}
		}
	}
	if err := (distribution.Table{}).Validate(); err == nil {
		t.Error("a table without distributions is valid")
	}
}

const d0Branch = "branch-of-snapshot"

func TestValidateTakesEachPolicyThereIs(t *testing.T) {
	for key, c := range map[string]struct {
		field  func(*distribution.Distribution) *string
		values []string
	}{
		"add":       {func(d *distribution.Distribution) *string { return &d.Add }, []string{"commit", "pull-request", "never"}},
		"overwrite": {func(d *distribution.Distribution) *string { return &d.Overwrite }, []string{"yes", "reason", "no"}},
		"remove":    {func(d *distribution.Distribution) *string { return &d.Remove }, []string{"yes", "reason", "tombstone", "no"}},
		"registry":  {func(d *distribution.Distribution) *string { return &d.Registry.Policy }, []string{"stable", "fixed"}},
	} {
		for _, value := range c.values {
			valid := table()
			*c.field(&valid.Distributions[0]) = value
			if err := valid.Validate(); err != nil {
				t.Errorf("%s: %s: %v", key, value, err)
			}
		}
	}
}

func TestParseRegistryVersion(t *testing.T) {
	for _, good := range []string{"v1.31.1", "1.37.0", "abc123", "_", "v1.0.0-rc.1_x", strings.Repeat("a", 128)} {
		if version, err := distribution.ParseRegistryVersion(good); err != nil || version != good {
			t.Errorf("%q: %q, %v", good, version, err)
		}
	}
	for _, bad := range []string{"", ".1", "-1", "v1 ", "v1\n", "v1+meta", "a/b", "a:b", "${X}", "é", strings.Repeat("a", 129)} {
		if _, err := distribution.ParseRegistryVersion(bad); err == nil {
			t.Errorf("%q was taken for a tag", bad)
		}
	}
}

// TestTheProjectsTable: what the design says of the distributions, in the file that the project ships.
func TestTheProjectsTable(t *testing.T) {
	f, err := os.Open("../../distributions.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	var ours distribution.Table
	if err := decoder.Decode(&ours); err != nil {
		t.Fatal(err)
	}
	if err := ours.Validate(); err != nil {
		t.Fatal(err)
	}
	if chain, err := ours.Chain("snapshot"); err != nil || names(chain) != "production staging snapshot" {
		t.Errorf("snapshot is made of %s, %v", names(chain), err)
	}
	if got := strings.Join(ours.Live(), " "); got != "production staging snapshot" {
		t.Errorf("live are %s", got)
	}
	production, err := ours.Lookup("production")
	if err != nil || production.Overwrite != "no" || production.Remove != "tombstone" || production.Add != "pull-request" {
		t.Errorf("production: %+v, %v", production, err)
	}
	for _, d := range ours.Distributions {
		if d.URL == "" || d.StackVersions == "" || d.Deployment.Name == "" || d.Deployment.Namespace == "" ||
			d.Cache.Search == "" || d.Cache.Categories == "" || d.Cache.All == "" {
			t.Errorf("%s: something is missing: %+v", d.Name, d)
		}
	}
	if ours.Image == "" || ours.Base == "" {
		t.Errorf("image %q, base %q", ours.Image, ours.Base)
	}
}
