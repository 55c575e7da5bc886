package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// imageRepositories is a server on loopback that images are pushed to through a wire that counts, and read from past it.
type imageRepositories struct {
	*wire
	cmd    *exec.Cmd
	direct string // its address, past the wire
}

// compileServer compiles dev/imagerepo, which is a module of its own, into a folder.
func compileServer(ctx context.Context, root, dir string) (program string, err error) {
	program = filepath.Join(dir, "imagerepo")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, "dev", "imagerepo"), "-o", program, ".")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the image repository server: %w: %s", err, said)
	}
	return program, nil
}

// serveImages starts the server on a folder. Stop it: it ends by itself only after its clients.
func serveImages(program, dir string) (*imageRepositories, error) {
	r := &imageRepositories{cmd: exec.Command(program, "-dir", dir)}
	if err := r.start(); err != nil {
		return nil, fmt.Errorf("start the image repository server: %w", err)
	}
	return r, nil
}

func (r *imageRepositories) start() error {
	r.cmd.SysProcAttr = ownGroup() // Ctrl-C is for us: clients end first
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		r.direct = strings.TrimSpace(line)
		r.wire, err = lay(r.direct)
	}
	if err != nil {
		r.end()
	}
	return err
}

func (r *imageRepositories) stop() {
	r.wire.stop()
	r.end()
}

// end returns when the process has ended.
func (r *imageRepositories) end() {
	r.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(5*time.Second, func() { r.cmd.Process.Kill() })
	defer late.Stop()
	r.cmd.Wait()
}

// pushed is an image of one platform, as the server has it.
type pushed struct {
	layers []stacked
	// documents are the sizes of index, manifest and config.
	documents int64
}

// read reads an image by the digest of its index.
func (r *imageRepositories) read(ctx context.Context, repository, digest string) (pushed, error) {
	fail := func(err error) (pushed, error) {
		return pushed{}, fmt.Errorf("read the image that was pushed: %w", err)
	}
	reference, err := name.NewDigest(r.direct+"/"+repository+"@"+digest, name.Insecure)
	if err != nil {
		return fail(err)
	}
	index, err := remote.Index(reference, remote.WithContext(ctx))
	if err != nil {
		return fail(err)
	}
	size, err := index.Size()
	if err != nil {
		return fail(err)
	}
	all, err := index.IndexManifest()
	if err != nil {
		return fail(err)
	}
	if len(all.Manifests) != 1 {
		return fail(fmt.Errorf("there are %d platforms, not one", len(all.Manifests)))
	}
	image, err := index.Image(all.Manifests[0].Digest)
	if err != nil {
		return fail(err)
	}
	p, err := readImage(image)
	if err != nil {
		return fail(err)
	}
	p.documents += size + all.Manifests[0].Size
	return p, nil
}

func readImage(image v1.Image) (pushed, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return pushed{}, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return pushed{}, err
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return pushed{}, fmt.Errorf("%d layers, but %d diff ids", len(manifest.Layers), len(config.RootFS.DiffIDs))
	}
	p := pushed{documents: manifest.Config.Size}
	for i, l := range manifest.Layers {
		p.layers = append(p.layers, stacked{l.Digest, config.RootFS.DiffIDs[i], l.Size})
	}
	return p, nil
}
