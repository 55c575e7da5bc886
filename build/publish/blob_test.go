package publish_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// TestSendSendsWhatIsMissing: once, and what is there not at all.
func TestSendSendsWhatIsMissing(t *testing.T) {
	s, b := serve(t), medium()
	if !send(t, s.open(t, "a/b", publish.Options{}), b.Blob) {
		t.Error("it was missing, and not sent")
	}
	s.arrived(t, "a/b", b)
	if got := b.progress(); got != b.Size {
		t.Errorf("progress came to %d of %d bytes", got, b.Size)
	}

	b.Open = func() (io.ReadCloser, error) {
		t.Error("a blob that is there was opened")
		return nil, os.ErrInvalid
	}
	r := s.open(t, "a/b", publish.Options{})
	before := len(s.asked())
	for range 2 {
		if send(t, r, b.Blob) {
			t.Error("it was there, and sent")
		}
	}
	if n := s.count("HEAD", "/blobs/"); n != 2 {
		t.Errorf("%d times it was looked for, want once by each of two machines", n)
	}
	if n := len(s.asked()) - before; n != 2 {
		t.Errorf("%d requests for a blob that is there, want one beside that for credentials: %v", n, s.asked()[before:])
	}
}

// TestSendMounts: a blob that another repository of the same host has crosses no wire.
func TestSendMounts(t *testing.T) {
	s, b := serve(t), small()
	s.blobs.put("up/stream", b.Digest.String(), b.content)
	b.Open = func() (io.ReadCloser, error) {
		t.Error("a blob that can be mounted was opened")
		return nil, os.ErrInvalid
	}
	b.From = s.host + "/up/stream"
	r := s.open(t, "down/stream", publish.Options{})
	if send(t, r, b.Blob) {
		t.Error("it was sent")
	}
	s.arrived(t, "down/stream", b)
	if traffic := r.Traffic(); traffic.Mounted != 1 || traffic.Up != 0 {
		t.Errorf("traffic is %+v", traffic)
	}
}

// TestSendWithoutMount: whatever comes of the attempt to mount, the blob arrives.
func TestSendWithoutMount(t *testing.T) {
	ignore := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.URL.RawQuery = ""
		next.ServeHTTP(w, r)
	}
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"it is not there either":      func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) },
		"mounting is unknown":         ignore,
		"it is not supported":         refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "no mounts here"),
		"that repository is closed":   refuse(http.StatusForbidden, "DENIED", "requested access to the resource is denied"),
		"that repository wants login": refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"),
		"that repository is unknown":  refuse(http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry"),
	} {
		t.Run(name, func(t *testing.T) {
			s, b := serve(t), small()
			s.on("POST", "mount=", -1, answer)
			b.From = s.host + "/up/stream"
			r := s.open(t, "down/stream", publish.Options{})
			if !send(t, r, b.Blob) {
				t.Error("it was not sent")
			}
			s.arrived(t, "down/stream", b)
			if traffic := r.Traffic(); traffic.Mounted != 0 || traffic.Up != b.Size {
				t.Errorf("traffic is %+v", traffic)
			}
			if s.count("POST", "mount=") == 0 {
				t.Error("it was not tried")
			}
		})
	}
}

// TestSendWithoutTokenForMount: who may push here need not be given a token for the repository to mount from.
func TestSendWithoutTokenForMount(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		s, b := serve(t), small()
		s.on("GET", "scope=repository%3Aup%2Fstream%3Apull", -1, refuse(status, "DENIED", "no such right"))
		k := &tokens{uses: 1000}
		k.guard(s)
		b.From = s.host + "/up/stream"
		if !send(t, s.open(t, "a/b", publish.Options{}), b.Blob) {
			t.Errorf("%d: it was not sent", status)
		}
		s.arrived(t, "a/b", b)
		if n := s.count("GET", "up%2Fstream"); n != 1 {
			t.Errorf("%d: %d tokens were asked for that repository", status, n)
		}
	}
}

// TestSendMountsFromOwnHostOnly: another host's blobs can't be mounted, nor need the repository's own be; and a name that
// is none is no reason to fail.
func TestSendMountsFromOwnHostOnly(t *testing.T) {
	for _, from := range []string{"registry.example.com/up/stream", "<host>/down/stream", "not a name", ""} {
		s, b := serve(t), small()
		b.From = from
		if from == "<host>/down/stream" {
			b.From = s.host + "/down/stream"
		}
		send(t, s.open(t, "down/stream", publish.Options{}), b.Blob)
		s.arrived(t, "down/stream", b)
		if n := s.count("POST", "mount"); n > 0 {
			t.Errorf("from %q: %d attempts to mount", from, n)
		}
	}
}

// TestForget: what has been seen is not looked for again, until it may have vanished.
func TestForget(t *testing.T) {
	s, b := serve(t), small()
	r := s.open(t, "a/b", publish.Options{})
	send(t, r, b.Blob)
	m := imageOf(t, b)

	s.blobs.remove("a/b", b.Digest.String())
	err := r.Put(t.Context(), "latest", m)
	var vanished *publish.VanishedError
	var refused *publish.Error
	if !errors.As(err, &vanished) || !errors.As(err, &refused) {
		t.Fatalf("a manifest without its blob: %v", err)
	}
	if send(t, r, b.Blob) {
		t.Error("it was looked for though nothing was forgotten")
	}
	if err := r.Forget(); err != nil {
		t.Fatal(err)
	}
	if !send(t, r, b.Blob) {
		t.Error("it was not sent again")
	}
	s.arrived(t, "a/b", b)
	if err := r.Put(t.Context(), "latest", m); err != nil {
		t.Fatal(err)
	}
	if digest, err := r.Head(t.Context(), "latest"); err != nil || digest != m.Digest {
		t.Errorf("the tag is %s, %v, want %s", digest, err, m.Digest)
	}
}

// TestVanished: each way in which an image repository says that something is not there which a manifest needs.
func TestVanished(t *testing.T) {
	for _, refusal := range []struct {
		status   int
		code     string
		vanished bool
	}{
		{http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", true},
		{http.StatusNotFound, "BLOB_UNKNOWN", true},
		{http.StatusNotFound, "MANIFEST_UNKNOWN", true}, // an index, whose manifest is missing
		{http.StatusBadRequest, "MANIFEST_INVALID", false},
		{http.StatusNotFound, "NAME_UNKNOWN", false},
		{http.StatusNotFound, "", false},
	} {
		s := serve(t)
		s.on("PUT", "/manifests/latest", 1, refuse(refusal.status, refusal.code, "blob unknown to registry"))
		err := s.open(t, "a/b", publish.Options{}).Put(t.Context(), "latest", imageOf(t))
		var vanished *publish.VanishedError
		var refused *publish.Error
		if errors.As(err, &vanished) != refusal.vanished || !errors.As(err, &refused) {
			t.Errorf("%v: %#v", refusal, err)
		}
	}
}

// TestMissingBlob: a blob that was taken to be in the image repository, and is neither there nor here.
func TestMissingBlob(t *testing.T) {
	s, b := serve(t), small()
	b.Open = func() (io.ReadCloser, error) { return nil, &publish.MissingBlobError{Digest: b.Digest} }
	for _, b.From = range []string{"", s.host + "/up/stream"} {
		sent, err := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
		var missing *publish.MissingBlobError
		var refused *publish.Error // it is not the image repository's fault
		if sent || !errors.As(err, &missing) || missing.Digest != b.Digest || errors.As(err, &refused) {
			t.Errorf("sent: %t, %v", sent, err)
		}
	}
}

// TestProgressIsTakenBack: a try that ended in the middle counts for nothing.
func TestProgressIsTakenBack(t *testing.T) {
	s, b := serve(t), large()
	s.on("PATCH", "", 2, reset(100_000))
	bubble(t, func(t *testing.T) {
		send(t, s.open(t, "a/b", publish.Options{}), b.Blob)
	})
	s.arrived(t, "a/b", b)
	if got := b.progress(); got != b.Size {
		t.Errorf("progress came to %d of %d bytes", got, b.Size)
	}
	if n := s.count("PATCH", ""); n != 3 {
		t.Errorf("%d tries", n)
	}
}

// TestProgressOfFailure: what did not arrive is not progress.
func TestProgressOfFailure(t *testing.T) {
	s, b := serve(t), large()
	s.on("PATCH", "", -1, reset(100_000))
	bubble(t, func(t *testing.T) {
		sent, err := s.open(t, "a/b", publish.Options{}).Send(t.Context(), b.Blob)
		var refused *publish.Error
		if sent && err == nil || !errors.As(err, &refused) || refused.Reason != publish.Unreachable {
			t.Errorf("sent: %t, %v", sent, err)
		}
	})
	if got := b.progress(); got != 0 {
		t.Errorf("progress came to %d bytes", got)
	}
}

// TestDiffID reads layers packed in both ways, as we write them and as others do.
func TestDiffID(t *testing.T) {
	content := tarOf(t, "packages/apple/1.0.0/manifest.yml", "name: apple\n")
	want, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	r := s.open(t, "a/b", publish.Options{})
	for mediaType, pack := range map[types.MediaType]func(io.Writer) (io.WriteCloser, error){
		types.OCILayerZStd: func(to io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(to) },
		types.OCILayer:     func(to io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(to), nil },
		types.DockerUncompressedLayer: func(to io.Writer) (io.WriteCloser, error) {
			return struct {
				io.Writer
				io.Closer
			}{to, io.NopCloser(nil)}, nil
		},
	} {
		var packed bytes.Buffer
		w, err := pack(&packed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b := newBlob(packed.Bytes(), mediaType)
		send(t, r, b.Blob)
		if got, err := r.DiffID(t.Context(), b.Digest); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", mediaType, got, err, want)
		}
		s.blobs.remove("a/b", b.Digest.String())
		var refused *publish.Error
		if got, err := r.DiffID(t.Context(), b.Digest); !errors.As(err, &refused) {
			t.Errorf("%s that is not there: %s, %v", mediaType, got, err)
		}
	}
}

// TestDiffIDOfDamage: what can't be unpacked, or is not what its digest says, has no diff id.
func TestDiffIDOfDamage(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(tarOf(t, "file", "content"))
	w.Close()
	cut := newBlob(packed.Bytes()[:packed.Len()/2], types.OCILayer)
	forged := newBlob(packed.Bytes(), types.OCILayer)
	forged.content = []byte("something else")
	s := serve(t)
	for _, b := range []*blob{cut, forged} {
		s.blobs.put("a/b", b.Digest.String(), b.content)
		got, err := s.open(t, "a/b", publish.Options{}).DiffID(t.Context(), b.Digest)
		var refused *publish.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s, %v", got, err)
		}
	}
}

func tarOf(t *testing.T, name, content string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestSendTogether: many blobs at once, and one that several goroutines want.
func TestSendTogether(t *testing.T) {
	s := serve(t)
	r := s.open(t, "a/b", publish.Options{Jobs: 8})
	if jobs := s.open(t, "a/b", publish.Options{}).Jobs(); r.Jobs() != 8 || jobs != 4 {
		t.Errorf("%d jobs, and %d where it is not said", r.Jobs(), jobs)
	}
	shared := medium()
	var all []*blob
	for i := range 8 {
		all = append(all, newBlob([]byte{byte(i)}, types.OCILayer), shared)
	}
	done := make(chan error)
	for _, b := range all {
		go func() {
			_, err := r.Send(context.Background(), b.Blob)
			done <- err
		}()
	}
	for range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, b := range all {
		s.arrived(t, "a/b", b)
	}
	if n := s.count("PATCH", ""); n != 9 {
		t.Errorf("%d bodies were sent, want each of 9 once", n)
	}
}
