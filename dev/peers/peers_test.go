//go:build unix

package peers_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// moduleRoot is the module's folder, seen from this package's.
const moduleRoot = "../.."

func TestMain(m *testing.M) {
	// Debian keeps daemons and runtimes where a user's PATH does not look.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	code := m.Run()
	if tools.dir != "" {
		os.RemoveAll(tools.dir)
	}
	os.Exit(code)
}

// need skips a test whose tools are not installed.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lack(t, tool+" is not installed")
		}
	}
}

// needRoot skips a test that must give files to other users, or start containers.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		lack(t, "this needs root")
	}
}

func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_PEERS") == "1" {
		t.Fatal(what + ", and REQUIRE_PEERS=1")
	}
	t.Skip(what)
}

// output runs a command and returns what it printed on stdout.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, &stderr)
	}
	return string(out)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	return output(t, exec.CommandContext(t.Context(), name, args...))
}

func git(t *testing.T, repository string, args ...string) string {
	t.Helper()
	return run(t, "git", append([]string{"-C", repository}, args...)...)
}

// tools are compiled once.
var tools struct {
	once              sync.Once
	dir               string
	pipeline, compare string
	err               error
}

func compileTools(t *testing.T) {
	t.Helper()
	tools.once.Do(func() {
		if tools.dir, tools.err = os.MkdirTemp("", "peers-tools-"); tools.err != nil {
			return
		}
		tools.pipeline, tools.compare = filepath.Join(tools.dir, "pipeline"), filepath.Join(tools.dir, "compare")
		for _, args := range [][]string{
			{"tool", "mage", "-compile", tools.pipeline},
			{"build", "-o", tools.compare, "./dev/peers/compare"},
		} {
			cmd := exec.Command("go", args...)
			cmd.Dir = moduleRoot
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Logf("%s: %v\n%s", cmd, err, out)
				tools.err = err
				return
			}
		}
	})
	if tools.err != nil {
		t.Fatalf("compile the pipeline: %v", tools.err)
	}
}

// workplace is where a user works: a storage, a cache and an output folder.
type workplace struct {
	dir     string
	storage string // empty is the sample
	umask   string // empty is the test's own
	env     []string
}

func newWorkplace(t *testing.T, storage string, env ...string) workplace {
	t.Helper()
	compileTools(t)
	w := workplace{dir: t.TempDir(), storage: storage, env: env}
	// Whatever the pipeline leaves in the system's folder for temporary files is found here.
	if err := os.Mkdir(w.temporary(), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w workplace) dist() string      { return filepath.Join(w.dir, "dist") }
func (w workplace) cache() string     { return filepath.Join(w.dir, "cache") }
func (w workplace) temporary() string { return filepath.Join(w.dir, "tmp") }

// layout is a distribution's image as skopeo names it.
func (w workplace) layout(name string) string {
	return "oci:" + filepath.Join(w.dist(), name, "image") + ":" + name
}

// ours are the pipeline's variables: a test sets those that it wants, whatever the shell has.
var ours = []string{"STORAGE", "IMAGE", "PACKAGE_REGISTRY", "PACKAGE_REGISTRY_IMAGE", "PLATFORMS", "COMPRESSION", "WITH",
	"DRY_RUN", "REASON", "PACKAGE_STORAGE_CACHE", "PACKAGE_STORAGE_CACHE_LIMIT", "DIST", "TMPDIR"}

func (w workplace) command(target ...string) *exec.Cmd {
	cmd := exec.Command(tools.pipeline, target...)
	if w.umask != "" {
		cmd = exec.Command("sh", append([]string{"-c", "umask " + w.umask + `; exec "$0" "$@"`, tools.pipeline}, target...)...)
	}
	cmd.Dir = moduleRoot
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !slices.Contains(ours, name) {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "STORAGE="+w.storage, "PACKAGE_REGISTRY_IMAGE=preview", "DIST="+w.dist(),
		"PACKAGE_STORAGE_CACHE="+w.cache(), "TMPDIR="+w.temporary())
	cmd.Env = append(cmd.Env, w.env...)
	return cmd
}

func (w workplace) run(t *testing.T, target ...string) {
	t.Helper()
	start := time.Now()
	output(t, w.command(target...))
	t.Logf("%s: %.1f s", strings.Join(target, " "), time.Since(start).Seconds())
}

// realStorage is a bare clone of a storage of a natural size; empty where there is none.
func realStorage(t *testing.T) string {
	t.Helper()
	source := os.Getenv("REAL_STORAGE")
	if source == "" {
		source = filepath.Join(moduleRoot, "../shared/real-storage.bundle")
	}
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(source); err != nil {
		return ""
	}
	clone := filepath.Join(t.TempDir(), "storage.git")
	run(t, "git", "clone", "--quiet", "--bare", source, clone)
	return clone
}

// anyStorage is the real storage, or else the sample as a repository of one commit a branch.
func anyStorage(t *testing.T) string {
	t.Helper()
	need(t, "git")
	if clone := realStorage(t); clone != "" {
		return clone
	}
	t.Log("there is no real storage (REAL_STORAGE): the sample must do")
	repository := filepath.Join(t.TempDir(), "storage.git")
	run(t, "git", "init", "--quiet", "--bare", repository)
	git(t, repository, "remote", "add", "origin", repository)
	for _, branch := range upstreamFirst["snapshot"] {
		folder, err := filepath.Abs(filepath.Join(moduleRoot, "testdata/storage", branch))
		if err != nil {
			t.Fatal(err)
		}
		git(t, repository, "read-tree", "--empty")
		git(t, repository, "--work-tree="+folder, "-c", "core.autocrlf=false", "add", "--all", "--force", folder)
		tree := strings.TrimSpace(git(t, repository, "write-tree"))
		commit := git(t, repository, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit-tree", "-m", branch, tree)
		git(t, repository, "update-ref", "refs/heads/"+branch, strings.TrimSpace(commit))
	}
	return repository
}

// readJSON reads the JSON file at a path below a folder.
func readJSON[T any](t *testing.T, path ...string) T {
	t.Helper()
	var value T
	content, err := os.ReadFile(filepath.Join(path...))
	if err == nil {
		err = json.Unmarshal(content, &value)
	}
	if err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return value
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
