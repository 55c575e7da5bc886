//go:build unix

package push_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// moduleRoot is the module's folder, seen from this package's.
const moduleRoot = "../.."

func TestMain(m *testing.M) {
	code := m.Run()
	desk.close()
	os.Exit(code)
}

// desk is what all tests share. It is set up by the first that asks.
var desk workshop

// workshop holds programs, a storage, what was built of it, and running image repository servers.
type workshop struct {
	once     sync.Once
	err      error
	dir      string
	pipeline string // the compiled magefile
	history  history
	memory   *server // fast for many small things
	disk     *server // fast for large blobs

	mu       sync.Mutex // of builds, which move the storage's branches
	releases map[string]*release
}

// open sets the workshop up.
func open(t *testing.T) *workshop {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	desk.once.Do(func() { desk.err = desk.setUp() })
	if desk.err != nil {
		t.Fatal(desk.err)
	}
	return &desk
}

func (w *workshop) setUp() (err error) {
	w.releases = map[string]*release{}
	if w.dir, err = os.MkdirTemp("", "push-test-"); err != nil {
		return err
	}
	w.pipeline = filepath.Join(w.dir, "pipeline")
	if _, err = output(moduleRoot, "go", "tool", "mage", "-compile", w.pipeline); err != nil {
		return err
	}
	imagerepo := filepath.Join(w.dir, "imagerepo")
	if _, err = output(moduleRoot, "go", "build", "-C", "dev/imagerepo", "-o", imagerepo); err != nil {
		return err
	}
	if w.history, err = newHistory(filepath.Join(w.dir, "storage.git"), generations); err != nil {
		return err
	}
	if w.memory, err = startServer(imagerepo); err != nil {
		return err
	}
	w.disk, err = startServer(imagerepo, "-dir", filepath.Join(w.dir, "images"))
	return err
}

func (w *workshop) close() {
	for _, s := range []*server{w.memory, w.disk} {
		if s != nil {
			s.stop()
		}
	}
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
}

func (w *workshop) cache() string { return filepath.Join(w.dir, "cache") }

// ours are variables that a test sets itself, whatever the shell has.
var ours = []string{"STORAGE", "IMAGE", "PACKAGE_REGISTRY", "PACKAGE_REGISTRY_IMAGE", "PLATFORMS", "COMPRESSION", "WITH", "DRY_RUN",
	"FORCE", "REASON", "PUBLISHED", "PACKAGE_STORAGE_CACHE", "PACKAGE_STORAGE_CACHE_LIMIT", "PACKAGE_STORAGE_PATIENCE", "DIST",
	"DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "GITHUB_STEP_SUMMARY"}

// command runs a target as a user does, with more variables; later ones win.
func (w *workshop) command(ctx context.Context, target string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.pipeline, target)
	cmd.Dir = moduleRoot
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(ours, name)
	})
	cmd.Env = append(cmd.Env, "STORAGE="+w.history.repository, "PACKAGE_REGISTRY_IMAGE=preview", "PACKAGE_STORAGE_CACHE="+w.cache())
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// output runs a command and returns what it printed on stdout, without the line's end.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return outputOf(cmd)
}

func outputOf(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}
