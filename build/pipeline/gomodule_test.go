package pipeline_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/pipeline"
)

// moduleProxy serves versions of a registry module that holds next to nothing.
func moduleProxy(t *testing.T, versions ...string) string {
	t.Helper()
	const module = "github.com/elastic/package-registry"
	dir := t.TempDir()
	at := filepath.Join(dir, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("list", strings.Join(versions, "\n")+"\n")
	for _, version := range versions {
		gomod := "module " + module + "\n\ngo 1.20\n"
		write(version+".mod", gomod)
		write(version+".info", `{"Version":"`+version+`","Time":"2022-11-03T00:00:00Z"}`)
		var archive bytes.Buffer
		w := zip.NewWriter(&archive)
		for name, content := range map[string]string{"go.mod": gomod, "registry.go": "package registry\n\nconst Version = \"" + version + "\"\n"} {
			file, err := w.Create(module + "@" + version + "/" + name)
			if err == nil {
				_, err = file.Write([]byte(content))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		write(version+".zip", archive.String())
	}
	return "file://" + dir
}

// TestUpdateRegistryOfAGoModule: where a branch's Go module requires the registry, go.mod, go.sum and vendor/ go with the
// Dockerfile, in the same commit.
func TestUpdateRegistryOfAGoModule(t *testing.T) {
	identity(t)
	proxy := moduleProxy(t, "v1.15.0", "v1.16.0")
	for name, value := range map[string]string{
		"GOPROXY": proxy, "GONOSUMDB": "*", "GONOSUMCHECK": "1", "GOFLAGS": "-modcacherw", "GOMODCACHE": t.TempDir(), "GONOPROXY": "", "GOPRIVATE": "", "GOSUMDB": "off",
	} {
		t.Setenv(name, value)
	}
	s := newStorage(t)
	r := repository{t, s.dir}
	work := filepath.Join(t.TempDir(), "work")
	r.git("clone", "--quiet", "--no-local", s.dir, work)
	checkout := repository{t, work}
	for _, branch := range []string{"production", "staging", "snapshot"} {
		checkout.git("checkout", "--quiet", branch)
		files := map[string]string{"Dockerfile": "ARG PACKAGE_REGISTRY=v1.15.0\nFROM x:${PACKAGE_REGISTRY}\n"}
		if branch == "snapshot" {
			files["go.mod"] = "module storage\n\ngo 1.20\n\nrequire github.com/elastic/package-registry v1.15.0\n"
			files["main.go"] = "package main\n\nimport registry \"github.com/elastic/package-registry\"\n\nfunc main() { println(registry.Version) }\n"
			files["vendor/github.com/elastic/package-registry/gone.go"] = "package registry\n"
			files["vendor/modules.txt"] = "# nothing\n"
		}
		for name, content := range files {
			path := filepath.Join(work, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		checkout.git("add", "--all")
		checkout.git("commit", "--quiet", "--message=files")
		checkout.git("push", "--quiet", "origin", branch)
	}
	config := pipeline.Config{Root: direct(t), Storage: s.dir, Base: "preview", Cache: t.TempDir(), Dist: t.TempDir()}
	update := func(version string) error {
		return tried(t, config, silent{}, func(ctx context.Context, session *pipeline.Session) error {
			_, err := session.UpdateRegistry(ctx, version)
			return err
		})
	}
	before := r.git("for-each-ref", "refs/heads")
	if err := update("v1.17.0"); err == nil || !strings.Contains(err.Error(), "snapshot:go.mod: go get ") {
		t.Errorf("of a version that is no module's: %v", err)
	}
	if now := r.git("for-each-ref", "refs/heads"); now != before {
		t.Error("a branch has moved")
	}
	if err := update("v1.16.0"); err != nil {
		t.Fatal(err)
	}
	for _, branch := range []string{"production", "staging", "snapshot"} {
		if got := r.git("show", branch+":Dockerfile"); !strings.HasPrefix(got, "ARG PACKAGE_REGISTRY=v1.16.0\n") {
			t.Errorf("%s: %s", branch, got)
		}
	}
	if got := r.git("show", "snapshot:go.mod"); !strings.Contains(got, "github.com/elastic/package-registry v1.16.0") {
		t.Error(got)
	}
	if got := r.git("show", "snapshot:vendor/github.com/elastic/package-registry/registry.go"); !strings.Contains(got, "v1.16.0") {
		t.Error(got)
	}
	if got := r.git("ls-tree", "-r", "--name-only", "snapshot", "vendor/"); strings.Contains(got, "gone.go") || !strings.Contains(got, "vendor/modules.txt") {
		t.Error(got)
	}
	if !strings.Contains(r.git("show", "snapshot:go.sum"), "v1.16.0") || r.git("ls-tree", "--name-only", "staging", "go.mod") != "" {
		t.Error("go.sum is missing, or staging has a module now")
	}
}
