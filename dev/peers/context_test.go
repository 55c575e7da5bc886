//go:build unix

package peers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// builders make an image of a docker build context.
var builders = map[string]func(t *testing.T) builder{
	"buildah":  newBuildah,
	"docker":   func(t *testing.T) builder { return newDockerBuilder(t, "0") },
	"buildkit": func(t *testing.T) builder { return newDockerBuilder(t, "1") },
}

type builder interface {
	// build makes an image for an architecture and returns its name for skopeo.
	build(t *testing.T, arch, context string) string
	// bring makes the image of an OCI layout known under a name.
	bring(t *testing.T, arch, layout, name string)
}

// TestContext compares the images of `mage build:…` with what others make of the context of `mage assemble`.
func TestContext(t *testing.T) {
	need(t, "skopeo")
	for name, newBuilder := range builders {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t)
			t.Run("sample", func(t *testing.T) {
				w := newWorkplace(t, "")
				sameAsBuilt(t, b, w, "production", "amd64")
			})
			t.Run("overlaid branches", func(t *testing.T) {
				w := newWorkplace(t, "")
				sameAsBuilt(t, b, w, "snapshot", "amd64")
				sameAsBuilt(t, b, w, "snapshot", "arm64")
			})
			t.Run("whatever the umask is", func(t *testing.T) {
				w := newWorkplace(t, "")
				w.umask = "077"
				sameAsBuilt(t, b, w, "production", "amd64")
			})
			t.Run("a base of Docker's in an image repository", func(t *testing.T) {
				w := newWorkplace(t, "", "PACKAGE_REGISTRY_IMAGE="+dockerBase(t), "PLATFORMS=linux/amd64")
				sameAsBuilt(t, b, w, "staging", "amd64")
			})
			t.Run("real storage", func(t *testing.T) {
				if name != "buildah" {
					t.Skip("buildah has it: one engine is enough for what takes minutes")
				}
				storage := realStorage(t)
				if storage == "" {
					t.Skip("there is no real storage: set REAL_STORAGE")
				}
				w := newWorkplace(t, storage)
				sameAsBuilt(t, b, w, "snapshot", "amd64")
			})
		})
	}
}

func sameAsBuilt(t *testing.T, b builder, w workplace, name, arch string) {
	t.Helper()
	w.run(t, "build:distribution", name)
	w.run(t, "assemble", name)
	context := filepath.Join(w.dist(), name+".context")
	if base := filepath.Join(context, "base"); exists(base) {
		b.bring(t, arch, base, "localhost/package-registry-preview:"+w.report(t, name).Inputs.Registry)
	}
	theirs := b.build(t, arch, context)
	out, err := exec.CommandContext(t.Context(), tools.compare, "-arch", arch, filepath.Join(w.dist(), name), theirs).CombinedOutput()
	t.Logf("%s, %s: %s", name, arch, strings.TrimSpace(string(out)))
	if err != nil {
		t.Errorf("build and assemble of %s disagree for %s: %v", name, arch, err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// buildah is one with storage of its own.
type buildah struct{ root, run string }

func newBuildah(t *testing.T) builder {
	t.Helper()
	need(t, "buildah")
	needRoot(t)
	dir := t.TempDir()
	return buildah{filepath.Join(dir, "root"), filepath.Join(dir, "run")}
}

func (b buildah) bring(t *testing.T, arch, layout, name string) {
	t.Helper()
	run(t, "skopeo", "copy", "--quiet", "--override-arch="+arch, "oci:"+layout, b.image(name))
}

// build asks for Docker's format, since OCI's knows no health checks.
func (b buildah) build(t *testing.T, arch, context string) string {
	t.Helper()
	run(t, "buildah", append(b.flags(), "bud", "--quiet", "--isolation=chroot", "--format=docker", "--tls-verify=false", "--arch="+arch,
		"--tag=localhost/built", context)...)
	return b.image("localhost/built")
}

func (b buildah) flags() []string {
	return []string{"--root", b.root, "--runroot", b.run, "--storage-driver", "vfs"}
}

func (b buildah) image(name string) string {
	return "containers-storage:[vfs@" + b.root + "+" + b.run + "]" + name
}

// dockerBuilder has a Docker daemon of its own; BuildKit ("1") or the classic builder ("0") builds.
type dockerBuilder struct {
	dockerd
	dir, buildKit string
}

func newDockerBuilder(t *testing.T, buildKit string) builder {
	t.Helper()
	b := dockerBuilder{startDocker(t), t.TempDir(), buildKit}
	if buildKit == "1" && b.command("buildx", "version").Run() != nil {
		if version := b.docker(t, "version", "--format={{.Client.Version}}"); !strings.HasPrefix(version, "20.10.") {
			lack(t, "docker "+version+" builds with BuildKit only where buildx is installed")
		}
	}
	return b
}

func (b dockerBuilder) bring(t *testing.T, arch, layout, name string) {
	t.Helper()
	b.load(t, "oci:"+layout, arch, name)
}

func (b dockerBuilder) build(t *testing.T, arch, context string) string {
	t.Helper()
	cmd := b.command("build", "--quiet", "--platform=linux/"+arch, "--tag=local/built", context)
	cmd.Env = append(cmd.Env, "DOCKER_BUILDKIT="+b.buildKit)
	output(t, cmd)
	archive := filepath.Join(b.dir, "built.tar")
	os.Remove(archive)
	b.docker(t, "save", "--output", archive, "local/built")
	return "docker-archive:" + archive
}

// dockerBase is an image repository, with the sample's registry version as its tag: a base in Docker's format, with
// settings and owners that an image from scratch does not have.
func dockerBase(t *testing.T) string {
	t.Helper()
	need(t, "buildah", "docker-registry")
	needRoot(t)
	b := newBuildah(t).(buildah)
	repository := startRegistry(t) + "/package-registry"
	run(t, "buildah", append(b.flags(), "bud", "--quiet", "--isolation=chroot", "--format=docker", "--arch=amd64",
		"--tag=base", "testdata/base")...)
	run(t, "skopeo", "copy", "--quiet", "--dest-tls-verify=false", b.image("localhost/base"),
		"docker://"+repository+":v1.31.1")
	return repository
}
