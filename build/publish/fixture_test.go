package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// TestMain keeps the credentials of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "no-docker-config")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("DOCKER_CONFIG", dir)
	os.Setenv("REGISTRY_AUTH_FILE", dir+"/none.json")
	os.Setenv("XDG_RUNTIME_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server is go-containerregistry's image repository on a real socket. Unlike that it keeps the blobs of repositories
// apart, mounts them, and refuses manifests whose blobs are not there, as real ones do.
//
// It closes each connection after its answer: in a bubble, an idle one would keep the clock from going on.
type server struct {
	host   string
	blobs  *blobs
	images http.Handler
	ended  chan struct{} // closed when the test is over

	mutex    sync.Mutex
	requests []string // "GET /v2/…"
	faults   []*fault
	faulted  int // answers that were not the server's own
}

// bubble runs a test in which pauses take no time: those between tries, and those that an image repository asks for. Its
// clock goes on when nobody in it waits for anything else, such as an answer.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(time.Hour) // for what goes on behind the test's back: all must have ended with the bubble
	})
}

// fault answers requests in the server's place, or does something to its answer (next).
type fault struct {
	method, part string // of the path and query
	times        int    // so many more; below 0: always
	answer       func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{blobs: &blobs{content: map[string][]byte{}}, ended: make(chan struct{})}
	s.images = registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(s.blobs))
	listening := httptest.NewUnstartedServer(s)
	listening.Config.SetKeepAlivesEnabled(false)
	listening.Config.ErrorLog = log.New(io.Discard, "", 0)
	listening.Start()
	s.host = listening.Listener.Addr().String()
	t.Cleanup(func() {
		close(s.ended)
		listening.Close()
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next := http.HandlerFunc(s.answer)
	if f := s.note(r); f != nil {
		f.answer(w, r, next)
		return
	}
	next(w, r)
}

// note writes a request down and finds the fault that waits for it.
func (s *server) note(r *http.Request) *fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	for _, f := range s.faults {
		if f.times != 0 && r.Method == f.method && strings.Contains(r.URL.RequestURI(), f.part) {
			f.times--
			s.faulted++
			return f
		}
	}
	return nil
}

// on makes the server do something else to the next requests of a kind; to all of them if times is below 0.
func (s *server) on(method, part string, times int, answer func(http.ResponseWriter, *http.Request, http.Handler)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults = append(s.faults, &fault{method, part, times, answer})
}

// count is the number of requests of a kind so far.
func (s *server) count(method, part string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for _, r := range s.requests {
		if m, uri, _ := strings.Cut(r, " "); m == method && strings.Contains(uri, part) {
			n++
		}
	}
	return n
}

// asked are all requests so far.
func (s *server) asked() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.requests)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	repository, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/blobs/")
	query := r.URL.Query()
	if digest := query.Get("mount"); r.Method == http.MethodPost && rest == "uploads/" && s.blobs.copy(query.Get("from"), repository, digest) {
		w.Header().Set("Location", "/v2/"+repository+"/blobs/"+digest)
		w.WriteHeader(http.StatusCreated)
		return
	}
	repository, _, isManifest := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	if r.Method == http.MethodPut && isManifest {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		var m struct{ Layers []v1.Descriptor }
		if json.Unmarshal(content, &m) == nil {
			for _, l := range m.Layers {
				if s.blobs.get(repository, l.Digest.String()) == nil {
					refuse(http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")(w, r, nil)
					return
				}
			}
		}
	}
	s.images.ServeHTTP(w, r)
}

// blobs are kept by repository and digest.
type blobs struct {
	mutex   sync.Mutex
	content map[string][]byte
}

// key brings together what registry calls a repository while a blob is uploaded, and afterwards.
func key(repository, digest string) string {
	return strings.TrimSuffix(repository, "/blobs") + "@" + digest
}

func (b *blobs) get(repository, digest string) []byte {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content[key(repository, digest)]
}

func (b *blobs) put(repository, digest string, content []byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.content[key(repository, digest)] = content
}

func (b *blobs) remove(repository, digest string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.content, key(repository, digest))
}

func (b *blobs) copy(from, to, digest string) bool {
	content := b.get(from, digest)
	if content != nil {
		b.put(to, digest, content)
	}
	return content != nil
}

// Get implements registry.BlobHandler.
func (b *blobs) Get(_ context.Context, repository string, digest v1.Hash) (io.ReadCloser, error) {
	content := b.get(repository, digest.String())
	if content == nil {
		return nil, registry.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Put implements registry.BlobPutHandler.
func (b *blobs) Put(_ context.Context, repository string, digest v1.Hash, content io.ReadCloser) error {
	all, err := io.ReadAll(content)
	if err == nil {
		b.put(repository, digest.String(), all)
	}
	return err
}

// refuse is an answer as the distribution spec has it ("Error Codes"); none of it without a code.
func refuse(status int, code, message string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		if code != "" {
			fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
		}
	}
}

// reset breaks the connection after some bytes of the request's body.
func reset(after int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.CopyN(io.Discard, r.Body, after)
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
}

// truncate answers as the server would, but ends before the body does.
func truncate(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
	w.WriteHeader(whole.Code)
	w.Write(body[:len(body)/2])
}

// stall says nothing until the test is over.
func (s *server) stall(http.ResponseWriter, *http.Request, http.Handler) { <-s.ended }

// open opens a repository of the server.
func (s *server) open(t *testing.T, path string, o publish.Options) *publish.Repository {
	t.Helper()
	r, err := publish.Open(s.host+"/"+path, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// blob is one to be sent. told is what its Progress adds up to.
type blob struct {
	publish.Blob
	content []byte
	mutex   sync.Mutex
	told    int64
}

func newBlob(content []byte, mediaType types.MediaType) *blob {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		panic(err)
	}
	b := &blob{content: content}
	b.Blob = publish.Blob{
		Descriptor: v1.Descriptor{Digest: digest, Size: size, MediaType: mediaType},
		Open:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		Progress: func(n int64) {
			b.mutex.Lock()
			defer b.mutex.Unlock()
			b.told += n
		},
	}
	return b
}

// progress is what Progress has added up to.
func (b *blob) progress() int64 {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.told
}

// large is more than the buffers on the way hold: 8 MB.
func large() *blob {
	return newBlob(bytes.Repeat([]byte("0123456789abcdef"), 1<<19), types.OCILayerZStd)
}

// medium does not go at once: 256 kB.
func medium() *blob {
	return newBlob(bytes.Repeat([]byte("0123456789abcdef"), 1<<14), types.OCILayerZStd)
}

func small() *blob { return newBlob([]byte("a layer"), types.OCILayerZStd) }

// send sends a blob that must arrive.
func send(t *testing.T, r *publish.Repository, b publish.Blob) (sent bool) {
	t.Helper()
	sent, err := r.Send(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// arrived fails the test unless the server has the blob.
func (s *server) arrived(t *testing.T, path string, b *blob) {
	t.Helper()
	if got := s.blobs.get(path, b.Digest.String()); !bytes.Equal(got, b.content) {
		t.Errorf("%s has %d bytes of %s, want %d", path, len(got), b.Digest, len(b.content))
	}
}

// imageOf is a manifest that needs blobs.
func imageOf(t *testing.T, layers ...*blob) publish.Manifest {
	t.Helper()
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: small().Descriptor}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.Descriptor)
	}
	return manifest(t, m, types.OCIManifestSchema1)
}

func manifest(t *testing.T, value any, mediaType types.MediaType) publish.Manifest {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return publish.Manifest{Digest: digest, MediaType: mediaType, Content: content}
}
