package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const buildKitModule = "github.com/moby/buildkit"

// buildKit is what we compare with: BuildKit's daemon and client, of the version that dev/buildkit pins.
type buildKit struct {
	dir     string // of the programs
	version string
	quiet   string // the variable that keeps credential helpers out
}

// noBuildKit says why BuildKit can't be had on this machine; empty: it can.
func noBuildKit() string {
	switch {
	case runtime.GOOS != "linux":
		return "BuildKit's daemon runs on Linux only"
	case os.Geteuid() != 0:
		return "BuildKit's daemon needs root"
	}
	if _, err := exec.LookPath("runc"); err != nil {
		return "BuildKit's daemon needs runc, which is not installed, or not on the PATH"
	}
	return ""
}

// compileBuildKit takes minutes the first time, and the module proxy.
func (b *bench) compileBuildKit(ctx context.Context) (*buildKit, error) {
	kit := &buildKit{dir: filepath.Join(b.tmp, "buildkit"), quiet: b.noCredentials()}
	_, err := timed(command(ctx, b.root, "go", "build", "-C", "dev/buildkit", "-o", kit.dir+string(filepath.Separator),
		buildKitModule+"/cmd/buildkitd", buildKitModule+"/cmd/buildctl"))
	if err != nil {
		return nil, fmt.Errorf("build BuildKit: %w", err)
	}
	version, err := output(command(ctx, b.root, "go", "list", "-C", "dev/buildkit", "-m", "-f", "{{.Version}}", buildKitModule))
	if err != nil {
		return nil, fmt.Errorf("ask for BuildKit's version: %w", err)
	}
	kit.version = strings.TrimSpace(string(version))
	return kit, nil
}

// buildKitDaemon is one with an empty cache at first.
type buildKitDaemon struct {
	*daemon
	kit     *buildKit
	address string
}

// start starts a daemon in a folder of its own, which is to lie close to the root: a socket's path has room for 108
// bytes. The image repository at an address is spoken to without TLS.
func (k *buildKit) start(ctx context.Context, dir, repositories string) (*buildKitDaemon, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start BuildKit: %w", err)
	}
	config := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "[registry.%q]\nhttp = true\ninsecure = true\n", repositories), 0o644); err != nil {
		return nil, fmt.Errorf("start BuildKit: %w", err)
	}
	socket := filepath.Join(dir, "sock")
	ready := func(string) error {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
		}
		return err
	}
	d, err := startDaemon(ctx, ready, filepath.Join(k.dir, "buildkitd"), "--config", config, "--root", filepath.Join(dir, "root"),
		"--addr", "unix://"+socket, "--otel-socket-path", filepath.Join(dir, "otel"),
		"--containerd-worker=false", "--oci-worker=true", "--oci-worker-net=host")
	if err != nil {
		return nil, err
	}
	return &buildKitDaemon{d, k, "unix://" + socket}, nil
}

// build builds the context in a folder and pushes the image. The result is the client's time in seconds.
func (d *buildKitDaemon) build(ctx context.Context, folder, image string) (float64, error) {
	cmd := command(ctx, folder, filepath.Join(d.kit.dir, "buildctl"), "--addr", d.address, "build", "--progress=plain",
		"--frontend=dockerfile.v0", "--opt=platform="+platform, "--local=context="+folder, "--local=dockerfile="+folder,
		"--output=type=image,name="+image+":"+branch+",push=true,registry.insecure=true")
	cmd.Env = environment(d.kit.quiet)
	used, err := timed(cmd)
	if err != nil {
		return 0, fmt.Errorf("build and push with BuildKit: %w", err)
	}
	return used.wall, nil
}
