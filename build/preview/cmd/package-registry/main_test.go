package main_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the real command: what is tested is what an image starts.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "package-registry-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "package-registry")
	// The flags of package preview, so that both share what the go command has compiled.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	status := 1
	if out, err := build.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
	} else {
		status = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(status)
}

// packages writes a folder of packages, "<name>/<version>" with that title.
func packages(t *testing.T, titles map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for path, title := range titles {
		name, version, _ := strings.Cut(path, "/")
		write(t, filepath.Join(folder, name, version, "manifest.yml"),
			"{name: "+name+", version: "+version+", title: "+title+"}\n")
	}
	return folder
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs the command to its end.
func run(t *testing.T, env []string, args ...string) (status int, stderr string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// start runs the server on a free port; stop ends it by a signal and returns its exit status.
func start(t *testing.T, args ...string) (address string, stop func(os.Signal) int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "EPR_ADDRESS=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	var seen strings.Builder
	for address == "" {
		line, err := lines.ReadString('\n')
		seen.WriteString(line)
		if err != nil {
			t.Fatalf("%v; stderr:\n%s", err, seen.String())
		}
		if m := regexp.MustCompile(`msg=serving address=(\S+)`).FindStringSubmatch(line); m != nil {
			address = m[1]
		}
	}
	return address, func(signal os.Signal) int {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestServesUntilASignal(t *testing.T) {
	folder := packages(t, map[string]string{"apm/8.0.0": "APM"})
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		address, stop := start(t, "-packages", folder)
		if body := get(t, "http://"+address+"/search"); !strings.Contains(body, `"title": "APM"`) {
			t.Errorf("search answered %s", body)
		}
		if status := stop(signal); status != 0 {
			t.Errorf("%v: exit status %d", signal, status)
		}
	}
}

func TestHealthcheck(t *testing.T) {
	address, stop := start(t, "-packages", t.TempDir())
	_, port, _ := strings.Cut(address, ":")
	// An image has the address that the server listens on, which may be all addresses.
	for _, listens := range []string{address, "0.0.0.0:" + port, ":" + port} {
		if status, stderr := run(t, []string{"EPR_ADDRESS=" + listens}, "-healthcheck"); status != 0 {
			t.Errorf("%s: exit status %d, %s", listens, status, stderr)
		}
	}
	stop(syscall.SIGTERM)
	if status, stderr := run(t, []string{"EPR_ADDRESS=" + address}, "-healthcheck"); status != 1 || stderr == "" {
		t.Errorf("without a server: exit status %d, %q", status, stderr)
	}
}

func TestConfig(t *testing.T) {
	first := packages(t, map[string]string{"apm/8.0.0": "first"})
	second := packages(t, map[string]string{"apm/8.0.0": "second", "nginx/1.0.0": "second"})
	other := packages(t, map[string]string{"other/1.0.0": "other"})
	config := filepath.Join(t.TempDir(), "config.yml")

	write(t, config, "package_paths:\n  - "+first+"\n  - "+second+"\ncache_time.search: 1m\n")
	address, stop := start(t, "-config", config, "-packages", other)
	body := get(t, "http://"+address+"/search")
	if strings.Count(body, `"name"`) != 2 || !strings.Contains(body, `"first"`) || !strings.Contains(body, `"nginx"`) {
		t.Errorf("search answered %s", body)
	}
	stop(syscall.SIGTERM)

	write(t, config, "cache_time.search: 1m\n")
	address, stop = start(t, "-config", config, "-packages", other)
	if body := get(t, "http://"+address+"/search"); !strings.Contains(body, `"other"`) {
		t.Errorf("without package_paths: search answered %s", body)
	}
	stop(syscall.SIGTERM)
}

func TestSymlinksLeadNowhereOutside(t *testing.T) {
	folder := packages(t, map[string]string{"apm/8.0.0": "APM"})
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret")
	if err := os.Symlink(secret, filepath.Join(folder, "apm", "8.0.0", "link")); err != nil {
		t.Skip(err)
	}
	address, stop := start(t, "-packages", folder)
	if body := get(t, "http://"+address+"/package/apm/8.0.0/link"); !strings.Contains(body, `"error"`) {
		t.Errorf("the link leads to %q", body)
	}
	stop(syscall.SIGTERM)
}

func TestSaysWhyItCannotStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	broken := packages(t, map[string]string{"apm/8.0.0": "[APM"})
	config := filepath.Join(t.TempDir(), "config.yml")
	write(t, config, "package_paths: [")
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-packages", missing}, 1, missing},
		{[]string{"-packages", broken}, 1, broken + ": apm/8.0.0/manifest.yml: "},
		{[]string{"-config", missing}, 1, missing},
		{[]string{"-config", config}, 1, config},
		{[]string{"-address", "nonsense", "-packages", t.TempDir()}, 1, "nonsense"},
		{[]string{"-address", "nonsense", "-healthcheck"}, 1, "nonsense"},
		{[]string{"-nonsense"}, 2, "-nonsense"},
		{[]string{"nonsense"}, 2, `"nonsense"`},
		{[]string{"-help"}, 0, "-packages"},
	} {
		status, stderr := run(t, nil, test.args...)
		if status != test.status || !strings.Contains(strings.ReplaceAll(stderr, `\"`, `"`), test.says) {
			t.Errorf("%q: exit status %d, want %d and %q in\n%s", test.args, status, test.status, test.says, stderr)
		}
	}
}
