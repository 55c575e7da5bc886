//go:build unix

package peers_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runLate is for what must be done when a test has ended; it is reported, not fatal.
func runLate(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// containerd is a daemon with folders of its own, without Kubernetes' part.
type containerd struct{ dir string }

const containerdConfig = `version = 2
root = "DIR/root"
state = "DIR/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "DIR/sock"
[ttrpc]
  address = "DIR/ttrpc"
`

func newContainerd(t *testing.T) engine {
	t.Helper()
	need(t, "containerd", "ctr", "containerd-shim-runc-v2", "runc", "docker-registry")
	needRoot(t)
	c := containerd{shortFolder(t)}
	config := filepath.Join(c.dir, "config.toml")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(containerdConfig, "DIR", c.dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	startDaemon(t, func() error { return exec.Command("ctr", c.args("version")...).Run() }, "containerd", "--config", config)
	return c
}

func (c containerd) args(args ...string) []string {
	return slices.Concat([]string{"--address", c.dir + "/sock", "--namespace", "peers"}, args)
}

func (c containerd) pull(t *testing.T, reference string) {
	t.Helper()
	run(t, "ctr", c.args("images", "pull", "--plain-http", "--snapshotter=native", reference)...)
}

func (c containerd) start(t *testing.T, reference, address string) {
	t.Helper()
	t.Cleanup(func() {
		runLate(t, "ctr", c.args("tasks", "rm", "--force", "peer")...)
		runLate(t, "ctr", c.args("containers", "rm", "peer")...)
	})
	run(t, "ctr", c.args("run", "--detach", "--snapshotter=native", "--net-host", "--env=EPR_ADDRESS="+address,
		"--log-uri=file://"+c.logFile(), reference, "peer")...)
}

func (c containerd) logFile() string { return filepath.Join(c.dir, "log") }

func (c containerd) log(t *testing.T) string {
	content, err := os.ReadFile(c.logFile())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// docker pulls from an image repository on this machine, as most of its users do.
type docker struct{ dockerd }

func newDocker(t *testing.T) engine {
	t.Helper()
	need(t, "docker-registry")
	return docker{startDocker(t)}
}

func (d docker) pull(t *testing.T, reference string) {
	t.Helper()
	d.docker(t, "pull", "--quiet", reference)
}

func (d docker) start(t *testing.T, reference, address string) {
	t.Helper()
	t.Cleanup(func() { d.command("rm", "--force", "peer").Run() })
	d.docker(t, "run", "--detach", "--name=peer", "--network=host", "--env=EPR_ADDRESS="+address, reference)
	err := await(30*time.Second, func() error {
		return d.command("exec", "peer", "/package-registry/package-registry", "-healthcheck").Run()
	})
	if err != nil {
		t.Errorf("the health check fails: %v", err)
	}
}

func (d docker) log(t *testing.T) string {
	out, _ := d.command("logs", "peer").CombinedOutput()
	return string(out)
}
