package image_test

import (
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/seed-604f7181/package-storage/build/image"
	"github.com/seed-604f7181/package-storage/build/object"
)

// theTemplate is the project's own.
func theTemplate(t testing.TB) string {
	t.Helper()
	tmpl, err := os.ReadFile("../../Dockerfile.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	return string(tmpl)
}

func id(digit string) object.ID { return object.ID(strings.Repeat(digit, 40)) }

func stagingData() image.TemplateData {
	return image.TemplateData{
		Distribution:    "staging",
		Branch:          "staging",
		Title:           "Package storage: staging",
		Base:            "docker.elastic.co/package-registry/package-registry",
		BaseDigest:      "sha256:" + strings.Repeat("b", 64),
		PackageRegistry: "1.37.0",
		Commit:          id("a"),
		Created:         time.Date(2022, 7, 1, 14, 30, 0, 0, time.FixedZone("CEST", 7200)),
		Source:          "https://example.org/package-storage",
		Upstreams:       []image.Upstream{{Distribution: "production", Branch: "production", Commit: id("c")}},
	}
}

var storageFiles = image.ContextFiles{
	"package-registry.yml": {Content: []byte("package_paths: []\n"), Mode: 0o644},
	"packages.json":        {Content: []byte("{}\n"), Mode: 0o644},
}

func rendered(t testing.TB, data image.TemplateData) *image.Dockerfile {
	t.Helper()
	text, err := image.Render(theTemplate(t), data)
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func TestTemplateDescribesTheImage(t *testing.T) {
	d := rendered(t, stagingData())
	from, err := d.From(nil)
	if want := "docker.elastic.co/package-registry/package-registry:1.37.0"; err != nil || from != want {
		t.Errorf("From: %q, %v, want %q", from, err, want)
	}
	base := v1.ConfigFile{OS: "linux", Architecture: "arm64", Config: v1.Config{
		Env: []string{"PATH=/bin"}, Entrypoint: []string{"./package-registry"}, User: "1000",
	}}
	dirs := image.Directories{"package-registry": {Mode: 0o750, UID: 1000, GID: 1000}}
	result, err := d.Apply(base, dirs, storageFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := result.Config.Config
	same(t, "labels", config.Labels, map[string]string{
		"package-registry":                     "1.37.0",
		"org.opencontainers.image.title":       "Package storage: staging",
		"org.opencontainers.image.version":     "staging-" + strings.Repeat("a", 40),
		"org.opencontainers.image.revision":    strings.Repeat("a", 40),
		"org.opencontainers.image.source":      "https://example.org/package-storage",
		"org.opencontainers.image.created":     "2022-07-01T12:30:00Z",
		"org.opencontainers.image.base.name":   "docker.elastic.co/package-registry/package-registry:1.37.0",
		"org.opencontainers.image.base.digest": "sha256:" + strings.Repeat("b", 64),
		"BRANCH_NAME":                          "staging",
		"GIT_SHA":                              strings.Repeat("a", 40),
		"upstream.production.revision":         strings.Repeat("c", 40),
	})
	same(t, "env", config.Env, []string{
		"PATH=/bin", "EPR_DISABLE_PACKAGE_VALIDATION=true", "EPR_ADDRESS=0.0.0.0:8080", "EPR_REQUIRE_PACKAGE_SIGNATURES=false",
	})
	same(t, "entrypoint", config.Entrypoint, []string{"./package-registry"})
	same(t, "working folder", config.WorkingDir, "/package-registry")
	var filled []image.Step
	for _, step := range result.Steps {
		if !step.Empty {
			filled = append(filled, step)
		}
	}
	same(t, "steps", filled, []image.Step{
		{CreatedBy: "COPY package-registry.yml /package-registry/config.yml", Entries: []image.Entry{
			{Path: "package-registry", Dir: true, Mode: 0o750, UID: 1000, GID: 1000},
			{Path: "package-registry/config.yml", Mode: 0o644, Content: []byte("package_paths: []\n")},
		}},
		{CreatedBy: "COPY packages /packages/package-storage", Packages: "/packages/package-storage"},
	})
}

func TestTemplateOptions(t *testing.T) {
	data := stagingData()
	data.RequireSignatures = true
	data.Source, data.BaseDigest, data.Upstreams = "", "", nil
	data.Uncommitted = []string{"apm-8.0.0", "nginx-1.0.0"}
	result, err := rendered(t, data).Apply(v1.ConfigFile{}, nil, storageFiles, map[string]string{"PACKAGE_REGISTRY": "1.40.0"})
	if err != nil {
		t.Fatal(err)
	}
	labels := result.Config.Config.Labels
	if got := labels["uncommitted"]; got != "apm-8.0.0,nginx-1.0.0" {
		t.Errorf("uncommitted: %q", got)
	}
	if got := labels["package-registry"]; got != "1.40.0" {
		t.Errorf("package-registry: %q, want the build arg", got)
	}
	for name := range labels {
		if strings.HasPrefix(name, "upstream.") || strings.HasSuffix(name, ".source") || strings.HasSuffix(name, ".digest") {
			t.Errorf("label %s is there without a value", name)
		}
	}
	for _, variable := range result.Config.Config.Env {
		if strings.HasPrefix(variable, "EPR_REQUIRE_PACKAGE_SIGNATURES") {
			t.Errorf("%s, although signatures are required", variable)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		tmpl   string
		change func(*image.TemplateData)
		want   string
	}{
		"a field that does not exist": {tmpl: "ARG X={{.Registry}}", want: "Registry"},
		"no template":                 {tmpl: "{{", want: "read the Dockerfile template"},
		"line break":                  {tmpl: "LABEL a={{quote .Title}}", change: func(d *image.TemplateData) { d.Title = "a\nRUN b" }, want: "line break"},
		"not UTF-8":                   {tmpl: "LABEL a={{quote .Title}}", change: func(d *image.TemplateData) { d.Title = "\xff" }, want: "UTF-8"},
		"a space in FROM":             {tmpl: "FROM {{bare .Base}}", change: func(d *image.TemplateData) { d.Base = "a b" }, want: "without quotes"},
		"nothing in FROM":             {tmpl: "FROM {{bare .Base}}", change: func(d *image.TemplateData) { d.Base = "" }, want: "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			data := stagingData()
			if c.change != nil {
				c.change(&data)
			}
			text, err := image.Render(c.tmpl, data)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want an error about %q", text, err, c.want)
			}
		})
	}
}

// FuzzQuote puts strange values where text comes from outside: they arrive as they are, or not at all, and nothing else
// changes.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{
		"plain", "", `a"b`, `$PACKAGE_REGISTRY ${X:-y} $$`, `back\slash\`, `\"`, "line\nRUN rm", "\r", `'`, "#", "`", `" b="c`, "<<EOF",
		"\u2028é 語", "\ufeff", "\x00", "\xff", `\\\`, `[ "a" ]`, "--x", "\u00a0", "a=b c=d",
	} {
		f.Add(seed)
	}
	tmpl := theTemplate(f)
	plain := labels(f, tmpl, stagingData())
	f.Fuzz(func(t *testing.T, value string) {
		data := stagingData()
		data.Title, data.Source, data.Uncommitted = value, "s"+value, []string{value}
		if _, err := image.Render(tmpl, data); err != nil {
			return
		}
		want := map[string]string{"uncommitted": value}
		for name, value := range plain {
			want[name] = value
		}
		want["org.opencontainers.image.title"], want["org.opencontainers.image.source"] = value, "s"+value
		same(t, "labels", labels(t, tmpl, data), want)
	})
}

func labels(t testing.TB, tmpl string, data image.TemplateData) map[string]string {
	t.Helper()
	result, err := rendered(t, data).Apply(v1.ConfigFile{}, nil, storageFiles, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.Config.Config.Labels
}

func TestQuoteAcceptsWhatIsPrintable(t *testing.T) {
	for _, value := range []string{`a"b`, `$PACKAGE_REGISTRY`, `\`, `a\`, `'`, "`", `x" b="c`, "<<EOF", "é"} {
		data := stagingData()
		data.Title = value
		if got := labels(t, theTemplate(t), data)["org.opencontainers.image.title"]; got != value {
			t.Errorf("title %q came out as %q", value, got)
		}
	}
}
