//go:build unix

package push_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// server is an image repository server in a process of its own. Each trial takes a repository of its own there.
type server struct {
	addr  string
	cmd   *exec.Cmd
	count atomic.Int64
}

func startServer(program string, flags ...string) (*server, error) {
	s := &server{cmd: exec.Command(program, flags...)}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s.addr = strings.TrimSpace(line)
	return s, err
}

func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

// repository is one image repository on a server, spoken to directly.
type repository struct {
	addr, path string
}

// fresh is an image repository that holds what was built, with all tags, as if it had been pushed. An empty one is on
// disk: everything will be pushed to it.
func (w *workshop) fresh(t *testing.T, holds ...*release) repository {
	t.Helper()
	s := w.memory
	if len(holds) == 0 {
		s = w.disk
	}
	r := repository{s.addr, fmt.Sprintf("trial-%d/distribution", s.count.Add(1))}
	for _, one := range holds {
		for distribution, image := range one.images {
			seed := repository{s.addr, "seed/" + filepath.Base(one.dist)}
			if err := seed.seed(one, distribution); err != nil {
				t.Fatal(err)
			}
			for _, tag := range []string{image.exactTag(), image.commit, distribution} {
				if err := r.copy(seed, image.index, tag); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return r
}

// seed brings an image to the server, if it is not there, so that others can be copies.
func (r repository) seed(one *release, distribution string) error {
	digest := one.images[distribution].index
	if r.digest(digest) == digest {
		return nil
	}
	all, err := layout.ImageIndexFromPath(filepath.Join(one.dist, distribution, "image"))
	if err != nil {
		return err
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		return err
	}
	index, err := all.ImageIndex(hash)
	if err != nil {
		return err
	}
	return remote.WriteIndex(r.reference(digest), index)
}

// copy takes an image from another repository of the server, and tags it.
func (r repository) copy(from repository, digest, tag string) error {
	if r.digest(digest) == digest {
		index, err := remote.Get(r.reference(digest))
		if err != nil {
			return err
		}
		return remote.Tag(r.reference(tag).(name.Tag), index)
	}
	index, err := remote.Index(from.reference(digest))
	if err != nil {
		return err
	}
	return remote.WriteIndex(r.reference(tag), index)
}

// reference is a tag or digest in the repository.
func (r repository) reference(identifier string) name.Reference {
	separator := ":"
	if strings.Contains(identifier, ":") {
		separator = "@"
	}
	reference, err := name.ParseReference(r.addr + "/" + r.path + separator + identifier)
	if err != nil {
		panic(err) // tags and digests come from builds
	}
	return reference
}

const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"

// ask sends a request without a body. The answer's body is nil where there is nothing at the path.
func (r repository) ask(method, path string) (header http.Header, body []byte, err error) {
	request, err := http.NewRequest(method, "http://"+r.addr+"/v2/"+r.path+path, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", manifestTypes)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, nil, nil
	}
	if answer.StatusCode >= 300 {
		return nil, nil, fmt.Errorf("%s %s: %s", method, path, answer.Status)
	}
	body, err = io.ReadAll(answer.Body)
	return answer.Header, append([]byte{}, body...), err
}

// digest is what a tag stands for; empty where there is no such tag, or no answer.
func (r repository) digest(identifier string) string {
	header, _, _ := r.ask(http.MethodHead, "/manifests/"+identifier)
	return header.Get("Docker-Content-Digest")
}

// tags are all of them.
func (r repository) tags(t *testing.T) []string {
	t.Helper()
	_, body, err := r.ask(http.MethodGet, "/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Tags []string }
	if body != nil {
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
	}
	return list.Tags
}
