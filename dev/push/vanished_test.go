//go:build unix

package push_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/seed-604f7181/package-storage/dev/push/proxy"
)

// TestVanished pushes over an image of which a blob is gone, which is found out only when a manifest needs it.
func TestVanished(t *testing.T) {
	w := open(t)
	first, second := w.at(t, all(1)), w.at(t, all(2))
	both := w.shared(t, first, second)
	base, packages := both[0], both[len(both)-1]
	for _, test := range []struct {
		name    string
		blob    string
		refusal proxy.Refusal
	}{
		{"distribution's words, base", base, proxy.Refusal{Status: 404, Code: "MANIFEST_BLOB_UNKNOWN", Message: "blob unknown to registry", Detail: base}},
		{"distribution's words, packages", packages, proxy.Refusal{Status: 404, Code: "MANIFEST_BLOB_UNKNOWN", Message: "blob unknown to registry", Detail: packages}},
		{"400 and no detail", packages, proxy.Refusal{Status: 400, Code: "BLOB_UNKNOWN", Message: "manifest references unknown blob(s)"}},
		{"400 MANIFEST_BLOB_UNKNOWN", packages, proxy.Refusal{Status: 400, Code: "MANIFEST_BLOB_UNKNOWN", Message: "blob unknown"}},
	} {
		t.Run("it claims to have it, "+test.name, func(t *testing.T) {
			e := w.errand(t, second, []*release{first}, proxy.Config{Rules: []proxy.Rule{proxy.Vanished(test.blob, test.refusal)}})
			e.pushVanished(t, test.blob)
		})
	}
	for _, blob := range []string{base, packages} {
		t.Run("it knows", func(t *testing.T) {
			e := w.errand(t, second, []*release{first}, proxy.Config{})
			if _, _, err := e.repository.ask(http.MethodDelete, "/blobs/"+blob); err != nil {
				t.Fatal(err)
			}
			e.pushVanished(t, blob)
		})
	}
}

// pushVanished wants the push to come through, and the blob to be sent.
func (e *errand) pushVanished(t *testing.T, blob string) {
	t.Helper()
	o := e.push(t)
	sent := slices.ContainsFunc(e.proxy.Exchanges(), func(x proxy.Exchange) bool {
		return x.Kind == proxy.Upload && x.Reference == blob && x.Status == http.StatusCreated
	})
	if o.status != 0 || !sent {
		t.Errorf("blob %s sent again: %v; %s\n%s", blob, sent, o, e.exchanges())
	}
	e.checkTags(t)
	e.checkWatcher(t)
}

// TestCommitOnce loses the answer to the end of an upload, at an image repository that says "unknown" when it is asked
// again.
func TestCommitOnce(t *testing.T) {
	w := open(t)
	e := w.errand(t, w.at(t, all(2)), []*release{w.at(t, all(1))}, proxy.Config{Rules: []proxy.Rule{proxy.CommitOnce()}})
	e.proxy.Inject(proxy.ResetAfter, 1, func(r proxy.Request) bool { return r.Kind == proxy.Upload && r.Method == http.MethodPut })
	if o := e.push(t); o.status != 0 {
		t.Errorf("%s\n%s", o, e.exchanges())
	}
	e.checkTags(t)
}

// shared are the layers that production has in both releases, those of the base first.
func (w *workshop) shared(t *testing.T, one, other *release) (blobs []string) {
	t.Helper()
	others := w.layers(t, other)
	for _, digest := range w.layers(t, one) {
		if slices.Contains(others, digest) {
			blobs = append(blobs, digest)
		}
	}
	if len(blobs) < 2 {
		t.Fatalf("the releases share %d layers", len(blobs))
	}
	return blobs
}

// layers are those of production's first platform, from the bottom up.
func (w *workshop) layers(t *testing.T, r *release) (digests []string) {
	t.Helper()
	holds := w.fresh(t, r)
	type list []struct{ Digest string }
	var index struct{ Manifests list }
	var manifest struct{ Layers list }
	read := func(reference string, into any) {
		_, body, err := holds.ask(http.MethodGet, "/manifests/"+reference)
		if err == nil {
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read("production", &index)
	read(index.Manifests[0].Digest, &manifest)
	for _, d := range manifest.Layers {
		digests = append(digests, d.Digest)
	}
	return digests
}
