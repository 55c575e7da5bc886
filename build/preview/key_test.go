package preview_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/preview"
)

func TestKey(t *testing.T) {
	key := preview.Key()
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(key) {
		t.Errorf("key %q", key)
	}
	if again := preview.Key(); again != key {
		t.Errorf("key %s, then %s", key, again)
	}
	const path = "serve/http.go"
	content := preview.Sources()[path]
	if got := preview.KeyWith(path, content); got != key {
		t.Errorf("the same sources have key %s, then %s", key, got)
	}
	if preview.KeyWith(path, strings.ToUpper(content)) == key || preview.KeyWith(path, content+"\n") == key ||
		preview.KeyWith("serve/new.go", "") == key {
		t.Error("other sources have the same key")
	}
}

func TestSourcesAreTheCommandAndItsHandler(t *testing.T) {
	sources := preview.Sources()
	for path, part := range map[string]string{"serve/http.go": "package serve", "cmd/package-registry/main.go": "package main"} {
		if !strings.Contains(sources[path], part) {
			t.Errorf("%s is not embedded", path)
		}
	}
	for path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has no part in the binary, but in the key", path)
		}
	}
}

// What else the command imported would change the base and not its key, and would not be there to compile.
func TestTheCommandImportsNothingElse(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/package-registry").Output()
	if err != nil {
		t.Fatal(err)
	}
	const here = "github.com/seed-604f7181/package-storage/build/preview/"
	got := strings.Fields(string(out))
	slices.Sort(got)
	if want := []string{here + "cmd/package-registry", here + "serve", "go.yaml.in/yaml/v3"}; !slices.Equal(got, want) {
		t.Errorf("imports %q, want %q", got, want)
	}
}
