package preview_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/preview"
)

// host is the platform whose binary can be run here; on a system other than Linux it is made, and not run.
var host = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

func makeIndex(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	index, err := preview.Index(t.Context(), preview.Options{Platforms: []v1.Platform{host, host}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// firstIndex is made once for all tests: it takes seconds.
var firstIndex = sync.OnceValues(func() (v1.ImageIndex, error) {
	return preview.Index(context.Background(), preview.Options{Platforms: []v1.Platform{host}})
})

func hostIndex(t *testing.T) v1.ImageIndex {
	t.Helper()
	index, err := firstIndex()
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// onlyImage also checks that the index has one, for the host's platform.
func onlyImage(t *testing.T, index v1.ImageIndex) v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.MediaType != types.OCIImageIndex || len(manifest.Manifests) != 1 {
		t.Fatalf("index of type %s with %d manifests", manifest.MediaType, len(manifest.Manifests))
	}
	descriptor := manifest.Manifests[0]
	if descriptor.MediaType != types.OCIManifestSchema1 || descriptor.Platform == nil || !descriptor.Platform.Equals(host) {
		t.Errorf("descriptor of type %s for platform %v", descriptor.MediaType, descriptor.Platform)
	}
	img, err := index.Image(descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	d, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestIndexServesPackages(t *testing.T) {
	img := onlyImage(t, hostIndex(t))
	checkLayer(t, img)
	_, executable := tarListing(t, img)
	if runtime.GOOS != "linux" {
		t.Skip("the binary is for Linux")
	}
	folder := t.TempDir()
	binary := filepath.Join(folder, "package-registry")
	if err := os.WriteFile(binary, executable, 0o755); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(folder, "packages", "apm", "8.0.0")
	if err := os.MkdirAll(version, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(version, "manifest.yml"), []byte("{name: apm, version: 8.0.0}"), 0o644); err != nil {
		t.Fatal(err)
	}

	server := exec.Command(binary, "-address", "127.0.0.1:0", "-packages", filepath.Join(folder, "packages"))
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)
	if err != nil || address == nil {
		t.Fatalf("%v; the server says %q", err, line)
	}
	resp, err := http.Get("http://" + address[1] + "/search")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "/epr/apm/apm-8.0.0.zip") {
		t.Errorf("%v; search answered %s", err, body)
	}
	healthcheck := exec.Command(binary, "-healthcheck", "-address", address[1])
	if out, err := healthcheck.CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v, %s", err, out)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// The base's digest is among a distribution's inputs: neither the folder nor the user's settings may change it.
func TestIndexIsTheSameEverywhere(t *testing.T) {
	want := digest(t, hostIndex(t))
	if got := digest(t, makeIndex(t, "")); got != want {
		t.Errorf("again: %s, want %s", got, want)
	}
	vendored := vendoredModule(t)
	t.Setenv("GOFLAGS", "-mod=vendor -tags=netgo")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOARM64", "v9.0")
	t.Setenv("TMPDIR", t.TempDir())
	if got := digest(t, makeIndex(t, vendored)); got != want {
		t.Errorf("from a module with a vendor folder: %s, want %s", got, want)
	}
}

// vendoredModule is another project's module as "go mod vendor" leaves it, with the YAML module that we have.
func vendoredModule(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}\n{{.Module.Version}}", "go.yaml.in/yaml/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	yaml, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	module := t.TempDir()
	vendor := filepath.Join(module, "vendor", "go.yaml.in", "yaml", "v3")
	if err := os.MkdirAll(filepath.Dir(vendor), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(vendor, os.DirFS(yaml)); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		"go.mod":             "module example.com/other\n\ngo 1.26.0\n\nrequire go.yaml.in/yaml/v3 " + version + "\n",
		"vendor/modules.txt": "# go.yaml.in/yaml/v3 " + version + "\n## explicit; go 1.16\ngo.yaml.in/yaml/v3\n",
	} {
		if err := os.WriteFile(filepath.Join(module, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return module
}

func TestIndexKnowsTwoPlatforms(t *testing.T) {
	for _, platform := range []v1.Platform{
		{OS: "windows", Architecture: "amd64"}, {OS: "linux", Architecture: "s390x"},
		{OS: "linux", Architecture: "arm64", Variant: "v9"}, {},
	} {
		_, err := preview.Index(t.Context(), preview.Options{Platforms: []v1.Platform{host, platform}})
		if err == nil || !strings.Contains(err.Error(), `"`+platform.String()+`"`) {
			t.Errorf("platform %q: error %v", platform, err)
		}
	}
}

func TestIndexErrorHoldsWhatGoPrints(t *testing.T) {
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "go.mod"), []byte("module example.com/empty\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := preview.Index(t.Context(), preview.Options{Platforms: []v1.Platform{host}, Dir: empty})
	if err == nil || !strings.Contains(err.Error(), "go.yaml.in/yaml/v3") {
		t.Errorf("a module without YAML: error %v", err)
	}

	// A go command that lists, and can't build.
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	script := "#!/bin/sh\nif [ \"$1\" = build ]; then echo no compiler today >&2; exit 1; fi\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(path, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path+string(filepath.ListSeparator)+os.Getenv("PATH"))
	_, err = preview.Index(t.Context(), preview.Options{Platforms: []v1.Platform{host}})
	if err == nil || !strings.Contains(err.Error(), "no compiler today") || !strings.Contains(err.Error(), host.String()) {
		t.Errorf("a failing build: error %v", err)
	}

	t.Setenv("PATH", t.TempDir())
	if _, err := preview.Index(t.Context(), preview.Options{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without the go command: error %v", err)
	}
}

func TestCancelKillsTheCompilerAndLeavesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked for in /proc")
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("GOCACHE", t.TempDir()) // so that there is much to compile
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var cancelled time.Time
	go func() {
		defer cancel()
		// Package runtime takes longest: a compiler that is not killed would still be there afterwards.
		for ctx.Err() == nil && len(compilers(t, temp, " -p runtime ")) == 0 {
			time.Sleep(20 * time.Millisecond)
		}
		cancelled = time.Now()
	}()
	_, err := preview.Index(ctx, preview.Options{Platforms: []v1.Platform{host}})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if took := time.Since(cancelled); took > 3*time.Second {
		t.Errorf("it took %v to end", took)
	}
	deadline := time.Now().Add(time.Second)
	for len(compilers(t, temp, "")) > 0 && time.Now().Before(deadline) { // a killed process is not gone at once
		time.Sleep(10 * time.Millisecond)
	}
	if alive := compilers(t, temp, ""); len(alive) > 0 {
		t.Errorf("still running:\n%s", strings.Join(alive, "\n"))
	}
	left, err := filepath.Glob(filepath.Join(temp, "package-registry-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v; left over: %v", err, left)
	}
}

// compilers are the command lines of processes that write below the temporary folder and have that argument.
func compilers(t *testing.T, temp, argument string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	var found []string
	for _, file := range files {
		content, _ := os.ReadFile(file) // the process may be gone
		line := strings.ReplaceAll(string(content), "\x00", " ")
		if strings.Contains(line, temp) && strings.Contains(line, argument) {
			found = append(found, line)
		}
	}
	return found
}
