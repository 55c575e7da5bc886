package generate_test

import (
	"context"
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed-604f7181/package-storage/build/assemble"
	"github.com/seed-604f7181/package-storage/dev/generate"
)

// TestPackagesAreValid holds what is generated against what registries demand of packages; which of it the pipeline
// judges too is asked of the pipeline.
func TestPackagesAreValid(t *testing.T) {
	shapes := maps.Clone(small)
	shapes["history"] = func(ctx context.Context, o generate.Options) ([]generate.Branch, error) {
		o.Scale = 0.15 // some families, one of them with a license
		return generate.History(ctx, o)
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t, shape, generate.Options{Seed: 1})
			all := s.packages("production")
			_, _, blobs := all.total()
			contents := s.contents(slices.Collect(maps.Keys(blobs)))
			checked := map[string]bool{}
			for key, files := range all {
				checkPackage(t, key, files, contents)
				for p, e := range files {
					if !checked[path.Ext(p)+e.id] {
						checkFormat(t, key+"/"+p, contents[e.id])
					}
					checked[path.Ext(p)+e.id] = true
				}
			}
		})
	}
}

// checkFormat checks that a file is what its name says.
func checkFormat(t *testing.T, file string, content []byte) {
	t.Helper()
	var err error
	switch path.Ext(file) {
	case ".yml":
		var document any
		err = yaml.Unmarshal(content, &document)
	case ".json":
		if !json.Valid(content) {
			t.Errorf("%s: not JSON:\n%s", file, content)
		}
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", file, err, content)
	}
	if bytes := string(content); path.Ext(file) != ".png" && path.Ext(file) != ".bin" && strings.Contains(bytes, "%!") {
		t.Errorf("%s: a pattern that was not filled in", file)
	}
	for _, finding := range assemble.CheckContent("production", file, content) {
		t.Errorf("%+v", finding)
	}
}

var (
	validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	strict    = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`)
	release   = regexp.MustCompile(`^(experimental|beta|ga)$`)
)

type picture struct{ Src, Type string }

type manifest struct {
	Format      string `yaml:"format_version"`
	Name        string
	Title       string
	Version     string
	Description string
	Type        string
	Release     string
	Conditions  struct {
		Kibana string `yaml:"kibana.version"`
	}
	Owner struct {
		GitHub string `yaml:"github"`
	}
	Categories         []string
	Icons, Screenshots []picture
	Templates          []struct {
		Name, Title, Description string
		Inputs                   []struct{ Type, Package string }
	} `yaml:"policy_templates"`
}

func checkPackage(t *testing.T, key string, files map[string]entry, contents map[string][]byte) {
	t.Helper()
	var m manifest
	if err := yaml.Unmarshal(contents[files["manifest.yml"].id], &m); err != nil {
		t.Errorf("%s: %v", key, err)
		return
	}
	demand := func(holds bool, what string) {
		t.Helper()
		if !holds {
			t.Errorf("%s: %s: %+v", key, what, m)
		}
	}
	demand(key == m.Name+"/"+m.Version && validName.MatchString(m.Name) && strict.MatchString(m.Version), "name and version")
	demand(strict.MatchString(m.Format) && release.MatchString(m.Release) && m.Type == "integration", "format, release, type")
	demand(m.Title != "" && m.Description != "" && m.Owner.GitHub != "" && len(m.Categories) > 0, "a value is missing")
	demand(m.Conditions.Kibana == "^8.0.0", "conditions")
	demand(len(m.Templates) == 1 && len(m.Templates[0].Inputs) == 1 && m.Templates[0].Inputs[0].Type != "", "policy templates")
	for _, p := range slices.Concat(m.Icons, m.Screenshots) {
		_, there := files[strings.TrimPrefix(p.Src, "/")]
		demand(there, "a picture is missing")
	}
	for _, file := range []string{"docs/README.md", "changelog.yml"} {
		_, there := files[file]
		demand(there, "no "+file)
	}
	streams := map[string]bool{}
	for p := range files {
		demand(!strings.Contains(path.Dir(p), "-"), "a folder with - in its name: "+p)
		if rest, in := strings.CutPrefix(p, "data_stream/"); in {
			name, _, _ := strings.Cut(rest, "/")
			streams[name] = true
		}
	}
	for name := range streams {
		checkStream(t, key, "data_stream/"+name+"/", files, contents)
	}
	var changes []struct{ Version string }
	err := yaml.Unmarshal(contents[files["changelog.yml"].id], &changes)
	demand(err == nil && len(changes) > 0 && changes[0].Version == m.Version, "the changelog does not begin with the version")
}

func checkStream(t *testing.T, key, folder string, files map[string]entry, contents map[string][]byte) {
	t.Helper()
	var said struct {
		Title, Type string
		Streams     []struct {
			Input, Title, Description string
			Template                  string `yaml:"template_path"`
		}
	}
	if err := yaml.Unmarshal(contents[files[folder+"manifest.yml"].id], &said); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	if said.Title == "" || said.Type != "logs" && said.Type != "metrics" || len(said.Streams) != 1 || said.Streams[0].Input == "" {
		t.Errorf("%s: %s: %+v", key, folder, said)
		return
	}
	if _, there := files[folder+"agent/stream/"+said.Streams[0].Template]; !there {
		t.Errorf("%s: %s: no template %s", key, folder, said.Streams[0].Template)
	}
	var fields []struct{ Name, Type string }
	if err := yaml.Unmarshal(contents[files[folder+"fields/base-fields.yml"].id], &fields); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	for name, kind := range map[string]string{"data_stream.type": "constant_keyword", "data_stream.dataset": "constant_keyword",
		"data_stream.namespace": "constant_keyword", "@timestamp": "date"} {
		if !slices.Contains(fields, struct{ Name, Type string }{name, kind}) {
			t.Errorf("%s: %s: no field %s", key, folder, name)
		}
	}
	pipelines, standard := 0, false
	for p := range files {
		if strings.HasPrefix(p, folder+"elasticsearch/ingest_pipeline/") {
			pipelines++
			standard = standard || path.Base(p) == "default.yml"
		}
	}
	if pipelines > 0 && !standard {
		t.Errorf("%s: %s: %d pipelines, and none is used", key, folder, pipelines)
	}
}
