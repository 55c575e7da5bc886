package preview

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"
)

const (
	mainModule = "github.com/seed-604f7181/package-storage"
	ourFolder  = "build/preview" // of this package, in mainModule
	yamlModule = "go.yaml.in/yaml/v3"
)

// buildArgs leave nothing of the machine in the binary. The linker drops the DWARF data (-s -w): not to make it saves
// a sixth of the time that compiling the standard library takes, which is nearly all there is to compile.
var buildArgs = []string{"build", "-mod=vendor", "-trimpath", "-buildvcs=false",
	"-gcflags=all=-dwarf=false", "-ldflags=-s -w -buildid="}

// goMod is the go.mod of the module that is compiled, and its vendor/modules.txt. It is made anew, instead of building
// in the caller's module, because a binary holds its build information: main module or dependency, vendored or not
// would be different bytes for the same sources, and so a different base.
func goMod(yamlVersion, yamlGoVersion string) (mod, modulesTxt string) {
	mod = fmt.Sprintf("module %s\n\ngo 1.26.0\n\nrequire %s %s\n", mainModule, yamlModule, yamlVersion)
	modulesTxt = fmt.Sprintf("# %[1]s %[2]s\n## explicit; go %[3]s\n%[1]s\n", yamlModule, yamlVersion, yamlGoVersion)
	return mod, modulesTxt
}

// compile returns one executable per platform.
func compile(ctx context.Context, dir, temporary string, platforms []v1.Platform) ([][]byte, error) {
	work, err := os.MkdirTemp(temporary, "package-registry-")
	if err != nil {
		return nil, errors.Wrap(err, "compiling the preview registry")
	}
	defer os.RemoveAll(work)
	module := filepath.Join(work, "module")
	if err := writeModule(ctx, dir, module); err != nil {
		return nil, errors.Wrap(err, "preparing the preview registry's sources")
	}
	binaries := make([][]byte, len(platforms))
	// All at once: the standard library's lowest packages and the linking leave cores idle.
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range platforms {
		group.Go(func() (err error) {
			binaries[i], err = compileFor(ctx, p, module, work)
			return errors.Wrapf(err, "compiling the preview registry for %s", p)
		})
	}
	return binaries, group.Wait()
}

// compileFor compiles one platform's executable in work.
func compileFor(ctx context.Context, p v1.Platform, module, work string) ([]byte, error) {
	out := filepath.Join(work, p.OS+"-"+p.Architecture)
	args := append(buildArgs[:len(buildArgs):len(buildArgs)], "-o", out, "./"+ourFolder+"/cmd/package-registry")
	if _, err := runGo(ctx, module, buildEnv(p, work), args...); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// writeModule writes the embedded sources and, as their vendor folder, the YAML module that dir's module uses.
func writeModule(ctx context.Context, dir, module string) error {
	out, err := runGo(ctx, dir, nil, "list", "-json=Dir,Module", yamlModule)
	if err != nil {
		return err
	}
	var yaml struct {
		Dir    string
		Module struct{ Version, GoVersion string }
	}
	if err := json.Unmarshal(out, &yaml); err != nil {
		return errors.Wrap(err, "reading what go list says of "+yamlModule)
	}
	mod, modulesTxt := goMod(yaml.Module.Version, yaml.Module.GoVersion)
	files := []source{{"go.mod", []byte(mod)}, {"vendor/modules.txt", []byte(modulesTxt)}}
	for _, s := range sources() {
		files = append(files, source{ourFolder + "/" + s.path, s.content})
	}
	names, err := filepath.Glob(filepath.Join(yaml.Dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, source{"vendor/" + yamlModule + "/" + filepath.Base(name), content})
	}
	for _, f := range files {
		path := filepath.Join(module, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// release matches the Go versions that GOTOOLCHAIN takes: no development versions, no experiments.
var release = regexp.MustCompile(`^go1\.\d+(\.\d+|rc\d+)?$`)

// buildEnv sets all that the go command would take from the user's environment and that changes the binary.
func buildEnv(p v1.Platform, work string) []string {
	env := []string{
		"GOOS=" + p.OS, "GOARCH=" + p.Architecture, "GOAMD64=v1", "GOARM64=v8.0",
		"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GO111MODULE=on",
		"GOENV=off",        // go env -w
		"GOTMPDIR=" + work, // so that a killed go command leaves nothing behind
	}
	if release.MatchString(runtime.Version()) {
		env = append(env, "GOTOOLCHAIN="+runtime.Version()) // as Key says
	}
	return env
}

// runGo returns what the go command prints on stdout; the error holds what it prints on stderr.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	killWithChildren(cmd)
	cmd.WaitDelay = 5 * time.Second // if a child lives on, it holds our pipes
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, errors.Wrapf(context.Cause(ctx), "go %s", args[0])
	}
	if err != nil {
		return nil, errors.Wrapf(err, "go %s: %s", args[0], bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}
