//go:build unix

package peers_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// engine runs containers.
type engine interface {
	// pull brings an image in from an image repository on this machine.
	pull(t *testing.T, reference string)
	// start runs an image that was pulled, which shall listen on an address of this machine. The container ends with the
	// test.
	start(t *testing.T, reference, address string)
	// log is what the container printed.
	log(t *testing.T) string
}

// TestEngines has real engines pull what was pushed, by digest and by tag, run it, and asks the registry in it.
func TestEngines(t *testing.T) {
	for name, one := range map[string]struct {
		compression string
		engine      func(t *testing.T) engine
	}{
		"podman":      {"zstd", newPodman},
		"podman gzip": {"gzip", newPodman},
		"containerd":  {"zstd", newContainerd},
		"docker":      {"gzip", newDocker}, // zstd needs Docker 23
	} {
		t.Run(name, func(t *testing.T) {
			e := one.engine(t)
			repository := startRegistry(t) + "/package-registry/distribution"
			w := newWorkplace(t, "", "COMPRESSION="+one.compression, "IMAGE="+repository)
			w.run(t, "build:snapshot", "push")
			digest := readJSON[struct{ Index string }](t, w.dist(), "snapshot/build.json").Index
			e.pull(t, repository+"@"+digest)
			e.pull(t, repository+":snapshot")
			address := freeAddress(t)
			e.start(t, repository+":snapshot", address)
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(e.log(t))
				}
			})
			checkServed(t, "http://"+address, filepath.Join(w.dist(), "snapshot"))
		})
	}
}

type served struct{ Name, Version, Download string }

// checkServed compares what a registry serves with what was built.
func checkServed(t *testing.T, url, dist string) {
	t.Helper()
	if err := await(20*time.Second, func() error { _, err := get(url + "/health"); return err }); err != nil {
		t.Fatal(err)
	}
	content, err := get(url + "/search?all=true&prerelease=true&experimental=true")
	if err != nil {
		t.Fatal(err)
	}
	var found []served
	if err := json.Unmarshal(content, &found); err != nil {
		t.Fatal(err)
	}
	want := readJSON[struct{ Packages []served }](t, dist, "packages.json").Packages
	if got, want := versions(found), versions(want); !slices.Equal(got, want) || len(want) == 0 {
		t.Fatalf("served are %d packages: %v\nbuilt were %d: %v", len(got), got, len(want), want)
	}
	checkZip(t, url, found[0])
	t.Logf("%d packages are served", len(found))
}

func versions(packages []served) []string {
	var names []string
	for _, p := range packages {
		names = append(names, p.Name+"-"+p.Version)
	}
	slices.Sort(names)
	return names
}

// checkZip opens a package's zip and reads all of it.
func checkZip(t *testing.T, url string, p served) {
	t.Helper()
	folder := p.Name + "-" + p.Version
	if want := "/epr/" + p.Name + "/" + folder + ".zip"; p.Download != want {
		t.Errorf("%s: the download is %q, not %q", folder, p.Download, want)
	}
	content, err := get(url + p.Download)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, r) // the last read checks the CRC
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		names = append(names, f.Name)
	}
	if !slices.Contains(names, folder+"/manifest.yml") {
		t.Errorf("%s has no manifest: %v", p.Download, names)
	}
}

func get(url string) ([]byte, error) {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, content)
	}
	return content, err
}

// podman is one with storage of its own.
type podman struct{ flags []string }

func newPodman(t *testing.T) engine {
	t.Helper()
	need(t, "podman", "runc", "docker-registry")
	needRoot(t)
	dir := shortFolder(t)
	return podman{[]string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver=vfs", "--cgroup-manager=cgroupfs",
		"--runtime=runc"}}
}

func (p podman) args(args ...string) []string { return slices.Concat(p.flags, args) }

func (p podman) pull(t *testing.T, reference string) {
	t.Helper()
	run(t, "podman", p.args("pull", "--quiet", "--tls-verify=false", reference)...)
}

func (p podman) start(t *testing.T, reference, address string) {
	t.Helper()
	t.Cleanup(func() { runLate(t, "podman", p.args("rm", "--force", "--time=0", "peer")...) })
	// podman asks for higher limits than a container that we may be in allows.
	run(t, "podman", p.args("run", "--detach", "--name=peer", "--network=host", "--ulimit=nofile=1024:1024",
		"--ulimit=nproc=1024:1024", "--env=EPR_ADDRESS="+address, reference)...)
}

func (p podman) log(t *testing.T) string { return runLate(t, "podman", p.args("logs", "peer")...) }
