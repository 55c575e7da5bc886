package base_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/base"
	"github.com/seed-604f7181/package-storage/build/cache"
)

// TestMain keeps the credentials of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "no-docker-config")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("DOCKER_CONFIG", dir)
	os.Setenv("REGISTRY_AUTH_FILE", dir+"/none.json")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// repository is an image repository in memory, on a real socket.
type repository struct {
	name   string // for references
	server *httptest.Server

	mutex    sync.Mutex
	requests []string // "GET /v2/…"
	refuse   int      // the status of every answer, where it is not 0
}

func newRepository(t testing.TB) *repository {
	t.Helper()
	r := &repository{}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mutex.Lock()
		r.requests = append(r.requests, request.Method+" "+request.URL.Path)
		refuse := r.refuse
		r.mutex.Unlock()
		if refuse != 0 && request.URL.Path != "/v2/" {
			w.WriteHeader(refuse)
			return
		}
		images.ServeHTTP(w, request)
	}))
	t.Cleanup(r.server.Close)
	r.name = strings.TrimPrefix(r.server.URL, "http://") + "/package-registry"
	return r
}

// push puts an image or an index under a tag.
func (r *repository) push(t testing.TB, tag string, what remote.Taggable) {
	t.Helper()
	ref, err := name.NewTag(r.name + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	pusher, err := remote.NewPusher()
	if err != nil {
		t.Fatal(err)
	}
	if err := pusher.Push(t.Context(), ref, what); err != nil {
		t.Fatal(err)
	}
}

// asked are the requests since it was last called.
func (r *repository) asked() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	requests := r.requests
	r.requests = nil
	return requests
}

func (r *repository) refuseAll(status int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.refuse = status
}

func (r *repository) request(version string) base.Request {
	return base.Request{Repository: r.name, Version: version}
}

// imageFor is a random one of a platform, "linux/arm64/v8".
func imageFor(t testing.TB, platform string) v1.Image {
	t.Helper()
	image, err := random.Image(500, 3)
	if err != nil {
		t.Fatal(err)
	}
	p := parsePlatform(t, platform)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Config.User = "user-of-" + platform
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

func parsePlatform(t testing.TB, platform string) v1.Platform {
	t.Helper()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	return *p
}

// indexOf is one with an image for each platform.
func indexOf(t testing.TB, platforms ...string) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		p := parsePlatform(t, platform)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: imageFor(t, platform), Descriptor: v1.Descriptor{Platform: &p}})
	}
	return index
}

func digestOf(t testing.TB, what interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	d, err := what.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openCache(t testing.TB) *cache.Cache {
	t.Helper()
	c, err := cache.Open(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// resolver is a new one on a store, as each build has one; it keeps what it warned of.
type resolver struct {
	base.Resolver
	warnings []string
}

func newResolver(store base.Store) *resolver {
	r := &resolver{Resolver: base.Resolver{Store: store}}
	r.Warn = func(text string) { r.warnings = append(r.warnings, text) }
	r.Preview = func(context.Context) (v1.ImageIndex, error) { return nil, errors.New("the preview is not wanted") }
	r.PreviewKey = func() string { return "none" }
	return r
}

// resolve must succeed, without a warning.
func resolve(t testing.TB, store base.Store, request base.Request) base.Base {
	t.Helper()
	r := newResolver(store)
	found, err := r.Resolve(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.warnings) != 0 {
		t.Errorf("warned: %q", r.warnings)
	}
	return found
}

// platforms are those of a base, "linux/amd64".
func platforms(b base.Base) []string {
	var out []string
	for _, p := range b.Platforms {
		out = append(out, p.Platform.String())
	}
	return out
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	g, errG := json.MarshalIndent(got, "", " ")
	w, errW := json.MarshalIndent(want, "", " ")
	if errG != nil || errW != nil {
		t.Errorf("%s: %v, %v", what, errG, errW)
		return
	}
	gotLines, wantLines := strings.Split(string(g), "\n"), strings.Split(string(w), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i == len(gotLines) || i == len(wantLines) || gotLines[i] != wantLines[i] {
			t.Errorf("%s: from line %d on, it is\n%s\nwant\n%s", what, i+1, strings.Join(gotLines[i:min(i+5, len(gotLines))], "\n"),
				strings.Join(wantLines[i:min(i+5, len(wantLines))], "\n"))
			return
		}
	}
}
