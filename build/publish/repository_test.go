package publish_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seed-604f7181/package-storage/build/publish"
)

// TestManifestsGoToAndFro: by digest and by tag, an index as well as an image, byte by byte.
func TestManifestsGoToAndFro(t *testing.T) {
	s, b := serve(t), small()
	r := s.open(t, "package-registry/distribution", publish.Options{})
	send(t, r, b.Blob)
	image := imageOf(t, b)
	index := manifest(t, v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: map[string]string{"a": "b"},
		Manifests: []v1.Descriptor{{MediaType: image.MediaType, Digest: image.Digest, Size: int64(len(image.Content))}},
	}, types.OCIImageIndex)
	for _, m := range []publish.Manifest{image, index} {
		if err := r.Put(t.Context(), m.Digest.String(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Put(t.Context(), "production", index); err != nil {
		t.Fatal(err)
	}
	for identifier, want := range map[string]publish.Manifest{
		image.Digest.String(): image, index.Digest.String(): index, "production": index,
	} {
		got, err := r.Get(t.Context(), identifier)
		if err != nil || got == nil {
			t.Fatalf("get %s: %v, %v", identifier, got, err)
		}
		if got.Digest != want.Digest || got.MediaType != want.MediaType || !bytes.Equal(got.Content, want.Content) {
			t.Errorf("get %s: %+v, want %+v", identifier, got, want)
		}
		if digest, err := r.Head(t.Context(), identifier); err != nil || digest != want.Digest {
			t.Errorf("head %s: %s, %v, want %s", identifier, digest, err, want.Digest)
		}
	}
	if content, err := r.Blob(t.Context(), b.Digest); err != nil || !bytes.Equal(content, b.content) {
		t.Errorf("the blob is %q, %v", content, err)
	}
}

// TestNothingThere: what is not there is no error, in a repository that there is and in one that there is not.
func TestNothingThere(t *testing.T) {
	s := serve(t)
	r := s.open(t, "a/b", publish.Options{})
	absent := imageOf(t)
	for range 2 {
		for _, identifier := range []string{"latest", absent.Digest.String()} {
			if digest, err := r.Head(t.Context(), identifier); err != nil || digest != (v1.Hash{}) {
				t.Errorf("head %s: %s, %v", identifier, digest, err)
			}
			if m, err := r.Get(t.Context(), identifier); err != nil || m != nil {
				t.Errorf("get %s: %v, %v", identifier, m, err)
			}
		}
		if err := r.Put(t.Context(), "other", manifest(t, v1.Manifest{SchemaVersion: 2, MediaType: types.DockerManifestSchema2},
			types.DockerManifestSchema2)); err != nil {
			t.Fatal(err)
		}
	}
	var refused *publish.Error
	if content, err := r.Blob(t.Context(), small().Digest); !errors.As(err, &refused) || len(content) > 0 {
		t.Errorf("the blob that is not there is %q, %v", content, err)
	}
}

// TestHeadSeesTagsMove: nothing of a tag is kept.
func TestHeadSeesTagsMove(t *testing.T) {
	s := serve(t)
	r := s.open(t, "a/b", publish.Options{})
	for i := range 3 {
		m := manifest(t, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: map[string]string{"n": fmt.Sprint(i)}},
			types.OCIManifestSchema1)
		if err := s.open(t, "a/b", publish.Options{}).Put(t.Context(), "latest", m); err != nil {
			t.Fatal(err)
		}
		if digest, err := r.Head(t.Context(), "latest"); err != nil || digest != m.Digest {
			t.Errorf("head: %s, %v, want %s", digest, err, m.Digest)
		}
		if got, err := r.Get(t.Context(), "latest"); err != nil || got.Digest != m.Digest {
			t.Errorf("get: %v, %v, want %s", got, err, m.Digest)
		}
	}
}

// TestManifestIsVerified: who asks for a digest gets that, or an error.
func TestManifestIsVerified(t *testing.T) {
	s := serve(t)
	m := imageOf(t)
	s.on("GET", "/manifests/", -1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", string(m.MediaType))
		w.Write([]byte(`{"schemaVersion":2,"forged":true}`))
	})
	got, err := s.open(t, "a/b", publish.Options{}).Get(t.Context(), m.Digest.String())
	var refused *publish.Error
	if !errors.As(err, &refused) || refused.Reason != publish.Failed || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestBlobIsVerified: a blob of other bytes than its digest says is no blob.
func TestBlobIsVerified(t *testing.T) {
	s, b := serve(t), small()
	s.blobs.put("a/b", b.Digest.String(), []byte("a wrong"))
	content, err := s.open(t, "a/b", publish.Options{}).Blob(t.Context(), b.Digest)
	var refused *publish.Error
	if !errors.As(err, &refused) || refused.Reason != publish.Failed {
		t.Errorf("the blob is %q, %v", content, err)
	}
}

// TestTags: all of them, though the image repository hands them out in pages (distribution spec, "Listing Tags").
func TestTags(t *testing.T) {
	s := serve(t)
	pages := [][]string{{"1a2b3c4", "1a2b3c4-5d6e7f8a9b0c"}, {"production"}, {"snapshot", "staging"}}
	s.on("GET", "/tags/list", -1, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		page := 0
		if last := r.URL.Query().Get("last"); last != "" {
			page = 1 + slices.IndexFunc(pages, func(p []string) bool { return slices.Contains(p, last) })
		}
		if page < len(pages)-1 {
			w.Header().Set("Link", fmt.Sprintf(`<%s?n=2&last=%s>; rel="next"`, r.URL.Path, pages[page][len(pages[page])-1]))
		}
		fmt.Fprintf(w, `{"name":"a/b","tags":["%s"]}`, strings.Join(pages[page], `","`))
	})
	tags, known, err := s.open(t, "a/b", publish.Options{}).Tags(t.Context())
	if err != nil || !known || !slices.Equal(tags, slices.Concat(pages...)) {
		t.Errorf("the tags are %v (known: %t), %v", tags, known, err)
	}
}

// TestTagsOfANewRepository: there are none, and that is known.
func TestTagsOfANewRepository(t *testing.T) {
	s := serve(t)
	if tags, known, err := s.open(t, "a/b", publish.Options{}).Tags(t.Context()); len(tags) > 0 || !known || err != nil {
		t.Errorf("%v (known: %t), %v", tags, known, err)
	}
}

// TestTagsNotTold: an image repository need not list its tags; that is no error, and not the same as having none.
func TestTagsNotTold(t *testing.T) {
	for _, refusal := range []struct {
		status int
		code   string
	}{
		{http.StatusNotFound, ""}, {http.StatusMethodNotAllowed, ""}, {http.StatusMethodNotAllowed, "UNSUPPORTED"}, {http.StatusForbidden, "DENIED"},
		{http.StatusUnauthorized, "UNAUTHORIZED"}, {http.StatusBadRequest, "UNSUPPORTED"},
	} {
		s := serve(t)
		s.on("GET", "/tags/list", -1, refuse(refusal.status, refusal.code, "no"))
		tags, known, err := s.open(t, "a/b", publish.Options{}).Tags(t.Context())
		if len(tags) > 0 || known || err != nil {
			t.Errorf("%v: %v (known: %t), %v", refusal, tags, known, err)
		}
	}
}

// TestTrafficCounts: bodies, both ways, and requests.
func TestTrafficCounts(t *testing.T) {
	s, b := serve(t), medium()
	r := s.open(t, "a/b", publish.Options{})
	send(t, r, b.Blob)
	sent := r.Traffic()
	if sent.Up != b.Size {
		t.Errorf("sending %d bytes came to %+v", b.Size, sent)
	}
	read := sent
	for range 2 { // the first time it is asked whether it wants credentials
		before, asked := r.Traffic(), len(s.asked())
		if _, err := r.Blob(t.Context(), b.Digest); err != nil {
			t.Fatal(err)
		}
		read = r.Traffic()
		if read.Down-before.Down != b.Size || read.Up != sent.Up {
			t.Errorf("reading %d bytes came to %+v, after %+v", b.Size, read, before)
		}
		if n := int64(len(s.asked()) - asked); n == 1 && read.Requests-before.Requests != n {
			t.Errorf("%d requests are counted, there was one", read.Requests-before.Requests)
		} else if n > 2 {
			t.Errorf("there were %d requests", n)
		}
	}
}
