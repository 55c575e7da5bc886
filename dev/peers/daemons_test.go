//go:build unix

package peers_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startDaemon starts a process that stays, and waits until ready returns nil. It is asked to end when the test ends.
func startDaemon(t *testing.T, ready func() error, name string, args ...string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us: we stop it in good order
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stopDaemon(t, cmd, ended) })
	if err := await(30*time.Second, ready); err != nil {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		ended <- nil
		t.Fatalf("%s does not start: %v\n%s", name, err, &log)
	}
}

func stopDaemon(t *testing.T, cmd *exec.Cmd, ended chan error) {
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Errorf("%s did not end when it was asked to", cmd.Path)
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
}

// await tries until it works.
func await(patience time.Duration, try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func listens(network, address string) func() error {
	return func() error {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// startRegistry starts an image repository server, and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	need(t, "docker-registry")
	address, dir := freeAddress(t), t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %s}\n", dir, address)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	startDaemon(t, listens("tcp", address), "docker-registry", "serve", config)
	return address
}

// dockerd is a Docker daemon that touches nothing of the machine's own: no network, no firewall, no folders.
type dockerd struct{ host string }

func startDocker(t *testing.T) dockerd {
	t.Helper()
	need(t, "dockerd", "docker", "containerd", "runc", "skopeo")
	needRoot(t)
	dir := shortFolder(t)
	d := dockerd{"unix://" + dir + "/sock"}
	t.Cleanup(func() { syscall.Unmount(dir+"/exec/netns/default", 0) }) // dockerd leaves it
	startDaemon(t, func() error { return d.command("info").Run() }, "dockerd",
		"--host", d.host, "--data-root", dir+"/data", "--exec-root", dir+"/exec", "--pidfile", dir+"/pid",
		"--storage-driver", "vfs", "--bridge=none", "--iptables=false", "--ip6tables=false")
	return d
}

func (d dockerd) command(args ...string) *exec.Cmd {
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.host)
	return cmd
}

func (d dockerd) docker(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(output(t, d.command(args...)))
}

// load brings an image in under a name. Docker before 25 can't load an OCI layout: skopeo makes an archive of it.
func (d dockerd) load(t *testing.T, image, arch, name string) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	run(t, "skopeo", "copy", "--quiet", "--override-os=linux", "--override-arch="+arch, image, "docker-archive:"+archive+":"+name)
	d.docker(t, "load", "--input", archive)
}

// shortFolder is a temporary folder whose path leaves room for a socket's name (108 bytes).
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// podman's last process writes there after the container is gone.
		if err := await(10*time.Second, func() error { return os.RemoveAll(dir) }); err != nil {
			t.Error(err)
		}
	})
	return dir
}
